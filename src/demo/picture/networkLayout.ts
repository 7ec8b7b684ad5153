// Where everything of the network's picture lies, in CSS pixels.

import { isSmall, type Column } from '../cycle/columns.ts';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How a column's numbers are drawn. */
export type Form = 'image' | 'circles' | 'cells' | 'maps' | 'bars';

/** A column: parts of equal size in rows and columns, filled row by row. */
export interface Place extends Box {
  readonly form: Form;
  /** Neurons, cells, maps or bars; an image is one. */
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  /** The part that a number fills; what is left of a pitch is a gap. */
  readonly cell: Box;
  /** From one part to the next. */
  readonly pitchX: number;
  readonly pitchY: number;
}

/** Small images of weights between two columns. */
export interface WeightPlace extends Box {
  /** One image at each circle of the column, several of them in rows, or the whole matrix. */
  readonly form: 'atCircles' | 'images' | 'matrix';
  readonly count: number;
  readonly columns: number;
  readonly size: number;
  readonly pitch: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly small: boolean;
  /** Of what stands above and below the columns. */
  readonly top: number;
  readonly bottom: number;
  readonly places: readonly Place[];
  /** Beside the place that they lead to, as many as places; null where there is no room, or no need. */
  readonly weights: readonly (WeightPlace | null)[];
}

const MARGIN = 4;
const HEADER = 38;
const FOOTER = 78;
const NARROW = 560;
const DIGITS = 10;

const body = { circles: 440, tiles: 250 } as const;
const circlePitch = { most: 30, least: 13 } as const;
const cellSide = { most: 12, least: 2 } as const;

type Size = Omit<Place, 'x' | 'y' | 'cell'> & { readonly cellWidth: number; readonly cellHeight: number };

function sizeOf(form: Form, count: number, columns: number, pitch: number, gap: number, wide = pitch): Size {
  const rows = Math.ceil(count / columns);
  const [cellWidth, cellHeight] = [wide - gap, pitch - gap];
  const [width, height] = [columns * wide - gap, rows * pitch - gap];
  return { form, count, rows, columns, width, height, pitchX: wide, pitchY: pitch, cellWidth, cellHeight };
}

const MAPS_HIGH = 4;

function placeSize({ shape, kind }: Column, isLast: boolean, small: boolean, narrow: boolean): Size {
  const [count, height] = [shape.at(-1)!, small ? body.circles : body.tiles];
  if (kind === 'pixels') return sizeOf('image', 1, 1, narrow ? 44 : 128, 0);
  if (isLast) {
    const pitch = small ? 26 : 22;
    return sizeOf('bars', count, 1, pitch, small ? 4 : 6, narrow ? 92 : 180);
  }
  if (shape.length === 3) {
    const columns = Math.ceil(count / (count > DIGITS ? 2 * MAPS_HIGH : MAPS_HIGH));
    const most = Math.min(narrow ? 30 : 62, Math.floor(height / Math.ceil(count / columns)));
    return sizeOf('maps', count, columns, most, 3);
  }
  if (small) {
    const pitch = Math.max(circlePitch.least, Math.min(circlePitch.most, Math.floor(height / count)));
    return sizeOf('circles', count, 1, pitch, Math.min(6, pitch / 4));
  }
  const columns = 2 ** Math.max(0, Math.round(Math.log2(Math.sqrt(count / 2))));
  const room = Math.min((narrow ? 64 : 112) / columns, height / Math.ceil(count / columns), cellSide.most);
  const pitch = Math.max(cellSide.least, Math.floor(room));
  return sizeOf('cells', count, columns, pitch, pitch > 4 ? 1 : 0);
}

/** Images of incoming weights: of neurons that look at the pixels, of kernels, or of the whole matrix. */
function weightSize(column: Column, size: Size, first: boolean, small: boolean, gap: number, height: number) {
  const shape = column.weight?.shape;
  if (!shape) return null;
  if (small && first) {
    const image = Math.floor(size.cellHeight);
    return { form: 'atCircles' as const, count: size.count, columns: 1, size: image, pitch: size.pitchY, width: image };
  }
  if (small || gap < LEAST_GAP) return null;
  const room = gap - 2 * CLEARANCE;
  const several = first || shape.length === 4;
  if (!several) {
    const width = Math.min(room, Math.max(30, Math.min(100, 6 * shape[1])));
    return { form: 'matrix' as const, count: 1, columns: 1, size: height, pitch: height, width };
  }
  const columns = Math.max(1, Math.min(MOST_IMAGES_WIDE, Math.floor((room + 3) / (LEAST_IMAGE + 3))));
  const pitch = Math.min(33, Math.floor((room + 3) / columns));
  const images = shape.length === 4 ? shape[2] * shape[3] : shape[1];
  const count = Math.min(images, columns * Math.floor(height / pitch));
  return { form: 'images' as const, count, columns, size: pitch - 3, pitch, width: columns * pitch - 3 };
}

