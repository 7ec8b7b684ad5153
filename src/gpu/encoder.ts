import { requireKind } from '../core/argumentChecks.ts';

/** @throws DataError for what is no command encoder, as a pass */
export function requireEncoder(where: string, encoder: unknown): void {
  const is = 'beginComputePass' in Object(encoder) && 'finish' in Object(encoder);
  requireKind(where, 'the encoder', encoder, is, 'a GPUCommandEncoder, as device.createCommandEncoder() gives one');
}
