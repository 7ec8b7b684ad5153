// `millrace node`: what it is told, what it learns from, what it says and keeps. How a node and a SuperLink speak with each
// other is tested in test/flower; here a function stands in for `joinFlower`, and trains as it does.

import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { NodeCommand, TrainCommand } from '../../src/cli/command/commands.ts';
import { help } from '../../src/cli/command/help.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { learningTaskOf } from '../../src/cli/learner.ts';
import { node, type Join } from '../../src/cli/node.ts';
import { nodeKeyIn } from '../../src/cli/nodeKeyFile.ts';
import { write as writeOut } from '../../src/cli/outputPaths.ts';
import { shareOf } from '../../src/cli/share.ts';
import type { TableInput } from '../../src/cli/tasks/tables.ts';
import type { LearningTask } from '../../src/cli/tasks/task.ts';
import { loadLearningTask } from '../../src/cli/tasks/tasks.ts';
import { train as learn } from '../../src/cli/train.ts';
import { concat, textStream, type NumberForm } from '../../src/data/index.ts';
import type { FlowerEvent, FlowerOptions, FlowerRound } from '../../src/flower/index.ts';
import { DataError, type Dataset } from '../../src/index.ts';
import { notAddresses } from '../flower/addresses.ts';
import { fakeSuperLink } from '../support/fakeSuperLink.ts';
import { noise, wavOf } from '../support/sounds.ts';

const SUPERLINK = 'http://127.0.0.1:8000';

const nodeCommand = (...words: readonly string[]): NodeCommand =>
  parseCommand(['node', ...words, '--superlink', SUPERLINK]) as NodeCommand;

let folder = '';
/** Three kinds in 60 rows, of which the third of the numbers tells them apart. */
let table = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-node-'));
  table = join(folder, 'kinds.csv');
  const rows = Array.from(
    { length: 60 },
    (_, at) => `${at},${(at * 7) % 5},${at % 3},${['ant', 'bee', 'cat'][at % 3]}`,
  );
  await writeFile(table, `id,noise,number,kind\n${rows.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

describe('what it is told', () => {
  test('is what train is told, of one epoch a round and at a constant rate, and how it takes part', () => {
    expect(nodeCommand('mnist')).toMatchObject({
      command: 'node',
      superlink: SUPERLINK,
      learning: { command: 'train', dataset: 'mnist', epochs: 1, steps: undefined, schedule: 'constant', seed: 1 },
      layout: 'millrace',
      optimizerState: 'reset',
      part: undefined,
      labels: undefined,
      runs: undefined,
      patience: undefined,
      heartbeat: undefined,
      key: undefined,
    });
    expect(nodeCommand('text', 'a.txt', '--steps', '9', '--model', 'gru', '--width', '8').learning).toMatchObject({
      files: ['a.txt'],
      model: 'gru',
      steps: 9,
      epochs: undefined,
      text: { width: 8 },
    });
    const line = 'digits --part 2/3 --labels 0-4,9 --layout torch --names layer1=fc1,layer3=fc2 --runs 2 --key k';
    expect(
      nodeCommand(...line.split(' '), '--optimizer-state', 'keep', '--patience', '1.5', '--heartbeat', '90'),
    ).toMatchObject({
      part: { at: 1, of: 3 },
      labels: ['0-4', '9'],
      layout: 'torch',
      names: { layer1: 'fc1', layer3: 'fc2' },
      runs: 2,
      key: 'k',
      optimizerState: 'keep',
      patience: 1.5,
      heartbeat: 90,
    });
  });

  test('is in the help, option by option', () => {
    for (const name of 'superlink key layout names part labels optimizer-state runs patience heartbeat'.split(' ')) {
      expect(help).toContain(`--${name}`);
    }
  });

  test.each([
    ['node', 'node what? Say mnist'],
    ['node text --superlink http://a', 'node text of what?'],
    ...notAddresses.map((url) => [
      `node mnist --superlink ${url}`,
      `--superlink is "${url}" but must be the SuperLink's address, as http://127.0.0.1:8000`,
    ]),
    ['node mnist --superlink http://a --layout numpy', '--layout is "numpy" but must be millrace or torch or keras'],
    ['node mnist --superlink http://a --part 0/3', '--part is "0/3" but must be one of so many'],
    ['node mnist --superlink http://a --part 3', '--part is "3" but must be one of so many'],
    ['node mnist --superlink http://a --runs 0', '--runs is "0" but must be a whole number of at least 1'],
    ['node mnist --superlink http://a --patience 0', '--patience is "0" but must be a number of seconds above 0'],
    ['node mnist --superlink http://a --heartbeat 5', '--heartbeat is "5" but must be from 10 to 1800 seconds'],
    ['node mnist --superlink http://a --optimizer-state lose', '--optimizer-state is "lose" but must be reset or keep'],
    ['node mnist --superlink http://a --epochs 1 --steps 1', '--epochs and --steps both say when to end'],
    ['node mnist --superlink http://a --resume', '--resume means nothing to node'],
    ['node mnist --superlink http://a --on-nan skip', '--on-nan means nothing to node'],
    ['node mnist --superlink http://a --prompt a', '--prompt means nothing to node'],
    ['train mnist --part 1/3', '--part means nothing to train'],
    ['predict a b --superlink http://a', '--superlink means nothing to predict'],
  ])('%s is refused: %s', (line, message) => {
    expect(() => parseCommand(line.split(' '))).toThrow(message);
  });
});

