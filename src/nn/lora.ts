import { described, requireFinite, requireKind } from '../core/argumentChecks.ts';
import { ShapeError } from '../core/errors.ts';
import type { Value } from '../graph/graph.ts';
import { add, mul } from '../ops/pointwise/arithmetic.ts';
import { matmul } from '../ops/products/matmul.ts';
import { frozen } from './frozen.ts';
import { torchUniform, zeros } from './initializers.ts';
import { defineLayer, requireModule, type Context, type Layer, type Module, type OutputOf } from './layer.ts';

type Parameters = Readonly<Record<string, Float32Array>>;

const isLinear = ({ name, parameters }: Layer): boolean =>
  name === 'linear' && parameters['weight']?.shape.length === 2;

/** A linear layer as it is, plus x · A · B, scaled. */
function withAdapter(layer: Layer, rank: number, alpha: number): Layer {
  const [inFeatures, outFeatures] = layer.parameters['weight'].shape;
  const base = frozen(layer);
  return {
    ...defineLayer({
      name: 'lora',
      parameters: {
        loraA: { shape: [inFeatures, rank], initial: torchUniform(inFeatures) },
        loraB: { shape: [rank, outFeatures], initial: zeros },
      },
      apply(x, { loraA, loraB }, context) {
        const own = matmul(mul(matmul(x, loraA), alpha / rank), loraB);
        return add(own, context.apply(base, x, ''));
      },
    }),
    frozen: false,
  };
}

/** Modules as they are, but for the linear layers in them, which are adapted. The same module is always the same. */
class Adapted {
  readonly #modules = new Map<object, Module>();
  readonly #rank: number;
  readonly #alpha: number;

  constructor(rank: number, alpha: number) {
    this.#rank = rank;
    this.#alpha = alpha;
  }

  of(module: Module): Module {
    let adapted = this.#modules.get(module);
    if (!adapted) this.#modules.set(module, (adapted = this.#made(module)));
    return adapted;
  }

  #made(module: Module): Module {
    if (typeof module === 'function') {
      const { [module.name]: named } = {
        [module.name]: (x: Value, context: Context) => module(x, this.#within(context)),
      };
      return named;
    }
    if (isLinear(module)) return withAdapter(module, this.#rank, this.#alpha);
    return { ...module, apply: (x, bound, context) => module.apply(x, bound, this.#within(context)) };
  }

  /** A context in which adapted modules are used in the place of others. */
  #within(context: Context): Context {
    const apply = (module: Module, x: Value, name?: string): unknown => context.apply(this.of(module), x, name);
    return new Proxy(context, {
      get: (target, name) => {
        if (name === 'apply') return apply;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
  }
}

/**
 * A model that somebody has trained, to be trained on by a share of its numbers: each linear layer in it, those of attention
 * too, gets two narrow matrices, whose product is added to its weight, and nothing else trains. So there are gradients and
 * moments of these alone. Of everything else it is as `frozen`: names of parameters are as they are without it, and dropout
 * lets all through. A layer's own are `loraA` `[in, rank]`, which begins as a linear layer's weight does, and `loraB`
 * `[rank, out]`, which begins at 0, so that at first nothing is changed. As peft's `LoraConfig` on all linear layers.
 * @param module a linear layer, or whatever has some in it   @param rank of the product
 * @param alpha what is added is multiplied by alpha / rank   @throws ShapeError for a rank below 1; DataError for no module
 * Source: Hu et al. 2021
 */
export function lora<M extends Module>(module: M, rank: number, alpha: number): Layer<Value, OutputOf<M>> {
  requireModule('lora', 'what is adapted', module);
  if (!(Number.isInteger(rank) && rank > 0)) {
    throw new ShapeError(`[lora] rank is ${described(rank)} but must be whole and positive: 8 is usual`);
  }
  requireFinite('lora', 'alpha', alpha);
  const adapted = new Adapted(rank, alpha).of(module) as M;
  return {
    name: 'lora',
    parameters: {},
    frozen: true,
    apply: (x, _, context) => context.apply(adapted, x, ''),
  };
}

const isOwn = (name: string): boolean => /(^|\.)lora[AB]$/.test(name);

/** @throws DataError for what are no parameters by name */
function requireParameters(where: string, parameters: Parameters): void {
  const are = typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters);
  const wanted = 'numbers by name, as await trainer.readParameters()';
  requireKind(where, 'what was given', parameters, are, wanted);
  for (const [name, numbers] of Object.entries(parameters)) {
    requireKind(where, `"${name}"`, numbers, numbers instanceof Float32Array, 'a Float32Array');
  }
}

/** Of a model's parameters those of `lora` alone: to be saved, and given to `writeParameters` of the same model later. */
export function loraWeights(parameters: Parameters): Parameters {
  requireParameters('loraWeights', parameters);
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => isOwn(name)));
}

/**
 * A model's parameters without `lora`'s, each product added to its weight: those of the model as it was before, to be given
 * to its `writeParameters`.
 * @param alpha that `lora` was given   @throws DataError for an alpha that is no number; ShapeError for a weight without its two
 */
export function mergedLora(parameters: Parameters, alpha: number): Parameters {
  requireParameters('mergedLora', parameters);
  requireFinite('mergedLora', 'alpha', alpha);
  const others = Object.entries(parameters).filter(([name]) => !isOwn(name));
  return Object.fromEntries(
    others.map(([name, weight]) => {
      const [a, b] = ['loraA', 'loraB'].map((own) => parameters[name.replace(/weight$/, own)]);
      return [name, name.endsWith('weight') && (a || b) ? merged(name, weight, a, b, alpha) : weight];
    }),
  );
}

/** weight + alpha / rank · A · B; how wide they are follows from how many numbers they have. */
function merged(name: string, weight: Float32Array, a: Float32Array, b: Float32Array, alpha: number): Float32Array {
  const rank = Math.sqrt(((a?.length ?? 0) * (b?.length ?? 0)) / weight.length);
  if (!(Number.isInteger(rank) && rank > 0)) {
    throw new ShapeError(
      `[mergedLora] "${name}" has ${weight.length} numbers, its loraA ${a?.length ?? 0} and its loraB ${b?.length ?? 0}: give all parameters of one model`,
    );
  }
  const columns = b.length / rank;
  return weight.map((number, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += a[row * rank + r] * b[r * columns + column];
    return number + (alpha / rank) * sum;
  });
}
