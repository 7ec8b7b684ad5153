import { show, svg } from './elements.ts';
import type { Parameter, Parameters, Turn } from './workedNetwork.ts';

/** The stages of the cycle, in their order; `start` is before the first. */
export type Stage = 'start' | 'forward' | 'loss' | 'backward' | 'update';

/** What is to be seen of a turn. */
export interface View {
  readonly stage: Stage;
  /** Those that the turn began with, or after the update the new ones. */
  readonly parameters: Parameters;
  readonly turn: Turn;
}

const STAGES: readonly Stage[] = ['start', 'forward', 'loss', 'backward', 'update'];
const isPast = (stage: Stage, reached: Stage): boolean => STAGES.indexOf(stage) >= STAGES.indexOf(reached);

const PLACES = {
  x1: [100, 40],
  x2: [260, 40],
  h1: [100, 200],
  h2: [260, 200],
  y: [180, 350],
} as const;
type Place = keyof typeof PLACES;
const RADIUS = 28;
const LINE = 15;

interface Edge {
  readonly name: Parameter;
  readonly from: Place;
  readonly to: Place;
  /** Where its label stands, and to which side of that. */
  readonly label: readonly [number, number, 'start' | 'end'];
}

const EDGES: readonly Edge[] = [
  { name: 'w11', from: 'x1', to: 'h1', label: [92, 106, 'end'] },
  { name: 'w12', from: 'x1', to: 'h2', label: [116, 78, 'start'] },
  { name: 'w21', from: 'x2', to: 'h1', label: [244, 78, 'end'] },
  { name: 'w22', from: 'x2', to: 'h2', label: [268, 106, 'start'] },
  { name: 'v1', from: 'h1', to: 'y', label: [126, 268, 'end'] },
  { name: 'v2', from: 'h2', to: 'y', label: [234, 268, 'start'] },
];

/** `w11` as w₁₁. */
export const withSubscripts = (name: string): string =>
  name.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x2080 + Number(digit)));

interface Row {
  readonly text: string;
  readonly kind: 'given' | 'computed' | 'gradient';
}

const rowOf = (name: string, number: number, kind: Row['kind']): Row => ({
  text: `${withSubscripts(name)} ${show(number)}`,
  kind,
});

/** Lines of text below each other. */
const textOf = (rows: readonly Row[], [x, y]: readonly [number, number], anchor: string): SVGElement[] =>
  rows.map(({ text, kind }, at) =>
    svg('text', { x: String(x), y: String(y + at * LINE), 'text-anchor': anchor, class: kind }, text),
  );

/** What stands beside each neuron: its bias, its sum, and how the loss answers to the sum. */
function besides({ stage, parameters, turn: { values, gradients } }: View): SVGElement[] {
  const of = (b: Parameter, z: 'z1' | 'z2' | 'z3', delta: string): Row[] => [
    rowOf(b, parameters[b], 'given'),
    ...(isPast(stage, 'forward') ? [rowOf(z, values[z], 'computed')] : []),
    ...(isPast(stage, 'backward') ? [rowOf(delta, gradients[z], 'gradient')] : []),
  ];
  return [
    ...textOf(of('b1', 'z1', 'δ1'), [66, 190], 'end'),
    ...textOf(of('b2', 'z2', 'δ2'), [294, 190], 'start'),
    ...textOf(of('c', 'z3', 'δ3'), [216, 340], 'start'),
  ];
}

function drawEdge({ name, from, to, label: [x, y, anchor] }: Edge, view: View): SVGElement[] {
  const weight = view.parameters[name];
  const [[x1, y1], [x2, y2]] = [PLACES[from], PLACES[to]];
  const ends = { x1: String(x1), y1: String(y1), x2: String(x2), y2: String(y2) };
  const rows: Row[] = [
    { text: withSubscripts(name), kind: 'given' },
    { text: show(weight), kind: 'given' },
  ];
  if (isPast(view.stage, 'backward')) {
    rows.push({ text: `∂ ${show(view.turn.gradients[name])}`, kind: 'gradient' });
  }
  return [
    svg('line', { ...ends, class: weight < 0 ? 'below' : 'above', 'stroke-width': String(1 + 2 * Math.abs(weight)) }),
    ...textOf(rows, [x, y], anchor),
  ];
}

function drawNeuron(name: Place, { stage, turn }: View, inputs: Readonly<Record<string, number>>): SVGElement[] {
  const [x, y] = PLACES[name];
  const number = name in inputs ? inputs[name] : turn.values[name as 'h1' | 'h2' | 'y'];
  const shown = name in inputs || isPast(stage, 'forward');
  return [
    svg('circle', { cx: String(x), cy: String(y), r: String(RADIUS) }),
    svg('text', { x: String(x), y: String(y - 4), 'text-anchor': 'middle', class: 'name' }, withSubscripts(name)),
    ...(shown
      ? textOf([{ text: show(number), kind: name in inputs ? 'given' : 'computed' }], [x, y + LINE - 3], 'middle')
      : []),
  ];
}

/** The network with all numbers that the stage has reached. */
export function drawNetwork(
  drawing: SVGSVGElement,
  view: View,
  inputs: Readonly<Record<string, number>>,
  target: number,
): void {
  const { loss, y } = view.turn.values;
  const verdict = [rowOf('target t', target, 'given')];
  if (isPast(view.stage, 'loss')) verdict.push({ text: `loss (y − t)² = ${show(loss)}`, kind: 'computed' });
  const edges = EDGES.map((edge) => drawEdge(edge, view));
  drawing.replaceChildren(
    ...edges.map(([line]) => line),
    ...(Object.keys(PLACES) as Place[]).flatMap((name) => drawNeuron(name, view, inputs)),
    ...edges.flatMap(([, ...labels]) => labels),
    ...besides(view),
    ...textOf(verdict, [180, 402], 'middle'),
  );
  const numbers = [...drawing.querySelectorAll('text:not(.name)')].map(({ textContent }) => textContent);
  drawing.setAttribute(
    'aria-label',
    `The network of two inputs, two hidden neurons and one output${isPast(view.stage, 'forward') ? `, which answers ${show(y)}` : ''}: ${numbers.join(', ')}`,
  );
}
