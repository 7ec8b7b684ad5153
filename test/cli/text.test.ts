// Texts, lines and dialogues on the command line: learned, kept, gone on with, answered.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { chat } from '../../src/cli/chat.ts';
import type {
  ChatCommand,
  GenerateCommand,
  PredictCommand,
  TrainCommand,
  TranslateCommand,
} from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { generate } from '../../src/cli/generate.ts';
import { predict } from '../../src/cli/predict.ts';
import { turnsIn } from '../../src/cli/tasks/dialogues.ts';
import { train } from '../../src/cli/train.ts';
import { translate } from '../../src/cli/translate.ts';
import { bleu } from '../../src/index.ts';

let folder = '';
const file = (name: string): string => join(folder, name);

const TURNS = [
  { question: 'who are you?', answer: 'a net' },
  { question: 'where are you?', answer: 'in here' },
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-text-'));
  await writeFile(file('text.txt'), 'abcdabcd'.repeat(40));
  const lines = Array.from({ length: 60 }, (_, at) => {
    const good = at % 2 === 0;
    return `${good ? 'good' : 'bad'} ${at % 3 === 0 ? 'a film' : 'the film is'} ${good ? 'fine' : 'dull'} ${at % 5}`;
  });
  await writeFile(file('lines.txt'), `${lines.join('\n')}\n`);
  await mkdir(file('classes'));
  await writeFile(join(file('classes'), 'README.md'), 'no class');
  for (const name of ['good', 'bad']) {
    const own = lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length + 1));
    await writeFile(join(file('classes'), `films.${name}`), own.join('\n'));
  }
  const turns = TURNS.map(({ question, answer }) => `Q: ${question}\nA: ${answer}\n`);
  await writeFile(file('turns.txt'), turns.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();

/** What a command prints. */
async function printedBy(work: () => Promise<number>): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    expect(await work()).toBe(0);
    return write.mock.calls.map(([part]) => String(part)).join('');
  } finally {
    write.mockRestore();
  }
}

const small = ['--backend', 'cpu', '--layers', '1', '--heads', '2', '--width', '16', '--quiet'];

/** Trains, and returns the report and where the model is. */
async function learn(...words: readonly string[]) {
  const [model, path] = [file('model.st'), file('report.json')];
  const command = parseCommand(['train', ...words, '--save', model, '--report', path]) as TrainCommand;
  const said = await printedBy(() => train(command, signal));
  return { model, said, report: JSON.parse(await readFile(path, 'utf8')) as Record<string, number & number[]> };
}

const generated = (...words: readonly string[]): Promise<string> =>
  printedBy(() => generate(parseCommand(['generate', ...words, '--backend', 'cpu']) as GenerateCommand, signal));

describe('a text', () => {
  test.each(['gpt', 'lstm'])('is learned by %s, and gone on with', async (model) => {
    const size = [...small, '--context', '8', '--model', model];
    const learned = await learn('text', file('text.txt'), ...size, '--steps', '120', '--lr', '0.01');
    const { report } = learned;
    expect(report['testLoss']).toBeLessThan(0.5);
    expect(report['testPerplexity']).toBeCloseTo(Math.exp(report['testLoss']), 9);
    expect(report['testBitsPerCharacter']).toBeCloseTo(report['testLoss'] / Math.LN2, 9);
    expect(learned.said).toContain('bits per character');
    const asked = [learned.model, '--prompt', 'ab', '--tokens', '9'];
    expect(await generated(...asked, '--temperature', '0')).toBe('abcdabcdabc\n');
    expect(await generated(...asked, '--seed', '4')).toBe(await generated(...asked, '--seed', '4'));
  });

  test('keeps characters of several bytes whole while it is told by bytes', async () => {
    await writeFile(file('accents.txt'), 'äöü€'.repeat(200));
    const size = [...small, '--context', '9', '--tokenizer', 'bytes'];
    const { model, report } = await learn('text', file('accents.txt'), ...size, '--steps', '120', '--lr', '0.01');
    // Of nine bytes four characters.
    expect(report['testBitsPerCharacter']).toBeCloseTo(((report['testLoss'] / Math.LN2) * 9) / 4, 1);
    expect(await generated(model, '--prompt', 'äöü', '--tokens', '3', '--temperature', '0')).toBe('äöü€\n');
  });

  test('is not predicted, nor a table gone on with', async () => {
    const { model } = await learn('text', file('text.txt'), ...small, '--context', '8', '--steps', '1');
    const asked = parseCommand(['predict', model, file('text.txt')]) as PredictCommand;
    await expect(predict(asked)).rejects.toThrow(`use millrace generate ${model}`);
    await expect(chat(parseCommand(['chat', model]) as ChatCommand, signal)).rejects.toThrow('use millrace generate');
  });
});

