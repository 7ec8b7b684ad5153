// What is costly about the network's picture, made once for a glance and a stage: images of numbers, and lines.

import type { Column } from '../cycle/columns.ts';
import { channelImage, kernelImage, neuronImage, shrunk, wrapped, type Grid } from './grid.ts';
import { largestOf } from '../cycle/magnitudes.ts';
import { partOf, type Layout, type Place, type WeightPlace } from './networkLayout.ts';
import type { ParameterGlance, Stage } from '../protocol.ts';
import { Tile, type Theme } from './surface.ts';

/** What a stage shows of a parameter. */
export function numbersOf({ value, gradient, change }: ParameterGlance, stage: Stage): Float32Array {
  return stage === 'backward' ? gradient : stage === 'update' ? change : value;
}

/** Lines of one width. */
interface Strand {
  readonly path: Path2D;
  readonly isAbove: boolean;
  readonly width: number;
  readonly opacity: number;
}

/** From which share of the largest weight on a line is so wide; fainter ones are left out. */
const widths = [
  { from: 0.66, width: 2, opacity: 0.9 },
  { from: 0.4, width: 1.2, opacity: 0.65 },
  { from: 0.18, width: 0.7, opacity: 0.4 },
] as const;

/** Circles of so many pixels have lines of full width. */
const FULL_WIDTH_FROM = 16;

/** More lines to a layer than these would be a grey cloud. */
const MOST_LINES = 150;

function strandsOf(weights: Float32Array, from: Place, to: Place): Strand[] {
  // Where circles are small, they are many.
  const scale = Math.min(1, to.cell.height / FULL_WIDTH_FROM);
  const strands = [true, false].flatMap((isAbove) =>
    widths.map(({ width, opacity }) => ({ path: new Path2D(), isAbove, width: scale * width, opacity })),
  );
  const largest = largestOf(weights);
  const ordered = weights.map(Math.abs).sort();
  const least = Math.max(widths[2].from * largest, ordered[Math.max(0, ordered.length - MOST_LINES)], Number.MIN_VALUE);
  for (let at = 0; at < weights.length; at++) {
    const magnitude = Math.abs(weights[at]);
    if (!(magnitude >= least)) continue;
    const width = Math.max(
      0,
      widths.findIndex((one) => magnitude >= one.from * largest),
    );
    const { path } = strands[(weights[at] > 0 ? 0 : widths.length) + width];
    const [a, b] = [partOf(from, Math.floor(at / to.count)), partOf(to, at % to.count)];
    path.moveTo(a.x + a.width, a.y + a.height / 2);
    path.lineTo(b.x, b.y + b.height / 2);
  }
  return strands;
}

/** The images and lines of a picture, kept until its numbers, its places or its colours change. */
export class NetworkPaint {
  readonly #tiles = new Map<string, Tile>();
  #strands: readonly (readonly Strand[])[] = [];

  /** @param dots of the screen to a CSS pixel */
  make(columns: readonly Column[], layout: Layout, stage: Stage, theme: Theme, dots: number): void {
    columns.forEach((column, at) => {
      const place = layout.places[at];
      this.#paintColumn(`a${at}`, column, column.values, place, theme);
      if (stage === 'backward' && column.gradient) {
        this.#paintColumn(`d${at}`, column, column.gradient, place, theme);
      }
      const [weight, images] = [column.weight, layout.weights[at]];
      if (weight && images) this.#paintWeights(at, weight, images, stage, theme, dots);
    });
    this.#strands = columns.map(({ weight }, at) =>
      weight && layout.small && at > 1
        ? strandsOf(numbersOf(weight, stage), layout.places[at - 1], layout.places[at])
        : [],
    );
  }

  tile(name: string): Tile {
    const tile = this.#tiles.get(name) ?? new Tile();
    this.#tiles.set(name, tile);
    return tile;
  }

  /** Lines that lead to a column. */
  strands(column: number): readonly Strand[] {
    return this.#strands[column] ?? [];
  }

  #paintColumn(name: string, { shape }: Column, values: Float32Array, place: Place, theme: Theme): void {
    const scale = largestOf(values);
    if (place.form === 'image') this.tile(name).paint(wrapped(values, shape[1]), 1, theme.inked);
    if (place.form === 'cells') this.tile(name).paint(wrapped(values, place.columns), scale, theme.signed);
    if (place.form !== 'maps') return;
    for (let map = 0; map < place.count; map++) {
      this.tile(`${name}/${map}`).paint(channelImage(values, shape, map), scale, theme.signed);
    }
  }

  #paintWeights(
    column: number,
    weight: ParameterGlance,
    place: WeightPlace,
    stage: Stage,
    theme: Theme,
    dots: number,
  ): void {
    const numbers = numbersOf(weight, stage);
    const scale = largestOf(numbers);
    for (let at = 0; at < place.count; at++) {
      const grid = gridOf(numbers, weight.shape, place.form, at);
      const fitting = place.form === 'matrix' ? shrunk(grid, dots * place.height, dots * place.width) : grid;
      this.tile(`w${column}/${at}`).paint(fitting, scale, theme.signed);
    }
  }
}

/** One of a layer's images of weights; of a matrix that looks at no image there is one, the whole. */
function gridOf(numbers: Float32Array, shape: readonly number[], form: WeightPlace['form'], at: number): Grid {
  if (form === 'matrix') return wrapped(numbers, shape[1]);
  return shape.length === 4 ? kernelImage(numbers, shape, at) : neuronImage(numbers, Math.sqrt(shape[0]), shape[1], at);
}
