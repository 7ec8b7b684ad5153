import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chat } from '../../src/cli/chat.ts';
import type {
  ChatCommand,
  GenerateCommand,
  NodeCommand,
  PredictCommand,
  TrainCommand,
  TranslateCommand,
} from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { generate } from '../../src/cli/generate.ts';
import { node } from '../../src/cli/node.ts';
import { predict } from '../../src/cli/predict.ts';
import { train } from '../../src/cli/train.ts';
import { translate } from '../../src/cli/translate.ts';
import { inFolder, printedBy, type Case } from '../support/provoke.ts';

const parse = (line: string) => () => parseCommand(line.split(' '));

const run = (...words: string[]): Promise<number> =>
  train(parseCommand(['train', ...words]) as TrainCommand, new AbortController().signal);

/** x and 3x, far apart. */
const line = (): string => Array.from({ length: 40 }, (_, x) => `${x * 1.5},${x * 4.5}`).join('\n');

/** What is behind a node's first words. */
const NODE = 'node mnist --superlink http://127.0.0.1:9';

/** What `node` says of a table, before it joins. @param kind what stands in its last column */
const runNode = (kind: (x: number) => number | string, ...options: readonly string[]): Promise<number> =>
  inFolder(async (folder) => {
    const table = join(folder, 'kinds.csv');
    await writeFile(table, Array.from({ length: 40 }, (_, x) => `${x * 1.5},${kind(x)}`).join('\n'));
    const words = ['node', table, '--superlink', 'http://127.0.0.1:9', '--backend', 'cpu', '--quiet', ...options];
    return node(parseCommand(words) as NodeCommand, signal);
  });
const isNumber = (x: number): number => x * 4.5;
const isAnimal = (x: number): string => (x % 2 ? 'ant' : 'bee');

/** What `train` says that goes on with a model of two kinds, on further rows. */
const goOn = (rows: string, ...options: readonly string[]): Promise<number> =>
  inFolder(async (folder) => {
    const [table, further, model] = ['kinds.csv', 'further.csv', 'kinds.safetensors'].map((name) => join(folder, name));
    await writeFile(table, Array.from({ length: 40 }, (_, x) => `${x * 1.5},${isAnimal(x)}`).join('\n'));
    const quick = ['--backend', 'cpu', '--steps', '1', '--quiet'];
    await printedBy(() => run(table, ...quick, '--save', model));
    await writeFile(further, rows);
    return run(further, ...quick, '--from', model, ...options);
  });

/** What `predict` says of a model of a table, asked with more options. */
const predictTable = (...options: readonly string[]): Promise<number> =>
  inFolder(async (folder) => {
    const [table, model] = [join(folder, 'line.csv'), join(folder, 'line.safetensors')];
    await writeFile(table, line());
    await printedBy(() => run(table, '--backend', 'cpu', '--steps', '1', '--quiet', '--save', model));
    return predict(parseCommand(['predict', model, table, ...options]) as PredictCommand);
  });

const { signal } = new AbortController();

/** What `train` says of a text in a file. */
const runOn = (kind: string, text: string, ...options: readonly string[]): Promise<number> =>
  inFolder(async (folder) => {
    await writeFile(join(folder, 'text.txt'), text);
    return run(kind, join(folder, 'text.txt'), ...options);
  });

/** What is said of a model that has learned a text for one step. */
const askedOf = (kind: string, text: string, ask: (model: string) => Promise<number>): Promise<number> =>
  inFolder(async (folder) => {
    const [path, model] = [join(folder, 'text.txt'), join(folder, 'text.safetensors')];
    await writeFile(path, text);
    const size = [
      '--backend',
      'cpu',
      '--steps',
      '1',
      '--context',
      '4',
      '--width',
      '4',
      '--heads',
      '1',
      '--layers',
      '1',
    ];
    await printedBy(() => run(kind, path, ...size, '--quiet', '--save', model));
    return ask(model);
  });

