/* Rows of numbers: what many kernels do with them. */

export function copy(from: usize, to: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, from += 16, to += 16) v128.store(to, v128.load(from));
  for (; i < count; i++, from += 4, to += 4) store<f32>(to, load<f32>(from));
}

export function zero(to: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, to += 16) v128.store(to, f32x4.splat(0));
  for (; i < count; i++, to += 4) store<f32>(to, 0);
}

/** An integer of one byte, or of four. */
export function integerAt(x: usize, bytes: i32, at: i32): i32 {
  return bytes == 1 ? load<u8>(x + <usize>at) : load<i32>(x + ((<usize>at) << 2));
}
