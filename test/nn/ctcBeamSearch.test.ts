import { expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { ctcBeamSearch, type CtcOutput } from '../../src/index.ts';

const framesOf = (rows: readonly (readonly number[])[]): CtcOutput => ({
  data: rows.flat(),
  shape: [1, rows.length, rows[0].length],
});

/** By text, the probability of all paths that spell it, one by one. */
function allTexts(p: readonly (readonly number[])[]): Map<string, number> {
  const [T, C] = [p.length, p[0].length];
  const texts = new Map<string, number>();
  for (let number = 0; number < C ** T; number++) {
    const path = Array.from({ length: T }, (_, t) => Math.floor(number / C ** t) % C);
    const text = path.filter((c, t) => c !== 0 && c !== path[t - 1]).join();
    texts.set(text, (texts.get(text) ?? 0) + path.reduce((product, c, t) => product * p[t][c], 1));
  }
  return texts;
}

test('a beam that keeps all texts finds the likeliest, and its probability', () => {
  const random = new Random(Date.now() % 1e9, 'beams');
  for (let turn = 0; turn < 20; turn++) {
    const p = Array.from({ length: 6 }, () => {
      const row = Array.from({ length: 3 }, () => random.uniform() ** 3);
      const total = row.reduce((a, b) => a + b);
      return row.map((own) => own / total);
    });
    const [text, most] = [...allTexts(p)].reduce((best, own) => (own[1] > best[1] ? own : best));
    const [found] = ctcBeamSearch(framesOf(p), { beamWidth: 1000, probabilities: true });
    expect(found.labels.join()).toBe(text);
    expect(Math.abs(Math.exp(found.logProbability) - most)).toBeLessThan(1e-12);
  }
});

test('many paths of one text win over a single one that is likelier than each of them', () => {
  // The likeliest path is of blanks alone: 0.36, but 1 has 0.24 + 0.24 + 0.16.
  const frames = framesOf([
    [0.6, 0.4],
    [0.6, 0.4],
  ]);
  const [{ labels, logProbability }] = ctcBeamSearch(frames, { probabilities: true });
  expect(labels).toEqual([1]);
  expect(Math.exp(logProbability)).toBeCloseTo(0.64, 12);
});

test('logits are what softmax makes of them, by sample, and of each only its length is read', () => {
  const rows = [
    [0, 3, 0],
    [3, 0, 0],
    [0, 3, 0],
    [0, 0, 3],
    [0, 0, 3],
    [NaN, NaN, NaN],
  ];
  const given = { data: rows.flat(), shape: [2, 3, 3] };
  expect(ctcBeamSearch(given, { lengths: [3, 2] }).map(({ labels }) => labels)).toEqual([[1, 1], [2]]);
  expect(ctcBeamSearch(given, { lengths: [1, 0] })[1]).toEqual({ labels: [], logProbability: 0 });
});

test('a text that was left out does not come back with what it had', () => {
  const random = new Random(3, 'narrow');
  const rows = Array.from({ length: 60 }, () => Array.from({ length: 4 }, () => random.normal(0, 2)));
  const totals = [1, 2, 4, 8, 64].map((beamWidth) => ctcBeamSearch(framesOf(rows), { beamWidth })[0].logProbability);
  // A wider beam keeps more paths; none makes one up.
  expect(totals).toEqual(totals.toSorted((a, b) => a - b));
  expect(totals.at(-1)).toBeLessThan(0);
});

test('it refuses what is no number of logits, and a frame that is no distribution', () => {
  expect(() => ctcBeamSearch({ data: [1, 2, 3], shape: [1, 2, 2] })).toThrow(
    '[ctcBeamSearch] there are 3 logits of the shape [1, 2, 2]: give N × T × C',
  );
  expect(() => ctcBeamSearch(framesOf([[0, NaN]]))).toThrow('[ctcBeamSearch] frame 0 of sample 0 is 0, NaN …: logits');
  expect(() => ctcBeamSearch(framesOf([[0, 1]]), { lengths: [2] })).toThrow('lengths[0] is 2 but must be 0 … 1');
});
