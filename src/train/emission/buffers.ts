import type { DeviceBuffer } from '../../core/globalTypes.ts';
import { byteLength, type Dtype, type Shape } from '../../core/shape.ts';
import type { State } from '../../graph/graph.ts';
import type { Backend } from '../../scheduler/backend.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';

/** A range of a GPU buffer, which a shader may bind, and what lies there. */
export interface BufferRange {
  /** It has the usages STORAGE, UNIFORM, COPY_SRC and COPY_DST. */
  readonly buffer: DeviceBuffer;
  /** In bytes, a multiple of 256. */
  readonly offset: number;
  readonly size: number;
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** Where a trainer's numbers lie on its device. */
export interface TrainerBuffers {
  /** Each parameter by name. */
  readonly parameters: Readonly<Record<string, BufferRange>>;
  /** The gradient of each parameter that is trained, where `exposes` asks for them; null where it does not. */
  readonly gradients: Readonly<Record<string, BufferRange>> | null;
  /** What the layers that `exposes` names gave, by path. */
  readonly activations: Readonly<Record<string, BufferRange>>;
  /** All that `predict` reads, as a function of `wgsl` binds it: the parameters, or their averages if they are kept. */
  readonly weights: BufferRange;
}

/** The state that a model's weights lie in, or, if they are on several pages, the first of them. */
export function weightsOf({ pages, parameters, averages }: TracedModel): State {
  // Where nothing trains, as in a predictor, the first page has nothing on it.
  const first = Math.max(
    0,
    pages.findIndex(({ ranges }) => ranges.length > 0),
  );
  return averages?.[first] ?? parameters[first];
}

/** @throws DeviceError on the CPU */
export function buffersOf(backend: Backend, traced: TracedModel): TrainerBuffers {
  const { pages, parameters, exposed, phases, options } = traced;
  const rangeAt = (state: State, offset: number, shape: Shape): BufferRange => {
    const spec = { shape, dtype: 'f32' } as const;
    const { buffer } = backend.regionOf(state);
    return { buffer, offset: Float32Array.BYTES_PER_ELEMENT * offset, size: byteLength(spec), ...spec };
  };
  const weights = weightsOf(traced);
  const named = pages.flatMap(({ ranges }, page) =>
    ranges.map(({ name, offset, shape }) => [name, rangeAt(parameters[page], offset, shape)] as const),
  );
  const wholeOf = (state: State): BufferRange => ({ ...backend.regionOf(state), ...state.spec });
  const isKept = exposed.gradients || options.microBatches > 1;
  const gradients = phases
    .flatMap((phase) => phase.pages)
    .flatMap((page) =>
      page.ranges.flatMap(({ name, offset, shape, trains }) =>
        trains ? [[name, rangeAt(page.gradients, offset, shape)] as const] : [],
      ),
    );
  return {
    parameters: Object.fromEntries(named),
    gradients: isKept ? Object.fromEntries(gradients) : null,
    activations: Object.fromEntries([...exposed.activations].map(([path, state]) => [path, wholeOf(state)])),
    weights: wholeOf(weights),
  };
}