/** A table is no text. */
const goOnWithText = (): Promise<number> =>
  askedOf('text', 'abcabc'.repeat(30), (model) =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'line.csv'), line());
      return run(join(folder, 'line.csv'), '--backend', 'cpu', '--quiet', '--from', model);
    }),
  );

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
  ['<command> what? Say mnist', parse('train')],
  ['<command> what? "<word>" is not known', parse('train cifar')],
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
  ['<command> <kind> of what?', parse('train translation a.txt')],
  ['--<option> means nothing to', parse('train text a.txt --hidden 3')],
  ['--folds is of sentiment', parse('train text a.txt --folds 3')],
  ['--folds trains <n> times', parse('train sentiment a.txt --folds 3 --save m')],
  ['--folds holds each part out', parse('train sentiment a.txt b.txt --folds 3')],
  ['--width is <n> and', () => runOn('text', 'abcabcabc', '--heads', '3')],
  ['<command> needs a file', parse('generate')],
  [
    'predict is not for',
    () =>
      askedOf('text', 'abcabc'.repeat(30), (model) =>
        predict(parseCommand(['predict', model, model]) as PredictCommand),
      ),
  ],
  [
    '<command> is not for',
    () => askedOf('text', 'abcabc'.repeat(30), (model) => chat(parseCommand(['chat', model]) as ChatCommand, signal)),
  ],
  [
    '<path> is of no text',
    () =>
      inFolder(async (folder) => {
        const [table, model] = [join(folder, 'line.csv'), join(folder, 'line.safetensors')];
        await writeFile(table, line());
        await printedBy(() => run(table, '--backend', 'cpu', '--steps', '1', '--quiet', '--save', model));
        return generate(parseCommand(['generate', model]) as GenerateCommand, signal);
      }),
  ],
  [
    '<path> translates nothing',
    () =>
      askedOf('text', 'abcabc'.repeat(30), (model) =>
        translate(parseCommand(['translate', model]) as TranslateCommand, signal),
      ),
  ],
  [
    '<reference> has <n lines>',
    () =>
      inFolder(async (folder) => {
        const [pairs, model] = [join(folder, 'pairs.txt'), join(folder, 'model.safetensors')];
        await writeFile(pairs, 'a b\nc d\n'.repeat(20));
        const size = ['--vocabulary', '260', '--layers', '1', '--width', '4', '--heads', '1', '--batch', '2'];
        const more = ['--backend', 'cpu', '--steps', '1', '--quiet', '--save', model];
        await printedBy(() => run('translation', pairs, pairs, ...size, ...more));
        const asked = ['translate', model, pairs, '--reference', model.replace('model.safetensors', 'one.txt')];
        await writeFile(asked[4], 'a b\n');
        return translate(parseCommand([...asked, '--backend', 'cpu']) as TranslateCommand, signal);
      }),
  ],
  ['[text] <path> cannot be read', () => run('text', 'no-such-file.txt')],
  ['[dialogue] <path> has no questions', () => runOn('dialogue', 'a text')],
  ['[dialogue] "<question>" and its answer', () => runOn('dialogue', 'Q: a?\nA: b', '--context', '3')],
  ['--resume goes on', parse('train mnist --resume')],
  ['node needs --superlink', parse('node mnist')],
  ['--superlink is "<text>"', parse('node mnist --superlink there:8000')],
  ['--schedule needs to know', parse(`${NODE} --schedule cosine`)],
  ["--names are PyTorch's", parse(`${NODE} --names layer0=fc1`)],
  ['--names is "<text>"', parse(`${NODE} --layout torch --names layer0`)],
  ['--part is "<text>"', parse(`${NODE} --part 4/3`)],
  ['--part is one of <n>', () => runNode(isNumber, '--part', '1/99')],
  ['--labels are of classes', () => runNode(isNumber, '--labels', '0-4')],
  ['--labels has "<text>"', () => runNode(isAnimal, '--labels', 'dog')],
  ['--labels names classes of which', () => runNode(isAnimal, '--part', '1/32', '--labels', 'ant')],
  ['[node] <path> cannot be read', () => inFolder((folder) => runNode(isNumber, '--key', folder))],
  ['--from goes on with <model>', () => goOn('1.5,ant\n3,bee\n4.5,ant\n', '--target', '1')],
  ['[table] <path> does not have', () => goOn('1.5,ant\n3,cow\n4.5,bee\n')],
  ['<model> is of no table', () => goOnWithText()],
  ['predict needs two files', parse('predict model')],
  [
    '[<command>] <path> cannot be written',
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
