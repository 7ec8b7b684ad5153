import { formatGraph } from '../../graph/formatGraph.ts';
import type { StepProgram } from './sourcePrograms.ts';

/** The graphs of a step as text, each once. */
export const formatSteps = (programs: readonly StepProgram[]): string =>
  [...new Set(programs.map(({ program }) => program.graph))].map(formatGraph).join('\n\n');
