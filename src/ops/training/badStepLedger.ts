import { spec, type Numbers } from '../../core/shape.ts';
import { storageOf, type Node, type State, type Value } from '../../graph/graph.ts';
import { STEP } from './control.ts';

/*
 * No update takes up a step that went wrong. Within one launch nobody can know what another workgroup finds, so numbers are
 * looked at where gradients are stored, in the launches before the update, and where the loss is recorded: who finds NaN
 * or infinity, by its bits, counts it in a word that never goes back. An update compares it with what it was when the
 * update before had ended, changes nothing if it grew, and notes how it stands now.
 */

/** Words of a ledger, behind those of the control as `record` leaves them: bad numbers so far. */
export const BAD = 6;
/** As many as there were when the step before an even step had ended, and then of an odd one: one is read, one is written. */
export const BEFORE = 7;
/** What an update does about a bad step. */
export const POLICY = 9;
/** A bit for each of the last steps, by its row in the metrics' ring: whether it was bad. */
export const BAD_STEPS = 10;
const WORDS = 42;

/** What becomes of a bad step: it is taken as it is; it is left out; it and all that come behind are. */
export const POLICIES = { take: 0, skip: 1, stop: 2 } as const;

export type Policy = keyof typeof POLICIES;

/** The policy that a ledger holds. */
export const policyIn = (ledger: Numbers): Policy =>
  (Object.keys(POLICIES) as Policy[]).find((policy) => POLICIES[policy] === ledger[POLICY])!;

/** Steps that a ledger tells apart. */
export const LEDGER_STEPS = 32 * (WORDS - BAD_STEPS);

/** A ledger with nothing in it. */
export const ledgerWords = (policy: Policy): Uint32Array => {
  const words = new Uint32Array(WORDS);
  words[POLICY] = POLICIES[policy];
  return words;
};

export const ledgerState = (name: string): State => ({
  name,
  spec: spec([WORDS], 'u32'),
  initial: () => ledgerWords('stop'),
});

/** How many of some numbers are NaN or infinite. */
export function badIn(numbers: Numbers): number {
  let bad = 0;
  for (const number of numbers) if (!Number.isFinite(number)) bad++;
  return bad;
}

/** The values that are looked at where they are stored, and the ledger that counts what is bad in them. */
export function watchedIn(order: readonly Node[]): ReadonlyMap<Value, State> {
  const watched = new Map<Value, State>();
  for (const { op, attrs, inputs, outputs } of order) {
    const watch = op.watches?.(attrs);
    if (!watch) continue;
    for (const value of [...inputs, ...outputs]) watched.set(storageOf(value).root, watch.ledger);
  }
  return watched;
}

/** Where a ledger says which steps were bad. */
export const badStepsOf = (ledger: State): readonly [number, number, State] => [BAD_STEPS, WORDS, ledger];

/** Numbers of four bytes, and whether a step was bad, by what was read of a ledger behind them. */
export function badStepsIn(read: Numbers): { readonly rows: Numbers; isBad(step: number): boolean } {
  const size = WORDS - BAD_STEPS;
  const rows = read.subarray(0, read.length - size);
  const words = new Uint32Array(read.buffer, read.byteOffset + rows.byteLength, size);
  return { rows, isBad: (step) => ((words[(step % LEDGER_STEPS) >>> 5] >>> (step & 31)) & 1) === 1 };
}

/** Whether the control that an update is given is a ledger by which the step is to be left out; as the references read it. */
export function isSpoilt(control: Numbers): boolean {
  if (control.length < WORDS || control[POLICY] === POLICIES.take) return false;
  return control[BAD] !== control[BEFORE + (control[STEP] & 1)];
}

/** What an update leaves in a ledger. */
export function closeStep(control: Numbers): void {
  if (control.length < WORDS) return;
  const bad = isSpoilt(control);
  const [step, parity] = [control[STEP], control[STEP] & 1];
  const stays = bad && control[POLICY] === POLICIES.stop;
  control[BEFORE + 1 - parity] = stays ? control[BEFORE + parity] : control[BAD];
  const at = BAD_STEPS + ((step % LEDGER_STEPS) >>> 5);
  const bit = 1 << (step & 31);
  control[at] = bad ? control[at] | bit : control[at] & ~bit;
}
