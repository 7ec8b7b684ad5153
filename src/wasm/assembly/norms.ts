import { loadSome, maskOf, storeSome, wideSumOf } from './lanes';

/*
 * Norms of rows, a row being a group of neighbouring channels in all pixels of a sample, and the gradients of what channels
 * are multiplied by and what is added. Sums of rows are f64: where numbers lie close to each other, their mean must not
 * be off by what is much beside their distance.
 */

@unmanaged
class NormArgs {
  x: usize;
  gamma: usize;
  beta: usize;
  y: usize;
  means: usize;
  variances: usize;
  /** Channels of a group, of all, and pixels of a sample. */
  width: i32;
  channels: i32;
  pixels: i32;
  centered: i32;
  epsilon: f32;
}

/** y = (x − mean) / √(variance + epsilon) · gamma + beta; an item is a row. */
export function groupNorm(args: NormArgs, first: i32, end: i32): void {
  const width = args.width;
  const groups = args.channels / width;
  const line = (<usize>args.channels) << 2;
  const length = <f64>(args.pixels * width);
  for (let row = first; row < end; row++) {
    const channel = (<usize>((row % groups) * width)) << 2;
    const from = <usize>(row / groups) * <usize>args.pixels * line + channel;
    const x = args.x + from;
    // Differences to one of the numbers are small where their spread is.
    let pivot: f32 = 0;
    let mean: f64 = 0;
    if (args.centered) {
      pivot = load<f32>(x);
      for (let pixel = 0; pixel < args.pixels; pixel++) mean += sumOfSegment(x + <usize>pixel * line, width);
      mean /= length;
    }
    const p = f32x4.splat(pivot);
    const shift = f32x4.splat(<f32>(mean - <f64>pivot));
    let variance: f64 = 0;
    for (let pixel = 0; pixel < args.pixels; pixel++) {
      variance += squaresOfSegment(x + <usize>pixel * line, width, p, shift);
    }
    variance /= length;
    const inverse = f32x4.splat(<f32>(1 / Math.sqrt(variance + <f64>args.epsilon)));
    for (let pixel = 0; pixel < args.pixels; pixel++) {
      const at = <usize>pixel * line;
      for (let c = 0; c < width; c += 4) {
        const left = width - c;
        const place = (<usize>c) << 2;
        const apart = f32x4.sub(f32x4.sub(loadSome(x + at + place, left), p), shift);
        const gamma = loadSome(args.gamma + channel + place, left);
        const y = f32x4.mul(f32x4.mul(apart, inverse), gamma);
        const beta = loadSome(args.beta + channel + place, left);
        storeSome(args.y + from + at + place, f32x4.add(y, beta), left);
      }
    }
    store<f32>(args.means + ((<usize>row) << 2), <f32>mean);
    store<f32>(args.variances + ((<usize>row) << 2), <f32>variance);
  }
}

function sumOfSegment(x: usize, width: i32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let c = 0; c < width; c += 4, x += 16) {
    const four = loadSome(x, width - c);
    low = f64x2.add(low, f64x2.promote_low_f32x4(four));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(four, four, 2, 3, 0, 1)));
  }
  return wideSum(f64x2.add(low, high));
}

function wideSum(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

function squaresOfSegment(x: usize, width: i32, pivot: v128, shift: v128): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let c = 0; c < width; c += 4, x += 16) {
    const left = width - c;
    let apart = f32x4.sub(f32x4.sub(loadSome(x, left), pivot), shift);
    if (left < 4) apart = v128.and(apart, maskOf(left));
    const a = f64x2.promote_low_f32x4(apart);
    const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(apart, apart, 2, 3, 0, 1));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  return wideSum(f64x2.add(low, high));
}

@unmanaged
class NormGradArgs {
  x: usize;
  gamma: usize;
  means: usize;
  variances: usize;
  dY: usize;
  dX: usize;
  width: i32;
  channels: i32;
  pixels: i32;
  centered: i32;
  epsilon: f32;
}

