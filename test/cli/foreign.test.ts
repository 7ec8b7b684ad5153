// The command line with models of other frameworks: what a file holds, the same in another format, and training further.

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Command } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { convert } from '../../src/cli/convert.ts';
import { inspect } from '../../src/cli/inspect.ts';
import { train } from '../../src/cli/train.ts';
import { readSafetensors } from '../../src/data/index.ts';
import { fromKeras, fromLayersModel, fromOnnx, readNpz } from '../../src/interop/index.ts';
import { readCase, strayOf } from '../interop/importedCase.ts';
import { nodeOf, onnxFile } from '../support/onnxFile.ts';

const goldens = fileURLToPath(new URL('../goldens/interop/onnx', import.meta.url));
const keras = (name: string): string =>
  fileURLToPath(new URL(`../goldens/interop/keras/${name}.keras`, import.meta.url));
const golden = (name: string): string => join(goldens, `${name}.onnx`);

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'millrace-foreign-'))));
afterAll(() => rm(folder, { recursive: true }));

/** A folder's files by name. */
async function filesIn(path: string): Promise<Record<string, Uint8Array>> {
  const names = await readdir(path);
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(path, name))])));
}

/** Runs a command, and gives its exit code and what it prints. */
async function run(...words: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const code = await ran(parseCommand(words)!);
    return { code, text: write.mock.calls.map(([part]) => String(part)).join('') };
  } finally {
    write.mockRestore();
  }
}

function ran(command: Command): Promise<number> {
  if (command.command === 'inspect') return inspect(command);
  if (command.command === 'convert') return convert(command);
  if (command.command === 'train') return train(command, new AbortController().signal);
  throw new Error(`${command.command} is not tested here`);
}

describe('inspect', () => {
  test('says what an ONNX model takes, has and learns', async () => {
    const { code, text } = await run('inspect', golden('lenet'));
    expect(code).toBe(0);
    expect(text).toContain('An ONNX model of opset 20 by pytorch');
    expect(text).toContain('x float[any, 1, 28, 28]');
    expect(text).toMatch(/conv1\.weight\s+parameter\s+\[3, 1, 5, 5\]\s+75/);
    expect(text).toMatch(/2,476 of them learned/);
    expect(text).toContain('All of it is read.');
  });

  test('says what a model of Keras takes, and which layers it has', async () => {
    const { code, text } = await run('inspect', keras('lenet'));
    expect(code).toBe(0);
    expect(text).toContain('A model of Keras');
    expect(text).toMatch(/conv2d_1\s+Conv2D/);
    expect(text).toMatch(/batch_normalization\.moving_mean\s+kept\s+\[3\]/);
    expect(text).toContain('All of it is read.');
  });

  test('names what is not read, and ends with 1', async () => {
    const path = join(folder, 'scan.onnx');
    await writeFile(path, onnxFile({ node: [nodeOf('Scan', 'x', 'y')] }));
    const { code, text } = await run('inspect', path);
    expect(code).toBe(1);
    expect(text).toContain('Not read: Scan "the Scan".');
  });

  test('writes the same for programs', async () => {
    const report = join(folder, 'report.json');
    await run('inspect', golden('mlp'), '--report', report);
    const { format, layers, tensors, unread } = JSON.parse(await readFile(report, 'utf8'));
    expect(format).toBe('onnx');
    expect(layers.length).toBeGreaterThan(3);
    expect(tensors[0]).toEqual({ name: '0.weight', shape: [7, 5], role: 'parameter' });
    expect(unread).toEqual([]);
  });

  test('refuses what is no model', async () => {
    const path = join(folder, 'page.onnx');
    await writeFile(path, '<html></html>');
    await expect(run('inspect', path)).rejects.toThrow('are no messages of ONNX');
    await expect(run('inspect', folder)).rejects.toThrow('there is no such file');
  });
});

