// Dense layers in plain f64 loops, whose work on a digit is what the demo's views are given.

import { Random } from '../../src/core/random.ts';
import type { Glance, LayerGlance, ParameterGlance } from '../../src/demo/protocol.ts';

const activations = {
  relu: { value: (z: number) => Math.max(0, z), slope: (a: number) => (a > 0 ? 1 : 0) },
  sigmoid: { value: (z: number) => 1 / (1 + Math.exp(-z)), slope: (a: number) => a * (1 - a) },
} as const;

interface Dense {
  readonly path: string;
  readonly inputs: number;
  readonly outputs: number;
  /** `[in, out]` */
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

interface Work {
  /** From the pixels to what the last activation gives: what each layer reads. */
  readonly inputs: Float64Array[];
  readonly logits: Float64Array[];
  readonly probabilities: Float64Array;
  readonly loss: number;
}

const EPSILON = 1e-300;

export class PlainNetwork {
  readonly layers: Dense[];
  readonly #activation: keyof typeof activations;

  constructor(widths: readonly number[], activation: keyof typeof activations, seed = 1) {
    this.#activation = activation;
    this.layers = widths.slice(1).map((outputs, at) => {
      const [inputs, path] = [widths[at], `layer${2 * at + 1}`];
      const random = new Random(seed, path);
      const deviation = Math.sqrt(2 / (inputs + outputs));
      const weight = Float64Array.from({ length: inputs * outputs }, () => random.normal(0, deviation));
      return { path, inputs, outputs, weight, bias: new Float64Array(outputs) };
    });
  }

  forward(pixels: ArrayLike<number>, label: number): Work {
    const { value } = activations[this.#activation];
    const inputs = [Float64Array.from(pixels)];
    const logits: Float64Array[] = [];
    for (const [at, layer] of this.layers.entries()) {
      const z = layer.bias.map((bias, out) => {
        let sum = bias;
        for (let i = 0; i < layer.inputs; i++) sum += inputs[at][i] * layer.weight[i * layer.outputs + out];
        return sum;
      });
      logits.push(z);
      if (at < this.layers.length - 1) inputs.push(z.map(value));
    }
    const last = logits.at(-1)!;
    const largest = Math.max(...last);
    const exponentials = last.map((z) => Math.exp(z - largest));
    const sum = exponentials.reduce((a, b) => a + b, 0);
    const probabilities = exponentials.map((e) => e / sum);
    return { inputs, logits, probabilities, loss: -Math.log(probabilities[label] + EPSILON) };
  }

  /** ∂loss / ∂z of each layer, and ∂loss / ∂a of what each reads. */
  backward({ inputs, probabilities }: Work, label: number): { dLogits: Float64Array[]; dInputs: Float64Array[] } {
    const { slope } = activations[this.#activation];
    const dLogits: Float64Array[] = [];
    const dInputs: Float64Array[] = [];
    let delta = probabilities.map((p, digit) => p - (digit === label ? 1 : 0));
    for (let at = this.layers.length - 1; at >= 0; at--) {
      const { inputs: count, outputs, weight } = this.layers[at];
      dLogits[at] = delta;
      dInputs[at] = Float64Array.from({ length: count }, (_, i) =>
        delta.reduce((sum, d, out) => sum + d * weight[i * outputs + out], 0),
      );
      delta = dInputs[at].map((d, i) => d * slope(inputs[at][i]));
    }
    return { dLogits, dInputs };
  }

  /** One step of plain gradient descent on one digit. */
  train(pixels: ArrayLike<number>, label: number, learningRate: number): void {
    const work = this.forward(pixels, label);
    const { dLogits } = this.backward(work, label);
    for (const [at, { outputs, weight, bias }] of this.layers.entries()) {
      for (let i = 0; i < weight.length; i++) {
        weight[i] -= learningRate * work.inputs[at][Math.floor(i / outputs)] * dLogits[at][i % outputs];
      }
      for (let out = 0; out < outputs; out++) bias[out] -= learningRate * dLogits[at][out];
    }
  }

  /** The step on a digit, which is put back. */
  glance(pixels: ArrayLike<number>, label: number, learningRate: number, step = 0): Glance {
    const work = this.forward(pixels, label);
    const { dLogits, dInputs } = this.backward(work, label);
    const kept = this.layers.map(({ weight, bias }) => [weight.slice(), bias.slice()]);
    this.train(pixels, label, learningRate);
    const lossAfter = this.forward(pixels, label).loss;
    const parameters = this.layers.flatMap(({ path, inputs, outputs, weight, bias }, at): ParameterGlance[] =>
      [weight, bias].map((after, which) => {
        const before = kept[at][which];
        const change = Float32Array.from(after, (value, i) => value - before[i]);
        after.set(before);
        return {
          name: `${path}.${which === 0 ? 'weight' : 'bias'}`,
          shape: which === 0 ? [inputs, outputs] : [outputs],
          value: Float32Array.from(before),
          gradient: change.map((difference) => -difference / learningRate),
          change,
        };
      }),
    );
    return {
      step,
      rate: learningRate,
      label,
      pixels: Float32Array.from(pixels),
      layers: this.#layersOf(work, dLogits, dInputs),
      parameters,
      probabilities: Float32Array.from(work.probabilities),
      loss: work.loss,
      lossAfter,
    };
  }

  #layersOf({ inputs, logits }: Work, dLogits: Float64Array[], dInputs: Float64Array[]): LayerGlance[] {
    const glance = (path: string, kind: string, output: Float64Array, gradient: Float64Array): LayerGlance => ({
      path,
      kind,
      shape: [output.length],
      output: Float32Array.from(output),
      gradient: Float32Array.from(gradient),
    });
    return [
      glance('layer0', 'flatten', inputs[0], dInputs[0]),
      ...this.layers.flatMap(({ path }, at) => {
        const layer = glance(path, 'linear', logits[at], dLogits[at]);
        if (at === this.layers.length - 1) return [layer];
        return [layer, glance(`layer${2 * at + 2}`, this.#activation, inputs[at + 1], dInputs[at + 1])];
      }),
    ];
  }
}
