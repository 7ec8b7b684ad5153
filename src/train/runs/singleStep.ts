import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../scheduler/backend.ts';
import { amountsOf, reportOf, wasBad } from '../graphs/preparedModel.ts';
import type { Amount } from '../graphs/recordedMetrics.ts';
import type { Report } from '../options.ts';
import type { TrainerParts } from '../trainerParts.ts';

/** Puts a batch where the next step takes its samples from. */
export function bring(backend: Backend, { table, submitter }: TrainerParts, { fields }: Dataset): void {
  submitter.begin('skip');
  for (const [name, { states }] of Object.entries(table.fields)) {
    backend.writeState(states[0], fields[name].data);
  }
  submitter.moveTo({ epoch: 0, position: 0 }, { source: table, shuffle: false });
}

/** Takes the step that was brought its batch. */
export async function takeStep(
  { prepared, submitter, single }: TrainerParts,
  batchSize: number,
): Promise<{
  readonly amounts: readonly Amount[];
  readonly report: ReturnType<typeof reportOf> & Pick<Report, 'skipped'>;
}> {
  const rows = await submitter.launch({ programs: [single] });
  const amounts = amountsOf(prepared, rows, 0, batchSize);
  const skipped = wasBad(prepared, rows, 0);
  return { amounts, report: { ...reportOf(prepared, amounts, submitter.step), ...(skipped && { skipped }) } };
}