describe('its share', () => {
  const loaded = (...options: readonly string[]): Promise<LearningTask> => {
    const { learning } = nodeCommand(table, ...options);
    return loadLearningTask(learning, { signal: new AbortController().signal, terminal: null });
  };
  const sharesOf = (task: LearningTask, ...options: readonly string[]): LearningTask =>
    shareOf(task, nodeCommand(table, ...options));
  const labelsOf = ({ fields }: Dataset): number[] => Array.from(fields['label'].data).toSorted((a, b) => a - b);
  /** By the numbers that a model sees of it. */
  const samplesOf = ({ length, fields: { features } }: Dataset): string[] =>
    Array.from({ length }, (_, at) => {
      const size = features.data.length / length;
      return features.data.slice(at * size, (at + 1) * size).join();
    });

  test('is all of it where nothing else is said', async () => {
    const task = await loaded();
    expect(sharesOf(task)).toBe(task);
  });

  test.each([2, 3, 7])('of %i parts has each sample once, mixed, and all that is held out', async (of) => {
    const task = await loaded();
    const parts = Array.from({ length: of }, (_, at) => sharesOf(task, '--part', `${at + 1}/${of}`));
    expect(parts.flatMap(({ train }) => samplesOf(train)).toSorted()).toEqual(samplesOf(task.train).toSorted());
    const sizes = parts.map(({ train }) => train.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    for (const part of parts) expect(part.test).toBe(task.test);
    const [{ train, notes }] = parts;
    expect(samplesOf(train)).not.toEqual(samplesOf(task.train).slice(0, train.length));
    expect(notes.at(-1)).toBe(`Learns from ${train.length} of ${task.train.length}: part 1 of ${of}`);
  });

  test('follows from the seed', async () => {
    const task = await loaded();
    const ofSeed = (seed: string): string[] => samplesOf(sharesOf(task, '--part', '1/2', '--seed', seed).train);
    expect(ofSeed('2')).toEqual(ofSeed('2'));
    expect(ofSeed('2')).not.toEqual(ofSeed('3'));
  });

  test.each([
    ['ant', [0]],
    ['ant,cat', [0, 2]],
    ['bee-cat', [1, 2]],
    ['0-1', [0, 1]],
    ['2', [2]],
  ])('of --labels %s has all samples of these classes, and no other', async (labels, classes) => {
    const task = await loaded();
    const { train, test: held } = sharesOf(task, '--labels', labels);
    expect(labelsOf(train)).toEqual(labelsOf(task.train).filter((label) => classes.includes(label)));
    expect(held).toBe(task.test);
  });

  test('of a part and of labels is what of the part has them', async () => {
    const task = await loaded();
    const halves = ['1/2', '2/2'].map((part) => sharesOf(task, '--part', part, '--labels', 'bee').train);
    const whole = sharesOf(task, '--labels', 'bee').train;
    expect(halves.flatMap(samplesOf).toSorted()).toEqual(samplesOf(whole).toSorted());
  });

  test('of a text is a stretch of it, each window in one part', () => {
    const { train, validation } = textStream(
      Int32Array.from({ length: 100 }, (_, at) => at),
      { context: 8 },
    );
    const task = { train, test: validation, notes: [], input: {} } as unknown as LearningTask;
    const parts = ['1/3', '2/3', '3/3'].map((part) => sharesOf(task, '--part', part).train);
    expect(parts.map(({ length }) => length)).toEqual([27, 28, 27]);
    // A window's first token is its place.
    expect(parts.map(({ fields: { tokens } }) => tokens.data[0])).toEqual([0, 27, 55]);
    expect(train.length).toBe(82);
  });
});

describe('data of its own', () => {
  test('are read as the model did that all begin with, whatever columns would tell by themselves', async () => {
    const [shared, own, model] = ['shared.csv', 'own.csv', 'shared.safetensors'].map((name) => join(folder, name));
    const rows = (from: number, kinds: readonly string[]): string =>
      Array.from({ length: 20 }, (_, at) => `${from + at},${kinds[at % kinds.length]}`).join('\n');
    await writeFile(shared, `size,kind\n${rows(0, ['ant', 'bee', 'cat'])}\n`);
    // Without an ant, and larger.
    await writeFile(own, `size,kind\n${rows(10, ['bee', 'cat'])}\n`);
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const { signal } = new AbortController();
    const save = ['--backend', 'cpu', '--steps', '1', '--quiet', '--save', model];
    await learn(parseCommand(['train', shared, ...save]) as TrainCommand, signal).finally(() => write.mockRestore());
    const load = async (...words: readonly string[]): Promise<LearningTask> =>
      learningTaskOf(nodeCommand(...words).learning, { signal, terminal: null });
    const task = await load(own, '--from', model);
    const { input } = await load(shared);
    expect(task.input).toEqual(input);
    expect([task.train.length, task.test.length]).toEqual([16, 4]);
    // 10 to 29, as the model sees 0 to 19, and of its classes the second and the third.
    const [{ mean, deviation }] = (input as TableInput).table.features as readonly NumberForm[];
    const both = concat(task.train, task.test).fields;
    const sizes = Array.from(both['features'].data, (size) => Math.round(size * deviation + mean));
    expect(sizes.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => 10 + at));
    expect(Array.from(both['label'].data)).toEqual(sizes.map((size) => 1 + (size % 2)));
  });
});

