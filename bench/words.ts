// What the figures say, in sentences: where the CPU is ahead, and from which size on the GPU is.

import type { AdapterSummary } from '../src/gpu/device.ts';
import { duelOf, overlap, stretchesOf, timedOf, type Duel, type Stretch } from './duel.ts';
import type { Side } from './peers/sides.ts';
import { formatSeconds, threeDigits } from './report.ts';
import type { Result } from './run.ts';

/** What sentences are about. */
export interface Contest {
  readonly results: readonly Result[];
  readonly sides: ReadonlyMap<string, Side>;
  /** Who is compared with the best of the CPU. */
  readonly subject: string;
  readonly adapter: AdapterSummary | null;
}

const BEST_OF_GPU = 'the best of the GPU';

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

const distinct = (words: readonly string[]): string[] => [...new Set(words)];

/** 256 × 256 × 256 is 256. */
function sizeName(name: string): string {
  const extents = distinct(name.split(' × '));
  return extents.length === 1 ? extents[0] : name;
}

/** "by 1.20 × to 3.40 ×, with jax-js wasm": how far the side that is ahead is, and who brings it there. */
function lead({ ahead, duels }: Stretch, names: boolean): string {
  if (ahead === 'even') return '';
  const factors = duels.map(({ factor }) => factor).sort((a, b) => a - b);
  const range = distinct([factors[0], factors.at(-1)!].map(threeDigits)).map((factor) => `${factor} ×`);
  const leaders = names || ahead === 'cpu' ? distinct(duels.map((duel) => duel[ahead]!.peer)) : [];
  return ` (by ${range.join(' to ')}${leaders.length > 0 ? `, with ${listed(leaders)}` : ''})`;
}

function where({ duels }: Stretch, at: number, stretches: readonly Stretch[]): string {
  const [first, last] = [duels[0], duels.at(-1)!].map(({ name }) => sizeName(name));
  if (stretches.length === 1) return first === last ? `at ${first}` : `at every size, ${first} to ${last}`;
  if (at === stretches.length - 1) return `from ${first} on`;
  if (at === 0) return `up to ${last}`;
  return first === last ? `at ${first}` : `from ${first} to ${last}`;
}

const ends = { gpu: 'the GPU is ahead', cpu: 'the CPU is ahead', even: 'the two are even' };

/** Products by size: who is ahead where. */
function productSentence(duels: readonly Duel[], label: string): string {
  const stretches = stretchesOf(duels);
  const head = `Matrix products, ${label} beside the best of the CPU: `;
  if (stretches.length === 0) return `${head}no size has a figure of both, so nothing is compared.`;
  const names = label === BEST_OF_GPU;
  const parts = stretches.map(
    (stretch, at) => `${ends[stretch.ahead]} ${where(stretch, at, stretches)}${lead(stretch, names)}`,
  );
  const sentences = [`${head}${listed(parts)}.`];
  if (!stretches.some(({ ahead }) => ahead === 'gpu')) {
    sentences.push('No size that was measured is large enough for the GPU to win.');
  } else if (stretches.at(-1)!.ahead !== 'gpu') {
    sentences.push('There is no size from which the GPU stays ahead.');
  }
  for (const side of ['gpu', 'cpu'] as const) {
    const without = duels.filter((duel) => !duel[side]).map(({ name }) => sizeName(name));
    if (without.length > 0) sentences.push(`At ${listed(without)} there is no figure of the ${side.toUpperCase()}.`);
  }
  return sentences.join(' ');
}

function productSentences({ results, sides, subject }: Contest): string[] {
  const products = results.filter(({ group }) => group === 'matmul');
  if (products.length === 0) return [];
  const own = products.map((result) => duelOf(result, sides, subject));
  const best = products.map((result) => duelOf(result, sides));
  const sentences = own.some(({ gpu }) => gpu) ? [productSentence(own, `${subject} on WebGPU`)] : [];
  const beaten = best.some(({ gpu }, at) => gpu && !(own[at].gpu && overlap(gpu, own[at].gpu)));
  if (beaten) return [...sentences, productSentence(best, BEST_OF_GPU)];
  if (sentences.length === 0) return [productSentence(best, BEST_OF_GPU)];
  const rivals = products.some(({ rows }) => timedOf(rows).filter(({ peer }) => sides.get(peer) === 'gpu').length > 1);
  return sentences.map((sentence) =>
    rivals ? `${sentence} Nobody else is faster on the GPU, beyond the spread, at any of these sizes.` : sentence,
  );
}

const titleOf = (group: string): string =>
  group
    .replace(/^(mlp|cnn|lstm|gpt)/, (network) => network.toUpperCase())
    .replace(/^[a-z]/, (letter) => letter.toUpperCase());