/** What x is to change by; an item is a row. */
export function groupNormGrad(args: NormGradArgs, first: i32, end: i32): void {
  const width = args.width;
  const groups = args.channels / width;
  const line = (<usize>args.channels) << 2;
  const length = <f64>(args.pixels * width);
  for (let row = first; row < end; row++) {
    const channel = (<usize>((row % groups) * width)) << 2;
    const from = <usize>(row / groups) * <usize>args.pixels * line + channel;
    const scale = <f32>(1 / Math.sqrt(<f64>load<f32>(args.variances + ((<usize>row) << 2)) + <f64>args.epsilon));
    const inverse = f32x4.splat(scale);
    const mean = v128.load_splat<f32>(args.means + ((<usize>row) << 2));
    let sum: f64 = 0;
    let product: f64 = 0;
    for (let pixel = 0; pixel < args.pixels; pixel++) {
      const at = from + <usize>pixel * line;
      let s = f32x4.splat(0);
      let t = f32x4.splat(0);
      let terms = 0;
      for (let c = 0; c < width; c += 4) {
        const left = width - c;
        const place = (<usize>c) << 2;
        const h = f32x4.mul(loadSome(args.dY + at + place, left), loadSome(args.gamma + channel + place, left));
        const apart = f32x4.mul(f32x4.sub(loadSome(args.x + at + place, left), mean), inverse);
        const both = f32x4.mul(h, apart);
        s = f32x4.add(s, h);
        t = f32x4.add(t, left < 4 ? v128.and(both, maskOf(left)) : both);
        if (++terms < TERMS) continue;
        sum += wideSumOf(s);
        product += wideSumOf(t);
        s = f32x4.splat(0);
        t = s;
        terms = 0;
      }
      sum += wideSumOf(s);
      product += wideSumOf(t);
    }
    const meanH = f32x4.splat(args.centered ? <f32>(sum / length) : 0);
    const meanProduct = f32x4.splat(<f32>(product / length));
    for (let pixel = 0; pixel < args.pixels; pixel++) {
      const at = from + <usize>pixel * line;
      for (let c = 0; c < width; c += 4) {
        const left = width - c;
        const place = (<usize>c) << 2;
        const h = f32x4.mul(loadSome(args.dY + at + place, left), loadSome(args.gamma + channel + place, left));
        const apart = f32x4.mul(f32x4.sub(loadSome(args.x + at + place, left), mean), inverse);
        const own = f32x4.sub(f32x4.sub(h, meanH), f32x4.mul(apart, meanProduct));
        storeSome(args.dX + at + place, f32x4.mul(inverse, own), left);
      }
    }
  }
}

/** Terms of a lane, or rows, that are added up before they join what came before. */
const TERMS: i32 = 64;

@unmanaged
class ChannelSumsArgs {
  x: usize;
  dY: usize;
  means: usize;
  variances: usize;
  dBeta: usize;
  dGamma: usize;
  rows: i32;
  channels: i32;
  /** Which numbers have one mean: those of `width` channels in `pixels` rows. */
  pixels: i32;
  width: i32;
  epsilon: f32;
}

/** Σ dY and Σ dY · (x − mean) / √(variance + epsilon) of channels over all rows; an item is up to 16 channels. */
export function channelSums(args: ChannelSumsArgs, first: i32, end: i32): void {
  for (let item = first; item < end; item++) {
    const from = item * 16;
    const to = min(from + 16, args.channels);
    for (let c = from; c < to; c++) {
      store<f32>(args.dBeta + ((<usize>c) << 2), 0);
      store<f32>(args.dGamma + ((<usize>c) << 2), 0);
    }
    for (let row = 0; row < args.rows; row += TERMS) {
      const last = min(row + TERMS, args.rows);
      for (let c = from; c < to; c += 4) addRows(args, row, last, c, min(4, to - c));
    }
  }
}

/** Adds rows to the sums of up to four channels. */
function addRows(args: ChannelSumsArgs, row: i32, last: i32, c: i32, count: i32): void {
  const line = (<usize>args.channels) << 2;
  const place = (<usize>c) << 2;
  const epsilon = f32x4.splat(args.epsilon);
  const perRow = args.channels / args.width;
  const isOne = args.width % 4 == 0;
  let beta = f32x4.splat(0);
  let gamma = f32x4.splat(0);
  let mean = f32x4.splat(0);
  let inverse = f32x4.splat(0);
  let known = -1;
  for (let r = row; r < last; r++) {
    const sample = r / args.pixels;
    if (sample != known) {
      known = sample;
      const s = args.means + ((<usize>(sample * perRow)) << 2);
      const t = args.variances + ((<usize>(sample * perRow)) << 2);
      let variance = f32x4.splat(0);
      if (isOne) {
        const own = (<usize>(c / args.width)) << 2;
        mean = v128.load_splat<f32>(s + own);
        variance = v128.load_splat<f32>(t + own);
      } else if (args.width == 1) {
        mean = loadSome(s + place, count);
        variance = loadSome(t + place, count);
      } else {
        mean = ofChannels(s, c, count, args.width);
        variance = ofChannels(t, c, count, args.width);
      }
      inverse = f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(variance, epsilon)));
    }
    const at = <usize>r * line + place;
    const d = loadSome(args.dY + at, count);
    const apart = f32x4.mul(f32x4.sub(loadSome(args.x + at, count), mean), inverse);
    beta = f32x4.add(beta, d);
    gamma = f32x4.add(gamma, f32x4.mul(d, apart));
  }
  storeSome(args.dBeta + place, f32x4.add(loadSome(args.dBeta + place, count), beta), count);
  storeSome(args.dGamma + place, f32x4.add(loadSome(args.dGamma + place, count), gamma), count);
}

/** Statistics of up to four channels that may be of different groups. */
function ofChannels(statistics: usize, c: i32, count: i32, width: i32): v128 {
  let x = f32x4.splat(load<f32>(statistics + ((<usize>(c / width)) << 2)));
  if (count > 1) x = f32x4.replace_lane(x, 1, load<f32>(statistics + ((<usize>((c + 1) / width)) << 2)));
  if (count > 2) x = f32x4.replace_lane(x, 2, load<f32>(statistics + ((<usize>((c + 2) / width)) << 2)));
  if (count > 3) x = f32x4.replace_lane(x, 3, load<f32>(statistics + ((<usize>((c + 3) / width)) << 2)));
  return x;
}
