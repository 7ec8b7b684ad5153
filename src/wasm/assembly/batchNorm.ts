import { scratch } from './team';

/* Norms of channels over all rows. An item is some rows; what belongs to a channel is laid out before it is begun. */

/** Rows that are added up in f32 before they join what came before, in f64. */
const ROWS: i32 = 16;

function at(numbers: i32): usize {
  return (<usize>numbers) << 2;
}

@unmanaged
class MomentsArgs {
  x: usize;
  /** Of each part of the rows, each channel's sum of differences, then each channel's sum of their squares: f64. */
  sums: usize;
  rows: i32;
  channels: i32;
  /** Rows of a part. */
  part: i32;
}

/** Sums of how far a channel's numbers are from its first, and of the squares; an item is a part of the rows. */
export function channelDeviations(args: MomentsArgs, first: i32, end: i32): void {
  const channels = args.channels;
  const line = at(channels);
  for (let item = first; item < end; item++) {
    const sums = args.sums + ((<usize>(item * 2 * channels)) << 3);
    const squares = sums + ((<usize>channels) << 3);
    for (let c = 0; c < 2 * channels; c++) store<f64>(sums + ((<usize>c) << 3), 0);
    const stop = min((item + 1) * args.part, args.rows);
    for (let row = item * args.part; row < stop; row += ROWS) {
      const x = args.x + <usize>row * line;
      const here = min(ROWS, stop - row);
      let c = 0;
      for (; c + 4 <= channels; c += 4) {
        const given = v128.load(args.x + at(c));
        // A first number that is none to measure from: 0 in its place.
        const pivot = v128.and(given, f32x4.eq(f32x4.sub(given, given), f32x4.splat(0)));
        let sum = f32x4.splat(0);
        let square = f32x4.splat(0);
        let from = x + at(c);
        for (let r = 0; r < here; r++, from += line) {
          const apart = f32x4.sub(v128.load(from), pivot);
          sum = f32x4.add(sum, apart);
          square = f32x4.add(square, f32x4.mul(apart, apart));
        }
        addWide(sums + ((<usize>c) << 3), sum);
        addWide(squares + ((<usize>c) << 3), square);
      }
      for (; c < channels; c++) {
        const pivot = pivotOf(args.x, c);
        let sum: f32 = 0;
        let square: f32 = 0;
        for (let r = 0; r < here; r++) {
          const apart = load<f32>(x + <usize>r * line + at(c)) - pivot;
          sum += apart;
          square += apart * apart;
        }
        const place = (<usize>c) << 3;
        store<f64>(sums + place, load<f64>(sums + place) + <f64>sum);
        store<f64>(squares + place, load<f64>(squares + place) + <f64>square);
      }
    }
  }
}

function pivotOf(x: usize, channel: i32): f32 {
  const given = load<f32>(x + at(channel));
  return given - given == 0 ? given : 0;
}

function addWide(to: usize, four: v128): void {
  const high = v128.shuffle<f32>(four, four, 2, 3, 0, 1);
  v128.store(to, f64x2.add(v128.load(to), f64x2.promote_low_f32x4(four)));
  v128.store(to, f64x2.add(v128.load(to, 16), f64x2.promote_low_f32x4(high)), 16);
}

@unmanaged
class PooledArgs {
  x: usize;
  sums: usize;
  mean: usize;
  variance: usize;
  rows: i32;
  channels: i32;
  parts: i32;
}

/** Mean and variance of each channel, from what parts of the rows have; an item is a channel. */
export function channelMoments(args: PooledArgs, first: i32, end: i32): void {
  const channels = args.channels;
  const rows = <f64>args.rows;
  for (let c = first; c < end; c++) {
    let sum: f64 = 0;
    let square: f64 = 0;
    for (let part = 0; part < args.parts; part++) {
      const from = args.sums + ((<usize>(part * 2 * channels + c)) << 3);
      sum += load<f64>(from);
      square += load<f64>(from + ((<usize>channels) << 3));
    }
    const shift = sum / rows;
    const variance = square / rows - shift * shift;
    store<f32>(args.mean + at(c), <f32>(<f64>pivotOf(args.x, c) + shift));
    store<f32>(args.variance + at(c), <f32>(variance < 0 ? 0 : variance));
  }
}