const LEAST_GAP = 34;
const LEAST_IMAGE = 22;
const MOST_IMAGES_WIDE = 4;
const CLEARANCE = 9;
const MATRIX_HEIGHT = 220;
/** Between columns: as little and as much as looks well. */
const gaps = { crowded: 44, narrow: 36, wide: 56, most: 210 } as const;

const CROWD = 8;

/** The picture of a network in so many CSS pixels: wider than that where its columns would otherwise not be told apart. */
export function layoutOf(columns: readonly Column[], available: number): Layout {
  const [small, narrow] = [isSmall(columns), available < NARROW];
  const sizes = columns.map((column, at) => placeSize(column, at > 0 && at === columns.length - 1, small, narrow));
  const used = sizes.reduce((sum, { width }) => sum + width, 2 * MARGIN);
  const count = Math.max(1, columns.length - 1);
  // Names of two digits are wider.
  const least = !narrow ? gaps.wide : count > CROWD ? gaps.crowded : gaps.narrow;
  const gap = Math.min(gaps.most, Math.max(least, (available - used) / count));
  // What is left beside a short network goes to both sides.
  const width = Math.max(available, used + gap * count);
  const inner = Math.max(...sizes.map(({ height }) => height), small ? 0 : MATRIX_HEIGHT);
  const places: Place[] = [];
  const weights: (WeightPlace | null)[] = [];
  let x = MARGIN + (width - used - gap * count) / 2;
  for (const [at, size] of sizes.entries()) {
    const y = HEADER + (inner - size.height) / 2;
    const cell = { x, y, width: size.cellWidth, height: size.cellHeight };
    places.push({ ...size, x, y, cell });
    const weight = weightSize(columns[at], size, at === 1, small, gap, Math.min(inner, MATRIX_HEIGHT));
    weights.push(weight && placed(weight, x, y, gap, inner));
    x += size.width + gap;
  }
  return { width, height: HEADER + inner + FOOTER, small, top: HEADER, bottom: HEADER + inner, places, weights };
}

function placed(weight: Omit<WeightPlace, 'x' | 'y' | 'height'>, x: number, y: number, gap: number, inner: number) {
  const rows = Math.ceil(weight.count / weight.columns);
  const height = (rows - 1) * weight.pitch + weight.size;
  if (weight.form === 'atCircles') return { ...weight, x: x - weight.width - 4, y, height };
  return { ...weight, x: x - (gap + weight.width) / 2, y: HEADER + (inner - height) / 2, height };
}

/** Where a part of a place is drawn. */
export function partOf({ cell, columns, pitchX, pitchY }: Place, index: number): Box {
  const [row, column] = [Math.floor(index / columns), index % columns];
  return { ...cell, x: cell.x + column * pitchX, y: cell.y + row * pitchY };
}

/** Something that one can point at: a whole column, or one of its parts. */
export interface Target {
  readonly column: number;
  readonly part: number | null;
}

const NEAR = 10;

/** What lies at a point, or near it. */
export function targetAt({ places, top, bottom }: Layout, x: number, y: number): Target | null {
  const column = places.findIndex((place) => x >= place.x - NEAR && x < place.x + place.width + NEAR);
  if (column < 0) return null;
  const place = places[column];
  const isInside = y >= place.y && y < place.y + place.height;
  if (!isInside) return y > bottom || y < top || place.form !== 'bars' ? { column, part: null } : null;
  const row = Math.floor((y - place.y) / place.pitchY);
  const across = Math.floor((x - place.x) / place.pitchX);
  const part = row * place.columns + Math.max(0, Math.min(place.columns - 1, across));
  return { column, part: place.form === 'image' || part >= place.count ? null : part };
}
