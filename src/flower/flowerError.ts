/** A SuperLink refused, is not to be reached, or is not one that this node understands. */
export class FlowerError extends Error {
  override readonly name = 'FlowerError';
  /** The answer's HTTP status; undefined where there was no answer, or none that is at fault. */
  readonly status: number | undefined;
  /** Flower's own number of the error, where it gave one. Source: flwr, supercore/error/catalog.py */
  readonly code: number | undefined;
  /** Whether the request or its answer was lost on the way. */
  readonly isOnTheWay: boolean;

  constructor(
    message: string,
    options: {
      readonly cause?: unknown;
      readonly status?: number | undefined;
      readonly code?: number | undefined;
      readonly isOnTheWay?: boolean;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.code = options.code;
    this.isOnTheWay = options.isOnTheWay ?? false;
  }
}
