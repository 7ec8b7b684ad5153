// Files by a seed, as they should be and nearly: each is read, or refused by an error of the reader's own, and takes no more
// room than a multiple of its size. `MILLRACE_FUZZ=1000000 npm test -- test/fuzz` reads so many for each reader, and
// `MILLRACE_FUZZ_OUT` names a file for what came of them.

import { appendFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { readers } from './readers.ts';

const inputs = Number(process.env['MILLRACE_FUZZ'] ?? 2000);
const seed = Number(process.env['MILLRACE_FUZZ_SEED'] ?? 1);
const out = process.env['MILLRACE_FUZZ_OUT'];
const HOURS = 36_000_000;

test.each(readers)(
  '$name: files of all kinds are read or refused, in little room',
  { timeout: HOURS },
  async (reader) => {
    const figures = await fuzz(reader, seed, inputs);
    if (out !== undefined) await appendFile(out, `${JSON.stringify(figures)}\n`);
    // Else a reader that refuses all would pass, or one that is given nothing broken.
    expect(figures.read / inputs).toBeGreaterThan(0.02);
    expect(figures.read / inputs).toBeLessThan(0.98);
  },
);
