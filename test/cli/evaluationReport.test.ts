import { describe, expect, test, vi } from 'vitest';
import { answersTo, formatClasses, formatMistakes, judgeNumbers } from '../../src/cli/evaluationReport.ts';
import { formatPictures } from '../../src/cli/pictures/terminalPictures.ts';
import { Progress } from '../../src/cli/progress.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { dataset } from '../../src/data/index.ts';

/** A stream that keeps what is written. */
function streamOf({ tty, columns = 80 }: { readonly tty: boolean; readonly columns?: number }) {
  const written: string[] = [];
  const stream = {
    isTTY: tty,
    columns,
    hasColors: () => true,
    write: (text: string) => written.push(text) > 0,
  };
  return { terminal: new Terminal(stream as unknown as NodeJS.WriteStream), written };
}

describe('what a model said', () => {
  test('is the likeliest class and its probability', () => {
    const { answers, certainty } = answersTo([0, Math.log(3), 5, 5 + Math.log(3)], 2);
    expect(answers).toEqual([1, 1]);
    for (const share of certainty) expect(share).toBeCloseTo(0.75, 12);
  });

  test('is counted by class', () => {
    const classes = ['cat', 'dog', 'eel'];
    const text = formatClasses({ classes, labels: [0, 0, 0, 1], answers: [0, 1, 1, 1], certainty: [1, 1, 1, 1] });
    expect(text!.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['class', 'samples', 'recall', 'precision', 'mistaken for'],
      ['cat', '3', '33.3 %', '100.0 %', 'dog (2)'],
      ['dog', '1', '100.0 %', '33.3 %'],
      ['eel', '0', '-', '-'],
    ]);
  });

  test('of too many classes is no table', () => {
    const classes = Array.from({ length: 31 }, (_, at) => String(at));
    expect(formatClasses({ classes, labels: [], answers: [], certainty: [] })).toBeNull();
  });

  test('of numbers is judged in their own unit', () => {
    expect(judgeNumbers('price', [1, 2, 3, 8], [1, 2, 3, 4])).toEqual({
      name: 'price',
      rmse: 2,
      percentage: 0.25,
      meanAbsoluteError: 1,
      r2: 1 - 16 / 5,
    });
  });
});

describe('pictures in a terminal', () => {
  const pixels = [0, 255, 255, 0];

  test('are blocks of two greys where there are colours, and signs where there are none', () => {
    vi.stubEnv('NO_COLOR', '');
    const coloured = formatPictures([{ caption: 'ab', pixels, height: 2, width: 2 }], streamOf({ tty: true }).terminal);
    expect(coloured).toContain('\u001b[38;5;232;48;5;255m▀\u001b[38;5;255;48;5;232m▀\u001b[0m');
    vi.stubEnv('NO_COLOR', '1');
    const plain = formatPictures([{ caption: 'ab', pixels, height: 2, width: 2 }], streamOf({ tty: true }).terminal);
    expect(plain).toBe('ab\n++');
    vi.unstubAllEnvs();
  });

  test('are those of which the model was surest and wrong', () => {
    vi.stubEnv('NO_COLOR', '1');
    const images = dataset({ image: { data: new Uint8Array(4 * 9), shape: [3, 3] }, label: Uint8Array.of(0, 1, 2, 3) });
    const said = {
      classes: ['0', '1', '2', '3'],
      labels: [0, 1, 2, 3],
      answers: [0, 2, 3, 1],
      certainty: [1, 0.5, 0.9, 0.7],
    };
    const { terminal } = streamOf({ tty: true, columns: 8 });
    // Two of width 3 with a gap fit in 8 columns.
    expect(formatMistakes(images, said, terminal)!.split('\n')[0]).toBe('2 r  3 r');
    expect(formatMistakes(images, { ...said, answers: [0, 1, 2, 3] }, terminal)).toBeNull();
    vi.unstubAllEnvs();
  });
});

describe('progress', () => {
  const report = {
    step: 1,
    epoch: 0.5,
    loss: 2,
    learningRate: 0.1,
    waited: 0,
    metrics: { loss: 2, accuracy: 0.25 },
    seconds: 1,
  };

  test('is plain lines where there is no terminal', () => {
    const { terminal, written } = streamOf({ tty: false });
    const progress = new Progress(4, terminal);
    progress.show(report);
    progress.show({ ...report, step: 2, seconds: 2 });
    progress.show({ ...report, step: 4, seconds: 4 });
    expect(written).toEqual([
      'step 1 / 4  epoch 0.50  1.0 steps/s  loss 2.0000  accuracy 25.0 %  3 s left\n',
      'step 4 / 4  epoch 0.50  1.0 steps/s  loss 2.0000  accuracy 25.0 %  took 4 s\n',
    ]);
  });

  test('of a run that goes on with another one counts its own steps only', () => {
    const { terminal, written } = streamOf({ tty: false });
    const progress = new Progress(1000, terminal);
    progress.show({ ...report, step: 501 });
    progress.show({ ...report, step: 510, seconds: 10 });
    expect(written[0]).toMatch(/ 1\.0 steps\/s .* 8 min 19 s left\n$/);
    expect(written[1]).toMatch(/ 1\.0 steps\/s .* 8 min 10 s left\n$/);
  });

  test('is one line that fits, and draws itself again, in a terminal', () => {
    vi.stubEnv('NO_COLOR', '1');
    for (const columns of [30, 80, 120]) {
      const { terminal, written } = streamOf({ tty: true, columns });
      const progress = new Progress(4, terminal);
      progress.show(report);
      progress.show({ ...report, step: 4, seconds: 4 });
      expect(written.at(-1)).toBe('\n');
      for (const line of written.slice(0, -1)) {
        expect([line[0], line.slice(-'\u001b[K'.length)]).toEqual(['\r', '\u001b[K']);
        expect(line.length - '\r\u001b[K'.length).toBeLessThanOrEqual(columns);
      }
      expect(written[0].includes('━')).toBe(columns >= 100);
    }
    vi.unstubAllEnvs();
  });

  test('of a run without accuracy leaves it out', () => {
    const { terminal, written } = streamOf({ tty: false });
    new Progress(4, terminal).show({ ...report, metrics: { loss: 2 } });
    expect(written[0]).not.toContain('accuracy');
  });
});
