import { entryOf, functionalGraph, sequentialGraph, type LayerEntry } from './graph.ts';
import type { KerasLayer, NamedLayer } from './kerasLayer.ts';
import { layerDefinitions } from './layers/index.ts';
import { layerOptions, type Writer } from './layerOptions.ts';
import { networkOf } from './network.ts';
import { operationDefinitions } from './operations.ts';
import { refuse } from './refusal.ts';

/** What is known while a model's layers are read. */
interface Reading {
  readonly writer: Writer;
  readonly notes: string[];
  /** Models within each other. */
  readonly depth: number;
}

const MODELS = ['Sequential', 'Functional', 'Model'];
const DEEPEST = 32;

const isOperation = ({ module }: LayerEntry): boolean => module?.startsWith('keras.src.ops') ?? false;

/** Only Keras' own classes are known by their names. */
function requireKeras(where: string, { module, registeredName, className }: LayerEntry): void {
  const isOwn =
    (module === undefined || /^(?:keras|tf_keras|tensorflow)\b/.test(module)) && !registeredName?.includes('>');
  if (isOwn) return;
  refuse(
    where,
    `is a ${className} of ${registeredName ?? module}, which is code`,
    "build the model of Keras' own layers",
  );
}

/** A layer, or a model as a layer, from its config. */
export function readLayer(where: string, entry: LayerEntry, reading: Reading): KerasLayer {
  requireKeras(where, entry);
  const { className, config } = entry;
  if (MODELS.includes(className)) return readModel(where, entry, { ...reading, depth: reading.depth + 1 });
  if (className === 'Lambda') {
    refuse(where, 'is a Lambda, which is code', "build the model of Keras' own layers");
  }
  const definitions = isOperation(entry) ? operationDefinitions : layerDefinitions;
  if (!Object.hasOwn(definitions, className)) {
    refuse(where, `is a ${className}, which is not among what is read`, Object.keys(definitions).join(', '));
  }
  const options = layerOptions(where, config, {
    ...reading,
    read: (place, given) => readLayer(place, entryOf(place, given), { ...reading, depth: reading.depth + 1 }),
  });
  const layer = definitions[className](options);
  options.end();
  return layer;
}

/** A model as a layer. @throws FormatError for what is not read, naming it */
export function readModel(where: string, entry: LayerEntry, reading: Reading): KerasLayer & Model {
  const { className, config } = entry;
  requireKeras(where, entry);
  if (!MODELS.includes(className)) {
    refuse(where, `is a ${className}, which is code`, 'build a Sequential or functional model of the same layers');
  }
  if (reading.depth > DEEPEST) refuse(where, `lies in more than ${DEEPEST} models`, 'take it out');
  const graph = (className === 'Sequential' ? sequentialGraph : functionalGraph)(where, config);
  const layers = graph.layers.map((each): NamedLayer => {
    const own = `layer "${each.name}" (${each.className})`;
    return {
      name: each.name,
      className: each.className,
      isOperation: isOperation(each),
      isFrozen: each.config['trainable'] === false,
      layer: readLayer(reading.depth === 0 ? own : `${where}, ${own}`, each, reading),
    };
  });
  return { ...networkOf(where, graph, layers), graph };
}

interface Model {
  readonly graph: ReturnType<typeof functionalGraph>;
}
