// The reference is whole, and true: each export has a sentence, whatever is used has an example, and each example runs and
// prints what stands behind it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { declarationsOf } from '../../docs/api/declarations.ts';
import { docCommentOf } from '../../docs/api/docComment.ts';
import { exampleKey, exampleTexts } from '../../docs/api/exampleTexts.ts';
import { examples } from '../../docs/api/examples/index.ts';
import { renderReference } from '../../docs/api/page.ts';
import { exportLinks, reader } from '../../docs/api/pages.ts';
import { isUsed, referenceOf, type Item } from '../../docs/api/reference.ts';
import * as data from '../../src/data/index.ts';
import * as core from '../../src/index.ts';
import * as flower from '../../src/flower/index.ts';
import * as interop from '../../src/interop/index.ts';
import * as node from '../../src/node.ts';
import { matches } from '../../src/demo/reference/search.ts';
import { root } from '../support/packed.ts';
import { patienceMs } from '../support/testTimeout.mjs';

const written = exampleTexts(join(root, 'docs/api/examples'));
const entries = {
  millrace: core,
  'millrace/data': data,
  'millrace/interop': interop,
  'millrace/flower': flower,
  'millrace/node': node,
} as const;
type EntryName = keyof typeof entries;

describe('what is exported', () => {
  let items: readonly Item[] = [];
  beforeAll(async () => {
    items = referenceOf(await declarationsOf(root), written);
  }, 10 * patienceMs);

  test('is in the reference, all of it', () => {
    const names = (entry: EntryName) => items.filter((item) => [item.entry, ...item.also].includes(entry));
    for (const [entry, exported] of Object.entries(entries) as [EntryName, object][]) {
      const told = new Set(names(entry).map(({ name }) => name));
      expect(Object.keys(exported).filter((name) => !told.has(name))).toEqual([]);
    }
    expect(items.length).toBeGreaterThan(500);
  });

  test('has a family, and a sentence that says what it does', () => {
    const lacking = items.filter(({ doc, family }) => doc.sentence === '' || family === '');
    expect(lacking.map(({ path, name }) => `${path}: write a sentence before ${name}`)).toEqual([]);
  });

  test('is HTML whose character references are whole', () => {
    const { reference } = renderReference(items, '');
    expect(reference.length).toBeGreaterThan(100_000);
    expect(reference.match(/.{20}&(?!#?\w+;)/g)).toBeNull();
  });

  test('has an example, if it is used and not only named', () => {
    const used = items.flatMap((item) => [
      { of: item, name: item.name, kind: item.kind, example: item.example },
      ...(item.kind === 'Class' ? item.members : []).map((member) => ({
        of: item,
        name: `${item.name}.${member.name}`,
        kind: member.kind,
        example: member.example,
      })),
    ]);
    const lacking = used.filter((one) => isUsed(one) && one.example === undefined);
    expect(lacking.map(({ of, name }) => `docs/api/examples lacks ${name} of ${of.entry}`)).toEqual([]);
  });

  test('has a line in a source that the page of sources marks', () => {
    const marked = new Set(exportLinks(reader(root)).map(({ path, name }) => `${path}:${name}`));
    const lost = items.filter(
      ({ kind, path, name }) => kind !== 'Namespace' && !marked.has(`${path}:${name.split('.').at(-1)}`),
    );
    expect(lost.map(({ path, name }) => `${path}:${name}`)).toEqual([]);
  });

  test('is what the examples are of', () => {
    const known = new Set(
      items.flatMap(({ entry, also, name, members }) =>
        [entry, ...also].flatMap((one) => [
          exampleKey(one, name),
          ...members.map((member) => exampleKey(one, `${name}.${member.name}`)),
        ]),
      ),
    );
    expect([...written.keys()].filter((key) => !known.has(key))).toEqual([]);
  });
});

test('the page begins by naming what can be imported', () => {
  const [before] = readFileSync(join(root, 'docs/api.html'), 'utf8').split('Shapes stand in brackets');
  expect(Array.from(before.matchAll(/<code>(.+?)<\/code>/g), ([, name]) => name)).toEqual(Object.keys(entries));
});

/** A thing as an example shows it: numbers of four digits. */
function shown(given: unknown): string {
  if (typeof given === 'number') return String(Number(given.toPrecision(4)));
  if (typeof given === 'string') return `'${given}'`;
  if (Array.isArray(given) || ArrayBuffer.isView(given)) {
    return `[${Array.from(given as ArrayLike<unknown>, shown).join(', ')}]`;
  }
  if (typeof given !== 'object' || given === null) return String(given);
  const fields = Object.entries(given).map(
    ([name, one]) => `${/^\w+$/.test(name) ? name : `'${name}'`}: ${shown(one)}`,
  );
  return `{ ${fields.join(', ')} }`;
}

/** Behind each call of the console what it prints; prose, if it is not to be compared. */
const promisedIn = (text: string): string[] =>
  Array.from(text.matchAll(/console\.log\(.*\);(?: \/\/ (.*))?$/gm), ([, said = '']) => said);

const isProse = (said: string): boolean => /^[a-z].* /.test(said) && !/^(?:true|false|null)\b/.test(said);

const all = (Object.entries(examples) as [EntryName, (typeof examples)[EntryName]][]).flatMap(([entry, parts]) =>
  parts.flatMap((part) => Object.entries(part).map(([name, run]) => [exampleKey(entry, name), run] as const)),
);

test('each example is shown by its text', () => {
  expect(all.map(([key]) => key).toSorted()).toEqual([...written.keys()].toSorted());
});

test.each(all)('the example of %s prints what it says', async (key, run) => {
  const said: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...things: readonly unknown[]) => {
    said.push(things.map(shown).join(' '));
  });
  try {
    await run();
  } finally {
    log.mockRestore();
  }
  const promised = promisedIn(written.get(key)!);
  expect(said.map((one, at) => (isProse(promised[at] ?? '') ? promised[at] : one))).toEqual(promised);
});

test('a comment is read tag by tag', () => {
  const comment = docCommentOf(
    '/**\n * Mean of |x − t|. Of two\n * more.\n *\n * @param x - `[N]`\n *\n * @returns `[]`\n *\n * @throws ShapeError if N differs Source: Huber 1964\n */',
  );
  expect(comment).toEqual({
    sentence: 'Mean of |x − t|.',
    rest: 'Of two\nmore.',
    parameters: [{ name: 'x', text: '`[N]`' }],
    returns: '`[]`',
    throws: ['ShapeError if N differs'],
    source: 'Huber 1964',
  });
});

test.each([
  ['cross', true],
  ['entropy mean', true],
  ['nats labels', true],
  ['opy', true],
  ['abels', false],
  ['entropy pooling', false],
])('a search for "%s"', (query, is) => {
  const entry = { name: 'crossEntropy', sentence: 'Mean cross-entropy of integer labels under logits, in nats.' };
  expect(matches(entry, query)).toBe(is);
});
