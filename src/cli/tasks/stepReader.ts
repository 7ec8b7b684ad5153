import { gru, linear, lstm, sequential, type Layer, type Sequences, type Value } from '../../index.ts';
import type { RecurrentName } from '../command/commands.ts';

/** Units of each direction of a recurrent net. */
const UNITS = 64;

/** A recurrent net of both directions, of each of which the last h tells. */
export function stepReader(name: RecurrentName, features: number, outputs: number): Layer<Value | Sequences> {
  const net = { lstm, gru }[name](features, UNITS, { bidirectional: true, returns: 'last' });
  return sequential(net, linear(2 * UNITS, outputs));
}
