import { find, rowOf } from './page.ts';
import { Sheet, type Brush } from './sheet.ts';

const NODE_RADIUS = 13;
const FONT = '13px system-ui, sans-serif';
/** A weight that is drawn as wide as any. */
const LARGE_WEIGHT = 4;
const WIDEST_EDGE = 7;

/** The weights of two inputs, a hidden layer and one output, as a drawing and as a table. */
export class NetworkPicture {
  readonly #sheet: Sheet;
  readonly #table: HTMLTableSectionElement;
  /** Of each hidden neuron: from a, from b, bias, to the output. */
  #neurons: readonly (readonly number[])[] = [];

  /** @param table id of the body that has a row for each hidden neuron, and one for the output */
  constructor(canvas: HTMLCanvasElement, table: string) {
    this.#table = find(table, HTMLTableSectionElement);
    this.#sheet = new Sheet(canvas, (brush) => this.#paint(brush));
  }

  /** @param hidden weights `[2, H]`, biases `[H]`   @param output weights `[H, 1]`, bias `[1]` */
  show(hidden: readonly [Float32Array, Float32Array], output: readonly [Float32Array, Float32Array]): void {
    const [weights, biases] = hidden;
    this.#neurons = Array.from(biases, (bias, i) => [weights[i], weights[biases.length + i], bias, output[0][i]]);
    const rows = this.#neurons.map((numbers, i) => rowOf(String(i + 1), numbers.map(signed)));
    this.#table.replaceChildren(...rows, rowOf('Output', ['', '', signed(output[1][0]), '']));
    this.#sheet.paint();
  }

  #paint(brush: Brush): void {
    const { width, height } = brush;
    const column = (at: number, count: number) => (row: number) =>
      [width * (0.14 + 0.36 * at), (height * (row + 0.5)) / count] as const;
    const [input, hidden, output] = [column(0, 2), column(1, this.#neurons.length), column(2, 1)];
    this.#neurons.forEach(([fromA, fromB, , toOutput], i) => {
      edge(brush, input(0), hidden(i), fromA);
      edge(brush, input(1), hidden(i), fromB);
      edge(brush, hidden(i), output(0), toOutput);
    });
    this.#neurons.forEach((_, i) => node(brush, hidden(i), String(i + 1)));
    node(brush, input(0), 'a');
    node(brush, input(1), 'b');
    node(brush, output(0), '=');
  }
}

const signed = (weight: number): string => `${weight < 0 ? '−' : ''}${Math.abs(weight).toFixed(2)}`;

type Point = readonly [x: number, y: number];

function edge({ context, tint }: Brush, from: Point, to: Point, weight: number): void {
  const strength = Math.min(1, Math.abs(weight) / LARGE_WEIGHT);
  context.strokeStyle = tint(weight > 0 ? '--one' : '--two', 0.25 + 0.75 * strength);
  context.lineWidth = 0.5 + (WIDEST_EDGE - 0.5) * strength;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

function node({ context, color }: Brush, at: Point, name: string): void {
  context.font = FONT;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineWidth = 1.5;
  context.strokeStyle = color('--soft');
  context.fillStyle = color('--panel');
  context.beginPath();
  context.arc(...at, NODE_RADIUS, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  context.fillStyle = color('--ink');
  context.fillText(name, ...at);
}
