import { requireKind } from '../core/argumentChecks.ts';

/** @throws DataError for a scale by which bytes cannot be seen */
export function requireScale(where: string, scale: number | undefined, offset: number | undefined): void {
  const isScale = scale === undefined || (Number.isFinite(scale) && scale !== 0);
  requireKind(where, 'scale', scale, isScale, 'a number other than 0, as 1 / 255');
  requireKind(where, 'offset', offset, offset === undefined || Number.isFinite(offset), 'a finite number');
}
