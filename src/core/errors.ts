import type { Bytes } from './globalTypes.ts';

/** Shapes or dtypes that the caller gave do not fit together. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** Values that the caller gave lie outside what an op or a loss is defined on: a label, an index, a NaN. */
export class DataError extends Error {
  override readonly name = 'DataError';
}

/** There is no GPU, it was lost, or it is too small for what was asked. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
  /** Of a trainer whose device was lost, and which no other could take over: its last snapshot, as `trainer.save()` gives one. */
  readonly checkpoint: Bytes | undefined;

  constructor(message: string, options: { readonly cause?: unknown; readonly checkpoint?: Bytes | undefined } = {}) {
    super(message, options);
    this.checkpoint = options.checkpoint;
  }
}

/** A file does not hold what its format promises. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
