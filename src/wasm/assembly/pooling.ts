/*
 * Windows over images, channels in fours. An item is a row of what is made: of windows, or of elements, which then look up
 * the windows that they lie in.
 */

/** As `wordsOf` of `pooling.ts` has them: of rows, then of columns. */
@unmanaged
class Windows {
  inputRows: i32;
  inputColumns: i32;
  rows: i32;
  columns: i32;
  height: i32;
  width: i32;
  down: i32;
  across: i32;
  above: i32;
  left: i32;
  channels: i32;
  /** By what sums are multiplied; 0: they are divided by how many elements their window has inside the image. */
  factor: f32;
  /** Whether places in windows are bytes, otherwise words. */
  areBytes: i32;
}

@unmanaged
class MaxArgs {
  x: usize;
  y: usize;
  places: usize;
}

@unmanaged
class GradArgs {
  dY: usize;
  places: usize;
  dX: usize;
}

@unmanaged
class SumArgs {
  x: usize;
  y: usize;
}

/** Bytes before so many numbers. */
function at(numbers: i32): usize {
  return (<usize>numbers) << 2;
}

/** A window's first element inside the image, along an axis, and the one behind its last. */
function firstInside(begin: i32): i32 {
  return max(0, -begin);
}

function endInside(begin: i32, window: i32, input: i32): i32 {
  return min(window, input - begin);
}

/** How many elements a window has inside the image, along an axis. */
function inside(begin: i32, window: i32, input: i32): i32 {
  return endInside(begin, window, input) - firstInside(begin);
}

