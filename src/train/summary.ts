import { formatSpec, sizeOf } from '../core/shape.ts';
import { tableOf, thousands } from '../core/wording.ts';
import type { Value } from '../graph/graph.ts';
import type { TracedModel } from './model.ts';
import type { StepProgram } from './programs.ts';

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
export function summarizeModel(traced: TracedModel, step: readonly StepProgram[], bytes: number): string {
  const rows = traced.trace().applied.map(({ path, kind, output, parameters }) => {
    const own = parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
    return [path || 'model', kind, formatOutput(output), own ? thousands(own) : '-'];
  });
  const head = ['layer', 'kind', 'output', 'parameters'];
  const total = traced.layout.ranges.reduce((sum, { size }) => sum + size, 0);
  const launches = step.flatMap(({ program }) => program.launches);
  return [
    tableOf(head, rows, new Set([3]), true),
    '',
    `parameters  ${thousands(total)}`,
    `a step      ${launches.length} launches${launches.length ? `: ${launches.join(', ')}` : ', on the CPU'}`,
    `memory      ${formatBytes(bytes)}`,
  ].join('\n');
}
