import { formatSpec, sizeOf } from '../core/shape.ts';
import type { Value } from '../graph/graph.ts';
import type { Executable } from '../scheduler/backend.ts';
import type { TracedModel } from './model.ts';

const count = (n: number): string => n.toLocaleString('en-US');

const formatBytes = (bytes: number): string =>
  bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const formatOutput = (output: unknown): string => {
  if (typeof output !== 'object' || output === null) return '';
  if ('spec' in output) return formatSpec((output as Value).spec);
  return Object.values(output as Record<string, Value>)
    .map(({ spec }) => formatSpec(spec))
    .join(', ');
};

/** Layers, shapes and parameters as a table; then what a step launches and what all of it occupies. */
export function summarizeModel(
  traced: TracedModel,
  training: readonly Executable[],
  batchSize: number,
  bytes: number,
): string {
  const rows = traced.trace(batchSize).applied.map(({ path, kind, output, parameters }) => {
    const own = parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
    return [path || 'model', kind, formatOutput(output), own ? count(own) : '-'];
  });
  const head = ['layer', 'kind', 'output', 'parameters'];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at === 3 ? cell.padStart(widths[at]) : cell.padEnd(widths[at])))
      .join('  ')
      .trimEnd();
  const total = traced.layout.ranges.reduce((sum, { size }) => sum + size, 0);
  const launches = training.flatMap((program) => program.launches);
  return [
    line(head),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...rows.map(line),
    '',
    `parameters  ${count(total)}`,
    `a step      ${launches.length} launches${launches.length ? `: ${launches.join(', ')}` : ', on the CPU'}`,
    `memory      ${formatBytes(bytes)}`,
  ].join('\n');
}
