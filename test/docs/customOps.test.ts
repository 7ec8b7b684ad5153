// docs/custom-ops.md is a program, which compiles and runs as it stands there: on a GPU, and on the CPU.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root } from '../support/packed.ts';
import { compiled, runnable, snippetsIn, withoutImports, type Said } from '../support/snippets.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-custom-ops-'));
afterAll(() => rmSync(folder, { recursive: true }));

const snippets = snippetsIn(readFileSync(join(root, 'docs/custom-ops.md'), 'utf8'));

/** The page as a module; on the CPU it says so wherever it may. */
function written(name: string, onCpu = false, change = (text: string): string => text): string {
  const parts = snippets.map(({ text }) => withoutImports(change(text)));
  const body = parts.map((part) => part.body).join('\n');
  const placed = onCpu
    ? body
        .replaceAll("backend: 'auto'", "backend: 'cpu'")
        .replaceAll(/(await checkOp\(\w+, \[.+?\])\)/g, "$1, { backend: 'cpu' })")
    : body.replaceAll("backend: 'auto'", "backend: 'webgpu'");
  const path = join(folder, `${name}.ts`);
  writeFileSync(path, runnable(parts.map((part) => part.imports).join(''), placed));
  return path;
}

async function saidBy(path: string): Promise<unknown[][]> {
  const { run } = (await import(/* @vite-ignore */ path)) as { run(console: Said): Promise<void> };
  const said: unknown[][] = [];
  await run({ log: (...things) => void said.push(things) });
  return said;
}

test('the page compiles', async () => {
  expect(snippets.length).toBeGreaterThan(4);
  expect(await compiled(folder, [written('page')])).toBe('');
});

test.each([
  ['a GPU', false],
  ['the CPU', true],
])('on %s its ops are right, a net learns with them, and its step is verified', async (_, onCpu) => {
  const [[checked], [before, after], verdict] = await saidBy(written(onCpu ? 'cpu' : 'gpu', onCpu));
  expect(checked).toMatch(/^\d+ nodes and 24 slopes are right$/);
  expect(Number(after) / Number(before)).toBeLessThan(0.003);
  expect(verdict).toEqual([true, undefined]);
});

const broken = {
  'a kernel that adds too much': ['total += x[at];', 'total += x[at] * 1.001;', 'runningSum: output 0'],
  'a derivative that runs the wrong way': ['back: !back', 'back', 'the difference quotient is'],
  'a kernel that loses the sign': ['a / (1.0 + abs(a))', 'abs(a) / (1.0 + abs(a))', 'softsign: output 0'],
} as const;

test.each(Object.entries(broken))('%s is told of', async (name, [right, wrong, says]) => {
  expect(snippets.some(({ text }) => text.includes(right))).toBe(true);
  const path = written(name.replaceAll(' ', '-'), false, (text) => text.replaceAll(right, wrong));
  await expect(saidBy(path)).rejects.toThrow(says);
});