describe('its key', () => {
  test('is made where there is none, for its owner alone, with the public half beside it, and is the same from then on', async () => {
    const path = join(folder, 'node.key');
    const made = await nodeKeyIn(path, null);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(`${path}.pub`, 'utf8')).toBe(`${made.openSsh}\n`);
    expect(made.openSsh).toMatch(
      /^ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhB[\w+/]+=*$/,
    );
    await rm(`${path}.pub`);
    const again = await nodeKeyIn(path, null);
    expect(again.publicKey).toBe(made.publicKey);
    expect(await readFile(`${path}.pub`, 'utf8')).toBe(`${made.openSsh}\n`);
  });
});

describe('files that are not to be had', () => {
  const signal = new AbortController().signal;
  const never: Join = () => Promise.reject(new Error('it has joined'));
  const refusal = async (...options: readonly string[]): Promise<string> => {
    const command = nodeCommand(table, '--backend', 'cpu', '--batch', '8', '--quiet', ...options);
    return node(command, signal, never).then(
      () => 'nothing was wrong',
      ({ message }: Error) => message,
    );
  };

  test('are told under the command that was run, by name, and with a way out, before it joins', async () => {
    const [gone, inside] = [join(folder, 'gone', 'file'), join(table, 'file')];
    const wayOut = 'name another place';
    expect(await refusal('--key', folder)).toBe(
      `[node] ${folder} cannot be read: it is a folder and no file: name another file by --key, or make this one readable`,
    );
    for (const option of ['--key', '--save', '--report']) {
      expect(await refusal(option, gone)).toBe(`[node] ${gone} cannot be written: its folder is not there: ${wayOut}`);
    }
    expect(await refusal('--save', folder)).toBe(
      `[node] ${folder} cannot be written: it is a folder and no file: ${wayOut}`,
    );
    expect(await refusal('--save', inside)).toMatch(
      new RegExp(`^\\[node\\] ${inside} cannot be written: ENOTDIR.*: ${wayOut}$`),
    );
    const ended = learn(
      parseCommand(['train', table, '--backend', 'cpu', '--batch', '8', '--quiet', '--save', gone]) as TrainCommand,
      signal,
    );
    await expect(ended).rejects.toThrow(`[train] ${gone} cannot be written: its folder is not there: ${wayOut}`);
    await expect(writeOut('convert', gone, '')).rejects.toThrow(`[convert] ${gone} cannot be written`);
  });

  test('nor is a key written over', async () => {
    const path = join(folder, 'kept.key');
    const { privateKey } = await nodeKeyIn(path, null);
    for (const other of [path, `${path}.pub`]) {
      expect(await refusal('--key', path, '--save', other)).toBe(`${other} is named twice: it would be written over`);
    }
    expect(await readFile(path, 'utf8')).toBe(privateKey);
  });
});

