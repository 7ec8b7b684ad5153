import { requireKind } from '../../core/argumentChecks.ts';
import { counted, tableOf } from '../../core/textFormat.ts';
import { EXACT_TIMESTAMPS } from '../../gpu/device.ts';
import type { Cost, LaunchProfile, Profile } from './profile.ts';

/** So many digits, and no exponent. */
const DIGITS = 3;

const plain = (number: number): string =>
  number.toLocaleString('en-US', { minimumSignificantDigits: DIGITS, maximumSignificantDigits: DIGITS });

const rate = (perSecond: number | null): string => (perSecond === null ? '-' : plain(perSecond / 1e9));

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const costCells = ({ flops, bytes, flopsPerSecond, bytesPerSecond }: Cost): string[] => [
  plain(flops / 1e6),
  plain(bytes / 1e6),
  rate(flopsPerSecond),
  rate(bytesPerSecond),
];

const limitCell = ({ limit }: LaunchProfile): string => (limit ? `${percent(limit.share)} of ${limit.by}` : '-');

/** How the times came about, and how far they can be trusted. */
function notesOf({ backend, clock, quantised, steps }: Profile): string[] {
  if (backend === 'cpu') return [`Medians of ${counted(steps, 'step')}.`];
  if (clock === 'wall') {
    return [
      `Medians of ${counted(steps, 'step')} by the wall clock, as this device has no timestamps: each launch is a submit, less what an empty one takes. Times far below a millisecond say little.`,
    ];
  }
  if (!quantised) return [`Medians of ${counted(steps, 'step')} by timestamps.`];
  return [
    `Means of ${counted(steps, 'step')} by timestamps, which are multiples of 65,536 ns here: short times are rough.`,
    `In Node, a device of requestDevice({ dawn: ['${EXACT_TIMESTAMPS}'] }) has exact ones.`,
  ];
}

/** A profile as a table: a line for each launch of a step, in order, and their total; below it, the step undivided. */
export function formatProfile(profile: Profile): string {
  const is = 'launches' in Object(profile);
  requireKind('formatProfile', 'the profile', profile, is, 'what await trainer.profile() gives');
  const { launches, total, msPerStep } = profile;
  const isHeld = launches.some(({ limit }) => limit);
  const rows = launches.map((launch) => [
    launch.count > 1 ? `${launch.name} (${launch.count})` : launch.name,
    launch.output,
    launch.ms.toFixed(3),
    percent(launch.share),
    ...costCells(launch),
    ...(isHeld ? [limitCell(launch)] : []),
  ]);
  const head = ['launch', 'output', 'ms', 'share', 'MFLOP', 'MB', 'GFLOP/s', 'GB/s', ...(isHeld ? ['peak'] : [])];
  rows.push(['all', '', total.ms.toFixed(3), '', ...costCells(total), ...(isHeld ? [''] : [])]);
  return [
    `A step on ${profile.adapter}: ${msPerStep.toFixed(3)} ms as training runs it; launch by launch:`,
    '',
    tableOf(head, rows, new Set([2, 3, 4, 5, 6, 7, 8]), true),
    '',
    ...notesOf(profile),
  ].join('\n');
}
