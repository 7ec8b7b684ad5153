// README.md's snippets compile and run as they stand there, each by itself, behind what its first program makes.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import * as data from '../../src/data/index.ts';
import * as core from '../../src/index.ts';
import * as interop from '../../src/interop/index.ts';
import { root } from '../support/packed.ts';
import {
  compiled,
  entries,
  runnable,
  snippetsIn,
  withoutImports,
  type Said,
  type Snippet,
} from '../support/snippets.ts';

const markdown = readFileSync(join(root, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'millrace-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the snippets behind the first one find there: its data, options and trainer, small enough for a test. */
const BEFORE = `
const { train, test } = await syntheticDigits({ train: 1280, test: 200 });
const points = dataset({ point: { data: Float32Array.from({ length: 512 }, (_, i) => Math.sin(i)), shape: [2] } });
const recordings = dataset({
  x: { data: Float32Array.from({ length: 48 * 80 }, (_, i) => Math.sin(i)), shape: [20, 4] },
  lengths: Int32Array.from({ length: 48 }, (_, i) => 1 + (i % 20)),
  label: Uint8Array.from({ length: 48 }, (_, i) => i % 3),
});
const model = sequential(flatten, linear(784, 16), relu, linear(16, 10));
const options = { model, loss: crossEntropy, optimizer: adamw(), batchSize: 128, backend: 'webgpu' as const, data: train };
const trainer = await createTrainer(options);
const checkpoints = (given: CheckpointsOptions) => checkpointsIn({ ...given, folder: FOLDER + given.folder });
const exported = await (await import('node:fs/promises')).readFile(EXPORTED);
const localStorage = { getItem: () => null, setItem: () => {} };
void [test, points, recordings, trainer, localStorage, checkpoints, exported];
`;

/** A model of PyTorch's. */
const EXPORTED = JSON.stringify(join(root, 'test/goldens/interop/onnx/lenet.onnx'));

/** The first snippet looks for MNIST, which is not here. */
const MNIST = `const mnist = () => syntheticDigits({ train: 640, test: 200 });\n`;

const namesIn = (exports: object, others: object = {}): string[] =>
  Object.keys(exports).filter((name) => name !== 'mnist' && !(name in others));

/** A module that runs a snippet; every name of the package that it does not make itself is there. */
function moduleOf({ text }: Snippet, isFirst: boolean): string {
  const imports = [
    `import { ${namesIn(core).join(', ')} } from '${entries.millrace}';\n`,
    `import { ${namesIn(data, core).join(', ')} } from '${entries['millrace/data']}';\n`,
    `import { ${namesIn(interop, { ...core, ...data }).join(', ')} } from '${entries['millrace/interop']}';\n`,
    `import { checkpoints as checkpointsIn, type CheckpointsOptions } from '${entries['millrace/node']}';\n`,
    `import type { BatchValues, Context, Value } from '${entries.millrace}';\n`,
  ].join('');
  const before = isFirst ? MNIST : BEFORE.replace('FOLDER', JSON.stringify(`${folder}/`)).replace('EXPORTED', EXPORTED);
  return runnable(imports, `${before}\n{\n${withoutImports(text).body}\n}`);
}

describe('the snippets of README.md', () => {
  const snippets = snippetsIn(markdown).map((snippet, at) => {
    const path = join(folder, `snippet${at + 1}.ts`);
    writeFileSync(path, moduleOf(snippet, at === 0));
    return [`number ${at + 1}, under "${snippet.heading}"`, path] as const;
  });

  test('are found', () => expect(snippets.length).toBeGreaterThan(9));

  test('compile', async () => {
    expect(
      await compiled(
        folder,
        snippets.map(([, path]) => path),
      ),
    ).toBe('');
  });

  test.each(snippets)('%s, runs', async (_, path) => {
    const { run } = (await import(/* @vite-ignore */ path)) as { run(console: Said): Promise<void> };
    const said: unknown[] = [];
    await run({ log: (...things) => void said.push(...things) });
    expect(said.filter(Number.isNaN)).toEqual([]);
  });
});
