import { columnsOf, type Column } from '../cycle/columns.ts';
import { divergingScale } from './divergingScale.ts';
import { formatPercent, largestAt } from '../cycle/magnitudes.ts';
import { drawNetwork } from './networkDrawing.ts';
import { layoutOf, targetAt, type Layout, type Target } from './networkLayout.ts';
import { NetworkPaint } from './networkPaint.ts';
import { drawScales } from './networkScales.ts';
import type { Glance, Stage } from '../protocol.ts';
import { columnReading, partReading } from './readings.ts';
import { clearedContext, themeOf, type Theme } from './surface.ts';

const HINT = 'Point at a layer or a neuron, or use the arrow keys on the picture, to read its numbers.';

const legends: Readonly<Record<Stage, string>> = {
  forward:
    'What each neuron gives out. The largest of a layer, which stands under it, has the fullest colour. Between the layers are their weights; the framed digit is the right one.',
  loss: 'The probability of the framed digit, which is the right one, is all that the loss looks at.',
  backward:
    'How the loss depends on each neuron and weight: ∂loss/∂a, ∂loss/∂w. Each layer has its fullest colour at its own largest; the bars compare the layers: how long ∂loss/∂a is, ten times as much from line to line.',
  update:
    'What the step adds to each weight; above the output stands the loss before and after. Each layer has its fullest colour at its own largest change; the bars compare the layers: how long the change is, ten times as much from line to line.',
};

/** A picture of the network working on one digit, from its pixels on the left to the probabilities on the right. */
export class NetworkView {
  readonly #scroller = document.createElement('div');
  readonly #canvas = document.createElement('canvas');
  readonly #reading = document.createElement('p');
  readonly #legend = document.createElement('p');
  readonly #paint = new NetworkPaint();
  #glance: Glance | null = null;
  #stage: Stage = 'forward';
  #progress = 1;
  #columns: readonly Column[] = [];
  #layout: Layout | null = null;
  #theme: Theme | null = null;
  #target: Target | null = null;
  #width = 0;

  constructor(host: HTMLElement) {
    const figure = document.createElement('figure');
    figure.className = 'network';
    this.#scroller.className = 'scroll';
    this.#canvas.tabIndex = 0;
    this.#canvas.setAttribute('role', 'img');
    this.#canvas.setAttribute('aria-label', 'The network');
    this.#reading.className = 'network-reading';
    this.#reading.textContent = HINT;
    const caption = document.createElement('figcaption');
    const scale = divergingScale();
    scale.label('below 0', 'above 0');
    caption.append(scale.element, this.#legend);
    this.#scroller.append(this.#canvas);
    figure.append(this.#scroller, this.#reading, caption);
    host.append(figure);
    this.#listen();
  }

  /** @param progress of the wave through the network, 0 … 1: to the right, and on the way back to the left */
  show(glance: Glance, stage: Stage, progress = 1): void {
    const isNew = glance !== this.#glance || stage !== this.#stage;
    [this.#glance, this.#stage, this.#progress] = [glance, stage, progress];
    if (!isNew) return this.#drawFrame();
    this.#columns = columnsOf(glance);
    const column = this.#target && this.#columns[this.#target.column];
    if (!column || (this.#target?.part ?? 0) >= column.shape.at(-1)!) this.#target = null;
    this.#legend.textContent = legends[stage];
    this.#canvas.setAttribute('aria-label', this.#describe(glance));
    this.draw();
  }

  /** Draws it anew, at the width and in the colours that the page has now. */
  draw(): void {
    if (!this.#glance) return;
    this.#width = this.#scroller.clientWidth;
    if (this.#width === 0) return;
    this.#theme = themeOf(this.#canvas);
    this.#layout = layoutOf(this.#columns, this.#width);
    const { width, height } = this.#layout;
    [this.#canvas.style.width, this.#canvas.style.height] = [`${width}px`, `${height}px`];
    this.#paint.make(this.#columns, this.#layout, this.#stage, this.#theme, devicePixelRatio);
    this.#drawFrame();
  }

  #drawFrame(): void {
    const [glance, layout, theme] = [this.#glance, this.#layout, this.#theme];
    if (!glance || !layout || !theme) return;
    const scene = {
      context: clearedContext(this.#canvas, layout.width, layout.height),
      theme,
      glance,
      columns: this.#columns,
      layout,
      paint: this.#paint,
      stage: this.#stage,
      progress: this.#progress,
      target: this.#target,
    };
    drawNetwork(scene);
    drawScales(scene);
    this.#read(glance);
  }

  #read(glance: Glance): void {
    const column = this.#target && this.#columns[this.#target.column];
    const part = this.#target?.part ?? null;
    const text = !column ? HINT : part === null ? columnReading(column) : partReading(glance, column, part);
    if (this.#reading.textContent !== text) this.#reading.textContent = text;
  }

  #describe({ label, probabilities }: Glance): string {
    const layers = this.#columns.slice(1).map(({ name, shape }) => `${name} of ${shape.join(' by ')}`);
    const answer = largestAt(probabilities);
    const said = `It says ${answer} with ${formatPercent(probabilities[answer])}`;
    return `The network at work on a ${label}, ${this.#stage}: pixels, ${layers.join(', ')}. ${said}; the right answer has ${formatPercent(probabilities[label])}.`;
  }

  #listen(): void {
    const canvas = this.#canvas;
    const point = ({ offsetX, offsetY }: PointerEvent): void => {
      this.#aim(this.#layout && targetAt(this.#layout, offsetX, offsetY));
    };
    canvas.addEventListener('pointermove', point);
    canvas.addEventListener('pointerdown', point);
    canvas.addEventListener('pointerleave', ({ pointerType }) => {
      // A finger that leaves has read nothing yet.
      if (pointerType === 'mouse') this.#aim(null);
    });
    canvas.addEventListener('keydown', (event) => {
      const target = this.#moved(event.key);
      if (target === undefined) return;
      event.preventDefault();
      this.#aim(target);
      this.#reveal(target);
    });
    new ResizeObserver(() => {
      if (this.#scroller.clientWidth !== this.#width) this.draw();
    }).observe(this.#scroller);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  #aim(target: Target | null): void {
    if (target?.column === this.#target?.column && target?.part === this.#target?.part) return;
    this.#target = target;
    this.#drawFrame();
  }

  /** Where a key leads; undefined if nowhere. */
  #moved(key: string): Target | null | undefined {
    const places = this.#layout?.places ?? [];
    const { column, part } = this.#target ?? { column: -1, part: null };
    if (key === 'Escape') return null;
    if (key === 'ArrowRight' || key === 'ArrowLeft') {
      const next = column + (key === 'ArrowRight' ? 1 : -1);
      return { column: Math.max(0, Math.min(places.length - 1, next)), part: null };
    }
    if (key !== 'ArrowDown' && key !== 'ArrowUp') return undefined;
    const place = places[column];
    if (!place || place.form === 'image') return undefined;
    const next = part === null ? 0 : part + (key === 'ArrowDown' ? 1 : -1);
    return { column, part: next < 0 ? null : Math.min(place.count - 1, next) };
  }

  #reveal(target: Target | null): void {
    const place = target && this.#layout?.places[target.column];
    if (!place) return;
    const { scrollLeft, clientWidth } = this.#scroller;
    const [left, right] = [place.x, place.x + place.width];
    if (left < scrollLeft) this.#scroller.scrollLeft = left;
    else if (right > scrollLeft + clientWidth) this.#scroller.scrollLeft = right - clientWidth;
  }
}
