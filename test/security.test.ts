// What SECURITY.md says is so.

import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'vite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { modelFile } from '../src/cli/modelFile.ts';
import type { PredictCommand, TrainCommand } from '../src/cli/command/commands.ts';
import { parseCommand } from '../src/cli/command/parseCommand.ts';
import { predict } from '../src/cli/predict.ts';
import { harmless, Terminal } from '../src/cli/terminal.ts';
import { train } from '../src/cli/train.ts';
import { dataset, prepareTable, readSafetensors, readTable, writeSafetensors } from '../src/data/index.ts';
import { readTar } from '../src/data/tar.ts';
import { createTrainer, crossEntropy, linear, relu, sequential, sgd, type Trainer } from '../src/index.ts';
import { tarOf } from './support/cifar10.ts';
import { prototypes } from './support/counting.ts';
import { sharedDevice } from './support/device.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What would make code of a text: by its source, so that an alias is found where it is made. */
function evaluations(file: string, source: string): string[] {
  const found: string[] = [];
  const told = (start: number, what: string): void =>
    void found.push(`${file}:${source.slice(0, start).split('\n').length} ${what}`);
  const types = new Set<number>();
  new Visitor({
    TSQualifiedName: ({ right }) => void types.add(right.start),
    Identifier: ({ name, start }) => {
      if (!types.has(start) && ['eval', 'Function', 'importScripts'].includes(name)) told(start, name);
    },
    MemberExpression: ({ property, start }) => {
      const name = property.type === 'Identifier' ? property.name : '';
      if (['outerHTML', 'insertAdjacentHTML', 'write', 'writeln', 'srcdoc'].includes(name)) {
        const text = source.slice(start, source.indexOf('(', start));
        if (text.startsWith('document') || name.includes('HTML') || name === 'srcdoc') told(start, text);
      }
    },
    CallExpression: ({ callee, arguments: [first], start }) => {
      const isTimer = /\bset(Timeout|Interval)$/.test(source.slice(callee.start, callee.end));
      if (isTimer && ['Literal', 'TemplateLiteral'].includes(first?.type ?? '')) told(start, 'a timer of a text');
    },
    ImportExpression: ({ source: from, start }) => {
      const text = source.slice(from.start, from.end);
      const isConstant = from.type === 'Literal' || new RegExp(`const ${text}(: string)? = '[\\w-]+';`).test(source);
      if (!isConstant) told(start, `import(${text})`);
    },
    AssignmentExpression: ({ left, right, start }) => {
      if (!source.slice(left.start, left.end).endsWith('.innerHTML')) return;
      const text = source.slice(right.start, right.end);
      const isConstant = new RegExp(`const ${text} = [\`']`).test(source);
      if (!isConstant && /\$\{(?!digit\})/.test(text)) told(start, text);
      if (!isConstant && !/^[`']/.test(text)) told(start, text);
    },
  }).visit(parseSync(file, source).program);
  return found;
}

describe('no code from data', () => {
  test('nothing in src evaluates a text, or puts one into a page as HTML', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      /(?<!\.d)\.ts$/.test(path),
    );
    expect(files.length).toBeGreaterThan(100);
    const found = files.flatMap((file) => evaluations(file, readFileSync(join(root, 'src', file), 'utf8')));
    expect(found).toEqual([]);
  });

  test.each([
    ['eval', 'const run = eval;'],
    ['Function', 'new Function("a", text)'],
    ['Function of all', 'globalThis.Function(text)'],
    ['a timer', 'setTimeout(`${name}()`, 1)'],
    ['import', 'await import(name)'],
    ['innerHTML', 'host.innerHTML = `<b>${name}</b>`;'],
    ['innerHTML of a text', 'host.innerHTML = name;'],
    ['insertAdjacentHTML', 'host.insertAdjacentHTML("beforeend", name)'],
  ])('%s would be found', (_, source) => {
    expect(evaluations('x.ts', source)).toHaveLength(1);
  });
});

/** Nothing of it is in any file of the package. */
const MARK = 'Zq9';
const hostile = [`../../${MARK}`, `x); } @compute fn ${MARK}() {`, `*/ ${MARK}`, '__proto__', 'constructor'];

/** A table in which columns, categories and classes have such names. */
const line = (cells: readonly unknown[]): string => cells.map((cell) => `"${String(cell)}"`).join(',');
const csv = [
  line(hostile.slice(0, 4)),
  ...Array.from({ length: 60 }, (_, at) => line([at % 7, hostile[at % 3], (at * at) % 5, hostile[(at >> 1) % 5]])),
].join('\n');

const trainerOn = (data: Awaited<ReturnType<typeof rows>>, device?: GPUDevice): Promise<Trainer> =>
  createTrainer({
    model: sequential(linear(data.inputs, 4), relu, linear(4, data.outputs)),
    loss: crossEntropy,
    optimizer: sgd(),
    batchSize: 8,
    ...(device ? { device } : { backend: 'cpu' }),
    data: data.train,
  });

async function rows() {
  const prepared = prepareTable(await readTable('hostile.csv', csv));
  const { features, target } = prepared.form;
  const inputs = features.reduce((sum, own) => sum + (own.kind === 'number' ? 1 : own.categories.length), 0);
  return { ...prepared, inputs, outputs: target.kind === 'class' ? target.classes.length : 1 };
}

describe('names from files', () => {
  test('are in no shader', async () => {
    const device = await sharedDevice();
    const owner = prototypes(device)['GPUDevice'];
    const original = owner['createShaderModule'];
    const texts: string[] = [];
    owner['createShaderModule'] = function (this: unknown, ...given: unknown[]) {
      texts.push((given[0] as { code: string }).code);
      return original.apply(this, given);
    };
    try {
      const read = await rows();
      expect(JSON.stringify(read.form)).toContain(MARK);
      const trainer = await trainerOn(read, device);
      for await (const _ of trainer.fit(read.train, { steps: 2 }));
      await trainer.evaluate(read.test);
      const saved = await trainer.saveWeights({ [MARK]: MARK });
      const { tensors } = readSafetensors('w', saved);
      const other = writeSafetensors({ tensors: { ...tensors, [hostile[1]]: tensors['layer0.bias'] }, metadata: {} });
      await expect(trainer.loadWeights(other)).rejects.toThrow(MARK);
      await trainer.loadWeights(saved);
      trainer.destroy();
      // A program's own names of fields are none of a file's, and yet the same.
      const [input] = hostile.slice(1);
      const own = dataset({ [input]: { data: new Float32Array(16), shape: [4] }, label: new Uint8Array(4) });
      const more = await createTrainer({
        model: linear(4, 2),
        loss: crossEntropy,
        optimizer: sgd(),
        batchSize: 4,
        device,
        data: own,
      });
      for await (const _ of more.fit(own, { steps: 1 }));
      more.destroy();
    } finally {
      owner['createShaderModule'] = original;
    }
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.filter((text) => text.includes(MARK))).toEqual([]);
  });

  test('change no prototype', async () => {
    const { train: learned, form } = await rows();
    const file = writeSafetensors({
      tensors: JSON.parse('{"__proto__":{"shape":[1],"data":[1]}}') as Record<string, never>,
      metadata: JSON.parse('{"__proto__":"polluted"}') as Record<string, string>,
    });
    const read = readSafetensors('f', file);
    expect([Object.keys(read.tensors), Object.keys(read.metadata)]).toEqual([['__proto__'], ['__proto__']]);
    expect(Object.keys(learned.fields).sort()).toEqual(['features', 'label']);
    expect(JSON.stringify(form)).toContain('__proto__');
    readTar('cifar10', 'a.tar', tarOf({ __proto__: Buffer.from('a'), '../../b': Buffer.from('b') }));
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted');
    expect(({} as { shape?: unknown }).shape).toBeUndefined();
  });
});

describe('the command line', () => {
  let folder = '';
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'millrace-security-'))));
  afterAll(() => rm(folder, { recursive: true }));

  test('writes what it is told to, and nothing by a name from a file', async () => {
    const home = join(folder, 'a', 'b', 'c');
    await mkdir(home, { recursive: true });
    const path = (name: string): string => join(home, name);
    await writeFile(path('hostile.csv'), csv);
    const outputs = ['--save', path('model.safetensors'), '--report', path('report.json'), '--pictures', path('drawn')];
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const learning = ['train', path('hostile.csv'), '--backend', 'cpu', '--steps', '2', ...outputs];
      expect(await train(parseCommand(learning) as TrainCommand, new AbortController().signal)).toBe(0);
      const asking = ['predict', path('model.safetensors'), path('hostile.csv'), '--backend', 'cpu'];
      expect(await predict(parseCommand(asking) as PredictCommand)).toBe(0);
      expect(write.mock.calls.map(([text]) => String(text)).join('')).toContain(MARK);
    } finally {
      write.mockRestore();
    }
    const there = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
    expect(there.sort()).toEqual([
      'a',
      'a/b',
      'a/b/c',
      ...['drawn', 'drawn/confusion.png', 'hostile.csv', 'model.safetensors', 'report.json'].map(
        (name) => `a/b/c/${name}`,
      ),
    ]);
  });

  test('lets no text of a file speak to the terminal', () => {
    const title = '\u001b]0;title\u0007';
    expect(harmless(`a\tb\n\u001b[1;31mc\u001b[0m ${title}\u001b[2J\r\u009b1A\u007f ä 漢`)).toBe(
      'a\tb\n\u001b[1;31mc\u001b[0m \ufffd]0;title\ufffd\ufffd[2J\ufffd\ufffd1A\ufffd ä 漢',
    );
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
    new Terminal(stream).line(`class ${title}`);
    expect(written).toEqual(['class \ufffd]0;title\ufffd\n']);
  });

  test('keeps the names of classes as they are', async () => {
    const read = await rows();
    const trainer = await trainerOn(read);
    const form = { input: { kind: 'table', table: read.form }, model: 'mlp', hidden: [4] } as const;
    const { metadata } = readSafetensors('m', await modelFile(form, trainer));
    expect(JSON.parse(metadata['millrace'])).toEqual(JSON.parse(JSON.stringify(form)));
    trainer.destroy();
  });
});
