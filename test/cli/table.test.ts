import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { devices } from '../../src/cli/devices.ts';
import type { PredictCommand, TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { predict } from '../../src/cli/predict.ts';
import { train } from '../../src/cli/train.ts';
import { writeSafetensors } from '../../src/data/index.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-table-'));
  const rows = Array.from({ length: 120 }, (_, at) => {
    const [x, y] = [Math.sin(at), Math.cos(3 * at)];
    return { x, y, kind: x + y > 0 ? 'warm' : 'cold, very', price: 100 + 20 * x - 10 * y };
  });
  const lines = (cells: (row: (typeof rows)[number]) => unknown[]) =>
    rows.map((row) => cells(row).join(',')).join('\n');
  await writeFile(join(folder, 'kinds.csv'), `x,y,kind\n${lines(({ x, y, kind }) => [x, y, `"${kind}"`])}\n`);
  await writeFile(
    join(folder, 'prices.csv'),
    lines(({ x, y, price }) => [x, y, price]),
  );
});
/** A trend times a season, with noise from a sine of no period: so it is nobody's series. */
const growth = (t: number): number => (50 + 0.4 * t) * (1 + 0.3 * Math.sin((Math.PI * t) / 6)) + 2 * Math.sin(t * t);

afterAll(() => rm(folder, { recursive: true }));

/** What a command prints, and how it ends. */
async function printed(work: () => Promise<number>): Promise<{ code: number; text: string }> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const code = await work();
    return { code, text: write.mock.calls.map(([part]) => String(part)).join('') };
  } finally {
    write.mockRestore();
  }
}

const { signal } = new AbortController();
const runTrain = (...words: string[]) =>
  printed(() => train(parseCommand(['train', ...words]) as TrainCommand, signal));
const runPredict = (...words: string[]) =>
  printed(() => predict(parseCommand(['predict', ...words]) as PredictCommand));

