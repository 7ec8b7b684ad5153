// README.md's snippets run as they stand there, each by itself, behind what its first program makes.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import * as data from '../../src/data/index.ts';
import * as core from '../../src/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const markdown = readFileSync(join(root, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'millrace-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Snippet {
  readonly heading: string;
  readonly text: string;
}

/** The snippets in TypeScript, each with the heading that it stands under. */
function snippetsIn(text: string): Snippet[] {
  return text.split(/^(?=## )/m).flatMap((part) => {
    const heading = /^## (.*)/.exec(part)?.[1] ?? '';
    return Array.from(part.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => ({ heading, text: code }));
  });
}

const IMPORT = /^import .* from '(millrace|millrace\/data)';\n/gm;

/** What the snippets behind the first one find there: its data, options and trainer, small enough for a test. */
const BEFORE = `
const { train, test } = await syntheticDigits({ train: 1280, test: 200 });
const points = dataset({ point: { data: Float32Array.from({ length: 512 }, (_, i) => Math.sin(i)), shape: [2] } });
const options = { model: sequential(flatten, linear(784, 16), relu, linear(16, 10)), loss: crossEntropy, optimizer: adamw(), batchSize: 128, backend: 'auto', data: train };
const trainer = await createTrainer(options);
`;

/** The first snippet looks for MNIST, which is not here. */
const MNIST = `const mnist = () => syntheticDigits({ train: 640, test: 200 });\n`;

/** A module that runs a snippet; every name of the package that it does not make itself is there. */
function moduleOf({ text }: Snippet, isFirst: boolean): string {
  const names = Object.keys({ ...core, ...data }).filter((name) => name !== 'mnist');
  const from = (path: string, exports: object, others: object = {}) =>
    `import { ${names.filter((name) => name in exports && !(name in others)).join(', ')} } from ${JSON.stringify(join(root, path))};\n`;
  const body = text.replaceAll(IMPORT, '');
  return [
    from('src/index.ts', core),
    from('src/data/index.ts', data, core),
    `export async function run(console) {\n`,
    isFirst ? MNIST : BEFORE,
    `{\n${body}\n}\n}\n`,
  ].join('');
}

describe('the snippets of README.md', () => {
  const snippets = snippetsIn(markdown);

  test('are found', () => expect(snippets.length).toBeGreaterThan(5));

  test.each(snippets.map((snippet, at) => [`${at + 1}, under "${snippet.heading}"`, snippet, at] as const))(
    'number %s, runs',
    async (_, snippet, at) => {
      const path = join(folder, `snippet${at}.ts`);
      writeFileSync(path, moduleOf(snippet, at === 0));
      const { run } = (await import(/* @vite-ignore */ path)) as {
        run(console: { log(...texts: unknown[]): void }): Promise<void>;
      };
      const said: unknown[] = [];
      await run({ log: (...things) => void said.push(...things) });
      expect(said.filter(Number.isNaN)).toEqual([]);
    },
  );
});
