import { DataError, ShapeError } from '../../core/errors.ts';
import { Random } from '../../core/random.ts';
import { allocate, type Numbers } from '../../core/shape.ts';
import { Interpreter, type States } from '../../cpu/interpret.ts';
import { isValue, type Graph, type State, type Value } from '../../graph/graph.ts';
import { statesOf } from '../../graph/states.ts';
import { generationWords } from '../../ops/generation/control.ts';
import { TEXT, textGraph, type GenerationGraph, type TextGraph } from '../graphs/generationGraph.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';

/*
 * Whether a model says the same of a token that is read by itself, behind what its layers kept, as of the token within the
 * whole text. A layer of a user's own may look back, or ahead, without knowing of the mode. Both are run by the references,
 * in f64 and with weights by chance, so that nothing is equal for want of a weight that tells.
 */

/** Tokens of the text that both read. */
const CHECKED = 4;
/** Of the largest number: what f64 leaves of sums in another order is a million times less. */
const TOLERANCE = 1e-6;

const greedy = { temperature: 0, topK: undefined, topP: undefined, seed: 0 };

/** What states hold: first values, those of parameters a little off, as training leaves them. */
function statesFor({ parameters, averages }: TracedModel, graphs: readonly Graph[]): Map<State, Numbers> {
  const random = new Random(0, 'stepped check');
  const states = new Map<State, Numbers>();
  for (const state of new Set(graphs.flatMap((graph) => [...statesOf(graph)]))) {
    const numbers = allocate(state.spec, 'f64');
    numbers.set(state.initial());
    if ((averages ?? parameters).includes(state)) {
      for (const [i, x] of numbers.entries()) numbers[i] = x * random.uniform(0.9, 1.1) + random.uniform(-0.05, 0.05);
    }
    states.set(state, numbers);
  }
  return states;
}

/** With all that layers give among its outputs. */
const withApplied = ({ graph, applied }: TextGraph): Graph => {
  const outputs = applied.flatMap(({ output }, at) => (isValue(output) ? [[`${at}`, output] as const] : []));
  return { ...graph, outputs: { ...graph.outputs, ...Object.fromEntries(outputs) } };
};

/** A text for one sample, or, where layers want as many as training has, for so many. */
function wholeText(traced: TracedModel, length: number): { readonly samples: number; readonly text: TextGraph } {
  try {
    return { samples: 1, text: textGraph(traced, 1, length) };
  } catch (error) {
    const { batchSize } = traced.options;
    if (!(error instanceof ShapeError) || batchSize === 1) throw error;
    return { samples: batchSize, text: textGraph(traced, batchSize, length) };
  }
}

/** A text that has been read as a whole, in as many samples as it takes. */
function readWhole(whole: Graph, states: States, samples: number, tokens: readonly number[]): Interpreter {
  const reader = new Interpreter(whole, states, 'f64');
  const batch = Array.from({ length: samples }, () => tokens).flat();
  reader.run({ [TEXT]: Int32Array.from(batch) });
  return reader;
}

/** What reads the same tokens one by one. */
function stepperOf(
  { control, tokens: ring }: GenerationGraph,
  graph: Graph,
  states: Map<State, Numbers>,
  tokens: readonly number[],
): Interpreter {
  states.set(control, generationWords(tokens.length, 0, greedy));
  states.get(ring)!.set(tokens);
  return new Interpreter(graph, states, 'f64');
}

/** Numbers of the first sample at place t of `length`; undefined where a value has none for each token. */
function rowOf(value: Value, numbers: Numbers, samples: number, length: number, t: number): Numbers | undefined {
  const { shape } = value.spec;
  const own = numbers.length / samples;
  if (shape[0] !== samples) return undefined;
  if (shape.length > 2 && shape[1] === length) return numbers.subarray((t * own) / length, ((t + 1) * own) / length);
  return t === length - 1 ? numbers.subarray(0, own) : undefined;
}

/** The first numbers in which two rows of one length differ. */
function difference(found: Numbers, expected: Numbers): string | undefined {
  if (found.length !== expected.length) return undefined;
  let largest = 0;
  for (const x of expected) largest = Math.max(largest, Math.abs(x));
  const at = expected.findIndex((x, i) => Math.abs(x - found[i]) > TOLERANCE * largest);
  return at < 0 ? undefined : `${found[at]}, not ${expected[at]}`;
}

/**
 * Fails unless a model says the same of tokens one by one as of the whole text.
 * @param capacity tokens of a context at most   @throws DataError naming the first layer that does not
 */
export function requireStepwise(traced: TracedModel, stepped: GenerationGraph, capacity: number): void {
  const length = Math.min(CHECKED, capacity);
  const { samples, text } = wholeText(traced, length);
  const [graph, whole] = [withApplied(stepped), withApplied(text)];
  const states = statesFor(traced, [graph, whole]);
  const random = new Random(0, 'stepped text');
  const tokens = Array.from({ length }, () => Math.floor(random.uniform(0, stepped.classes)));
  const reader = readWhole(whole, states, samples, tokens);
  const stepper = stepperOf(stepped, graph, states, tokens);
  for (let t = 0; t < length; t++) {
    stepper.run({});
    const differs = (name: string): string | undefined => {
      const [one, all] = [graph.outputs[name], whole.outputs[name]];
      const expected = all && rowOf(all, reader.value(all), samples, length, t);
      return one && expected && difference(stepper.value(one), expected);
    };
    const logit = differs('logits');
    if (logit === undefined) continue;
    const layer = stepped.applied.find((_, at) => differs(`${at}`) !== undefined)?.path;
    throw new DataError(
      `[generate] token ${t} of a text has other logits by itself than within the whole: ${logit}; ${layer ? `"${layer}"` : 'the model'} looks across tokens: keep what it needs by context.generation, and look back only`,
    );
  }
}