@unmanaged
class NormArgs {
  x: usize;
  mean: usize;
  variance: usize;
  gamma: usize;
  beta: usize;
  y: usize;
  rows: i32;
  channels: i32;
  /** Rows of an item. */
  part: i32;
  epsilon: f32;
}

function inverseOf(variance: usize, epsilon: f32): f32 {
  return <f32>(1 / Math.sqrt(<f64>load<f32>(variance) + <f64>epsilon));
}

/** y = (x − mean) / √(variance + epsilon) · gamma + beta. */
export function batchNorm(args: NormArgs, first: i32, end: i32): void {
  const channels = args.channels;
  const line = at(channels);
  const scale = scratch;
  for (let c = 0; c < channels; c++) {
    const own = inverseOf(args.variance + at(c), args.epsilon) * load<f32>(args.gamma + at(c));
    store<f32>(scale + at(c), own);
  }
  for (let row = first * args.part; row < min(end * args.part, args.rows); row++) {
    const x = args.x + <usize>row * line;
    const y = args.y + <usize>row * line;
    let c: usize = 0;
    for (; c + 16 <= line; c += 16) {
      const apart = f32x4.sub(v128.load(x + c), v128.load(args.mean + c));
      v128.store(y + c, f32x4.add(f32x4.mul(apart, v128.load(scale + c)), v128.load(args.beta + c)));
    }
    for (; c < line; c += 4) {
      const apart = load<f32>(x + c) - load<f32>(args.mean + c);
      store<f32>(y + c, apart * load<f32>(scale + c) + load<f32>(args.beta + c));
    }
  }
}

@unmanaged
class NormGradArgs {
  x: usize;
  mean: usize;
  variance: usize;
  gamma: usize;
  dBeta: usize;
  dGamma: usize;
  dY: usize;
  dX: usize;
  rows: i32;
  channels: i32;
  part: i32;
  epsilon: f32;
}

/** dX = gamma / √(variance + epsilon) · (dY − (dBeta + x̂ · dGamma) / rows). */
export function batchNormGrad(args: NormGradArgs, first: i32, end: i32): void {
  const channels = args.channels;
  const line = at(channels);
  // Of each channel: by what all is multiplied, what is taken away, and by what x − mean is multiplied before that is.
  const scale = scratch;
  const shift = scratch + line;
  const slope = scratch + 2 * line;
  for (let c = 0; c < channels; c++) {
    const inverse = inverseOf(args.variance + at(c), args.epsilon);
    store<f32>(scale + at(c), load<f32>(args.gamma + at(c)) * inverse);
    store<f32>(shift + at(c), load<f32>(args.dBeta + at(c)) / <f32>args.rows);
    store<f32>(slope + at(c), (load<f32>(args.dGamma + at(c)) / <f32>args.rows) * inverse);
  }
  for (let row = first * args.part; row < min(end * args.part, args.rows); row++) {
    const own = <usize>row * line;
    let c: usize = 0;
    for (; c + 16 <= line; c += 16) {
      const apart = f32x4.sub(v128.load(args.x + own + c), v128.load(args.mean + c));
      const through = f32x4.add(v128.load(shift + c), f32x4.mul(apart, v128.load(slope + c)));
      const all = f32x4.sub(v128.load(args.dY + own + c), through);
      v128.store(args.dX + own + c, f32x4.mul(v128.load(scale + c), all));
    }
    for (; c < line; c += 4) {
      const apart = load<f32>(args.x + own + c) - load<f32>(args.mean + c);
      const through = load<f32>(shift + c) + apart * load<f32>(slope + c);
      store<f32>(args.dX + own + c, load<f32>(scale + c) * (load<f32>(args.dY + own + c) - through));
    }
  }
}
