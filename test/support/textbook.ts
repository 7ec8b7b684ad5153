// Optimizers once more, in f64 and one number at a time, as papers and PyTorch's documentation write them down.

/** What is to become of one parameter. */
export interface Rule {
  readonly learningRate: (step: number) => number;
  readonly decay: number;
}

/** The change of one number at a step, counted from 0, where it is `p` and its gradient is `g`. */
export type Change = (g: number, p: number, step: number, i: number) => number;

export const always =
  (rate: number): ((step: number) => number) =>
  () =>
    rate;

/** More than any parameter that is followed has. */
const MOST = 128;

const kept = (initial = 0): Float64Array => new Float64Array(MOST).fill(initial);

/** Sutskever et al. 2013 as PyTorch writes it: v ← μ v + g. */
export function descent({ learningRate, decay }: Rule, momentum = 0, nesterov = false): Change {
  const velocity = kept();
  return (gradient, p, step, i) => {
    const g = gradient + decay * p;
    velocity[i] = momentum * velocity[i] + g;
    return -learningRate(step) * (nesterov ? g + momentum * velocity[i] : velocity[i]);
  };
}

/** Kingma and Ba 2014, algorithm 1; with `decoupled`, Loshchilov and Hutter 2017, algorithm 2. */
export function moments(
  { learningRate, decay }: Rule,
  beta1: number,
  beta2: number,
  epsilon: number,
  decoupled = false,
): Change {
  const first = kept();
  const second = kept();
  return (gradient, p, step, i) => {
    const g = decoupled ? gradient : gradient + decay * p;
    first[i] = beta1 * first[i] + (1 - beta1) * g;
    second[i] = beta2 * second[i] + (1 - beta2) * g ** 2;
    const mean = first[i] / (1 - beta1 ** (step + 1));
    const square = second[i] / (1 - beta2 ** (step + 1));
    const shrink = decoupled ? decay * p : 0;
    return -learningRate(step) * (mean / (Math.sqrt(square) + epsilon) + shrink);
  };
}

/** torch.optim.RMSprop. */
export function rootMeanSquare(
  { learningRate, decay }: Rule,
  {
    alpha,
    epsilon,
    momentum = 0,
    centered = false,
  }: Readonly<Record<'alpha' | 'epsilon', number>> & {
    readonly momentum?: number;
    readonly centered?: boolean;
  },
): Change {
  const v = kept();
  const average = kept();
  const buffer = kept();
  return (gradient, p, step, i) => {
    const g = gradient + decay * p;
    v[i] = alpha * v[i] + (1 - alpha) * g ** 2;
    average[i] = alpha * average[i] + (1 - alpha) * g;
    const spread = centered ? v[i] - average[i] ** 2 : v[i];
    buffer[i] = momentum * buffer[i] + g / (Math.sqrt(spread) + epsilon);
    return -learningRate(step) * buffer[i];
  };
}

/** torch.optim.Adagrad. */
export function sumOfSquares(
  { learningRate, decay }: Rule,
  { slowing, initial, epsilon }: Readonly<Record<'slowing' | 'initial' | 'epsilon', number>>,
): Change {
  const sum = kept(initial);
  return (gradient, p, step, i) => {
    const g = gradient + decay * p;
    const t = step + 1;
    sum[i] += g ** 2;
    return ((-learningRate(step) / (1 + (t - 1) * slowing)) * g) / (Math.sqrt(sum[i]) + epsilon);
  };
}

/** Zeiler 2012, algorithm 1. */
export function ratioOfRoots({ learningRate, decay }: Rule, rho: number, epsilon: number): Change {
  const [gradients, changes] = [kept(), kept()];
  const root = (meanSquare: number): number => Math.sqrt(meanSquare + epsilon);
  return (gradient, p, step, i) => {
    const g = gradient + decay * p;
    gradients[i] = rho * gradients[i] + (1 - rho) * g ** 2;
    const change = (-root(changes[i]) / root(gradients[i])) * g;
    changes[i] = rho * changes[i] + (1 - rho) * change ** 2;
    return learningRate(step) * change;
  };
}

