import { columnsOf } from '../cycle/columns.ts';
import { divergingScale } from './divergingScale.ts';
import { firstImages, type FirstImages } from './firstImages.ts';
import { formatNumber } from '../cycle/magnitudes.ts';
import type { Glance, Stage } from '../protocol.ts';
import { clearedContext, themeOf, Tile } from './surface.ts';

const GAP = 4;
/** CSS pixels: a neuron's image is larger than a kernel of a few taps. */
const sides = { neuron: 56, kernel: 48 } as const;

/** The first layer's weights as images, each in its place for good, so that one sees them sharpen. */
export class FirstWeights {
  readonly #frame = document.createElement('div');
  readonly #canvas = document.createElement('canvas');
  readonly #text = document.createElement('p');
  readonly #scale = divergingScale();
  readonly #tiles: Tile[] = [];
  #images: FirstImages | null = null;
  #width = 0;

  constructor(host: HTMLElement) {
    const figure = document.createElement('figure');
    figure.className = 'first-weights';
    this.#canvas.setAttribute('role', 'img');
    this.#canvas.setAttribute('aria-label', 'The first layer’s weights');
    const caption = document.createElement('figcaption');
    caption.append(this.#scale.element, this.#text);
    this.#frame.append(this.#canvas);
    figure.append(this.#frame, caption);
    host.append(figure);
    new ResizeObserver(() => {
      if (this.#frame.clientWidth !== this.#width) this.draw();
    }).observe(this.#frame);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  /** Shows the weights, or in the update what the step adds to them. */
  show(glance: Glance, stage: Stage): void {
    this.#images = firstImages(columnsOf(glance)[1]?.weight ?? null, stage);
    if (!this.#images) return;
    const { scale, text } = this.#images;
    const largest = formatNumber(scale, 3);
    this.#scale.label(`−${largest}`, largest);
    this.#text.textContent = text;
    this.#canvas.setAttribute('aria-label', text);
    this.draw();
  }

  /** Draws them anew, at the width and in the colours that the page has now. */
  draw(): void {
    this.#width = this.#frame.clientWidth;
    if (!this.#images || this.#width === 0) return;
    const { grids, scale, isKernel } = this.#images;
    const theme = themeOf(this.#canvas);
    const side = isKernel ? sides.kernel : sides.neuron;
    const columns = Math.max(1, Math.min(grids.length, Math.floor((this.#width + GAP) / (side + GAP))));
    const rows = Math.ceil(grids.length / columns);
    const [width, height] = [columns, rows].map((count) => count * (side + GAP) - GAP + 2);
    [this.#canvas.style.width, this.#canvas.style.height] = [`${width}px`, `${height}px`];
    const context = clearedContext(this.#canvas, width, height);
    context.strokeStyle = theme.line;
    grids.forEach((grid, at) => {
      const tile = (this.#tiles[at] ??= new Tile());
      tile.paint(grid, scale, theme.signed);
      const [x, y] = [at % columns, Math.floor(at / columns)].map((place) => 1 + place * (side + GAP));
      tile.draw(context, x, y, side, side);
      context.strokeRect(x - 0.5, y - 0.5, side + 1, side + 1);
    });
  }
}
