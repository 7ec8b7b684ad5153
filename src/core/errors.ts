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
}

/** A file does not hold what its format promises. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
