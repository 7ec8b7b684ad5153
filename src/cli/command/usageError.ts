/** A mistake in the command itself: it is answered by one line and exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
