// Time by size, both sides, with a mark where they cross.

import { element } from './elements.ts';
import { captionOf, crossingsOf, type Crossing, type SizePoint } from './crossing.ts';
import { logScale, placeOn, ticksOf, type LogScale } from './logScale.ts';
import type { Side } from './peers/sides.ts';
import { formatSeconds } from './report.ts';

const [WIDTH, HEIGHT] = [640, 320];
const ROOM = { left: 64, right: 16, top: 16, bottom: 40 };
const MOST_LABELS = 6;

type Attributes = Readonly<Record<string, string | number>>;

function drawn(tag: string, attributes: Attributes, children: readonly (Node | string)[] = []): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Where sizes and seconds lie in the picture. */
class Frame {
  readonly scale: LogScale;
  readonly #first: number;
  readonly #last: number;

  constructor(points: readonly SizePoint[]) {
    this.scale = logScale(points.flatMap(({ gpu, cpu }) => [gpu, cpu].filter((seconds) => seconds !== undefined)));
    this.#first = Math.log(points[0].size);
    this.#last = Math.log(points.at(-1)!.size);
  }

  x(size: number): number {
    const share = (Math.log(size) - this.#first) / (this.#last - this.#first);
    return ROOM.left + share * (WIDTH - ROOM.left - ROOM.right);
  }

  /** @param place 0 at the bottom, 1 at the top */
  at(place: number): number {
    return HEIGHT - ROOM.bottom - place * (HEIGHT - ROOM.top - ROOM.bottom);
  }

  y(seconds: number): number {
    return this.at(placeOn(this.scale, seconds));
  }
}

function axesOf(frame: Frame, points: readonly SizePoint[]): SVGElement[] {
  const seconds = ticksOf(frame.scale, MOST_LABELS).flatMap(({ place, label }) => [
    drawn('line', { class: 'line', x1: ROOM.left, x2: WIDTH - ROOM.right, y1: frame.at(place), y2: frame.at(place) }),
    drawn('text', { class: 'label', x: ROOM.left - 8, y: frame.at(place) + 4, 'text-anchor': 'end' }, [label]),
  ]);
  const sizes = points.map(({ size }) =>
    drawn('text', { class: 'label', x: frame.x(size), y: HEIGHT - ROOM.bottom + 20, 'text-anchor': 'middle' }, [
      String(Math.round(size)),
    ]),
  );
  return [...seconds, ...sizes];
}

/** A line with its name at its end, above it where it is the slower one there, else below. */
function curveOf(side: Side, frame: Frame, points: readonly SizePoint[]): SVGElement[] {
  const known = points.flatMap(({ size, [side]: seconds }) => (seconds === undefined ? [] : [{ size, seconds }]));
  if (known.length === 0) return [];
  const places = known.map(({ size, seconds }) => `${frame.x(size).toFixed(1)},${frame.y(seconds).toFixed(1)}`);
  const dots = known.map(({ size, seconds }) =>
    drawn('circle', { class: side, cx: frame.x(size), cy: frame.y(seconds), r: 4 }, [
      drawn('title', {}, [`${side.toUpperCase()}, ${Math.round(size)}: ${formatSeconds(seconds)}`]),
    ]),
  );
  const last = known.at(-1)!;
  const other = points.find(({ size }) => size === last.size)![side === 'gpu' ? 'cpu' : 'gpu'];
  const isAbove = other === undefined || last.seconds > other;
  const name = {
    class: `name ${side}`,
    x: frame.x(last.size) - 8,
    y: frame.y(last.seconds) + (isAbove ? -12 : 22),
    'text-anchor': 'end',
  };
  return [
    drawn('polyline', { class: side, points: places.join(' ') }),
    ...dots,
    drawn('text', name, [side.toUpperCase()]),
  ];
}

const markOf = ({ size }: Crossing, frame: Frame): SVGElement =>
  drawn('line', {
    class: 'crossing',
    x1: frame.x(size),
    x2: frame.x(size),
    y1: frame.at(1),
    y2: frame.at(0),
  });

/** The chart, of at least two sizes; nothing of fewer. */
export function sizeChartOf(points: readonly SizePoint[]): HTMLElement[] {
  if (points.length < 2 || !points.some(({ gpu, cpu }) => gpu ?? cpu)) return [];
  const frame = new Frame(points);
  const caption = captionOf(points);
  const picture = drawn('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': caption }, [
    ...axesOf(frame, points),
    ...crossingsOf(points).map((crossing) => markOf(crossing, frame)),
    ...(['cpu', 'gpu'] as const).flatMap((side) => curveOf(side, frame, points)),
  ]);
  return [element('div', [picture, element('p', caption, { className: 'legend' })], { className: 'sizes' })];
}
