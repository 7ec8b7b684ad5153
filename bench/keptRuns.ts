// Runs that are kept with the project: shown until the visitor measures here.

import type { Report } from './report.ts';

const files = import.meta.glob<Report>('./results/suite-*.json', { import: 'default' });

const isHardware = ({ adapter }: Report): number => Number(adapter !== null && !adapter.software);

/** Runs on hardware first, then the newest. */
export async function keptRuns(): Promise<readonly Report[]> {
  const runs = await Promise.all(Object.values(files).map((load) => load()));
  return runs.sort((a, b) => isHardware(b) - isHardware(a) || b.date.localeCompare(a.date));
}