describe('lines', () => {
  const size = ['--backend', 'cpu', '--width', '8', '--quiet', '--lr', '0.02'];

  test.each([
    ['cnn', 'lines.txt'],
    ['lstm', 'classes'],
    ['transformer', 'classes'],
  ])('are told apart by %s, from %s', async (model, from) => {
    const more = model === 'transformer' ? ['--heads', '2'] : [];
    const { report, ...learned } = await learn(
      'sentiment',
      file(from),
      ...size,
      ...more,
      '--model',
      model,
      '--steps',
      '40',
    );
    expect(report['testAccuracy']).toBe(1);
    await writeFile(file('asked.txt'), 'a film fine 4\nthe film is dull 3\n');
    const asked = parseCommand(['predict', learned.model, file('asked.txt'), '--backend', 'cpu']) as PredictCommand;
    const [head, ...lines] = (await printedBy(() => predict(asked))).trim().split('\n');
    expect(head).toBe('class,probability');
    expect(lines.map((line) => line.split(',')[0])).toEqual(['good', 'bad']);
  });

  test('are told in parts, each by what was learned of the others', async () => {
    const path = file('folds.json');
    const words = ['train', 'sentiment', file('lines.txt'), ...size, '--steps', '20', '--folds', '3', '--report', path];
    const said = await printedBy(() => train(parseCommand(words) as TrainCommand, signal));
    expect(said).toContain('Of 3 parts, each told by what was learned of the others: test accuracy');
    const report = JSON.parse(await readFile(path, 'utf8')) as Record<string, number & number[]>;
    const all = report['testAccuracies'];
    expect(all).toHaveLength(3);
    expect(report['testAccuracy']).toBeCloseTo((all[0] + all[1] + all[2]) / 3, 12);
  });
});

describe('sentences and their translations', () => {
  const words = Object.entries({ one: 'eins', two: 'zwei', three: 'drei', four: 'vier' });
  /** All sentences of one word to three, none of them twice, and the same in German. */
  const pairs = [1, 2, 3].flatMap((length) =>
    Array.from({ length: 4 ** length }, (_, at) =>
      Array.from({ length }, (_w, word) => words[Math.floor(at / 4 ** word) % 4]),
    )
      .filter((chosen) => new Set(chosen).size === length)
      .map((chosen) => [0, 1].map((side) => chosen.map((word) => word[side]).join(' '))),
  );

  test('are learned, and translated', async () => {
    // Those that are held out are told before, too.
    const all = [...pairs, ...pairs.slice(0, 4)];
    await writeFile(file('en.txt'), all.map(([text]) => text).join('\n'));
    await writeFile(file('de.txt'), `${all.map(([, text]) => text).join('\n')}\n`);
    const size = ['--layers', '1', '--heads', '2', '--width', '32', '--vocabulary', '290', '--dropout', '0'];
    const files = [file('en.txt'), file('de.txt')];
    const more = ['--backend', 'cpu', '--quiet', '--steps', '200', '--batch', '8', '--lr', '0.01'];
    const { model, report } = await learn('translation', ...files, ...size, ...more);
    expect(report['testAccuracy']).toBeGreaterThan(0.9);
    const asked = [file('en.txt'), '--reference', file('de.txt'), '--beams', '2', '--backend', 'cpu'];
    const command = parseCommand(['translate', model, ...asked]);
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const told = await printedBy(() => translate(command as TranslateCommand, signal));
    const judged = write.mock.calls.map(([part]) => String(part)).join('');
    write.mockRestore();
    const expected = bleu(
      told.trimEnd().split('\n'),
      all.map(([, text]) => text),
    );
    expect(judged).toContain(`BLEU ${expected.toFixed(2)} on ${all.length} sentences`);
    const right = told
      .trim()
      .split('\n')
      .map((line, at) => line === all[at][1]);
    expect(right).toHaveLength(all.length);
    // Who does not read the sentence, or reads it without order, has few.
    expect(right.filter(Boolean).length).toBeGreaterThan(0.8 * all.length);
  });
});

describe('a dialogue', () => {
  test('is read from marks, and from questions in bold', () => {
    expect(turnsIn('a', 'Q: who are you?\nA: a net\n\nQ: where are you?\r\nA: in\n here')).toEqual(TURNS);
    const markdown = '# Title\n\n**Is it?** It is. **Really.**\n\n**No question.** Text.\n\nText.';
    expect(turnsIn('b', markdown)).toEqual([{ question: 'Is it?', answer: 'It is. **Really.**' }]);
    expect(() => turnsIn('c', 'nothing')).toThrow('[dialogue] c has no questions with answers');
  });

  test('is answered as it was written', async () => {
    const { model, report } = await learn('dialogue', file('turns.txt'), ...small, '--steps', '150', '--lr', '0.01');
    expect(report['testAccuracy']).toBe(1);
    const input = vi
      .spyOn(process, 'stdin', 'get')
      .mockReturnValue(Readable.from(TURNS.map(({ question }) => `${question}\n`)) as unknown as typeof process.stdin);
    try {
      const command = parseCommand(['chat', model, '--backend', 'cpu']) as ChatCommand;
      expect(await printedBy(() => chat(command, signal))).toBe('a net\nin here\n');
    } finally {
      input.mockRestore();
    }
  });
});
