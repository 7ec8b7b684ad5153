// The numbers of what one points at in the network's picture.

import { formatShape, functionName, layerName, type Column } from '../cycle/columns.ts';
import { formatNumber, formatPercent, largestOf, meanOf, normOf } from '../cycle/magnitudes.ts';
import type { Glance } from '../protocol.ts';

/** What a column is made of: `convolution and ReLU, 28×28×8`. */
export function describeColumn({ kind, activation, shape }: Column): string {
  const made = activation ? `${layerName(kind)} and ${functionName(activation)}` : layerName(kind);
  return `${made}, ${formatShape(shape)}`;
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

/** The numbers of a whole column. */
export function columnReading(column: Column): string {
  const { name, kind, values, gradient, shape } = column;
  const largest = `mean ${formatNumber(meanOf(values), 4)}, largest ${formatNumber(largestOf(values), 4)}`;
  if (kind === 'pixels') return `The pixels, ${formatShape(shape)}, from 0 to 1: ${largest}.`;
  const error = gradient ? `; length of ∂loss/∂a ${formatNumber(normOf(gradient), 4)}` : '';
  return `${capital(name)}: ${describeColumn(column)}: ${largest}${error}.`;
}

/** The numbers of one neuron, one map of a convolution, or one digit of the output. */
export function partReading(glance: Glance, column: Column, part: number): string {
  const { name, shape, values, gradient } = column;
  const count = shape.at(-1)!;
  if (name === 'output') {
    const p = glance.probabilities[part];
    const error = p - (part === glance.label ? 1 : 0);
    return `Output, digit ${part}: logit ${formatNumber(values[part], 4)}, probability ${formatPercent(p)}, p − y ${formatNumber(error, 4)}.`;
  }
  if (shape.length === 3) {
    const every = (numbers: Float32Array): Float32Array => numbers.filter((_, at) => at % count === part);
    const own = every(values);
    const error = gradient ? `; length of ∂loss/∂a ${formatNumber(normOf(every(gradient)), 4)}` : '';
    return `${capital(name)}, map ${part + 1} of ${count}: mean ${formatNumber(meanOf(own), 4)}, largest ${formatNumber(largestOf(own), 4)}${error}.`;
  }
  const error = gradient ? `, ∂loss/∂a ${formatNumber(gradient[part], 4)}` : '';
  return `${capital(name)}, neuron ${part + 1} of ${count}: a ${formatNumber(values[part], 4)}${error}.`;
}
