import exponential from '../../../shaders/functions/exponential.wgsl?raw';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import relu from '../../../shaders/functions/relu.wgsl?raw';
import sigmoidText from '../../../shaders/functions/sigmoid.wgsl?raw';
import tanhText from '../../../shaders/functions/tanh.wgsl?raw';
import gru from '../../../shaders/recurrent/cells/gru.wgsl?raw';
import gruGrad from '../../../shaders/recurrent/cells/gruGrad.wgsl?raw';
import lstm from '../../../shaders/recurrent/cells/lstm.wgsl?raw';
import lstmGrad from '../../../shaders/recurrent/cells/lstmGrad.wgsl?raw';
import rnn from '../../../shaders/recurrent/cells/rnn.wgsl?raw';
import rnnGrad from '../../../shaders/recurrent/cells/rnnGrad.wgsl?raw';

/*
 * What a unit of a recurrent layer does at a step: of what comes from x and of what comes from all units' h before, gate by
 * gate, and of what it carries, it makes its new h; and back. Equations and order of gates as in PyTorch. Sources: Elman
 * 1990; Hochreiter and Schmidhuber 1997, with the gate that forgets by Gers et al. 2000; Cho et al. 2014, its reset behind
 * the product.
 */

export type CellName = 'lstm' | 'gru' | 'rnn' | 'reluRnn';

/** Of one unit at one step: what it is given, and where it puts what it makes. */
export interface Forward {
  readonly fromX: ArrayLike<number>;
  readonly fromH: ArrayLike<number>;
  /** h, and what else is carried. */
  readonly carried: number[];
  readonly tape: number[];
}

export interface Backward {
  readonly tape: Float32Array | Float64Array;
  /** The slope of h; then of what else is carried. */
  readonly carried: number[];
  /** By gate: the slopes of what comes from x, and of what comes from h. */
  readonly dX: number[];
  readonly dH: number[];
}

export interface Cell {
  readonly gates: number;
  /** Numbers that a unit carries from step to step; the first one is h. */
  readonly carried: number;
  /** Numbers that the way back needs of a unit at a step. */
  readonly tape: number;
  /** Whether what comes from h has other slopes than what comes from x. */
  readonly apart: boolean;
  forward(at: Forward): void;
  backward(at: Backward): void;
  /** WGSL: the functions `cell` and `slopes_of`, and what they call. */
  readonly forwardText: string;
  readonly backwardText: string;
  readonly includes: readonly string[];
}

const gateTexts = [nan, exponential, sigmoidText, tanhText];

const sigmoid = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

const lstmCell: Cell = {
  gates: 4,
  carried: 2,
  tape: 5,
  apart: false,
  forward({ fromX, fromH, carried, tape }) {
    const [i, f, o] = [0, 1, 3].map((gate) => sigmoid(fromX[gate] + fromH[gate]));
    const g = Math.tanh(fromX[2] + fromH[2]);
    const before = carried[1];
    carried[1] = f * before + i * g;
    carried[0] = o * Math.tanh(carried[1]);
    [tape[0], tape[1], tape[2], tape[3], tape[4]] = [i, f, g, o, before];
  },
  backward({ tape: [i, f, g, o, before], carried, dX, dH }) {
    const c = Math.tanh(f * before + i * g);
    const dh = carried[0];
    const dc = carried[1] + dh * o * (1 - c * c);
    const slopes = [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g), dh * c * o * (1 - o)];
    slopes.forEach((slope, gate) => (dX[gate] = dH[gate] = slope));
    [carried[0], carried[1]] = [0, dc * f];
  },
  forwardText: lstm,
  backwardText: lstmGrad,
  includes: gateTexts,
};

const gruCell: Cell = {
  gates: 3,
  carried: 1,
  tape: 5,
  apart: true,
  forward({ fromX, fromH, carried, tape }) {
    const [r, z] = [0, 1].map((gate) => sigmoid(fromX[gate] + fromH[gate]));
    const q = fromH[2];
    const n = Math.tanh(fromX[2] + r * q);
    const before = carried[0];
    carried[0] = n + z * (before - n);
    [tape[0], tape[1], tape[2], tape[3], tape[4]] = [r, z, n, q, before];
  },
  backward({ tape: [r, z, n, q, before], carried, dX, dH }) {
    const dh = carried[0];
    const dn = dh * (1 - z) * (1 - n * n);
    [dX[0], dX[1], dX[2]] = [dn * q * r * (1 - r), dh * (before - n) * z * (1 - z), dn];
    [dH[0], dH[1], dH[2]] = [dX[0], dX[1], dn * r];
    carried[0] = dh * z;
  },
  forwardText: gru,
  backwardText: gruGrad,
  includes: gateTexts,
};

/** h = f(x + h · weights). @param slope of f, by x */
const plainCell = (
  f: (x: number) => number,
  slope: (x: number) => number,
  call: string,
  texts: readonly string[],
): Cell => ({
  gates: 1,
  carried: 1,
  tape: 1,
  apart: false,
  forward({ fromX, fromH, carried, tape }) {
    tape[0] = fromX[0] + fromH[0];
    carried[0] = f(tape[0]);
  },
  backward({ tape: [x], carried, dX, dH }) {
    dX[0] = dH[0] = carried[0] * slope(x);
    carried[0] = 0;
  },
  forwardText: rnn.replace('activated(', `${call}(`),
  backwardText: rnnGrad.replace('activated_grad(', `${call}_grad(`),
  includes: [nan, ...texts],
});

export const cells: Readonly<Record<CellName, Cell>> = {
  lstm: lstmCell,
  gru: gruCell,
  rnn: plainCell(Math.tanh, (x) => 1 / Math.cosh(x) ** 2, 'hyperbolic_tangent', gateTexts),
  reluRnn: plainCell(
    (x) => (x < 0 ? 0 : x),
    (x) => (x <= 0 ? 0 : 1),
    'relu',
    [relu],
  ),
};
