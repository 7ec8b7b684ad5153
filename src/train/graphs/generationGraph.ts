import { DataError, ShapeError } from '../../core/errors.ts';
import { formatSpec, spec } from '../../core/shape.ts';
import { quotedList } from '../../core/textFormat.ts';
import { isValue, type Graph, type State, type Value } from '../../graph/graph.ts';
import { input } from '../../graph/leaf.ts';
import { withRoles } from '../../nn/fieldRoles.ts';
import { KeptValues } from '../../nn/generation.ts';
import type { Values } from '../../nn/layer.ts';
import type { Applied, Tracer } from '../../nn/tracer.ts';
import { generationControl } from '../../ops/generation/control.ts';
import { currentToken } from '../../ops/generation/currentToken.ts';
import { sampleToken } from '../../ops/generation/sampleToken.ts';
import { uploadedBatch } from './batchValues.ts';
import { outputsOf } from './phaseMeasures.ts';
import type { TracedModel } from './tracedModel.ts';

/* How a text is generated: a graph of one token, which reads it, and draws the next. */

/** Logits, and what each layer gives on the way there. */
export interface TextGraph {
  /** Its output is `logits`. */
  readonly graph: Graph;
  readonly applied: readonly Applied[];
}

export interface GenerationGraph extends TextGraph {
  readonly control: State;
  /** A ring of the text's last tokens. */
  readonly tokens: State;
  /** Of the vocabulary. */
  readonly classes: number;
  /** Tokens of a context at most, where the model asks where a token stands; else null. */
  readonly capacity: number | null;
}

/** The model's only field: tokens, as integers `[T]`. @throws DataError or ShapeError for a model of anything else */
function tokenField({ options: { model, roles }, fields }: TracedModel): {
  name: string;
  dtype: 'i32' | 'u32';
  T: number;
} {
  if (!model) throw new ShapeError('[generate] the trainer has phases only: give it a model to generate with');
  const names = roles.inputs ?? [];
  if (names.length !== 1) {
    throw new DataError(
      `[generate] the model reads ${quotedList(names)} but must read one field, of tokens [N, T]: give createTrainer \`inputs\`, the name of that field`,
    );
  }
  const [name] = names;
  const { shape, dtype, scale } = fields[name];
  if (shape.length !== 1 || dtype === 'f32' || scale) {
    throw new ShapeError(
      `[generate] the model reads "${name}", ${formatSpec({ shape, dtype })} for a sample${scale ? ', scaled' : ''}, but must read tokens, as i32[64]: whole numbers that gather takes`,
    );
  }
  return { name, dtype: dtype === 'i32' ? 'i32' : 'u32', T: shape[0] };
}

/** Tokens that a sample has in training. */
export const trainedLength = (traced: TracedModel): number => tokenField(traced).T;

/** What the model gives for tokens `[1, T]`, by whichever trace. */
function logitsOf(traced: TracedModel, tracer: Tracer, tokens: Value): Value {
  const { name } = tokenField(traced);
  const [samples] = tokens.spec.shape;
  const { model, roles } = traced.options;
  const batch = { ...uploadedBatch(traced.fields, roles, samples), [name]: tokens };
  const outputs: Values = outputsOf(model!, tracer, withRoles(batch, roles));
  const logits = isValue(outputs) ? outputs : outputs['logits'];
  if (logits) return logits;
  throw new DataError(
    `[generate] the model gives ${quotedList(Object.keys(outputs))} but must give the logits of the next token, alone or by the name logits`,
  );
}

/** Whatever a model that knows only whole texts says of one token is told with it. */
function tokenwise<T>(trace: () => T): T {
  try {
    return trace();
  } catch (error) {
    if (error instanceof ShapeError) error.message += ' (while a text is generated, where a sample is one token)';
    throw error;
  }
}

/** @param capacity tokens of a context at most   @param ring tokens of the text that stay within reach */
export function generationGraph(traced: TracedModel, capacity: number, ring: number): GenerationGraph {
  const control = generationControl();
  const initial = (): Uint32Array => new Uint32Array(ring);
  const tokens: State = { name: 'generated tokens', spec: spec([ring], 'u32'), initial };
  const { token, ...place } = currentToken(control, tokens, tokenField(traced).dtype);
  const keeps = new KeptValues({ ...place, capacity });
  const tracer = traced.generationTracer(control, keeps);
  const logits = tokenwise(() => logitsOf(traced, tracer, token));
  const drawn = sampleToken(control, tokens, logits);
  return {
    graph: { outputs: { logits }, writes: [...drawn, ...keeps.writes] },
    applied: tracer.applied,
    control,
    tokens,
    classes: logits.spec.shape.at(-1)!,
    capacity: keeps.isBounded ? capacity : null,
  };
}

/** The field of the graph that reads whole texts. */
export const TEXT = 'text';

/** The logits of whole texts, as a prediction has them. */
export function textGraph(traced: TracedModel, samples: number, length: number): TextGraph {
  const text = input(TEXT, spec([samples, length], tokenField(traced).dtype));
  const tracer = traced.tracer('evaluate');
  const logits = logitsOf(traced, tracer, text);
  return { graph: { outputs: { logits }, writes: [] }, applied: tracer.applied };
}
