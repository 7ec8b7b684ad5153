import { byteLength, sizeOf, type Spec } from '../../core/shape.ts';
import type { State, Value } from '../../graph/graph.ts';
import type { Backend } from '../../scheduler/backend.ts';
import type { BufferRange } from '../emission/buffers.ts';

/** A model's answer on the device: where its only output lies, or the first, and all of them by name. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Prediction
export type GpuPrediction<O = any> = BufferRange & {
  readonly outputs: Readonly<Record<unknown extends O ? string : O extends Value ? 'output' : keyof O, BufferRange>>;
};

/** The first of some outputs, and all of them by name. */
export function byName(all: readonly { readonly name: string }[]): unknown {
  const outputs = Object.fromEntries(all.map(({ name, ...output }) => [name, output]));
  return { ...outputs[all[0].name], outputs };
}

/** Where outputs of the last prediction stay on the device: room that grows as it must, and is used again. */
export class KeptOutputs {
  readonly #backend: Backend;
  readonly #states = new Map<string, State>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** One after the other: the next one takes the room of the last. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Room for outputs, by their names. @throws DeviceError if there is none */
  async roomFor(outputs: readonly ({ readonly name: string } & Spec)[]): Promise<(name: string) => State> {
    const states = outputs.map(({ name, ...spec }) => {
      const last = this.#states.get(name);
      return last && byteLength(last.spec) >= byteLength(spec) ? last : stateFor(name, spec);
    });
    const added = states.filter((state, at) => state !== this.#states.get(outputs[at].name));
    const given = outputs.flatMap(({ name }, at) => (added.includes(states[at]) ? (this.#states.get(name) ?? []) : []));
    for (const { name } of given) this.#states.delete(name);
    this.#backend.release(given);
    await this.#backend.hold('a prediction', added);
    outputs.forEach(({ name }, at) => this.#states.set(name, states[at]));
    return (name) => this.#states.get(name)!;
  }
}

/** Of a power of two samples, so that one more needs no other room. */
function stateFor(name: string, { shape: [samples, ...shape], dtype }: Spec): State {
  const rows = 2 ** Math.ceil(Math.log2(samples));
  const spec = { shape: [rows * sizeOf(shape)], dtype };
  return { name: `prediction of ${name}`, purpose: 'activations', spec, initial: () => new Float32Array(0) };
}
