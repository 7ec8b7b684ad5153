// docs/interop.md: its snippets compile and run, and its tables are what is really read and written.
// `MILLRACE_WRITE=1 node test/run.mjs test/docs/interop.test.ts` writes the tables anew.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { afterAll, expect, test } from 'vitest';
import { exportedOps } from '../../src/interop/onnx/export/exportedOps.ts';
import { operators } from '../../src/interop/onnx/operators/index.ts';
import { tableOperators } from '../../src/interop/onnx/operators/tables.ts';
import { root } from '../support/packed.ts';
import { compiled, runnable, snippetsIn, withoutImports, type Said } from '../support/snippets.ts';

const path = join(root, 'docs/interop.md');
const page = readFileSync(path, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'millrace-interop-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A table of names, with a column for each way that a name goes. */
function tableOf(head: string, columns: Readonly<Record<string, readonly string[]>>): string {
  const names = [...new Set(Object.values(columns).flat())].toSorted((a, b) =>
    a.toLowerCase() < b.toLowerCase() ? -1 : 1,
  );
  const rows = names.map((name) => [name, ...Object.values(columns).map((own) => (own.includes(name) ? 'yes' : ''))]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line([head, ...Object.keys(columns)]),
    line(['---', ...Object.keys(columns).map(() => ':-:')]),
    ...rows.map(line),
  ].join('\n');
}

/** By the mark that they stand behind. */
const tables: Readonly<Record<string, () => string>> = {
  onnx: () =>
    tableOf('operator', {
      fromOnnx: [...Object.keys(operators), ...Object.keys(tableOperators).map((name) => `ai.onnx.ml.${name}`)],
      toOnnx: Object.values(exportedOps).flatMap((definition) => definition.operators),
    }),
};

const betweenMarks = (mark: string): RegExp => new RegExp(`(<!-- ${mark} -->)[^]*?(<!-- /${mark} -->)`);

test('its tables are what is read and written', async () => {
  let text = page;
  for (const [mark, make] of Object.entries(tables)) {
    expect(text).toMatch(betweenMarks(mark));
    text = text.replace(betweenMarks(mark), (_, begin: string, end: string) => `${begin}\n\n${make()}\n\n${end}`);
  }
  const formatted = await format(text, { ...(await resolveConfig(path)), filepath: path });
  if (process.env['MILLRACE_WRITE']) writeFileSync(path, formatted);
  else expect(formatted).toBe(page);
});

/** Where a snippet takes a file, there is one. */
const withFiles = (body: string): string =>
  body.replaceAll(
    /readFile\('([\w.]+)'\)/g,
    (_, name: string) => `readFile('${join(root, 'test/goldens/interop', folderOf(name), name)}')`,
  );

const folderOf = (name: string): string =>
  ({ onnx: 'onnx', keras: 'keras', safetensors: 'torch' })[name.split('.')[1]]!;

const snippets = snippetsIn(page).map(({ heading, text }, at) => {
  const file = join(folder, `snippet${at + 1}.ts`);
  const { imports, body } = withoutImports(text);
  const own = /^import .*node:.*$/gm;
  const others = (body.match(own) ?? []).join('\n');
  writeFileSync(file, runnable(`${imports}${others}\n`, withFiles(body.replaceAll(own, ''))));
  return [`number ${at + 1}, under "${heading}"`, file, text] as const;
});

test('its snippets compile', async () => {
  expect(snippets.length).toBeGreaterThan(1);
  expect(
    await compiled(
      folder,
      snippets.map(([, file]) => file),
    ),
  ).toBe('');
});

test.each(snippets)('snippet %s runs, and prints what stands behind it', async (_, file, text) => {
  const said: string[] = [];
  const console: Said = { log: (...things) => void said.push(things.map((thing) => JSON.stringify(thing)).join(' ')) };
  const { run } = (await import(file)) as { run(console: Said): Promise<void> };
  await run(console);
  const wanted = Array.from(text.matchAll(/console\.log\(.*\/\/ (.*)$/gm), ([, told]) => told);
  expect(said.map(plain)).toEqual(wanted.map(plain));
});

/** Quotes and blanks are a matter of style. */
const plain = (text: string): string => text.replaceAll(/["'\s]/g, '');
