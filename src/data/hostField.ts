import { described, optionsOf, requireKind } from '../core/argumentChecks.ts';
import { DataError, ShapeError } from '../core/errors.ts';
import type { DeviceBuffer } from '../core/globalTypes.ts';
import { sizeOf, type Dtype, type Shape } from '../core/shape.ts';
import { bufferUsage } from '../core/webgpuFlags.ts';
import { requireUnmapped } from '../gpu/unmapped.ts';
import type { Field, Scale } from './dataset.ts';
import { requireScale } from './fieldScale.ts';
import { samplesIn, spanOf, type SampleLayout } from './sampleLayout.ts';

/** How numbers lie in a host's buffer: halves are seen as f32. */
export type StoredDtype = Dtype | 'f16';

/** A field that lies in a GPU buffer of the caller's: see `dataset`. */
export interface BufferInput {
  /** With the usage STORAGE it is read where it is; with COPY_SRC alone it is copied, by each submit. */
  readonly buffer: DeviceBuffer;
  /** How a number is stored: `f32` if left out. u8 lie four to a word, f16 two. */
  readonly dtype?: StoredDtype;
  /** Of one sample; `[]`, a single number, if left out. */
  readonly shape?: Shape;
  /** Numbers from the first one of a sample to the first one of the next, as for arrays: vertices of 8 numbers have 8. */
  readonly stride?: number;
  /** Bytes in front of the first sample: 0. A multiple of a number's. */
  readonly byteOffset?: number;
  /** Samples: as many as the buffer holds, if left out. */
  readonly samples?: number;
  /** As for arrays of bytes; of u8 alone. Nobody looks at them: what has two axes or more is scaled by 1/255. */
  readonly scale?: number;
  readonly offset?: number;
}

/** Where a field lies with a host. */
export interface HostBuffer {
  readonly buffer: DeviceBuffer;
  readonly byteOffset: number;
  readonly stored: StoredDtype;
  readonly samples: number;
}

const BYTES: Readonly<Record<StoredDtype, number>> = { f32: 4, i32: 4, u32: 4, f16: 2, u8: 1 };

export const bytesOfStored = (stored: StoredDtype): number => BYTES[stored];

/** What is asked of a GPUBuffer, whose type not every program knows. */
interface Known {
  readonly size: number;
  readonly usage: number;
  readonly mapState: string;
}

export const isBufferInput = (given: unknown): given is BufferInput =>
  typeof given === 'object' && given !== null && 'buffer' in given && !ArrayBuffer.isView(given);

const defaults = {
  buffer: undefined,
  dtype: 'f32',
  shape: [],
  stride: undefined,
  byteOffset: 0,
  samples: undefined,
  scale: undefined,
  offset: undefined,
} as const;

/** @throws DataError for what is no such buffer, and one that cannot be read; ShapeError if it holds too little */
export function hostFieldOf(name: string, given: BufferInput): Field {
  const where = `dataset, "${name}"`;
  const {
    buffer,
    dtype: stored,
    shape,
    stride,
    byteOffset,
    samples,
    scale,
    offset,
  } = optionsOf<BufferInput, typeof defaults>(where, given, defaults);
  requireReadable(where, name, buffer);
  requireKind(where, 'dtype', stored, Object.hasOwn(BYTES, stored), 'f32, f16, u8, u32 or i32');
  const isShape = Array.isArray(shape) && shape.every(isCount);
  requireKind(where, 'shape', shape, isShape, "one sample's extents, as [28, 28]");
  requireKind(where, 'stride', stride, stride === undefined || isCount(stride), 'a whole number above 0, as 8');
  requireKind(where, 'samples', samples, samples === undefined || isCount(samples), 'a whole number above 0');
  requireOffset(name, byteOffset, stored);
  const layout: SampleLayout = { shape, ...(stride !== undefined && stride !== sizeOf(shape) && { stride }) };
  const count = requireSamples(name, { layout, stored, byteOffset, samples, size: (buffer as unknown as Known).size });
  const field = {
    ...layout,
    dtype: stored === 'f16' ? ('f32' as const) : stored,
    ...scaleOf(where, stored, shape, scale, offset),
    host: { buffer, byteOffset, stored, samples: count },
  };
  // Not among what is copied along: whoever asks for the numbers themselves is told.
  return Object.defineProperty(field, 'data', { get: () => refuse(name) }) as Field;
}

function refuse(name: string): never {
  throw new DataError(
    `[data] "${name}" lies in a GPU buffer, and its numbers are not brought to the CPU: give the set to fit, run, evaluate, encodeStep or encodePredict, which read it there, or give an array`,
  );
}

const isCount = (given: unknown): boolean => Number.isSafeInteger(given) && (given as number) > 0;

function requireReadable(where: string, name: string, buffer: Known): void {
  const is = 'mapState' in Object(buffer) && 'usage' in Object(buffer) && 'size' in Object(buffer);
  requireKind(where, 'buffer', buffer, is, 'a GPUBuffer');
  if (!(buffer.usage & (bufferUsage.storage | bufferUsage.copySource))) {
    throw new DataError(
      `[dataset] the buffer of "${name}" has neither the usage STORAGE nor COPY_SRC: create it with GPUBufferUsage.STORAGE, to be read where it is, or COPY_SRC, to be copied`,
    );
  }
  requireUnmapped(name, buffer);
}

function requireOffset(name: string, byteOffset: unknown, stored: StoredDtype): void {
  const size = BYTES[stored];
  if (Number.isSafeInteger(byteOffset) && (byteOffset as number) >= 0 && (byteOffset as number) % size === 0) return;
  throw new DataError(
    `[dataset] byteOffset of "${name}" is ${described(byteOffset)}, but ${stored} begin at multiples of ${size} bytes: move the numbers there`,
  );
}

function requireSamples(
  name: string,
  given: Pick<HostBuffer, 'stored' | 'byteOffset'> & {
    readonly layout: SampleLayout;
    readonly samples: number | undefined;
    readonly size: number;
  },
): number {
  const { layout, stored, byteOffset, samples, size } = given;
  // What a shader binds ends with a whole word.
  const bytes = size - (size % 4);
  const held = Math.floor(samplesIn(layout, Math.floor((bytes - byteOffset) / BYTES[stored])));
  const count = samples ?? held;
  if (count >= 1 && count <= held) return count;
  const need = byteOffset + BYTES[stored] * spanOf(layout, Math.max(1, count));
  throw new ShapeError(
    `[dataset] the buffer of "${name}" has ${size} bytes, but ${Math.max(1, count)} samples of [${layout.shape.join(', ')}] in ${stored} behind ${byteOffset} bytes end at ${Math.ceil(need / 4) * 4}: give a larger one, or fewer samples`,
  );
}

function scaleOf(
  where: string,
  stored: StoredDtype,
  shape: Shape,
  scale: number | undefined,
  offset: number | undefined,
): { readonly scale: Scale | null; readonly byDefault?: true } {
  requireScale(where, scale, offset);
  const isPicture = stored === 'u8' && shape.length > 1;
  const usual = isPicture ? 1 / 255 : 1;
  if (scale !== undefined || offset !== undefined) return { scale: { scale: scale ?? usual, offset: offset ?? 0 } };
  return isPicture ? { scale: { scale: usual, offset: 0 }, byDefault: true } : { scale: null };
}
