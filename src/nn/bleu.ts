import { requireKind } from '../core/argumentChecks.ts';
import { DataError } from '../core/errors.ts';

/*
 * How much of what was translated stands in a translation by somebody else, in runs of one to four words. Two figures are
 * comparable only if both cut texts into words alike, so the cut is part of the definition.
 */

const LONGEST_RUN = 4;

/** What Python takes for blanks, which is not what JavaScript does. */
const BLANK = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const BLANKS = new RegExp(`${BLANK}+`, 'u');
const BLANKS_AT_END = new RegExp(`${BLANK}+$`, 'u');

const ENTITIES = [
  ['&quot;', '"'],
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
] as const;

/** The words of a text as mteval-v13a cuts it, in the form that sacreBLEU gave it. */
function wordsOf(text: string): string[] {
  let line = text.replace(BLANKS_AT_END, '').replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  for (const [entity, sign] of ENTITIES) line = line.replaceAll(entity, sign);
  return ` ${line} `
    .replace(/([{-~[-` -&(-+:-@/])/gu, ' $1 ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/gu, '$1 $2 ')
    .split(BLANKS)
    .filter((word) => word !== '');
}

/** How often each run of one to four words occurs. */
function runsIn(words: readonly string[]): Map<string, { readonly order: number; count: number }> {
  const runs = new Map<string, { readonly order: number; count: number }>();
  for (let order = 1; order <= LONGEST_RUN; order++) {
    for (let at = 0; at + order <= words.length; at++) {
      // No word has a blank in it.
      const run = words.slice(at, at + order).join(' ');
      const known = runs.get(run);
      if (known) known.count++;
      else runs.set(run, { order, count: 1 });
    }
  }
  return runs;
}

/** Of several lengths the nearest, the shorter of two. */
const nearestTo = (length: number, lengths: readonly number[]): number =>
  lengths.reduce((best, other) => {
    const [far, own] = [Math.abs(best - length), Math.abs(other - length)];
    return own < far || (own === far && other < best) ? other : best;
  });

const isText = (text: unknown): boolean => typeof text === 'string';
const isExpected = (one: unknown): boolean =>
  isText(one) || (Array.isArray(one) && one.length > 0 && one.every(isText));

/**
 * BLEU of a corpus, 0 … 100: the geometric mean of the shares of runs of one to four words that stand in the translations
 * that are expected, times a penalty for what is too short. Upper and lower case count.
 * It is sacreBLEU's figure with its defaults (`case:mixed|eff:no|tok:13a|smooth:exp`): an order of which nothing is right
 * counts as half a run, the next one as a quarter.
 * @param predicted a text for each sample   @param expected one for each, or several of which any will do
 * @throws DataError if they are not as many
 * Source: Papineni et al. 2002; Post 2018, "A Call for Clarity in Reporting BLEU Scores", sacrebleu 2.6
 */
export function bleu(predicted: readonly string[], expected: readonly (string | readonly string[])[]): number {
  const [are, areExpected] = [Array.isArray(predicted) && predicted.every(isText), Array.isArray(expected)];
  requireKind('bleu', 'predicted', predicted, are, 'a list of texts, one for each sample');
  const wanted = 'a list of texts, or of lists of them, one for each sample';
  requireKind('bleu', 'expected', expected, areExpected && expected.every(isExpected), wanted);
  if (predicted.length !== expected.length) {
    throw new DataError(
      `[bleu] there are ${predicted.length} predicted for ${expected.length} expected: give one for each sample`,
    );
  }
  const [right, all] = [new Float64Array(LONGEST_RUN), new Float64Array(LONGEST_RUN)];
  let [length, wantedLength] = [0, 0];
  for (const [at, text] of predicted.entries()) {
    const words = wordsOf(text);
    const others = [expected[at]].flat().map((other) => wordsOf(other));
    length += words.length;
    wantedLength += nearestTo(
      words.length,
      others.map((other) => other.length),
    );
    const known = others.map(runsIn);
    for (const [run, { order, count }] of runsIn(words)) {
      all[order - 1] += count;
      right[order - 1] += Math.min(count, Math.max(...known.map((runs) => runs.get(run)?.count ?? 0)));
    }
  }
  return figureOf(right, all) * (length < wantedLength ? Math.exp(1 - wantedLength / length) : 1);
}

/** The geometric mean of right runs by order, in percent; 0 where no word is right, or no text has four. */
function figureOf(right: Float64Array, all: Float64Array): number {
  if (all.includes(0) || right.every((count) => count === 0)) return 0;
  let smallest = 1;
  const logs = right.map((count, at) => {
    if (count === 0) smallest /= 2;
    return Math.log((100 * (count || smallest)) / all[at]);
  });
  return Math.exp(logs.reduce((sum, each) => sum + each, 0) / LONGEST_RUN);
}