describe('a node', () => {
  /** Rounds of one run, each trained and judged, as a SuperLink would ask for them. */
  const rounds =
    (count: number): Join =>
    async ({ superlink, trainer, train, evaluate, epochs, steps, onEvent = () => {}, signal }: FlowerOptions) => {
      const done: FlowerRound[] = [];
      const run = '17';
      const reply = (round: FlowerRound): void => {
        done.push(round);
        onEvent({ kind: 'replied', done: round });
      };
      onEvent({ kind: 'joined', node: '42', superlink, version: '1.42.0' });
      for (let round = 1; round <= count; round++) {
        const usual = { run, round, bytesReceived: 407_080, bytesSent: 999, seconds: 0.5, secondsOfWork: 0.25 };
        const task = { action: 'default', run, round, config: {}, arrays: new Map(), signal: signal! };
        onEvent({ kind: 'received', task: { ...task, kind: 'train' }, bytes: 407_080 });
        let last = NaN;
        for await (const report of trainer.fit(
          train as Dataset,
          steps === undefined ? { epochs: epochs! } : { steps },
        )) {
          onEvent({ kind: 'step', task: { ...task, kind: 'train' }, report });
          last = report.loss;
        }
        reply({ ...usual, kind: 'train', examples: (train as Dataset).length, metrics: { train_loss: last } });
        onEvent({ kind: 'received', task: { ...task, kind: 'evaluate' }, bytes: 407_080 });
        const { loss, accuracy } = await trainer.evaluate(evaluate as Dataset);
        const metrics = { eval_loss: loss, eval_acc: accuracy };
        reply({ ...usual, kind: 'evaluate', examples: (evaluate as Dataset).length, metrics });
      }
      onEvent({ kind: 'ended', run });
      onEvent({ kind: 'left' });
      return { node: '42', rounds: done };
    };

  interface Reported {
    readonly rounds: readonly FlowerRound[];
    readonly holds: string;
    readonly testLoss: number;
  }

  interface Ran {
    readonly code: number | Error;
    readonly text: string;
    readonly complaint: string;
  }

  const run = async (
    how: Join,
    options: readonly string[] = [],
    signal = new AbortController().signal,
  ): Promise<Ran> => {
    const [out, error] = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockReturnValue(true),
    );
    const said = (spy: typeof out): string => spy.mock.calls.map(([part]) => String(part)).join('');
    try {
      const command = nodeCommand(table, '--backend', 'cpu', '--batch', '8', ...options);
      const code = await node(command, signal, how).catch((thrown: Error) => thrown);
      return { code, text: said(out), complaint: said(error) };
    } finally {
      out.mockRestore();
      error.mockRestore();
    }
  };

  test('says where it joined, what came of each round, and what it ended with', async () => {
    const { code, text } = await run(rounds(2), ['--epochs', '8', '--part', '1/2']);
    expect(code).toBe(0);
    expect(text).toContain('kinds.csv: 48 rows to learn from and 12 held out');
    expect(text).toContain('  Learns from 24 of 48: part 1 of 2\n');
    expect(text).toContain(`Joined ${SUPERLINK}, Flower 1.42.0, as node 42.\nRun 17:\n`);
    const work = '0\\.3 s of work in 0\\.5 s {2}407 kB in {2}999 B out';
    for (const round of [1, 2]) {
      expect(text).toMatch(new RegExp(`^round ${round} {2}train {5}loss \\d\\.\\d{4} {2}24 samples {2}${work}$`, 'm'));
      expect(text).toMatch(
        new RegExp(
          `^round ${round} {2}evaluate {2}loss \\d\\.\\d{4} {2}accuracy \\d+\\.\\d\\d % {2}12 samples {2}${work}$`,
          'm',
        ),
      );
    }
    expect(text).toContain('Run 17 has ended.\n');
    // Of a round that is over in no time its steps are not told.
    expect(text).not.toContain('epoch');
    expect(text.trimEnd().split('\n').at(-1)).toMatch(
      /^2 rounds of training, 1\.0 s of work in \d+\.\d s\. Test accuracy \d+\.\d\d %, test loss \d\.\d{4}\.$/,
    );
  });

  test('--quiet says the last line only', async () => {
    const { code, text, complaint } = await run(rounds(1), ['--quiet']);
    expect([code, complaint]).toEqual([0, '']);
    expect(text).toMatch(/^1 round of training, 0\.5 s of work in \d+\.\d s\. Test accuracy .*\n$/);
  });

  test('reports what train reports, and each round, and keeps the model', async () => {
    const [report, model] = [join(folder, 'node.json'), join(folder, 'node.safetensors')];
    await run(rounds(2), ['--report', report, '--save', model, '--labels', 'ant,bee', '--lr', '0.01']);
    const told = JSON.parse(await readFile(report, 'utf8')) as Record<string, unknown>;
    expect(told).toMatchObject({
      backend: 'cpu',
      data: table,
      model: ['flatten', 'linear 64', 'relu', 'linear 32', 'relu', 'linear 3'],
      batch: 8,
      optimizer: 'adamw',
      learningRate: 0.01,
      schedule: 'constant',
      seed: 1,
      superlink: SUPERLINK,
      flower: '1.42.0',
      node: '42',
      layout: 'millrace',
      labels: ['ant', 'bee'],
      samples: 32,
      optimizerState: 'reset',
      steps: 8,
      secondsOfWork: 1,
      bytesReceived: 4 * 407_080,
      bytesSent: 4 * 999,
      holds: 'average',
      refused: [],
      interruptions: 0,
      runs: ['17'],
    });
    const done = told['rounds'] as readonly FlowerRound[];
    expect(done.map(({ kind, round }) => `${kind} ${round}`)).toEqual([
      'train 1',
      'evaluate 1',
      'train 2',
      'evaluate 2',
    ]);
    expect(done[3].metrics).toEqual({ eval_loss: told['testLoss'], eval_acc: told['testAccuracy'] });
    expect((await stat(model)).size).toBeGreaterThan(4 * 2000);
  });

  test('says what was refused, to those too who want one line only', async () => {
    const why = 'proximal-mu is 0.1, and training here has no proximal term';
    const refusing: Join = async (options) => {
      options.onEvent?.({ kind: 'failed', run: '17', round: 3, why });
      return { node: '42', rounds: [] };
    };
    const report = join(folder, 'refused.json');
    const { code, text, complaint } = await run(refusing, ['--quiet', '--report', report]);
    expect([code, text]).toEqual([1, 'Left before anything was done.\n']);
    expect(complaint).toBe(`round 3 refused: ${why}\n`);
    const { refused } = JSON.parse(await readFile(report, 'utf8')) as { refused: unknown };
    expect(refused).toEqual([{ run: '17', round: 3, why }]);
  });

  test('says once why it waits, and when it goes on', async () => {
    const events: readonly FlowerEvent[] = [
      { kind: 'waiting', why: 'it was refused', seconds: 1 },
      { kind: 'waiting', why: 'it was refused', seconds: 2 },
      { kind: 'back' },
    ];
    const losing: Join = (options) => {
      events.forEach((event) => options.onEvent?.(event));
      return rounds(1)(options);
    };
    const report = join(folder, 'lost.json');
    const { text } = await run(losing, ['--report', report]);
    expect(text.match(/^Waits: .*$/gm)).toEqual(['Waits: it was refused. The next try is in 1.0 s.']);
    expect(text).toMatch(/^Goes on after \d+\.\d s\.$/m);
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({ interruptions: 1 });
  });

  test('that gives up says why, and keeps what came before', async () => {
    const files = ['gaveUp.json', 'gaveUp.safetensors'].map((name) => join(folder, name));
    const lost = new DataError('[joinFlower] the SuperLink was not there for 600 s');
    const losing: Join = async (options) => {
      await rounds(1)(options);
      throw lost;
    };
    const { code } = await run(losing, ['--report', files[0], '--save', files[1]]);
    expect(code).toBe(lost);
    expect(JSON.parse(await readFile(files[0], 'utf8'))).toMatchObject({ gaveUp: lost.message });
    expect((await stat(files[1])).size).toBeGreaterThan(0);
  });

  test('that leaves in the middle of its first round says so', async () => {
    const ending = new AbortController();
    const interrupted: Join = async ({ onEvent, signal }) => {
      const task = { action: 'default', run: '17', round: 1, config: {}, arrays: new Map(), signal: signal! };
      onEvent?.({ kind: 'received', task: { ...task, kind: 'train' }, bytes: 1 });
      ending.abort();
      return { node: '42', rounds: [] };
    };
    const { code, text } = await run(interrupted, ['--quiet'], ending.signal);
    expect([code, text]).toEqual([130, 'Left in the middle of the first round.\n']);
  });

  test('whose last reply was not taken holds what it learned, and has left nothing in the middle', async () => {
    const dropping: Join = async (options) => {
      const summary = await rounds(1)(options);
      const task = { action: 'default', run: '17', round: 2, config: {}, arrays: new Map(), signal: options.signal! };
      options.onEvent?.({ kind: 'received', task: { ...task, kind: 'train' }, bytes: 1 });
      options.onEvent?.({ kind: 'dropped', run: '17', why: 'it was restarted without its runs' });
      return summary;
    };
    const report = join(folder, 'dropped.json');
    const { text } = await run(dropping, ['--quiet', '--report', report]);
    expect(text).toMatch(/ s\. No average came behind the last one\. Test accuracy /);
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({ holds: 'own' });
  });

  test('that Ctrl-C ends in the middle of a round ends with 130, and says so', async () => {
    const ending = new AbortController();
    const interrupted: Join = async (options) => {
      const { node: number, rounds: done } = await rounds(1)(options);
      const task = { action: 'default', run: '17', round: 2, config: {}, arrays: new Map(), signal: options.signal! };
      options.onEvent?.({ kind: 'received', task: { ...task, kind: 'train' }, bytes: 1 });
      ending.abort();
      return { node: number, rounds: done };
    };
    const { code, text } = await run(interrupted, ['--quiet'], ending.signal);
    expect(code).toBe(130);
    expect(text).toMatch(
      / s\. (?:No average came behind the last one\. )?It left in the middle of the next one, which is undone\. Test accuracy /,
    );
  });

  test('joins a SuperLink, learns and judges as it is asked, and leaves it in order', async () => {
    const superlink = await fakeSuperLink();
    const ending = new AbortController();
    const report = join(folder, 'joined.json');
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const words = [
        'node',
        table,
        '--superlink',
        superlink.url,
        '--backend',
        'cpu',
        '--batch',
        '8',
        '--report',
        report,
      ];
      const working = node(parseCommand(words) as NodeCommand, ending.signal);
      await expect.poll(() => superlink.online, { timeout: 30_000 }).toHaveLength(1);
      const [number] = superlink.online;
      const { records } = await superlink.ask(number, { type: 'query' });
      const { arrays } = records!;
      expect([...arrays.keys()]).toContain('layer1.weight');
      const trained = await superlink.ask(number, { type: 'train', arrays, config: { 'server-round': 1 } });
      expect(trained.records!.metrics).toMatchObject({ 'num-examples': 48 });
      await superlink.ask(number, { type: 'evaluate', arrays: trained.records!.arrays, config: { 'server-round': 1 } });
      ending.abort();
      expect(await working).toBe(130);
      expect(superlink.online).toEqual([]);
    } finally {
      write.mockRestore();
      await superlink.close();
    }
    const { rounds: done, holds, testLoss } = JSON.parse(await readFile(report, 'utf8')) as Reported;
    expect(done.map(({ kind }) => kind)).toEqual(['query', 'train', 'evaluate']);
    expect(holds).toBe('average');
    expect(done[2].metrics).toMatchObject({ eval_loss: testLoss });
  });

  /** Files of each kind, as few and as short as can be learned from. */
  const kinds: Readonly<Record<string, (path: string) => Promise<readonly string[]>>> = {
    'a series': async (path) => {
      await writeFile(`${path}.csv`, Array.from({ length: 72 }, (_, t) => `${t},${Math.sin(t)}`).join('\n'));
      return [`${path}.csv`, '--sequence', '--length', '6', '--horizon', '2'];
    },
    'a text': async (path) => {
      await writeFile(path, 'to be or not to be, '.repeat(30));
      return ['text', path, '--context', '8', '--width', '8', '--heads', '2', '--layers', '1'];
    },
    'labelled lines': async (path) => {
      await writeFile(
        path,
        Array.from({ length: 40 }, (_, at) => (at % 2 ? 'good well done' : 'bad so poor')).join('\n'),
      );
      return ['sentiment', path, '--width', '8', '--model', 'gru'];
    },
    'sentences and their translations': async (path) => {
      await writeFile(path, 'a b c\nd e\n'.repeat(20));
      return ['translation', path, path, '--vocabulary', '262', '--width', '8', '--heads', '2', '--layers', '1'];
    },
    'questions and answers': async (path) => {
      await writeFile(path, Array.from('abcdefgh', (at) => `Q: what is ${at}?\nA: it is ${at}`).join('\n\n'));
      return ['dialogue', path, '--width', '8', '--heads', '2', '--layers', '1'];
    },
    'strings of words': (path) => wordsAt(path, '--transcribe', '--batch', '2'),
    words: (path) => wordsAt(path),
  };

  const wordsAt = async (path: string, ...options: readonly string[]): Promise<readonly string[]> => {
    for (const [label, name] of ['one', 'two'].entries()) {
      await mkdir(join(path, name), { recursive: true });
      for (let at = 0; at < 5; at++) {
        const bytes = wavOf(noise(10 * label + at, 800 + 80 * at), { sampleRate: 8000 });
        await writeFile(join(path, name, `${at}.wav`), bytes);
      }
    }
    return ['speech', '--data', path, ...options];
  };

  test.each(Object.keys(kinds))('learns %s as train does, of a part of them', async (kind) => {
    const words = await kinds[kind](join(folder, kind.replaceAll(' ', '')));
    const { signal } = new AbortController();
    const report = join(folder, 'kind.json');
    const whole = await learningTaskOf(nodeCommand(...words).learning, { signal, terminal: null });
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const command = nodeCommand(...words, '--part', '1/2', '--steps', '2', '--backend', 'cpu', '--report', report);
    const code = await node(command, signal, rounds(1)).finally(() => write.mockRestore());
    expect(code).toBe(0);
    const { samples, steps } = JSON.parse(await readFile(report, 'utf8')) as { samples: number; steps: number };
    expect(steps).toBe(2);
    expect(Math.abs(2 * samples - whole.train.length)).toBeLessThanOrEqual(1);
  });

  test('hands on what the command says', async () => {
    let given: FlowerOptions | undefined;
    const looking: Join = async (options) => {
      given = options;
      return { node: '42', rounds: [] };
    };
    const line =
      '--steps 5 --layout torch --names layer1=fc1 --optimizer-state keep --runs 3 --patience 9 --heartbeat 60';
    await run(looking, [...line.split(' '), '--key', join(folder, 'handed.key')]);
    expect(given).toMatchObject({
      superlink: SUPERLINK,
      steps: 5,
      layout: 'torch',
      names: { layer1: 'fc1' },
      optimizer: 'keep',
      runs: 3,
      patience: 9,
      heartbeat: 60,
    });
    expect(given).not.toHaveProperty('epochs');
    expect(given?.key?.publicKey).toContain('BEGIN PUBLIC KEY');
  });
});
