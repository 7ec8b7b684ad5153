// The formula of each stage as MathML, which browsers set themselves.

import { formatNumber } from './magnitudes.ts';
import type { Glance, Stage } from '../protocol.ts';

/** What a formula names beside the glance's own numbers. */
export interface FormulaFacts {
  /** As a person would write it: `ReLU`, `sigmoid`. */
  readonly activation: string | null;
  /** What the hidden layers are, `linear` or `conv2d`; null if there are none. */
  readonly hidden: string | null;
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

const called = (what: string, ...of: readonly Part[]): Element => row(name(what), sign('('), ...of, sign(')'));

function forward({ activation, hidden }: FormulaFacts): Element[] {
  const sum = (product: Element): Element => row(product, sign('+'), 'b');
  const product = (): Element => row('x', 'W');
  const first = sum(hidden === 'conv2d' ? called('conv', 'x', sign(','), 'W') : product());
  const layers = hidden === null ? [] : [row('a', sign('='), activation ? called(activation, first) : first)];
  return [...layers, row('z', sign('='), sum(product())), row('p', sign('='), called('softmax', 'z'))];
}

function loss({ label, probabilities, loss: nats }: Glance): Element[] {
  const log = (of: Element): Element[] => [sign('−'), name('ln'), space('0.2em'), of];
  const own = sub('p', make('mn', String(label)));
  return [row('L', sign('='), ...log(own), sign('='), ...log(number(probabilities[label])), sign('='), number(nats))];
}

function backward({ activation, hidden }: FormulaFacts): Element[] {
  const slope = (of: string): Element => row(make('msup', name(of), sign('′')), sign('('), 'z', sign(')'));
  const inside = row('δ', sign('='), partial('a'), ...(activation ? [sign('·'), slope(activation)] : []));
  return [
    row('δ', sign('='), 'p', sign('−'), 'y'),
    row(partial('W'), sign('='), transposed('x'), 'δ'),
    ...(hidden === null ? [] : [row(partial('x'), sign('='), 'δ', transposed('W')), inside]),
  ];
}

function update({ optimizer, learningRate }: FormulaFacts): Element[] {
  const rate =
    learningRate === undefined ? [] : [row('η', sign('='), make('mn', String(Number(learningRate.toPrecision(3)))))];
  if (optimizer?.toLowerCase() === 'sgd') {
    return [row(later(), sign('='), 'w', sign('−'), 'η', partial('w')), ...rate];
  }
  const rule = optimizer ?? 'rule';
  return [
    row(later(), sign('='), 'w', sign('+'), row(sign('Δ'), 'w')),
    row(row(sign('Δ'), 'w'), sign('='), called(rule, partial('w'))),
    ...rate,
  ];
}

/** The formulas of a stage, with this digit's numbers where they are short. */
export function formulasOf(stage: Stage, glance: Glance, facts: FormulaFacts): Element[] {
  const formulas = { forward, loss: () => loss(glance), backward, update }[stage](facts);
  return formulas.map((formula) => {
    const math = make('math', formula);
    math.setAttribute('displaystyle', 'true');
    return math;
  });
}
