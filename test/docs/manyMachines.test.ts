// docs/many-machines.md: its snippets compile, and join a SuperLink that asks them for a round.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { nodeOptions } from '../../src/cli/command/options.ts';
import { FLOWER_VERSION } from '../../src/flower/superLink.ts';
import { fakeSuperLink } from '../support/fakeSuperLink.ts';
import { root } from '../support/packed.ts';
import { compiled, entries, runnable, snippetsIn, withoutImports, type Said } from '../support/snippets.ts';

const page = readFileSync(join(root, 'docs/many-machines.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'millrace-machines-'));
const superlink = await fakeSuperLink();
afterAll(async () => {
  await superlink.close();
  rmSync(folder, { recursive: true });
});

/** Digits that are there at once, in MNIST's place. */
const DIGITS = `
const mnist = () => syntheticDigits({ train: 384, test: 64 });
`;

/** What a page has made before it joins. */
const BEFORE = `
const { train, test } = await syntheticDigits({ train: 128, test: 64 });
const options = { loss: crossEntropy, optimizer: adam(), batchSize: 64, backend: 'cpu', data: train } as const;
const trainer = await createTrainer({ ...options, model: sequential(flatten, linear(784, 10)) });
`;
const OF_PAGE = `
import { adam, createTrainer, crossEntropy, flatten, linear, sequential } from '${entries.millrace}';
import { syntheticDigits } from '${entries['millrace/data']}';
import { joinFlower } from '${entries['millrace/flower']}';
`;

const snippets = snippetsIn(page).map(({ heading, text }, at) => {
  const file = join(folder, `snippet${at + 1}.ts`);
  const { imports, body } = withoutImports(text);
  const there = body
    .replaceAll(/superlink: '[^']+'/g, `superlink: '${superlink.url}'`)
    .replace("backend: 'auto'", "backend: 'cpu'");
  const isWhole = imports !== '';
  const named = isWhole ? imports.replace('{ mnist,', '{ syntheticDigits,') : OF_PAGE;
  writeFileSync(file, runnable(named, `${isWhole ? DIGITS : BEFORE}${there}`));
  return [`number ${at + 1}, under "${heading}"`, file, text] as const;
});

test('its snippets compile', async () => {
  expect(snippets).toHaveLength(2);
  expect(
    await compiled(
      folder,
      snippets.map(([, file]) => file),
    ),
  ).toBe('');
});

/** Asks the node that is there to train and to judge. */
async function askedForARound(): Promise<void> {
  await expect.poll(() => superlink.online, { timeout: 60_000 }).toHaveLength(1);
  const [node] = superlink.online;
  const config = { 'server-round': 1, steps: 1 };
  const first = (await superlink.ask(node, { type: 'query' })).records!.arrays;
  const { arrays } = (await superlink.ask(node, { type: 'train', arrays: first, config })).records!;
  await superlink.ask(node, { type: 'evaluate', arrays, config });
}

const RUN = 4242n;

test.each(snippets)(
  'snippet %s joins, does what it is asked, and prints what stands behind it',
  async (_, file, text) => {
    const said: string[] = [];
    const console: Said = {
      log: (...things) => void said.push(things.map((thing) => JSON.stringify(thing)).join(' ')),
    };
    const hidden: (() => void)[] = [];
    vi.stubGlobal('addEventListener', (_kind: string, listener: () => void) => hidden.push(listener));
    superlink.over.clear();
    try {
      const { run } = (await import(file)) as { run(console: Said): Promise<void> };
      const running = run(console);
      await askedForARound();
      // One leaves when its run is over, the other when its page is.
      superlink.over.add(RUN);
      for (const hide of hidden) hide();
      await running;
    } finally {
      vi.unstubAllGlobals();
    }
    expect(superlink.online).toEqual([]);
    const wanted = Array.from(text.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm), ([, told]) => told);
    expect(said.map(plain)).toEqual(wanted.map(plain));
  },
);

/** Quotes and blanks are a matter of style. */
const plain = (text: string): string => text.replaceAll(/["'\s]/g, '');

test('it tells of every option of a node, and of the version that is spoken', () => {
  for (const name of nodeOptions) expect(page).toContain(`\`--${name}`);
  expect(page).toContain(`flwr ${FLOWER_VERSION.split('.').slice(0, 2).join('.')}`);
});
