/* Where along an axis a resized image looks, and with what weights. Source: onnx/docs/Operators.md, Resize */

/** How an axis is resized. */
export interface Along {
  readonly axis: number;
  readonly extent: number;
  readonly size: number;
  readonly scale: number;
  /** From where to where, as parts of the axis. */
  readonly part: readonly [number, number];
}

/** How all axes are sampled. */
export interface Sampling {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly coordinates:
    | 'half_pixel'
    | 'half_pixel_symmetric'
    | 'pytorch_half_pixel'
    | 'align_corners'
    | 'asymmetric'
    | 'tf_half_pixel_for_nn'
    | 'tf_crop_and_resize';
  readonly nearest: 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';
  /** The factor in the cubic's equation. */
  readonly cubic: number;
  /** Whether what lies beyond the edge has no weight; else the edge is repeated. */
  readonly outside: boolean;
  /** Whether what becomes smaller is blended over all that a place stands for. */
  readonly filters: boolean;
}

/** Where place i of the result lies on the axis as it was. */
function positionOf({ extent, size, scale, part: [start, end] }: Along, { coordinates }: Sampling, i: number): number {
  const centred = (i + 0.5) / scale - 0.5;
  switch (coordinates) {
    case 'align_corners':
      return size === 1 ? 0 : (i * (extent - 1)) / (size - 1);
    case 'asymmetric':
      return i / scale;
    case 'half_pixel_symmetric':
      return (extent / 2) * (1 - size / (scale * extent)) + centred;
    case 'pytorch_half_pixel':
      return size === 1 ? -0.5 : centred;
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale;
    case 'tf_crop_and_resize':
      return size === 1
        ? ((start + end) * (extent - 1)) / 2
        : start * (extent - 1) + (i * (end - start) * (extent - 1)) / (size - 1);
    case 'half_pixel':
      return centred;
  }
}

const within = (at: number, extent: number): number => Math.max(0, Math.min(extent - 1, at));

/** Which place of the axis each one of the result repeats. */
export function nearestOf(along: Along, sampling: Sampling): number[] {
  const rounded = {
    round_prefer_floor: (x: number) => Math.ceil(x - 0.5),
    round_prefer_ceil: (x: number) => Math.floor(x + 0.5),
    floor: Math.floor,
    ceil: Math.ceil,
  }[sampling.nearest];
  return Array.from({ length: along.size }, (_, i) => within(rounded(positionOf(along, sampling, i)), along.extent));
}

/** A line's weight by how far away it is. Source of the cubic: Keys 1981 */
function weightAt(distance: number, { mode, cubic: a }: Sampling): number {
  const x = Math.abs(distance);
  if (mode === 'linear') return Math.max(0, 1 - x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** The matrix `[extent, size]` of an axis' weights, and which places of the result lie beyond it. */
export function weightsOf(along: Along, sampling: Sampling): { weights: Float32Array; isOutside: boolean[] } {
  const { extent, size, scale } = along;
  const weights = new Float32Array(extent * size);
  const isCropped = sampling.coordinates === 'tf_crop_and_resize';
  const stretch = sampling.filters ? Math.min(1, scale) : 1;
  const reach = (sampling.mode === 'linear' ? 1 : 2) / stretch;
  const isOutside = Array.from({ length: size }, (_, i) => {
    const position = positionOf(along, sampling, i);
    if (isCropped && (position < 0 || position > extent - 1)) return true;
    const lines: (readonly [line: number, weight: number])[] = [];
    for (let line = Math.ceil(position - reach); line <= Math.floor(position + reach); line++) {
      const isInside = line >= 0 && line < extent;
      const weight = weightAt((line - position) * stretch, sampling);
      if (isInside || !sampling.outside) lines.push([within(line, extent), weight]);
    }
    const total = lines.reduce((sum, [, weight]) => sum + weight, 0);
    const divisor = sampling.filters || sampling.outside ? total : 1;
    for (const [line, weight] of lines) weights[line * size + i] += weight / divisor;
    return false;
  });
  return { weights, isOutside };
}
