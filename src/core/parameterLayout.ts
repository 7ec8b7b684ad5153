import { DeviceError } from './errors.ts';
import { formatSpec, sizeOf, spec, type Shape } from './shape.ts';
import { megabytes } from './textFormat.ts';

/** A named range of a page. */
export interface Range {
  readonly name: string;
  readonly shape: Shape;
  /** In elements. */
  readonly offset: number;
  readonly size: number;
}

/**
 * What one buffer of an arena holds. Parameters, gradients and moments are arenas with the same pages: a weight is a page
 * and an offset, in all of them the same.
 */
export interface Page {
  readonly ranges: readonly Range[];
  /** In elements. */
  readonly size: number;
}

/** Elements of f32 in the 256 bytes to which WebGPU aligns a binding. */
export const BLOCK = 64;

/**
 * Ranges one behind the other in the order given, each beginning a block, on as few pages as that order allows.
 * @param largest bytes of a page   @throws DeviceError for a range that is larger by itself
 */
export function layOut(
  entries: readonly { readonly name: string; readonly shape: Shape }[],
  largest = Infinity,
): readonly Page[] {
  const most = Math.floor(largest / Float32Array.BYTES_PER_ELEMENT / BLOCK) * BLOCK;
  const pages: { ranges: Range[]; size: number }[] = [{ ranges: [], size: 0 }];
  for (const { name, shape } of entries) {
    const size = sizeOf(shape);
    const room = Math.ceil(size / BLOCK) * BLOCK;
    if (room > most) throw tooLarge(name, shape, largest);
    let page = pages[pages.length - 1];
    if (page.size + room > most) pages.push((page = { ranges: [], size: 0 }));
    page.ranges.push({ name, shape, offset: page.size, size });
    page.size += room;
  }
  return pages.map(({ ranges, size }) => ({ ranges, size: Math.max(size, BLOCK) }));
}

function tooLarge(name: string, shape: Shape, largest: number): DeviceError {
  const bytes = sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT;
  return new DeviceError(
    `[memory] parameter "${name}" is ${formatSpec(spec(shape))}, ${megabytes(bytes)}, but this device binds at most ${megabytes(largest)} as one buffer: make two layers of its layer, or ask for a device with the adapter's own limits, as requestDevice does`,
  );
}

/** What the state of an arena's page is called: the first by the arena's name. */
export const pageName = (arena: string, at: number): string => (at === 0 ? arena : `${arena} ${at + 1}`);
