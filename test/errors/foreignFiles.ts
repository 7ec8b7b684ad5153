import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { convert } from '../../src/cli/convert.ts';
import { inspect } from '../../src/cli/inspect.ts';
import { train } from '../../src/cli/train.ts';
import { inFolder, type Case } from '../support/provoke.ts';
import { floatsIn, nodeOf, onnxFile } from '../support/onnxFile.ts';

const golden = fileURLToPath(new URL('../goldens/interop/onnx/lenet.onnx', import.meta.url));

function ran(command: Command): Promise<number> {
  if (command.command === 'inspect') return inspect(command);
  if (command.command === 'convert') return convert(command);
  if (command.command === 'train') return train(command, new AbortController().signal);
  throw new Error(`${command.command} is not tested here`);
}

/** Runs a command in a folder with some files, whose names it may say. */
const run =
  (words: string, files: Readonly<Record<string, Uint8Array | string>> = {}) =>
  () =>
    inFolder(async (folder) => {
      for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
      const own = words
        .split(' ')
        .map((word) => (word.includes('.') && !word.startsWith('/') ? join(folder, word) : word));
      return ran(parseCommand(own)!);
    });

const table = `a,b,y\n${Array.from({ length: 30 }, (_, row) => `${row},${row % 3},${row % 2}`).join('\n')}\n`;
const two = onnxFile({ node: [nodeOf('Add', 'x z', 'y')], input: [floatsIn('x', -1, 2), floatsIn('z', -1, 2)] });
const open = onnxFile({
  node: [nodeOf('Relu', 'x', 'y')],
  input: [{ name: 'x', type: { value: { case: 'tensorType', value: { elemType: 1 } } } }],
});
const hdf5 = Uint8Array.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A model of lines, as their trainer leaves it. */
const trained = async (folder: string, words: string): Promise<string> => {
  await writeFile(join(folder, 't.csv'), table);
  const path = join(folder, 'own.safetensors');
  await ran(
    parseCommand(['train', join(folder, 't.csv'), '--steps', '1', '--save', path, '--quiet', ...words.split(' ')])!,
  );
  return path;
};

export const foreignFiles: readonly Case[] = [
  ['inspect needs a file', () => parseCommand(['inspect'])],
  ['convert needs two files', () => parseCommand(['convert', 'model.onnx'])],
  ['<file> ends in nothing', run(`convert ${golden} out.pt`)],
  [
    '<file> is a model of <kind>',
    () =>
      inFolder(async (folder) => {
        const text = join(folder, 'lines.txt');
        await writeFile(text, 'good a b\nbad c d\n'.repeat(20));
        const own = join(folder, 'own.safetensors');
        const words = ['train', 'sentiment', text, '--steps', '1', '--save', own, '--quiet', '--backend', 'cpu'];
        await ran(parseCommand(words)!);
        return ran(parseCommand(['convert', own, join(folder, 'out.onnx')])!);
      }),
  ],
  ['the input "<name>" is [<shape>]', run('convert open.onnx out.onnx', { 'open.onnx': open })],
  [
    '<file> is a model <name>',
    () =>
      inFolder(async (folder) => {
        const own = await trained(folder, '--hidden 4 --backend cpu');
        return ran(parseCommand(['train', join(folder, 't.csv'), '--from', own, '--backend', 'cpu', '--quiet'])!);
      }),
  ],
  ['--from is for images', run(`train text t.txt --from ${golden} --quiet`, { 't.txt': 'abcdefgh '.repeat(99) })],
  ['[model] <file> takes <n> inputs', run('train t.csv --from two.onnx --quiet', { 't.csv': table, 'two.onnx': two })],
  ['[model] <file> takes samples', run(`train t.csv --from ${golden} --quiet`, { 't.csv': table })],
  ['[inspect] <file> is of', run('inspect a.h5', { 'a.h5': hdf5 })],
  ['[convert] <file> is of', run('convert a.h5 a.npz', { 'a.h5': hdf5 })],
];
