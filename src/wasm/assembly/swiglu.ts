import { silu, siluSlope } from './activations';
import { loadSome, storeSome } from './lanes';

@unmanaged
class SwigluArgs {
  x: usize;
  y: usize;
  /** Numbers of a line of y; x has twice as many, the gates first. */
  width: i32;
}

/** y = silu(gate) · other; an item is a line. */
export function swiglu(args: SwigluArgs, first: i32, end: i32): void {
  const width = args.width;
  for (let line = first; line < end; line++) {
    const x = args.x + ((<usize>line * 2 * <usize>width) << 2);
    const other = x + ((<usize>width) << 2);
    const y = args.y + ((<usize>line * <usize>width) << 2);
    for (let i = 0; i < width; i += 4) {
      const left = width - i;
      const at = (<usize>i) << 2;
      storeSome(y + at, f32x4.mul(silu(loadSome(x + at, left)), loadSome(other + at, left)), left);
    }
  }
}

@unmanaged
class SwigluGradArgs {
  x: usize;
  dY: usize;
  dX: usize;
  width: i32;
}

export function swigluGrad(args: SwigluGradArgs, first: i32, end: i32): void {
  const width = args.width;
  const half = (<usize>width) << 2;
  for (let line = first; line < end; line++) {
    const x = args.x + <usize>line * 2 * half;
    const dY = args.dY + <usize>line * half;
    const dX = args.dX + <usize>line * 2 * half;
    for (let i = 0; i < width; i += 4) {
      const left = width - i;
      const at = (<usize>i) << 2;
      const gate = loadSome(x + at, left);
      const d = loadSome(dY + at, left);
      storeSome(dX + at, f32x4.mul(f32x4.mul(d, loadSome(x + half + at, left)), siluSlope(gate)), left);
      storeSome(dX + half + at, f32x4.mul(d, silu(gate)), left);
    }
  }
}