describe('a table', () => {
  test('of classes is learned by one command, kept, and told for new rows', async () => {
    const [file, model, report] = ['kinds.csv', 'kinds.safetensors', 'kinds.json'].map((name) => join(folder, name));
    const { code, text } = await runTrain(file, '--backend', 'cpu', '--save', model, '--report', report);
    expect(code).toBe(0);
    expect(text).toContain(
      'kinds.csv: 96 rows to learn from and 24 held out; "kind" is told, one of 2 classes, from 2 columns',
    );
    expect(text).toMatch(/class +samples +recall +precision/);
    expect(text).toMatch(/294 steps in .* s\. Test accuracy (9\d|100)\.\d\d %/);
    const said = JSON.parse(await readFile(report, 'utf8')) as Record<string, unknown>;
    expect(said).toMatchObject({
      data: file,
      model: ['flatten', 'linear 64', 'relu', 'linear 32', 'relu', 'linear 2'],
      optimizer: 'adamw',
      batch: 32,
    });
    expect(said['testAccuracy']).toBeGreaterThan(0.9);

    const more = join(folder, 'more.csv');
    await writeFile(more, 'y,x\n2,2\n-2,-2\n');
    const told = await runPredict(model, more, '--backend', 'cpu');
    expect(told.code).toBe(0);
    expect(told.text).toMatch(/^kind,probability\nwarm,[01]\.\d{4}\n"cold, very",[01]\.\d{4}\n$/);
  });

  test('of numbers is judged in their own unit, and told in it', async () => {
    const [file, model, report] = ['prices.csv', 'prices.safetensors', 'prices.json'].map((name) => join(folder, name));
    const { code, text } = await runTrain(
      file,
      '--backend',
      'cpu',
      '--save',
      model,
      '--report',
      report,
      '--steps',
      '600',
    );
    expect(code).toBe(0);
    expect(text).toMatch(
      /Of "column 3", held out: root mean squared error [\d.]+, mean absolute error [\d.]+, R² (0\.9\d\d|1\.000)/,
    );
    const said = JSON.parse(await readFile(report, 'utf8')) as Record<string, number | null>;
    expect(said['testAccuracy']).toBeNull();
    // The prices have a deviation of about 16.
    expect(said['testRootMeanSquaredError']).toBeLessThan(4);

    const more = join(folder, 'new.csv');
    await writeFile(more, '0,0\n1,0\n0,1\n');
    const [head, ...numbers] = (await runPredict(model, more, '--backend', 'cpu')).text.trim().split('\n');
    expect(head).toBe('column 3');
    for (const [at, price] of [100, 120, 90].entries()) expect(Math.abs(Number(numbers[at]) - price)).toBeLessThan(5);
  });

  test('has the header that its model had, whatever its cells look like', async () => {
    const [years, model] = [join(folder, 'years.csv'), join(folder, 'years.safetensors')];
    const rows = Array.from({ length: 40 }, (_, at) => `${at % 7},${at % 5},${(at % 7) + (at % 5)}`);
    await writeFile(years, ['2019,2020,2021', ...rows].join('\n'));
    await runTrain(years, '--header', 'yes', '--backend', 'cpu', '--save', model, '--steps', '5');
    const more = join(folder, 'moreYears.csv');
    await writeFile(more, '2019,2020\n1,2\n3,4\n');
    const { text } = await runPredict(model, more, '--backend', 'cpu');
    expect(text.trim().split('\n')).toHaveLength(1 + 2);

    const [words, bare] = [join(folder, 'words.csv'), join(folder, 'words.safetensors')];
    const texts = Array.from({ length: 40 }, (_, at) => `${'rgb'[at % 3]},${'hl'[at % 2]},${'pq'[at % 2]}`);
    await writeFile(words, texts.join('\n'));
    await runTrain(words, '--header', 'no', '--backend', 'cpu', '--save', bare, '--steps', '5');
    await writeFile(more, 'r,l\ng,h\nb,h\n');
    const told = await runPredict(bare, more, '--backend', 'cpu');
    expect(told.text.trim().split('\n')).toHaveLength(1 + 3);
  });

  test('keeps the names, classes and numbers of its file, and says what was guessed', async () => {
    const [file, model, report] = ['frame.csv', 'frame.safetensors', 'frame.json'].map((name) => join(folder, name));
    const rows = Array.from({ length: 60 }, (_, at) => [at % 7, (800 + 10 * at).toLocaleString('en-US'), at % 3]);
    const code = ['007', '7', '1E1'];
    await writeFile(file, ['0;1;2', ...rows.map(([x, pay, y]) => [x, pay, code[Number(y)]].join(';'))].join('\n'));
    const words = ['--backend', 'cpu', '--steps', '5', '--task', 'classification'];
    const { text } = await runTrain(file, ...words, '--save', model, '--report', report);
    const notes = [
      'Took line 1 for the names of the columns, though 0, 1, 2 are numbers: say header no if it is a row.',
      'Read "1" with decimal points: "1,000" as 1000, by the sizes of the numbers: say decimal "," if it is a fraction.',
      'Kept "007", "7" of "2" as classes of their own, though they are one number.',
    ];
    for (const note of notes) expect(text).toContain(`  ${note}\n`);
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({ notes });

    const more = join(folder, 'row.csv');
    const told = async (row: string): Promise<string> => {
      await writeFile(more, row);
      return (await runPredict(model, more, '--backend', 'cpu')).text;
    };
    const answer = await told('0;1\n3;1,100\n');
    expect(answer).toMatch(/^2,probability\n(007|7|1E1),[01]\.\d{4}\n$/);
    expect(await told('3;1100\n')).toBe(answer);
    expect(await told('0;1\n3;1,300\n')).not.toBe(answer);
  });

  test('asks which number 1,234 is, and keeps the answer for one row to predict', async () => {
    const [file, model, more] = ['open.csv', 'open.safetensors', 'openRow.csv'].map((name) => join(folder, name));
    const rows = Array.from({ length: 40 }, (_, at) => `${at % 7};1,${100 + 7 * at};${at % 2}`);
    await writeFile(file, ['x;pay;y', ...rows].join('\n'));
    const words = [file, '--backend', 'cpu', '--steps', '5', '--save', model];
    await expect(runTrain(...words)).rejects.toThrow(
      'open.csv: column "pay" does not tell whether "1,100" on line 2 is 1100 or 1.1: say decimal (--decimal)',
    );
    const told: string[] = [];
    for (const decimal of ['.', ',']) {
      await runTrain(...words, '--decimal', decimal);
      for (const row of ['3;1,100', decimal === '.' ? '3;1100' : '3;1,1']) {
        await writeFile(more, `x;pay\n${row}\n`);
        told.push((await runPredict(model, more, '--backend', 'cpu')).text);
      }
    }
    expect([told[0], told[2]]).toEqual([told[1], told[3]]);
  });

  test('has what it is said to be missing, and no more', async () => {
    const [file, model] = [join(folder, 'lands.csv'), join(folder, 'lands.safetensors')];
    const rows = Array.from({ length: 60 }, (_, at) => `${at % 4 ? at % 7 : -1},${['NA', 'DE', 'FR'][at % 3]}`);
    await writeFile(file, ['x,land', ...rows].join('\n'));
    const words = ['--backend', 'cpu', '--steps', '5', '--save', model];
    expect((await runTrain(file, ...words)).text).toContain('Read "NA" in "land" as missing, in 20 cells');
    const { text } = await runTrain(file, ...words, '--missing', '-1');
    expect(text).toContain('one of 3 classes');
    expect(text).toMatch(/Filled 15 missing cells of "x"/);
  });

  test('whose training diverges keeps no model', async () => {
    const model = join(folder, 'diverged.safetensors');
    const words = ['--backend', 'cpu', '--steps', '1', '--lr', '1e39', '--optimizer', 'sgd', '--schedule', 'constant'];
    await expect(runTrain(join(folder, 'prices.csv'), '--save', model, ...words)).rejects.toThrow(
      '[fit] the learning rate is Infinity at step 1',
    );
    expect(existsSync(model)).toBe(false);
  });

  test('that does not fit the model is refused', async () => {
    const model = join(folder, 'kinds.safetensors');
    const other = join(folder, 'other.csv');
    await writeFile(other, 'a,b\n1,2\n');
    await expect(runPredict(model, other, '--backend', 'cpu')).rejects.toThrow('has no column "x", "y"');
    await expect(runPredict(model, join(folder, 'none.csv'), '--backend', 'cpu')).rejects.toThrow(
      'there is no such file',
    );
  });
});

