import { describe, expect, test } from 'vitest';
import { beamSearch, Random, type Beginning, type Found } from '../../src/index.ts';

const [V, BEGIN, END, MAXIMUM] = [4, 0, 3, 4];

/** Logits behind each beginning of each source, by chance. */
const logitsOf = ({ source, tokens }: Beginning): number[] => {
  const random = new Random(source, tokens.join());
  return Array.from({ length: V }, () => 2 * random.normal());
};
const step = (beginnings: readonly Beginning[]) => ({
  data: beginnings.flatMap(logitsOf),
  shape: [beginnings.length, V],
});

const logSoftmax = (x: readonly number[]): number[] => {
  const total = Math.log(x.reduce((sum, own) => sum + Math.exp(own), 0));
  return x.map((own) => own - total);
};

/** Every text there is, the best first. */
function everyText(source: number, lengthPenalty: number): Found[] {
  const found: Found[] = [];
  const from = (tokens: readonly number[], sum: number): void => {
    const length = tokens.length;
    logSoftmax(logitsOf({ source, tokens })).forEach((own, token) => {
      const hasEnded = token === END;
      if (!hasEnded && length < MAXIMUM) from([...tokens, token], sum + own);
      else {
        const score = (sum + own) / ((5 + length) / 6) ** lengthPenalty;
        const text = [...tokens.slice(1), ...(hasEnded ? [] : [token])];
        found.push({ tokens: text, logProbability: sum + own, score, hasEnded });
      }
    });
  };
  from([BEGIN], 0);
  return found.toSorted((a, b) => b.score - a.score);
}

const rounded = (found: readonly Found[]) =>
  found.map(({ logProbability, score, ...rest }) => ({
    ...rest,
    logProbability: logProbability.toFixed(9),
    score: score.toFixed(9),
  }));

const options = { begin: BEGIN, end: END, maximum: MAXIMUM };

test.each([0, 0.6, 2])(
  'with room for every text, at a length penalty of %s, the best are found',
  async (lengthPenalty) => {
    const found = await beamSearch(step, { ...options, sources: 5, beams: 200, lengthPenalty });
    expect(found).toHaveLength(5);
    for (const [source, own] of found.entries())
      expect(rounded(own)).toEqual(rounded(everyText(source, lengthPenalty)));
  },
);

test('with room for few texts the best of them is seldom another one, and never has another score', async () => {
  const found = await beamSearch(step, { ...options, sources: 40, beams: 4 });
  let best = 0;
  for (const [source, own] of found.entries()) {
    const all = everyText(source, 0.6);
    expect(own).toHaveLength(4);
    for (const { tokens, score, hasEnded } of own) {
      const same = all.find((other) => other.tokens.join() === tokens.join() && other.hasEnded === hasEnded)!;
      expect(score).toBeCloseTo(same.score, 9);
    }
    if (own[0].tokens.join() === all[0].tokens.join()) best++;
  }
  expect(best).toBeGreaterThan(35);
  expect(best).toBeLessThan(41);
});

test('one beam takes the likeliest token each time', async () => {
  const found = await beamSearch(step, { ...options, sources: 10, beams: 1, lengthPenalty: 0 });
  for (const [source, [{ tokens, hasEnded }]] of found.entries()) {
    const text = [BEGIN];
    while (text.length <= MAXIMUM && text.at(-1) !== END) {
      const logits = logitsOf({ source, tokens: text });
      text.push(logits.indexOf(Math.max(...logits)));
    }
    expect([...tokens, ...(hasEnded ? [END] : [])]).toEqual(text.slice(1));
  }
});

test('sources do not know of each other, and are asked together, of the last token of each place', async () => {
  const asked: number[] = [];
  const whole = async (beginnings: readonly Beginning[]) => {
    asked.push(beginnings.length);
    const [{ tokens }] = beginnings;
    // Numbers behind the last token, and before it, mean nothing.
    const data = beginnings.flatMap((own) =>
      Array.from({ length: MAXIMUM }, (_, t) => (t === tokens.length - 1 ? logitsOf(own) : [9, 0, 9, 0])).flat(),
    );
    return { data, shape: [beginnings.length, MAXIMUM, V] };
  };
  const together = await beamSearch(whole, { ...options, sources: 3 });
  const third = await beamSearch((all) => step(all.map(({ tokens }) => ({ source: 2, tokens }))), options);
  expect(together[2]).toEqual(third[0]);
  expect(asked[0]).toBe(3);
  expect(asked.length).toBeLessThanOrEqual(MAXIMUM);
  expect(Math.max(...asked)).toBeGreaterThan(8);
});

describe('a text that is favoured for its length', () => {
  // Either it ends at once, or goes on twice, each step as sure as the whole of the short one is.
  const twoWays = (beginnings: readonly Beginning[]) => ({
    data: beginnings.flatMap(({ tokens }) =>
      tokens.length === 1
        ? [-9, Math.log(0.45), -9, Math.log(0.55)]
        : tokens.length === 2
          ? [-9, Math.log(0.9), -9, Math.log(0.1)]
          : [-9, -9, -9, 0],
    ),
    shape: [beginnings.length, V],
  });

  test('is found at the penalty of the paper, and not without', async () => {
    const found = async (lengthPenalty: number, beams = 4) =>
      (await beamSearch(twoWays, { ...options, lengthPenalty, beams }))[0][0].tokens;
    expect(await found(0)).toEqual([]);
    expect(await found(1.9)).toEqual([1, 1]);
    // Beside one that has ended already, and is likelier so far.
    expect(await found(1.9, 1)).toEqual([1, 1]);
  });
});
