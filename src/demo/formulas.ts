// The formula of each stage as MathML, which browsers set themselves.

import { formatNumber } from './magnitudes.ts';
import type { Glance, Stage } from './protocol.ts';

/** What a formula names beside the glance's own numbers. */
export interface FormulaFacts {
  /** As a person would write it: `ReLU`, `sigmoid`. */
  readonly activation: string | null;
  readonly isConvolution: boolean;
  /** `sgd`: plain gradient descent; others go by rules of their own. */
  readonly optimizer: string | undefined;
  readonly learningRate: number | undefined;
}

type Part = Element | string;

const MATHML = 'http://www.w3.org/1998/Math/MathML';

function make(tag: string, ...parts: readonly Part[]): Element {
  const element = document.createElementNS(MATHML, tag);
  element.append(...parts);
  return element;
}

/** An upright letter, which the style sheet slants: not every font has the slanted ones of mathematics. */
function name(text: string): Element {
  const element = make('mi', text);
  element.setAttribute('mathvariant', 'normal');
  if (text.length === 1) element.setAttribute('class', 'letter');
  return element;
}

const number = (value: number, digits?: number): Element => make('mn', formatNumber(value, digits));
const sign = (text: string): Element => make('mo', text);
const sub = (base: Part, index: Part): Element => make('msub', atom(base), atom(index));
const atom = (part: Part): Element => (typeof part === 'string' ? name(part) : part);
const row = (...parts: readonly Part[]): Element => make('mrow', ...parts.map(atom));
const partial = (below: Part): Element => make('mfrac', row(sign('∂'), 'L'), row(sign('∂'), below));
const transposed = (base: string): Element => make('msup', name(base), name('T'));
function space(width: string): Element {
  const element = make('mspace');
  element.setAttribute('width', width);
  return element;
}

const later = (): Element => sub('w', make('mtext', 'new'));

function forward({ activation, isConvolution }: FormulaFacts): Element[] {
  const product = isConvolution
    ? row(name('conv'), sign('('), 'x', sign(','), 'W', sign(')'), sign('+'), 'b')
    : row('x', 'W', sign('+'), 'b');
  const inner = [sign('('), product, sign(')')];
  return [
    row('a', sign('='), ...(activation ? [name(activation), ...inner] : [product])),
    row('p', sign('='), name('softmax'), sign('('), 'z', sign(')')),
  ];
}

function loss({ label, probabilities, loss: nats }: Glance): Element[] {
  const log = (of: Element): Element[] => [sign('−'), name('ln'), space('0.2em'), of];
  const own = sub('p', make('mn', String(label)));
  return [row('L', sign('='), ...log(own), sign('='), ...log(number(probabilities[label])), sign('='), number(nats))];
}

const backward = (): Element[] => [
  row(partial('z'), sign('='), 'δ', sign('='), 'p', sign('−'), 'y'),
  row(partial('W'), sign('='), transposed('x'), 'δ'),
  row(partial('x'), sign('='), 'δ', transposed('W')),
];

function update({ optimizer, learningRate }: FormulaFacts): Element[] {
  const rate =
    learningRate === undefined ? [] : [row('η', sign('='), make('mn', String(Number(learningRate.toPrecision(3)))))];
  if (optimizer?.toLowerCase() === 'sgd') {
    return [row(later(), sign('='), 'w', sign('−'), 'η', partial('w')), ...rate];
  }
  const rule = optimizer ?? 'rule';
  return [
    row(later(), sign('='), 'w', sign('+'), row(sign('Δ'), 'w')),
    row(row(sign('Δ'), 'w'), sign('='), name(rule), sign('('), partial('w'), sign(')')),
    ...rate,
  ];
}

/** The formulas of a stage side by side, with this digit's numbers where they are short. */
export function formulaOf(stage: Stage, glance: Glance, facts: FormulaFacts): Element {
  const formulas = { forward, loss: () => loss(glance), backward, update }[stage](facts);
  const math = make('math', ...formulas.flatMap((formula, at) => (at > 0 ? [space('1.5em'), formula] : [formula])));
  math.setAttribute('displaystyle', 'true');
  return math;
}