describe('convert', () => {
  test("writes a model's weights for NumPy, and back", async () => {
    const [npz, tensors] = [join(folder, 'a.npz'), join(folder, 'a.safetensors')];
    await run('convert', golden('mlp'), npz);
    await run('convert', npz, tensors);
    const arrays = readNpz('a.npz', await readFile(npz));
    const { tensors: again } = readSafetensors('a', await readFile(tensors));
    expect(arrays['0.weight'].shape).toEqual([5, 7]);
    expect(again['0.weight'].data).toEqual(arrays['0.weight'].data);
  });

  test.each(['lenet', 'mobilenet', 'transformer'])('reads and writes %s again as ONNX', async (name) => {
    const path = join(folder, `${name}.onnx`);
    expect((await run('convert', golden(name), path)).code).toBe(0);
    const { model, outputs } = await fromOnnx(await readFile(path));
    const told = readCase(goldens, name);
    const [numbers] = Object.values(told.outputs);
    expect(await strayOf(model, { ...told, outputs: { [outputs[0]]: numbers } }, 'cpu')).toBeLessThan(1e-5);
  });

  test.each(['lenet', 'bidirectional'])('writes %s of Keras as ONNX', async (name) => {
    const path = join(folder, `${name}.onnx`);
    expect((await run('convert', keras(name), path)).code).toBe(0);
    const { model } = await fromOnnx(await readFile(path));
    expect(Object.keys(model.parameters).length).toBeGreaterThan(3);
  });

  test('writes a model of PyTorch for Keras and TensorFlow.js, and reads both again', async () => {
    const told = readCase(goldens, 'mlp');
    const [numbers] = Object.values(told.outputs);
    const [x] = Object.values(told.inputs);
    for (const [name, read] of [
      ['mlp.keras', async (path: string) => (await fromKeras(await readFile(path))).model],
      ['folder/model.json', async (path: string) => (await fromLayersModel(await filesIn(dirname(path)))).model],
    ] as const) {
      const path = join(folder, name);
      expect((await run('convert', golden('mlp'), path)).code).toBe(0);
      const again = { ...told, inputs: { x }, outputs: { output: numbers } };
      expect(await strayOf(await read(path), again, 'cpu')).toBeLessThan(1e-5);
      expect((await run('inspect', name === 'mlp.keras' ? path : dirname(path))).code).toBe(0);
    }
  });

  test('asks for extents that a file leaves open', async () => {
    const input = { name: 'x', type: { value: { case: 'tensorType' as const, value: { elemType: 1 } } } };
    const path = join(folder, 'open.onnx');
    await writeFile(path, onnxFile({ node: [nodeOf('Relu', 'x', 'y')], input: [input] }));
    const out = join(folder, 'closed.onnx');
    await expect(run('convert', path, out)).rejects.toThrow('say the extents of a sample by --shape');
    expect((await run('convert', path, out, '--shape', '3,4')).code).toBe(0);
    expect((await fromOnnx(await readFile(out))).inputs[0].shape).toEqual([null, 3, 4]);
  });

  test('refuses an ending of nothing', async () => {
    await expect(run('convert', golden('mlp'), join(folder, 'model.pt'))).rejects.toThrow('ends in nothing');
  });
});

/** Rows of a table of five columns, and a class by their sum. */
async function table(): Promise<string> {
  const path = join(folder, 'table.csv');
  const rows = Array.from({ length: 60 }, (_, row) => {
    const numbers = Array.from({ length: 5 }, (__, column) => ((row * 7 + column * 13) % 11) / 5 - 1);
    return [...numbers, numbers.reduce((a, b) => a + b)].join(',');
  });
  await mkdir(folder, { recursive: true });
  await writeFile(path, `a,b,c,d,e,y\n${rows.join('\n')}\n`);
  return path;
}

/** IDX bytes of rank 1 or 3. */
function idx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint32(0, 0x0800 + shape.length);
  shape.forEach((extent, at) => header.setUint32(4 + 4 * at, extent));
  return Buffer.concat([Buffer.from(header.buffer), data]);
}

/** A folder of images of which each digit has a bright row of its own. */
async function images(): Promise<string> {
  const place = join(folder, 'images');
  await mkdir(place, { recursive: true });
  for (const [name, count] of Object.entries({ train: 200, t10k: 50 })) {
    const labels = Uint8Array.from({ length: count }, (_, at) => at % 10);
    const pixels = Uint8Array.from({ length: count * 784 }, (_, at) =>
      Math.floor((at % 784) / 28) === 2 * labels[Math.floor(at / 784)] ? 255 : at % 40,
    );
    await writeFile(join(place, `${name}-images-idx3-ubyte`), idx([count, 28, 28], pixels));
    await writeFile(join(place, `${name}-labels-idx1-ubyte`), idx([count], labels));
  }
  return place;
}

