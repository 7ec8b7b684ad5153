// docs/interop.md: its snippets compile and run, and its tables are what is really read and written.
// `MILLRACE_WRITE=1 node test/run.mjs test/docs/interop.test.ts` writes the tables anew.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { afterAll, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { toKeras, toLayersModel } from '../../src/interop/index.ts';
import { layerDefinitions } from '../../src/interop/keras/layers/index.ts';
import { layouts } from '../../src/interop/torch/layouts.ts';
import { readZip } from '../../src/interop/zip.ts';
import { exportedOps } from '../../src/interop/onnx/export/exportedOps.ts';
import { operators } from '../../src/interop/onnx/operators/index.ts';
import { tableOperators } from '../../src/interop/onnx/operators/tables.ts';
import { asItBegins, writtenModels } from '../interop/writtenModels.ts';
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

/** Classes of layers in a config, whatever it nests. */
function classesIn(config: unknown): string[] {
  if (Array.isArray(config)) return config.flatMap(classesIn);
  if (typeof config !== 'object' || config === null) return [];
  const { class_name: name, config: own, ...others } = config as Record<string, unknown>;
  const isLayer = typeof name === 'string' && typeof own === 'object' && own !== null && 'name' in own;
  return [...(isLayer ? [name] : []), ...classesIn(own), ...classesIn(Object.values(others))];
}

const decoder = new TextDecoder();

/** What is written of models with every layer that there is here; those that are refused are left out. */
async function classesWritten(
  write: (model: Awaited<ReturnType<typeof asItBegins>>) => Promise<string>,
): Promise<string[]> {
  const found = new Set<string>();
  for (const model of Object.values(writtenModels())) {
    try {
      for (const name of classesIn(JSON.parse(await write(await asItBegins(model))))) found.add(name);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return [...found].filter((name) => !['Functional', 'Model', 'InputLayer'].includes(name));
}

/** What PyTorch calls our layers, where a state dict has something of them. */
const torchModules: Readonly<Record<string, string>> = {
  linear: 'Linear',
  conv1d: 'Conv1d',
  conv2d: 'Conv2d',
  convTranspose2d: 'ConvTranspose2d',
  embedding: 'Embedding',
  positions: 'Embedding',
  batchNorm: 'BatchNorm1d, BatchNorm2d',
  layerNorm: 'LayerNorm',
  rmsNorm: 'RMSNorm',
  groupNorm: 'GroupNorm',
  lstm: 'LSTM',
  gru: 'GRU',
  rnn: 'RNN',
  multiHeadAttention: 'MultiheadAttention',
  transformerEncoderLayer: 'TransformerEncoderLayer',
  transformerDecoderLayer: 'TransformerDecoderLayer',
};

/** By the mark that they stand behind. */
const tables: Readonly<Record<string, () => string | Promise<string>>> = {
  onnx: () =>
    tableOf('operator', {
      fromOnnx: [...Object.keys(operators), ...Object.keys(tableOperators).map((name) => `ai.onnx.ml.${name}`)],
      toOnnx: Object.values(exportedOps).flatMap((definition) => definition.operators),
    }),
  async keras() {
    const config = (bytes: Uint8Array): string =>
      decoder.decode(readZip('keras', 'model.keras', bytes).get('config.json'));
    return tableOf('layer', {
      'fromKeras, fromLayersModel': Object.keys(layerDefinitions),
      toKeras: await classesWritten(async (model) => config(await toKeras(model))),
      toLayersModel: await classesWritten(async (model) => decoder.decode((await toLayersModel(model))['model.json'])),
    });
  },
  torch: () =>
    [
      '| here | PyTorch |',
      '| --- | --- |',
      ...Object.entries(torchModules).map(([own, theirs]) => `| \`${own}\` | ${theirs} |`),
    ].join('\n'),
};

test('every layer that a state dict has something of is in the table', () => {
  expect(Object.keys(torchModules)).toEqual(expect.arrayContaining(Object.keys(layouts)));
});

const betweenMarks = (mark: string): RegExp => new RegExp(`(<!-- ${mark} -->)[^]*?(<!-- /${mark} -->)`);

test('its tables are what is read and written', async () => {
  let all = page;
  for (const [mark, make] of Object.entries(tables)) {
    expect(all).toMatch(betweenMarks(mark));
    const table = await make();
    all = all.replace(betweenMarks(mark), (_, begin: string, end: string) => `${begin}\n\n${table}\n\n${end}`);
  }
  const formatted = await format(all, { ...(await resolveConfig(path)), filepath: path });
  if (process.env['MILLRACE_WRITE']) writeFileSync(path, formatted);
  else expect(formatted).toBe(page);
});

/** Where a snippet takes a file, there is one. */
const withFiles = (body: string): string =>
  body.replaceAll(
    /readFile\('([\w.]+)'\)/g,
    (_, name: string) => `readFile('${join(root, 'test/goldens/interop', folderOf(name), name)}')`,
  );

const folderOf = (name: string): string => (name.endsWith('.keras') ? 'keras' : 'onnx');

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
