// What the stages of learning say about one digit, in plain words and real numbers.

import { columnsOf } from './columns.ts';
import { formatNumber, formatPercent, largestAt, normOf } from './magnitudes.ts';
import type { Glance, Stage } from '../protocol.ts';

const withArticle = (digit: number): string => (digit === 8 ? `an ${digit}` : `a ${digit}`);

function forward({ label, probabilities }: Glance): string {
  const answer = largestAt(probabilities);
  const own = formatPercent(probabilities[label]);
  const looks = `Forward: the network looks at this ${label} and gives it a probability of ${own} of being ${withArticle(label)}`;
  if (answer === label) return `${looks}: more than to any other digit, so it reads it rightly.`;
  return `${looks}; it takes it for ${withArticle(answer)} (${formatPercent(probabilities[answer])}).`;
}

function loss({ label, probabilities, loss: nats }: Glance): string {
  const blind = formatNumber(Math.log(probabilities.length), 3);
  const paid = `Loss: ${formatPercent(probabilities[label])} for the right digit costs ${formatNumber(nats)}`;
  return `${paid}. Certainty would cost 0, and guessing blindly among ten digits ${blind}.`;
}

const points = (share: number): string => formatNumber(100 * share, 3);

function backward(glance: Glance): string {
  const { label, probabilities } = glance;
  const others = probabilities.map((p, digit) => (digit === label ? 0 : p));
  const rival = largestAt(others);
  const wants = `Backward: the output was ${points(1 - probabilities[label])} points too low for ${label} and ${points(others[rival])} points too high for ${rival}`;
  const [, first, ...rest] = columnsOf(glance);
  const last = rest.at(-1);
  if (!first?.gradient || !last?.gradient) return `${wants}.`;
  const [there, here] = [normOf(last.gradient), normOf(first.gradient)].map((norm) => formatNumber(norm, 3));
  return `${wants}. This error flows back from layer to layer: its length is ${there} at the output, and ${here} when it reaches layer 1.`;
}

function update({ label, loss: before, lossAfter: after }: Glance): string {
  const comparison = after < before ? 'falls' : after > before ? 'rises' : 'goes';
  const moves = `Update: each weight moves a little, so that the loss on this ${label} ${comparison} from ${formatNumber(before)} to ${formatNumber(after)}`;
  return `${moves}. This step on one digit is rehearsed and put back: training does not see it.`;
}

const LOST =
  'The steps were too long: weights have grown beyond all numbers, and the network says nothing any more. Take a smaller learning rate, with which it begins anew.';

/** One sentence for a stage of a glance. */
export const sentenceOf = (glance: Glance, stage: Stage): string =>
  Number.isFinite(glance.loss) ? { forward, loss, backward, update }[stage](glance) : LOST;

/** What the letters of a stage's formulas stand for. */
export function lettersOf(stage: Stage, hasHidden: boolean): string {
  const texts: Record<Stage, string> = {
    forward: `x is what a layer reads, W and b are its weights and biases${hasHidden ? ', a is what it gives out' : ''}. The last layer gives the logits z, and softmax makes probabilities p of them.`,
    loss: 'ln is the natural logarithm, and p has the right digit as its index.',
    backward: `∂L/∂w is how fast the loss L grows with w. δ is ∂L/∂z, the error at a layer’s sums z = x W + b; y is 1 for the right digit and 0 for the others; T makes rows of columns.${hasHidden ? ' The prime marks a slope.' : ''}`,
    update:
      'w is any weight or bias, ∂L/∂w its gradient, and Δw what the step adds. The learning rate η says how far a step goes.',
  };
  return texts[stage];
}
