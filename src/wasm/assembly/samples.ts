/** What becomes of a number: as it is, of four bytes; a byte as u32; scaled, from f32 or from a byte. Odd ones are bytes. */
export enum Taken {
  words,
  bytes,
  scaledWords,
  scaledBytes,
}

@unmanaged
class TakeArgs {
  rows: usize;
  x: usize;
  y: usize;
  /** Numbers of a sample, from one sample to the next, and in front of the first. */
  size: i32;
  stride: i32;
  before: i32;
  /** The first sample that x has, and how many there are. */
  start: u32;
  samples: u32;
  form: i32;
  scale: f32;
  offset: f32;
}

/** Copies samples; an item is a row of y, of which those are left out that x does not have. */
export function takeSamples(args: TakeArgs, first: i32, end: i32): void {
  const size = args.size;
  const form = args.form;
  const width: usize = form & 1 ? 1 : 4;
  for (let r = first; r < end; r++) {
    const sample = load<u32>(args.rows + ((<usize>r) << 2)) - args.start;
    if (sample >= args.samples) continue;
    const x = args.x + <usize>(args.before + <i32>sample * args.stride) * width;
    const y = args.y + ((<usize>(r * size)) << 2);
    if (form == Taken.words) memory.copy(y, x, (<usize>size) << 2);
    else if (form == Taken.bytes) takeBytes(x, y, size);
    else if (form == Taken.scaledWords) scaleWords(x, y, size, args.scale, args.offset);
    else scaleBytes(x, y, size, args.scale, args.offset);
  }
}

function takeBytes(x: usize, y: usize, size: i32): void {
  for (let i: usize = 0; i < <usize>size; i++) store<u32>(y + (i << 2), load<u8>(x + i));
}

function scaleWords(x: usize, y: usize, size: i32, scale: f32, offset: f32): void {
  const s = f32x4.splat(scale);
  const t = f32x4.splat(offset);
  let i = 0;
  for (; i + 4 <= size; i += 4, x += 16, y += 16) v128.store(y, f32x4.add(f32x4.mul(v128.load(x), s), t));
  for (; i < size; i++, x += 4, y += 4) store<f32>(y, load<f32>(x) * scale + offset);
}

function scaleBytes(x: usize, y: usize, size: i32, scale: f32, offset: f32): void {
  const s = f32x4.splat(scale);
  const t = f32x4.splat(offset);
  let i = 0;
  for (; i + 8 <= size; i += 8, x += 8, y += 32) {
    const eight = v128.load_ext<u8>(x);
    const low = f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(eight));
    const high = f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(eight));
    v128.store(y, f32x4.add(f32x4.mul(low, s), t));
    v128.store(y, f32x4.add(f32x4.mul(high, s), t), 16);
  }
  for (; i < size; i++, x++, y += 4) store<f32>(y, <f32>load<u8>(x) * scale + offset);
}