/** Each window's largest element, and where in the window it stands. */
export function maxPool(args: MaxArgs, first: i32, end: i32): void {
  const windows = changetype<Windows>(changetype<usize>(args) + offsetof<MaxArgs>());
  const channels = windows.channels;
  const pixel = at(channels);
  const line = at(windows.inputColumns * channels);
  const width = windows.width;
  for (let item = first; item < end; item++) {
    const top = (item % windows.rows) * windows.down - windows.above;
    const image = args.x + <usize>((item / windows.rows) * windows.inputRows + top) * line;
    const i0 = firstInside(top);
    const i1 = endInside(top, windows.height, windows.inputRows);
    for (let column = 0; column < windows.columns; column++) {
      const left = column * windows.across - windows.left;
      const j0 = firstInside(left);
      const j1 = endInside(left, width, windows.inputColumns);
      const from = image + <usize>i0 * line + <usize>(left + j0) * pixel;
      const to = (item * windows.columns + column) * channels;
      let c = 0;
      for (; c + 4 <= channels; c += 4) {
        let best = v128.load(from + at(c));
        let place = i32x4.splat(i0 * width + j0);
        for (let i = i0; i < i1; i++) {
          let x = from + <usize>(i - i0) * line + at(c);
          for (let j = j0; j < j1; j++, x += pixel) {
            const value = v128.load(x);
            const isMore = v128.or(f32x4.gt(value, best), f32x4.ne(value, value));
            const takes = v128.andnot(isMore, f32x4.ne(best, best));
            best = v128.bitselect(value, best, takes);
            place = v128.bitselect(i32x4.splat(i * width + j), place, takes);
          }
        }
        v128.store(args.y + at(to + c), best);
        if (windows.areBytes) {
          const bytes = v128.shuffle<u8>(place, place, 0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
          store<i32>(args.places + <usize>(to + c), i32x4.extract_lane(bytes, 0));
        } else v128.store(args.places + at(to + c), place);
      }
      for (; c < channels; c++) {
        let best = load<f32>(from + at(c));
        let place = i0 * width + j0;
        for (let i = i0; i < i1; i++) {
          let x = from + <usize>(i - i0) * line + at(c);
          for (let j = j0; j < j1; j++, x += pixel) {
            const value = load<f32>(x);
            if (best != best || !(value > best || value != value)) continue;
            best = value;
            place = i * width + j;
          }
        }
        store<f32>(args.y + at(to + c), best);
        if (windows.areBytes) store<u8>(args.places + <usize>(to + c), <u8>place);
        else store<i32>(args.places + at(to + c), place);
      }
    }
  }
}

/** Sums of what windows have inside the image, times a factor. */
export function windowSum(args: SumArgs, first: i32, end: i32): void {
  const windows = changetype<Windows>(changetype<usize>(args) + offsetof<SumArgs>());
  const channels = windows.channels;
  const pixel = at(channels);
  const line = at(windows.inputColumns * channels);
  for (let item = first; item < end; item++) {
    const top = (item % windows.rows) * windows.down - windows.above;
    const image = args.x + <usize>((item / windows.rows) * windows.inputRows + top) * line;
    const i0 = firstInside(top);
    const i1 = endInside(top, windows.height, windows.inputRows);
    for (let column = 0; column < windows.columns; column++) {
      const left = column * windows.across - windows.left;
      const j0 = firstInside(left);
      const j1 = endInside(left, windows.width, windows.inputColumns);
      const from = image + <usize>i0 * line + <usize>(left + j0) * pixel;
      const to = args.y + at((item * windows.columns + column) * channels);
      const factor = windows.factor != 0 ? windows.factor : 1 / <f32>((i1 - i0) * (j1 - j0));
      let c = 0;
      for (; c + 4 <= channels; c += 4) {
        let sum = f32x4.splat(0);
        for (let i = i0; i < i1; i++) {
          let row = f32x4.splat(0);
          let x = from + <usize>(i - i0) * line + at(c);
          for (let j = j0; j < j1; j++, x += pixel) row = f32x4.add(row, v128.load(x));
          sum = f32x4.add(sum, row);
        }
        v128.store(to + at(c), f32x4.mul(sum, f32x4.splat(factor)));
      }
      for (; c < channels; c++) {
        let sum: f32 = 0;
        for (let i = i0; i < i1; i++) {
          let row: f32 = 0;
          let x = from + <usize>(i - i0) * line + at(c);
          for (let j = j0; j < j1; j++, x += pixel) row += load<f32>(x);
          sum += row;
        }
        store<f32>(to + at(c), sum * factor);
      }
    }
  }
}

/** What each element is sent by the windows that it lies in: their gradient, where the element is their largest. */
export function maxPoolGrad(args: GradArgs, first: i32, end: i32): void {
  const windows = changetype<Windows>(changetype<usize>(args) + offsetof<GradArgs>());
  for (let item = first; item < end; item++) gather(windows, args.dY, args.places, args.dX, item);
}

/** What each element is sent by the windows that it lies in, times a factor. */
export function windowSpread(args: SumArgs, first: i32, end: i32): void {
  const windows = changetype<Windows>(changetype<usize>(args) + offsetof<SumArgs>());
  for (let item = first; item < end; item++) gather(windows, args.x, 0, args.y, item);
}

/** The first window along an axis that an element lies in. */
function firstOver(position: i32, window: i32, stride: i32): i32 {
  const past = position - window + 1;
  return past > 0 ? (past + stride - 1) / stride : 0;
}

/** A row of elements. @param places 0: there are none, every element of a window is sent the same */
function gather(windows: Windows, x: usize, places: usize, y: usize, item: i32): void {
  const channels = windows.channels;
  const top = (item % windows.inputRows) + windows.above;
  const image = (item / windows.inputRows) * windows.rows;
  const i0 = firstOver(top, windows.height, windows.down);
  const i1 = min(windows.rows - 1, top / windows.down);
  for (let column = 0; column < windows.inputColumns; column++) {
    const left = column + windows.left;
    const j0 = firstOver(left, windows.width, windows.across);
    const j1 = min(windows.columns - 1, left / windows.across);
    const to = y + at((item * windows.inputColumns + column) * channels);
    for (let c = 0; c + 4 <= channels; c += 4) {
      let sum = f32x4.splat(0);
      for (let i = i0; i <= i1; i++) {
        for (let j = j0; j <= j1; j++) {
          const from = ((image + i) * windows.columns + j) * channels + c;
          const value = v128.load(x + at(from));
          if (places) {
            const tap = i32x4.splat((top - i * windows.down) * windows.width + left - j * windows.across);
            const place = windows.areBytes
              ? v128.extend_low<u16>(v128.extend_low<u8>(v128.load32_zero(places + <usize>from)))
              : v128.load(places + at(from));
            sum = f32x4.add(sum, v128.and(value, i32x4.eq(place, tap)));
          } else sum = f32x4.add(sum, f32x4.mul(value, f32x4.splat(factorOf(windows, i, j))));
        }
      }
      v128.store(to + at(c), sum);
    }
    for (let c = channels & ~3; c < channels; c++) {
      let sum: f32 = 0;
      for (let i = i0; i <= i1; i++) {
        for (let j = j0; j <= j1; j++) {
          const from = ((image + i) * windows.columns + j) * channels + c;
          const value = load<f32>(x + at(from));
          if (places) {
            const tap = (top - i * windows.down) * windows.width + left - j * windows.across;
            const place = windows.areBytes ? <i32>load<u8>(places + <usize>from) : load<i32>(places + at(from));
            if (place == tap) sum += value;
          } else sum += value * factorOf(windows, i, j);
        }
      }
      store<f32>(to + at(c), sum);
    }
  }
}

/** By what a window's gradient is multiplied. */
function factorOf(windows: Windows, row: i32, column: i32): f32 {
  if (windows.factor != 0) return windows.factor;
  const rows = inside(row * windows.down - windows.above, windows.height, windows.inputRows);
  return 1 / <f32>(rows * inside(column * windows.across - windows.left, windows.width, windows.inputColumns));
}
