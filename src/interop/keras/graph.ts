import { isRecord } from '../../data/safetensorsHeader.ts';
import { callsIn, referenceIn, referencesIn, type Call, type Reference } from './calls.ts';
import type { Config } from './layerOptions.ts';
import { refuse } from './refusal.ts';

/** An input of a model: the layer that stands for it. */
export interface ModelInput {
  readonly name: string;
  /** Extents that are known; undefined where a sequential model was never told. */
  readonly shape: readonly (number | null)[] | undefined;
  readonly isWhole: boolean;
}

/** A use of a layer, and which it is. */
export interface Step extends Call {
  readonly key: string;
  readonly layer: string;
}

/** What a model's config says of its layers, before they are read. */
export interface ModelGraph {
  readonly layers: readonly LayerEntry[];
  readonly inputs: readonly ModelInput[];
  /** All uses, each behind those whose values it needs. */
  readonly steps: readonly Step[];
  readonly outputs: readonly { readonly name: string; readonly of: Reference }[];
  /** Whether the outputs have names of their own, where a single one is the model's value if not. */
  readonly isNamed: boolean;
}

/** A layer as a config has it. */
export interface LayerEntry {
  readonly name: string;
  readonly className: string;
  readonly config: Config;
  readonly module: string | undefined;
  readonly registeredName: string | undefined;
}

/** A layer's class and config. @throws FormatError for what is none */
export function entryOf(where: string, given: unknown): LayerEntry {
  const { class_name: className, config, name, module, registered_name: registered } = Object(given) as Config;
  if (typeof className !== 'string' || !(isRecord(config) || Array.isArray(config))) {
    refuse(
      where,
      'has a layer without class_name or config',
      'it is no model of Keras or TensorFlow.js, or was damaged',
    );
  }
  const own = isRecord(config) ? config : { layers: config };
  const called = own['name'] ?? name;
  return {
    className,
    config: own,
    name: typeof called === 'string' ? called : className.toLowerCase(),
    module: typeof module === 'string' ? module : undefined,
    registeredName: typeof registered === 'string' ? registered : undefined,
  };
}

function requireOwnNames(where: string, entries: readonly LayerEntry[]): void {
  const names = new Set<string>();
  for (const { name } of entries) {
    if (names.has(name)) refuse(where, `has two layers called ${name}`, 'give them names of their own');
    names.add(name);
  }
}

function listOf(where: string, config: Config, name: string): readonly unknown[] {
  const given = config[name];
  if (Array.isArray(given)) return given;
  refuse(where, `has no list of ${name}`, 'it is no model of Keras or TensorFlow.js, or was damaged');
}

const isExtents = (given: unknown): given is (number | null)[] =>
  Array.isArray(given) && given.every((each) => each === null || (Number.isSafeInteger(each) && (each as number) > 0));

const isWhole = (dtype: unknown): boolean => typeof dtype === 'string' && /^u?int\d+$|^bool$/.test(dtype);

function inputOf(where: string, { name, config }: LayerEntry): ModelInput {
  const shape = config['batch_shape'] ?? config['batch_input_shape'];
  if (shape !== undefined && shape !== null && !isExtents(shape)) {
    refuse(`${where}, layer ${name}`, 'has a batch_shape that is no list of extents', 'save the model again');
  }
  for (const option of ['sparse', 'ragged']) {
    if (config[option] === true) refuse(`${where}, layer ${name}`, `is ${option}`, 'values are whole arrays here');
  }
  const dtype = config['dtype'] ?? config['input_dtype'];
  return { name, shape: shape ?? undefined, isWhole: isWhole(dtype) };
}

/** A chain of layers. */
export function sequentialGraph(where: string, config: Config): ModelGraph {
  const all = listOf(where, config, 'layers').map((each) => entryOf(where, each));
  requireOwnNames(where, all);
  const [first] = all;
  const isInput = first?.className === 'InputLayer';
  const layers = isInput ? all.slice(1) : all;
  const input = isInput
    ? inputOf(where, first)
    : {
        name: 'input',
        ...inputShape(first?.config, config['build_input_shape']),
        isWhole: isWhole(first?.config['input_dtype']),
      };
  let before: Reference = { layer: input.name, call: 0, tensor: 0 };
  const steps = layers.map(({ name }): Step => {
    const step = { key: `${name}/0`, layer: name, args: [{ reference: before }], named: {} };
    before = { layer: name, call: 0, tensor: 0 };
    return step;
  });
  return { layers, inputs: [input], steps, outputs: [{ name: before.layer, of: before }], isNamed: false };
}

