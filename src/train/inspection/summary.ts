import { formatSpec, sizeOf } from '../../core/shape.ts';
import { megabytes, tableOf, thousands } from '../../core/textFormat.ts';
import type { FieldSpec } from '../../data/dataset.ts';
import type { Value } from '../../graph/graph.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';
import type { Tally } from '../../scheduler/memoryTally.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';

const formatBytes = (bytes: number): string =>
  bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : megabytes(bytes);

const formatOutput = (output: unknown): string => {
  if (typeof output !== 'object' || output === null) return '';
  if ('spec' in output) return formatSpec((output as Value).spec);
  return Object.values(output).map(formatOutput).join(', ');
};

const formatNumber = (x: number): string => (x === 1 / 255 ? '1/255' : String(Number(x.toPrecision(6))));

/** How programs see a field: `u8[28, 28] · 1/255, by default`. */
function formatField({ scale: seen, byDefault, ...stored }: FieldSpec): string {
  const spec = formatSpec(stored);
  if (!seen || (seen.scale === 1 && seen.offset === 0)) return `${spec} as it is`;
  const offset = seen.offset === 0 ? '' : ` ${seen.offset < 0 ? '−' : '+'} ${formatNumber(Math.abs(seen.offset))}`;
  return `${spec} · ${formatNumber(seen.scale)}${offset}${byDefault ? ', by default' : ''}`;
}

/** Layers, shapes and parameters as a table; then how fields are seen, what a step launches, what all of it occupies. */
export function summarizeModel(traced: TracedModel, step: readonly StepProgram[], used: Tally): string {
  const applied = traced.trace().applied.map(({ path, kind, output, parameters }) => {
    const own = parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
    return [path || 'model', kind, formatOutput(output), own ? thousands(own) : '-'];
  });
  // A recurrence uses its cell at each step: what is used again, and gives the like, has one row.
  const rows = [...new Map(applied.map((row) => [row.join(), row])).values()];
  const head = ['layer', 'kind', 'output', 'parameters'];
  const total = traced.ranges.reduce((sum, { size }) => sum + size, 0);
  const launches = step.flatMap(({ program }) => program.launches);
  return [
    tableOf(head, rows, new Set([3]), true),
    '',
    `parameters  ${thousands(total)}`,
    ...Object.entries(traced.fields).map(([name, field]) => `field       ${name}: ${formatField(field)}`),
    `a step      ${launches.length} launches${launches.length ? `: ${launches.join(', ')}` : ', on the CPU'}`,
    `memory      ${formatBytes(used.total)}: ${used.toString()}`,
  ].join('\n');
}
