/** A canvas at the screen's resolution, cleared, with a unit of one CSS pixel. */
function surfaceOf(canvas: HTMLCanvasElement) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d')!;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return { context, width, height, color };
}

const MOST_POINTS = 1024;
const MARGIN = { left: 44, right: 12, top: 14, bottom: 26 } as const;
const FONT = '12px system-ui, sans-serif';
const GRID_LINES = 4;
/** Below it, the numbers beside the lines would not fit. */
const LEAST_RANGE = 0.1;

/** The losses of a run of any length, as a line. */
export class Curve {
  readonly #canvas: HTMLCanvasElement;
  /** Means of so many losses each: pairs become one when there are too many. */
  #stride = 1;
  #points: number[] = [];
  #sum = 0;
  #count = 0;
  #steps = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  clear(): void {
    this.#points = [];
    this.#stride = 1;
    this.#sum = this.#count = this.#steps = 0;
    this.draw();
  }

  push(loss: number): void {
    this.#steps++;
    this.#sum += loss;
    if (++this.#count < this.#stride) return;
    this.#points.push(this.#sum / this.#count);
    this.#sum = this.#count = 0;
    if (this.#points.length < MOST_POINTS) return;
    this.#points = this.#points.filter((_, at) => at % 2 === 0).map((a, at) => (a + this.#points[2 * at + 1]) / 2);
    this.#stride *= 2;
  }

  draw(): void {
    const { context, width, height, color } = surfaceOf(this.#canvas);
    const { left, right, top, bottom } = MARGIN;
    const highest = this.#points.length > 0 ? niceAbove(Math.max(LEAST_RANGE, ...this.#points)) : 1;
    const y = (loss: number): number => top + (1 - loss / highest) * (height - top - bottom);
    const x = (at: number): number => left + (at / Math.max(1, this.#points.length - 1)) * (width - left - right);

    context.font = FONT;
    context.fillStyle = color('--soft');
    context.strokeStyle = color('--line');
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    context.beginPath();
    for (let line = 0; line <= GRID_LINES; line++) {
      const loss = (highest * line) / GRID_LINES;
      context.moveTo(left, y(loss));
      context.lineTo(width - right, y(loss));
      context.fillText(String(Number(loss.toPrecision(3))), left - 6, y(loss));
    }
    context.stroke();
    context.textBaseline = 'bottom';
    context.fillText(`step ${this.#steps.toLocaleString('en')}`, width - right, height - 4);

    context.strokeStyle = `rgb(${color('--one')})`;
    context.lineWidth = 2;
    context.lineJoin = 'round';
    context.beginPath();
    this.#points.forEach((loss, at) => context.lineTo(x(at), y(loss)));
    context.stroke();
  }
}

/** The next of … 0.4, 1, 2, 4, 10 … that is not below: a quarter of it is a short number. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4].find((digit) => digit * power >= value) ?? 10) * power;
}

/** Points of a grid's side: a place of the map is asked for each. */
const SIDE = 64;
const POINT_RADIUS = 3;
const STRONGEST_TINT = 0.55;

/** The square −1 … 1: what a network answers everywhere, and the labelled points that it learns from. */
export class PlaneMap {
  /** f32[SIDE · SIDE, 2]: the places to ask the network about, row by row from the top. */
  readonly places = Float32Array.from({ length: 2 * SIDE * SIDE }, (_, i) => {
    const cell = i >> 1;
    const at = (2 * ((i % 2 === 0 ? cell % SIDE : Math.floor(cell / SIDE)) + 0.5)) / SIDE - 1;
    return i % 2 === 0 ? at : -at;
  });
  readonly #canvas: HTMLCanvasElement;
  readonly #tints = new OffscreenCanvas(SIDE, SIDE);
  #points: ArrayLike<number> = [];
  #labels: ArrayLike<number> = [];
  #logits: ArrayLike<number> = [];

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /** @param points `[N, 2]`   @param labels `[N]`, each 0 or 1   @param logits of class 1 at each place */
  show(points: ArrayLike<number>, labels: ArrayLike<number>, logits: ArrayLike<number>): void {
    this.#points = points;
    this.#labels = labels;
    this.#logits = logits;
    this.draw();
  }

  draw(): void {
    const { context, width, height, color } = surfaceOf(this.#canvas);
    const classColors = [color('--one'), color('--two')];
    this.#tint(classColors.map((rgb) => rgb.split(' ').map(Number)));
    context.drawImage(this.#tints, 0, 0, width, height);
    context.strokeStyle = color('--panel');
    for (let i = 0; i < this.#labels.length; i++) {
      const x = ((this.#points[2 * i] + 1) / 2) * width;
      const y = ((1 - this.#points[2 * i + 1]) / 2) * height;
      context.fillStyle = `rgb(${classColors[this.#labels[i]]})`;
      context.beginPath();
      context.arc(x, y, POINT_RADIUS, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }

  /** The surer the network, the stronger the colour of its class; none on the boundary. */
  #tint(classColors: readonly (readonly number[])[]): void {
    const image = new ImageData(SIDE, SIDE);
    for (let i = 0; i < this.#logits.length; i++) {
      const sureness = Math.tanh(this.#logits[i] / 2);
      const opacity = 255 * STRONGEST_TINT * Math.abs(sureness);
      image.data.set([...classColors[sureness > 0 ? 1 : 0], opacity], 4 * i);
    }
    this.#tints.getContext('2d')!.putImageData(image, 0, 0);
  }
}
