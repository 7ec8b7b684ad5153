import { optionsOf, requireKind } from '../../src/core/argumentChecks.ts';
import { relu, type Value } from '../../src/index.ts';
import type { Case } from '../support/provoke.ts';

/** What may come from anywhere; test/slips.test.ts has who says it. */
export const slips: readonly Case[] = [
  [
    '[<where>] the options are <what>',
    () => optionsOf<{ rate: number }, { rate: 1 }>('sieve', 3 as never, { rate: 1 }),
  ],
  [
    '[<where>] there is no <what> "<name>"',
    () => optionsOf<{ rate: number }, { rate: 1 }>('sieve', { rat: 1 } as never, { rate: 1 }),
  ],
  ['[<where>] <name> is <what> but must be <what>', () => requireKind('sieve', 'rate', 3, false, 'a text')],
  ['[<op>] <name> is <what> but must be a value', () => relu(undefined as unknown as Value)],
];
