import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PredictCommand, TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { predict } from '../../src/cli/predict.ts';
import { train } from '../../src/cli/train.ts';
import { inFolder, printedBy, type Case } from '../support/provoke.ts';

const parse = (line: string) => () => parseCommand(line.split(' '));

const run = (...words: string[]): Promise<number> =>
  train(parseCommand(['train', ...words]) as TrainCommand, new AbortController().signal);

/** x and 3x, far apart. */
const line = (): string => Array.from({ length: 40 }, (_, x) => `${x * 1.5},${x * 4.5}`).join('\n');

/** What `predict` says of a model of a table, asked with more options. */
const predictTable = (...options: readonly string[]): Promise<number> =>
  inFolder(async (folder) => {
    const [table, model] = [join(folder, 'line.csv'), join(folder, 'line.safetensors')];
    await writeFile(table, line());
    await printedBy(() => run(table, '--backend', 'cpu', '--steps', '1', '--quiet', '--save', model));
    return predict(parseCommand(['predict', model, table, ...options]) as PredictCommand);
  });

export const commandLine: readonly Case[] = [
  ['there is no command', parse('fly')],
  ['there is no option', parse('train mnist --turbo')],
  ['there is no option', parse('devices -x')],
  ['<option> needs a value: write', parse('train mnist --lr')],
  ['<option> needs a value, but', parse('train mnist --save --quiet')],
  ['<option> takes no value', parse('train mnist --quiet=yes')],
  ['--<option> is "<text>" but must be', parse('train mnist --batch 1.5')],
  ['--<option> is "<text>" but must be', parse('train mnist --optimizer lbfgs')],
  ['"<word>" is one word too many', parse('train mnist twice')],
  ['--<option> means nothing to', parse('devices --seed 1')],
  ['--<option> means nothing to', parse('train a.csv --sequence --task regression')],
  ['--<option> is of a series', parse('train a.csv --horizon 6')],
  ['train what? Say mnist', parse('train')],
  ['train what? "<word>" is not known', parse('train cifar')],
  ['--<option> is for <kind>', parse('train mnist --target 3')],
  ['--<option> is for <kind>', parse('train mnist --transcribe')],
  ['--leave-out is of FSDD', () => inFolder((folder) => run('speech', '--data', folder, '--leave-out', 'theo'))],
  ['--model and --hidden are for', parse('train speech --model cnn')],
  ['--data names the folder', parse('train digits --data x')],
  ['--model <name> reads step by step', parse('train mnist --model lstm')],
  ['--model <name> is for images', parse('train a.csv --model cnn')],
  ['--ground is for PNG pictures', parse('train mnist --ground 0')],
  ['--ground and --invert are', () => predictTable('--ground', '0')],
  ['--augment is for images', parse('train a.csv --augment yes')],
  ['--hidden is of mlp', parse('train mnist --model lenet --hidden 64')],
  ['--epochs and --steps', parse('train mnist --epochs 2 --steps 3')],
  ['--weight-decay is of', parse('train mnist --optimizer adam --weight-decay 1')],
  ['--resume goes on', parse('train mnist --resume')],
  ['predict needs two files', parse('predict model')],
  [
    '[train] <path> cannot be written',
    () => inFolder((folder) => run('mnist', '--save', join(folder, 'no', 'such', 'folder.safetensors'))),
  ],
  ['<file> is named twice', () => inFolder((folder) => run(join(folder, 'a.csv'), '--save', `${folder}/b/../a.csv`))],
  [
    '--batch is <n> but there are only',
    () =>
      inFolder(async (folder) => {
        const file = join(folder, 'line.csv');
        await writeFile(file, line());
        return run(file, '--batch', '33', '--quiet');
      }),
  ],
  [
    'The loss is <loss> at step',
    () =>
      inFolder(async (folder) => {
        const file = join(folder, 'line.csv');
        await writeFile(file, line());
        const options = ['--optimizer', 'sgd', '--lr', '1e30', '--backend', 'cpu', '--steps', '30', '--quiet'];
        return printedBy(() => run(file, ...options));
      }),
  ],
];