function stepSentence(result: Result, { sides, subject }: Contest): string {
  const { gpu, cpu, ahead, factor } = duelOf(result, sides, subject);
  const best = duelOf(result, sides).gpu;
  const head = `${titleOf(result.group)} ${result.name}: `;
  if (!gpu) return `${head}${subject} has no figure on the GPU.`;
  const own = `${subject} on WebGPU takes ${formatSeconds(gpu.median)}`;
  const faster = overlap(best!, gpu) ? '' : ` On the GPU ${best!.peer} is faster: ${formatSeconds(best!.median)}.`;
  if (!cpu) return `${head}${own}, and there is no figure of the CPU.${faster}`;
  const end = ahead === 'even' ? ends.even : `${ends[ahead!]} by ${threeDigits(factor)} ×`;
  return `${head}${own}, the best of the CPU, ${cpu.peer}, ${formatSeconds(cpu.median)}: ${end}.${faster}`;
}

/** Of the other groups: how often who is ahead. */
function groupSentence(group: string, { results, sides }: Contest): string {
  const duels = results.filter((result) => result.group === group).map((result) => duelOf(result, sides));
  const compared = duels.filter(({ ahead }) => ahead);
  if (compared.length === 0) return `${titleOf(group)}: no case has a figure of both.`;
  const parts = (['gpu', 'cpu', 'even'] as const)
    .map((end) => [ends[end], compared.filter(({ ahead }) => ahead === end).length] as const)
    .filter(([, count]) => count > 0)
    .map(([end, count]) => `${end} in ${count}`);
  return `${titleOf(group)}, the best of each: of ${compared.length}, ${listed(parts)}.`;
}

/** Where there is no GPU: who is fastest of the rest. */
function cpuSentence(group: string, { results, sides }: Contest): string {
  const duels = results.filter((result) => result.group === group).map((result) => duelOf(result, sides));
  const winners = duels.flatMap(({ cpu }) => (cpu ? [cpu.peer] : []));
  const parts = distinct(winners).map(
    (peer) => `${peer} in ${winners.filter((winner) => winner === peer).length} of ${winners.length}`,
  );
  return `${titleOf(group)}, fastest on the CPU: ${listed(parts) || 'nobody'}.`;
}

function placeSentence(adapter: AdapterSummary | null): string[] {
  if (!adapter) return ['There is no WebGPU here: the GPU has no figures, and nothing is compared with it.'];
  if (!adapter.software) return [];
  return ['The adapter is software: a CPU plays the GPU, so “the GPU” below says nothing about a graphics card.'];
}

/**
 * What the figures say of GPU and CPU, and nothing that they do not.
 * Results of the group matmul are taken in the order of their sizes.
 */
export function sentencesOf(contest: Contest): string[] {
  const { results, adapter } = contest;
  const timed = results.flatMap(({ rows }) => timedOf(rows));
  const place = placeSentence(adapter);
  if (timed.length === 0) return place;
  const groups = distinct(results.map(({ group }) => group));
  const single = timed.every(({ samples }) => samples?.length === 1);
  const spread = single ? ['Each figure is a single sample: how far others would be from it is not known.'] : [];
  if (!adapter) return [...place, ...groups.map((group) => cpuSentence(group, contest)), ...spread];
  const steps = results.filter(({ of }) => of === 'step');
  const others = groups.filter((group) => group !== 'matmul' && !steps.some((step) => step.group === group));
  return [
    ...place,
    ...productSentences(contest),
    ...steps.map((result) => stepSentence(result, contest)),
    ...others.map((group) => groupSentence(group, contest)),
    ...spread,
  ];
}

/** How a case's results were found right, or not. */
export function checkedLine({ rows }: Result): string {
  const judged = rows.filter(({ correct }) => correct !== undefined);
  if (judged.length === 0) return 'There is no result to check.';
  const right = judged.filter(({ correct }) => correct);
  const shares = right.map(({ error = 0, tolerance = 1 }) => error / tolerance);
  const furthest = right[shares.indexOf(Math.max(...shares))];
  const off = furthest
    ? `, at most ${furthest.error!.toExponential(1)} off where ${furthest.tolerance!.toExponential(1)} is allowed`
    : '';
  if (right.length === judged.length) return `Checked before timing: all ${judged.length} results agree${off}.`;
  const wrong = judged.filter(({ correct }) => !correct).map(({ peer }) => peer);
  return `Checked before timing: ${right.length} of ${judged.length} results agree${off}. Wrong, and not timed: ${listed(wrong)}.`;
}