/** Kingma and Ba 2014, algorithm 2, with epsilon where torch.optim.Adamax has it. */
export function largestOf({ learningRate, decay }: Rule, beta1: number, beta2: number, epsilon: number): Change {
  const [m, u] = [kept(), kept()];
  return (gradient, p, step, i) => {
    const g = gradient + decay * p;
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    u[i] = Math.max(beta2 * u[i], Math.abs(g) + epsilon);
    return ((-learningRate(step) / (1 - beta1 ** (step + 1))) * m[i]) / u[i];
  };
}

/** torch.optim.NAdam; the product of the momenta is carried from step to step. */
export function lookingAhead(
  { learningRate, decay }: Rule,
  beta1: number,
  beta2: number,
  { epsilon, psi }: Readonly<Record<'epsilon' | 'psi', number>>,
): Change {
  const [m, v, product] = [kept(), kept(), kept(1)];
  const mu = (t: number): number => beta1 * (1 - 0.96 ** (t * psi) / 2);
  return (gradient, p, step, i) => {
    const g = gradient + decay * p;
    const t = step + 1;
    product[i] *= mu(t);
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g ** 2;
    const ahead = (mu(t + 1) * m[i]) / (1 - product[i] * mu(t + 1));
    const mean = ahead + ((1 - mu(t)) * g) / (1 - product[i]);
    return (-learningRate(step) * mean) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + epsilon);
  };
}

/** torch.optim.RAdam. */
export function rectified({ learningRate, decay }: Rule, beta1: number, beta2: number, epsilon: number): Change {
  const [m, v] = [kept(), kept()];
  const most = 2 / (1 - beta2) - 1;
  return (gradient, p, step, i) => {
    const g = gradient + decay * p;
    const t = step + 1;
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g ** 2;
    const mean = m[i] / (1 - beta1 ** t);
    const length = most - (2 * t * beta2 ** t) / (1 - beta2 ** t);
    if (length <= 5) return -learningRate(step) * mean;
    const variance = Math.sqrt(((length - 4) * (length - 2) * most) / ((most - 4) * (most - 2) * length));
    const adapted = Math.sqrt(1 - beta2 ** t) / (Math.sqrt(v[i]) + epsilon);
    return -learningRate(step) * mean * variance * adapted;
  };
}

/** Chen et al. 2023, algorithm 2. */
export function signed({ learningRate, decay }: Rule, beta1: number, beta2: number): Change {
  const m = kept();
  return (g, p, step, i) => {
    const c = beta1 * m[i] + (1 - beta1) * g;
    m[i] = beta2 * m[i] + (1 - beta2) * g;
    return -learningRate(step) * (Math.sign(c) + decay * p);
  };
}

/** The change of a whole matrix `[out, in]`, row by row, at a step. */
export type MatrixChange = (g: Matrix, p: Matrix, step: number) => Matrix;

export type Matrix = readonly (readonly number[])[];

export const transposed = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => transposed(b).map((column) => row.reduce((total, x, k) => total + x * column[k], 0)));
const combined = (s: number, a: Matrix, t: number, b: Matrix): Matrix =>
  a.map((row, i) => row.map((x, j) => s * x + t * b[i][j]));

/** torch.optim.Muon of PyTorch 2.9, but in f64 where that has bfloat16. */
export function orthogonal(
  { learningRate, decay }: Rule,
  {
    mu = 0.95,
    nesterov = true,
    steps = 5,
    ratio = (rows, columns) => Math.sqrt(Math.max(1, rows / columns)),
  }: {
    readonly mu?: number;
    readonly nesterov?: boolean;
    readonly steps?: number;
    readonly ratio?: (rows: number, columns: number) => number;
  } = {},
): MatrixChange {
  let buffer: Matrix | null = null;
  return (g, p, step) => {
    buffer = buffer ? combined(mu, buffer, 1 - mu, g) : combined(1 - mu, g, 0, g);
    const update = nesterov ? combined(1 - mu, g, mu, buffer) : buffer;
    const [rows, columns] = [g.length, g[0].length];
    const norm = Math.max(Math.hypot(...update.flat()), 1e-7);
    let x = combined(1 / norm, rows > columns ? transposed(update) : update, 0, rows > columns ? transposed(g) : g);
    for (let i = 0; i < steps; i++) {
      const gram = times(x, transposed(x));
      x = combined(3.4445, x, 1, times(combined(-4.775, gram, 2.0315, times(gram, gram)), x));
    }
    const rate = learningRate(step);
    return combined(-rate * ratio(rows, columns), rows > columns ? transposed(x) : x, -rate * decay, p);
  };
}