/** What the first layer, or the model, was told of its input. */
function inputShape(first: Config | undefined, built: unknown): { readonly shape: ModelInput['shape'] } {
  const given = first?.['batch_input_shape'] ?? first?.['batch_shape'] ?? built;
  return { shape: isExtents(given) ? given : undefined };
}

/** One value, several, or several by name. */
function endsIn(where: string, given: unknown): readonly { readonly name?: string; readonly of: Reference }[] {
  const single = referenceIn(given);
  if (single) return [{ of: single }];
  if (Array.isArray(given)) return given.flatMap((each) => endsIn(where, each));
  if (isRecord(given)) {
    return Object.keys(given)
      .sort()
      .flatMap((name) => endsIn(where, given[name]).map(({ of }) => ({ name, of })));
  }
  refuse(where, 'has inputs or outputs that are no values of its layers', 'it was damaged');
}

/** Layers that call each other. @throws FormatError for values that are not there, or that need themselves */
export function functionalGraph(where: string, config: Config): ModelGraph {
  const given = listOf(where, config, 'layers');
  const entries = given.map((each) => entryOf(where, each));
  requireOwnNames(where, entries);
  const calls = new Map(
    entries.map(({ name }, at) => [name, callsIn(`${where}, layer ${name}`, Object(given[at])['inbound_nodes'])]),
  );
  const inputs = endsIn(where, config['input_layers']).map(({ of }) => {
    const entry = entries.find(({ name }) => name === of.layer);
    if (entry?.className === 'InputLayer') return inputOf(where, entry);
    refuse(where, `begins with ${of.layer}, which is no InputLayer of it`, 'it was damaged');
  });
  const ends = endsIn(where, config['output_layers']);
  const isNamed = ends.length > 1 || ends.some(({ name }) => name !== undefined);
  const outputs = ends.map(({ name, of }, at) => {
    const before = ends.slice(0, at).filter((other) => other.of.layer === of.layer).length;
    return { name: name ?? (before > 0 ? `${of.layer}_${before}` : of.layer), of };
  });
  const steps = inOrder(
    where,
    calls,
    new Set(inputs.map(({ name }) => name)),
    outputs.map(({ of }) => of),
  );
  return { layers: entries.filter(({ className }) => className !== 'InputLayer'), inputs, steps, outputs, isNamed };
}

/** The uses that outputs need, each behind those that it needs. */
function inOrder(
  where: string,
  calls: ReadonlyMap<string, readonly Call[]>,
  inputs: ReadonlySet<string>,
  outputs: readonly Reference[],
): readonly Step[] {
  const [steps, open, done]: [Step[], Set<string>, Set<string>] = [[], new Set(), new Set()];
  const callOf = ({ layer, call }: Reference): Call => {
    const found = calls.get(layer)?.[call];
    if (found) return found;
    refuse(where, `needs call ${call} of the layer ${layer}, which is not there`, 'it was damaged');
  };
  const stack = outputs.map((of) => ({ of, isReady: false })).reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { of, isReady } = next;
    const key = `${of.layer}/${of.call}`;
    if (inputs.has(of.layer) || done.has(key)) continue;
    const call = callOf(of);
    if (isReady) {
      steps.push({ ...call, key, layer: of.layer });
      done.add(key);
      open.delete(key);
      continue;
    }
    if (open.has(key)) refuse(where, `has the layer ${of.layer} need its own result`, 'it was damaged');
    open.add(key);
    stack.push({ of, isReady: true });
    const needed = [...call.args, ...Object.values(call.named)].flatMap(referencesIn);
    stack.push(...needed.map((each) => ({ of: each, isReady: false })).reverse());
  }
  return steps;
}
