// The snippets of docs/from-tensorflow.md compile and run, each by itself; and whatever its tables name is there.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import * as data from '../../src/data/index.ts';
import * as core from '../../src/index.ts';
import * as interop from '../../src/interop/index.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { root } from '../support/packed.ts';
import { compiled, entries, runnable, snippetsIn, withoutImports, type Said } from '../support/snippets.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-from-tensorflow-'));
afterAll(() => rmSync(folder, { recursive: true }));

const page = readFileSync(join(root, 'docs/from-tensorflow.md'), 'utf8');

/** What each snippet finds there. */
const BEFORE = `
const { train, test } = await syntheticDigits({ train: 320, test: 100 });
const options = {
  model: sequential(flatten, linear(784, 16), relu, linear(16, 10)),
  loss: crossEntropy,
  optimizer: adamw(),
  batchSize: 64,
  backend: 'auto' as const,
};
void [test, options];
`;

const names = Object.keys(core);

/** Of a trainer, where the table does not say so again. */
const METHODS = ['fit', 'summary', 'writeParameters'];

/** All names of the package, each from the first entry that has it, or from the one that the snippet says. */
function importsFor(said: string): string {
  const isFree = (name: string): boolean => !new RegExp(`\\b${name}\\b`).test(said);
  const ofData = Object.keys(data).filter((name) => !names.includes(name));
  return [
    said,
    `import { ${names.filter(isFree).join(', ')} } from '${entries.millrace}';\n`,
    `import { ${ofData.filter(isFree).join(', ')} } from '${entries['millrace/data']}';\n`,
    `import type { BatchValues, Context, Value } from '${entries.millrace}';\n`,
  ].join('');
}

const snippets = snippetsIn(page).map(({ heading, text }, at) => {
  const path = join(folder, `snippet${at + 1}.ts`);
  const { imports, body } = withoutImports(text);
  writeFileSync(path, runnable(importsFor(imports), `${BEFORE}\n{\n${body}\n}`));
  return [`number ${at + 1}, under "${heading}"`, path] as const;
});

test('the snippets compile', async () => {
  expect(snippets.length).toBeGreaterThan(5);
  const paths = snippets.map(([, path]) => path);
  expect(await compiled(folder, paths)).toBe('');
});

test.each(snippets)('%s, runs', async (_, path) => {
  const { run } = (await import(/* @vite-ignore */ path)) as { run(console: Said): Promise<void> };
  const said: unknown[] = [];
  await run({ log: (...things) => void said.push(...things) });
  expect(said.filter(Number.isNaN)).toEqual([]);
});

test('what the right column of a table calls is an export, or a method of a trainer', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(80);
  const right = rows.map((line) => line.split(/(?<!\\) \| +/)[1]);
  const calls = right.flatMap((cell) => [...cell.matchAll(/([\w.]*?)(\w+)\(/g)]);
  const exported = new Set([...names, ...Object.keys(data), ...Object.keys(interop), 'checkpoints', ...METHODS]);
  const unknown = calls.filter(([, of, name]) => {
    if (of === 'trainer.') return !(name in Trainer.prototype);
    return of === 'schedules.' ? !(name in core.schedules) : !exported.has(name);
  });
  expect(unknown.map(([call]) => call)).toEqual([]);
});