describe('train --from', () => {
  test('goes on with a model of PyTorch, and writes it as ONNX', async () => {
    const [report, saved] = [join(folder, 'train.json'), join(folder, 'trained.onnx')];
    const words = ['train', await table(), '--from', golden('mlp'), '--save', saved, '--report', report];
    const { code, text } = await run(...words, '--backend', 'cpu', '--steps', '200', '--lr', '0.01');
    expect(code).toBe(0);
    expect(text).toContain(`Begins with ${golden('mlp')}, a model of onnx`);
    const { lossCurve } = JSON.parse(await readFile(report, 'utf8'));
    expect(lossCurve.at(-1)).toBeLessThan(lossCurve[0] / 2);
    const { model } = await fromOnnx(await readFile(saved));
    expect(Object.keys(model.parameters)).toContain('0.weight');
  });

  test('bytes are scaled once, by a model that it has written', async () => {
    const [saved, told] = [join(folder, 'digits.onnx'), join(folder, 'digits.json')];
    const options = ['--backend', 'wasm', '--quiet', '--augment', 'no', '--batch', '64', '--report', told];
    const words = ['train', 'mnist', '--data', await images(), ...options];
    await run(...words, '--steps', '40', '--hidden', '16', '--save', saved);
    const { testLoss } = JSON.parse(await readFile(told, 'utf8'));
    await run(...words, '--steps', '1', '--optimizer', 'sgd', '--lr', '1e-12', '--from', saved);
    expect(JSON.parse(await readFile(told, 'utf8')).testLoss).toBeCloseTo(testLoss, 4);
  });

  test('goes on with a model of its own', async () => {
    const [own, report] = [join(folder, 'own.safetensors'), join(folder, 'own.json')];
    const words = ['train', await table(), '--hidden', '8', '--backend', 'cpu', '--report', report];
    await run(...words, '--steps', '80', '--save', own);
    const { lossCurve: first } = JSON.parse(await readFile(report, 'utf8'));
    await run(...words, '--steps', '5', '--from', own);
    const { lossCurve: second } = JSON.parse(await readFile(report, 'utf8'));
    expect(second[0]).toBeLessThan(first[0] / 2);
    await expect(run('train', await table(), '--from', own, '--backend', 'cpu')).rejects.toThrow(
      'add --model mlp --hidden 8',
    );
  });

  test('goes on with the weights of a model of PyTorch', async () => {
    const [own, theirs] = ['own', 'theirs'].map((name) => join(folder, `${name}.safetensors`));
    const told = join(folder, 'told.json');
    const words = ['train', await table(), '--hidden', '8', '--backend', 'cpu', '--report', told];
    await run(...words, '--steps', '80', '--save', own);
    await run('convert', own, theirs);
    const { tensors, metadata } = readSafetensors('theirs', await readFile(theirs));
    expect(Object.keys(tensors)).toContain('1.weight');
    expect(metadata).toEqual({ format: 'pt' });
    const { text } = await run(...words, '--steps', '1', '--from', theirs);
    expect(text).toContain('weights of PyTorch');
    const [first] = JSON.parse(await readFile(told, 'utf8')).lossCurve;
    await run(...words, '--steps', '1', '--from', own);
    expect(first).toBeCloseTo(JSON.parse(await readFile(told, 'utf8')).lossCurve[0], 6);
  });

  test('refuses samples of another size, and a place that the model cannot be kept in', async () => {
    const words = ['train', await table(), '--from', golden('lenet'), '--backend', 'cpu'];
    await expect(run(...words)).rejects.toThrow('takes samples [28, 28, 1], but those of this set are [5]');
    const save = join(folder, 'model.safetensors');
    await expect(run(...words, '--save', save)).rejects.toThrow('ends in nothing that a model is written as');
  });
});