describe('a model file', () => {
  const asked = async (name: string, bytes: Uint8Array) => {
    await writeFile(join(folder, name), bytes);
    return runPredict(join(folder, name), join(folder, 'kinds.csv'), '--backend', 'cpu');
  };

  test('that is none is named', async () => {
    await expect(asked('text', new TextEncoder().encode('hello, world'))).rejects.toThrow('[safetensors]');
    const other = writeSafetensors({ tensors: {}, metadata: {} });
    await expect(asked('other', other)).rejects.toThrow('does not say what model it holds: give a file that');
    // As many weights as the last of them describes.
    const weights = { shape: [785], data: new Float32Array(785) };
    const describing = (form: unknown) =>
      writeSafetensors({
        tensors: { weights },
        metadata: { millrace: typeof form === 'string' ? form : JSON.stringify(form) },
      });
    await expect(asked('a', describing('{'))).rejects.toThrow('holds a description that is no JSON');
    await expect(asked('b', describing({ hidden: [0] }))).rejects.toThrow('does not say how wide its layers are');
    await expect(asked('c', describing({ hidden: [] }))).rejects.toThrow('does not say what it takes in');
    const image = { hidden: [], input: { kind: 'image', shape: [28, 28], classes: ['0'] } };
    await expect(runPredict(join(folder, 'none'), 'x')).rejects.toThrow(`${join(folder, 'none')} cannot be read`);
    await writeFile(join(folder, 'image'), describing(image));
    await expect(asked('d', describing(image))).rejects.toThrow('[idx] kinds.csv begins with');
  });
});

test('devices names the adapter that millrace uses, its features and its limits', async () => {
  const { code, text } = await printed(devices);
  expect(code).toBe(0);
  expect(text).toMatch(/Adapter 1 .* \((soft|hard)ware, used by millrace\)/);
  expect(text).toContain('maxStorageBufferBindingSize');
  expect(text).toMatch(/(yes|no) +shader-f16/);
  expect(text).toMatch(/CPU .* threads/);
});

describe('a series', () => {
  test('is forecast better than it repeats itself, and a saved model goes on with it', async () => {
    const path = join(folder, 'growth.csv');
    await writeFile(path, `t,sales\n${Array.from({ length: 180 }, (_, t) => `${t},${growth(t)}`).join('\n')}\n`);
    const [model, report] = [join(folder, 'growth.safetensors'), join(folder, 'growth.json')];
    const wishes = ['--sequence', '--backend', 'cpu', '--quiet', '--save', model, '--report', report];
    const command = parseCommand(['train', path, ...wishes]) as TrainCommand;
    const { code, text } = await printed(() => train(command, signal));
    expect(code).toBe(0);
    expect(text).toMatch(/the last 36 steps forecast: .*; repeating the 12 steps before: /);
    const figures = JSON.parse(await readFile(report, 'utf8')) as Record<string, number>;
    expect(figures['testRootMeanSquaredError']).toBeLessThan(figures['repeatedRootMeanSquaredError']);
    expect(figures['testMeanAbsolutePercentageError']).toBeLessThan(figures['repeatedMeanAbsolutePercentageError']);
    const asked = parseCommand(['predict', model, path, '--backend', 'cpu']) as PredictCommand;
    const { text: said } = await printed(() => predict(asked));
    const [name, ...forecasts] = said.trim().split('\n');
    expect([name, forecasts.length]).toEqual(['sales', 12]);
    const far = forecasts.map((forecast, at) => Math.abs(Number(forecast) / growth(180 + at) - 1));
    expect(Math.max(...far)).toBeLessThan(0.3);
  });

  const real = process.env['MILLRACE_DATA'];
  test.runIf(real)(
    'airline passengers of two years are forecast better than by repeating the year before',
    async () => {
      const report = join(folder, 'passengers.json');
      const path = join(real!, 'tiny', 'monthly-airline-passengers.csv');
      const wishes = ['--sequence', '--backend', 'cpu', '--quiet', '--report', report];
      const { code } = await printed(() => train(parseCommand(['train', path, ...wishes]) as TrainCommand, signal));
      expect(code).toBe(0);
      const figures = JSON.parse(await readFile(report, 'utf8')) as Record<string, number>;
      expect(figures['repeatedSteps']).toBe(12);
      expect(figures['repeatedRootMeanSquaredError']).toBeCloseTo(49.99, 2);
      // Seeds 1 to 5 end between 11.9 and 17.6.
      expect(figures['testRootMeanSquaredError']).toBeLessThan(25);
      expect(figures['testMeanAbsolutePercentageError']).toBeLessThan(0.05);
    },
  );
});
