import type { Value } from '../../../graph/graph.ts';
import type { Context } from '../../../nn/layer.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { sameMask, type Definition, type Definitions } from '../kerasLayer.ts';
import { inside, ownWeights } from './recurrent.ts';
import { refuse } from '../refusal.ts';

/* A layer that has another one within. */

/** A context in which a layer within another one keeps its own states. */
const within = (context: Context, place: string): Context => ({
  mode: context.mode,
  generation: context.generation,
  apply: (layer, x, name) => context.apply(layer, x, name),
  update: (name, value) => context.update(`${place}.${name}`, value),
  random: (stream, shape, law) => context.random(stream, shape, law),
  dropout: (stream, x, rate) => context.dropout(stream, x, rate),
  draws: (stream, shape) => context.draws(stream, shape),
});

const PLACE = 'layer';

const apart = (x: Value): Value => reshape(x, [x.spec.shape[0] * x.spec.shape[1], ...x.spec.shape.slice(2)]);

/** Steps are samples to the layer within. */
const timeDistributed: Definition = (options) => {
  const layer = options.layer(PLACE);
  return {
    ...layer,
    weights: inside(layer, PLACE),
    layersWithin: PLACE,
    apply(given) {
      const [samples, steps] = given.x.spec.shape;
      const x = apart(given.x);
      const weights = ownWeights(given.weights, PLACE);
      const y = layer.apply({
        ...given,
        x,
        inputs: [{ value: x }],
        args: [],
        weights,
        context: within(given.context, PLACE),
      });
      if (Array.isArray(y)) {
        refuse(options.where, 'is of a layer with several results', 'one is read');
      }
      const { shape } = (y as Value).spec;
      return reshape(y as Value, [samples, steps, ...shape.slice(1)]);
    },
    mask: sameMask,
  };
};

export const wrapperDefinitions: Definitions = { TimeDistributed: timeDistributed };
