import { describe, expect, test } from 'vitest';
import { modelNames } from '../../src/cli/command/commands.ts';
import { help } from '../../src/cli/command/help.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';

const parse = (line: string) => parseCommand(line.split(' '));

describe('the command', () => {
  test('without words, or with --help, asks for help, which names every option', () => {
    expect(parseCommand([])).toBeNull();
    expect(parse('help')).toBeNull();
    expect(parse('train mnist --help')).toBeNull();
    const options =
      'data epochs steps batch model hidden augment optimizer lr weight-decay schedule backend seed on-nan save checkpoint resume report pictures profile quiet';
    for (const name of `${options} target task held-out drop header delimiter decimal missing transcribe leave-out`.split(
      ' ',
    )) {
      expect(help).toContain(`--${name}`);
    }
    for (const word of 'train predict devices mnist fashion-mnist cifar10 digits NO_COLOR'.split(' ')) {
      expect(help).toContain(word);
    }
  });

  test('says what it is told, and leaves open what depends on the data', () => {
    expect(parse('train mnist')).toMatchObject({ backend: 'auto', schedule: 'cosine', seed: 1, batch: undefined });
    expect(parse('train cifar10 --data x --pictures out')).toMatchObject({ dataset: 'cifar10', pictures: 'out' });
    expect(parse('train mnist')).toMatchObject({ onNaN: 'stop', transcribe: false });
    expect(parse('train speech --transcribe')).toMatchObject({ dataset: 'speech', transcribe: true });
    expect(parse('train speech --model gru')).toMatchObject({ model: 'gru' });
    expect(parse('train a.csv --sequence --model lstm')).toMatchObject({ model: 'lstm' });
    expect(parse('train speech --leave-out theo')).toMatchObject({ leaveOut: 'theo', transcribe: false });
    expect(parse('train mnist --on-nan rewind')).toMatchObject({ onNaN: 'rewind' });
    expect(parse('train mnist --hidden 0')).toMatchObject({ hidden: [] });
    expect(parse('train mnist --hidden 64,32 --lr 1e-3')).toMatchObject({ hidden: [64, 32], learningRate: 1e-3 });
    expect(parse('train fashion-mnist --optimizer sgd --weight-decay 0')).toMatchObject({ weightDecay: 0 });
  });

  test('names a model and what happens to images, and is an mlp without either', () => {
    expect(parse('train mnist')).toMatchObject({ model: 'mlp', augment: undefined });
    expect(parse('train cifar10 --model resnet8')).toMatchObject({ model: 'resnet8', augment: undefined });
    expect(parse('train mnist --model cnn --augment NO')).toMatchObject({ model: 'cnn', augment: false });
    expect(parse('train mnist --model cnn --augment auto')).toMatchObject({ augment: undefined });
    expect(parse('train mnist --augment yes --hidden 9')).toMatchObject({ augment: true, hidden: [9] });
    expect(parse('train a.csv --model mlp')).toMatchObject({ model: 'mlp' });
    // What it learns with is adamw.
    expect(parse('train mnist --model cnn --weight-decay 0.1')).toMatchObject({ weightDecay: 0.1 });
    for (const model of modelNames) expect(help).toContain(model.replace(/^resnet(?!8$)/, ''));
  });

  test('takes a table by its path, and what its cells do not tell', () => {
    const line =
      'train ./wine.csv --target 1 --task classification --held-out 0.3 --drop id,-2 --header no --delimiter tab';
    expect(parse(line)).toMatchObject({
      dataset: './wine.csv',
      table: {
        target: 1,
        task: 'classification',
        heldOut: 0.3,
        drop: ['id', -2],
        header: false,
        delimiter: '\t',
      },
    });
    expect(parse('train ./wine.csv --target -1')).toMatchObject({ table: { target: -1 } });
    expect(parse('train ./wine.csv --target=-1')).toMatchObject({ table: { target: -1 } });
    expect(parse('train ./wine.csv --decimal ,')).toMatchObject({ table: { decimal: ',', missing: undefined } });
    expect(parse('predict a b --decimal . --missing NA,-')).toMatchObject({
      table: { decimal: '.', missing: ['NA', '-'] },
    });
    expect(parse('train ./wine.csv --missing none')).toMatchObject({ table: { missing: [] } });
    expect(parse('train ./wine.csv --missing -999')).toMatchObject({ table: { missing: ['-999'] } });
    expect(parse('train ./wine.csv --missing -')).toMatchObject({ table: { missing: ['-'] } });
  });

  test('asks a model of text', () => {
    expect(parse('generate m --prompt a --tokens 9 --top-k 3')).toMatchObject({ model: 'm', tokens: 9, topK: 3 });
    expect(parse('translate m a.txt --beams 2 --reference b.txt')).toMatchObject({
      model: 'm',
      input: 'a.txt',
      beams: 2,
      reference: 'b.txt',
    });
    expect(parse('chat m')).toMatchObject({ model: 'm', temperature: undefined });
    expect(parse('train text a.txt --layers 2')).toMatchObject({ files: ['a.txt'], model: 'gpt', text: { layers: 2 } });
    for (const name of ['prompt', 'tokens', 'temperature', 'top-k', 'top-p', 'beams', 'reference', 'invert']) {
      expect(() => parse(`train text a.txt --${name} 1`)).toThrow(`--${name} means nothing to train`);
    }
    for (const name of 'tokenizer vocabulary context layers heads width dropout folds prompt tokens temperature'.split(
      ' ',
    )) {
      expect(help).toContain(`--${name}`);
    }
  });

  test('knows predict and devices', () => {
    expect(parse('predict a.safetensors b.csv --backend cpu')).toMatchObject({
      model: 'a.safetensors',
      input: 'b.csv',
    });
    expect(parse('devices')).toEqual({ command: 'devices' });
  });

  const wrong: readonly (readonly [string, string])[] = [
    ['fly', 'there is no command "fly"'],
    ['train', 'train what? Say mnist'],
    ['train cifar', 'train what? "cifar" is not known'],
    ['train mnist twice', '"twice" is one word too many'],
    ['train mnist --batch 0', '--batch is "0" but must be a whole number of at least 1'],
    ['train mnist --batch 1.5', '--batch is "1.5" but must be a whole number'],
    ['train mnist --batch -2', '--batch is "-2" but must be a whole number'],
    ['train mnist --lr fast', '--lr is "fast" but must be above 0'],
    ['train a.csv --weight-decay -1', '--weight-decay is "-1" but must be 0 or above'],
    ['train mnist --weight-decay 1', '--weight-decay is of adamw and sgd, not of adam: add --optimizer adamw'],
    ['train a.csv --weight-decay 1 --optimizer adam', '--weight-decay is of adamw and sgd, not of adam'],
    ['train mnist --optimizer lbfgs', '--optimizer is "lbfgs" but must be adam or adamw or sgd'],
    ['train mnist --on-nan go', '--on-nan is "go" but must be stop or skip or rewind'],
    ['train mnist --backend cuda', '--backend is "cuda" but must be webgpu or wasm or cpu or auto'],
    ['train mnist --model vgg', '--model is "vgg" but must be mlp or cnn or lenet or resnet8 or resnet14 or resnet18'],
    ['train mnist --model cnn --hidden 64', '--hidden is of mlp, and cnn has layers of its own'],
    ['train a.csv --model cnn', '--model cnn is for images, and a table has none'],
    ['train a.csv --augment yes', '--augment is for images, and a table has none'],
    ['train mnist --augment maybe', '--augment is "maybe" but must be yes or no or auto'],
    ['predict a b --model cnn', '--model means nothing to predict'],
    ['train mnist --hidden 99999', '--hidden is "99999" but must be whole numbers up to 16384'],
    ['train mnist --epochs 2 --steps 3', '--epochs and --steps both say when to end'],
    ['train mnist --target 3', '--target is for tables, and mnist is none'],
    ['train mnist --turbo', 'there is no option --turbo'],
    ['train digits --data x', '--data names the folder of mnist, fashion-mnist, cifar10 or speech'],
    ['train speech --target 3', '--target is for tables, and speech is none'],
    ['train digits --transcribe', '--transcribe is for speech, and digits is none'],
    ['train a.csv --leave-out theo', '--leave-out is for speech, and a.csv is none'],
    ['train mnist --model lstm', '--model lstm reads step by step, and mnist has no steps'],
    ['train a.csv --model gru', '--model gru reads step by step, and a.csv has no steps'],
    ['train a.csv --sequence --model gru --hidden 8', '--hidden is of mlp, and gru has layers of its own'],
    ['train speech --transcribe --model gru', '--model and --hidden are for images and tables'],
    ['train speech --hidden 3', '--model and --hidden are for images and tables'],
    ['train a.csv --data x', '--data names the folder of mnist, fashion-mnist, cifar10 or speech'],
    ['train a.csv --held-out 1', '--held-out is "1" but must be a share between 0 and 1'],
    ['train a.csv --header maybe', '--header is "maybe" but must be yes or no'],
    ['train a.csv --decimal ;', '--decimal is ";" but must be . or ,'],
    ['train mnist --missing NA', '--missing is for tables, and mnist is none'],
    ['predict a', 'predict needs two files'],
    ['predict a b c', '"c" is one word too many'],
    ['predict a b --epochs 3', '--epochs means nothing to predict'],
    ['devices all', '"all" is one word too many'],
    ['devices --seed 1', '--seed means nothing to devices'],
  ];
  test.each(wrong)('%s is refused: %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });
});
