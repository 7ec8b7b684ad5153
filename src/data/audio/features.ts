import { requireBackend, type BackendName } from '../../core/places.ts';
import { DataError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import type { Device } from '../../core/globalTypes.ts';
import { spec } from '../../core/shape.ts';
import { input } from '../../graph/leaf.ts';
import type { Context } from '../../nn/layer.ts';
import type { LogMel } from '../../nn/logMel.ts';
import type { Backend, Executable } from '../../scheduler/backend.ts';
import { openBackend } from '../../scheduler/openBackend.ts';
import { dataset, type Dataset } from '../dataset.ts';
import { requireSounds, saidIn, type FieldsOf, type Recording, type Transcribed } from './sounds.ts';

/** What `features` may be told. */
export interface FeaturesOptions {
  /** Of each sound: those of the longest if left out. What is longer loses its end. Sets for one model need the same. */
  readonly frames?: number | undefined;
  /** Where they are computed, as of `createTrainer`: `webgpu`. */
  readonly backend?: BackendName | undefined;
  /** A device of the caller's, which stays the caller's; one is acquired if it is left out. */
  readonly device?: Device | undefined;
}

const USUAL = { frames: undefined, backend: 'webgpu', device: undefined } as const;

/** Sounds that are heard at once. */
const BATCH = 64;

/**
 * What a layer hears in recordings, computed once rather than in every step: `x` of `[frames, features]`, what `logMel` gives
 * for the sound with silence behind it, `length`, how many of the frames lie within the sound, and `label`; or, of strings,
 * `labels` and `labelLength`. The numbers are those of the layer in a model.
 *
 *     const { train, test } = await fsdd();
 *     const front = logMel({ sampleRate: 8000 });
 *     const heard = await features(train, front);
 *     const judged = await features(test, front, { frames: heard.fields.x.shape[0] });
 *
 * Sounds are taken in order of their lengths, so that little of the work is for silence.
 * @throws DataError for what is no list of recordings, or of another rate than the layer's; DeviceError if there is no WebGPU
 */
export async function features<S extends Recording | Transcribed>(
  sounds: readonly S[],
  front: LogMel,
  options: FeaturesOptions = {},
): Promise<Dataset<'x' | 'length' | FieldsOf<S>>> {
  requireSounds('features', sounds);
  const isFront = typeof front === 'object' && front !== null && 'framesOf' in front;
  requireKind('features', 'the layer', front, isFront, 'one of logMel({ … })');
  const [{ sampleRate }] = sounds;
  if (front.sampleRate !== sampleRate) {
    throw new DataError(
      `[features] the sounds have ${sampleRate} samples a second, but the layer hears ${front.sampleRate}: resample them, or make it for theirs`,
    );
  }
  const { frames, backend, device } = optionsOf<FeaturesOptions, typeof USUAL>('features', options, USUAL);
  requireBackend('features', backend);
  const own = sounds.map(({ samples }) => front.framesOf(samples.length));
  const extent = frames ?? own.reduce((most, count) => Math.max(most, count), 0);
  requireKind('features', 'frames', extent, Number.isInteger(extent) && extent > 0, 'a whole number, as 100');
  const place = await openBackend({ backend, device });
  try {
    const data = await heardIn(sounds, front, extent, place.backend);
    const length = Int32Array.from(own, (count) => Math.min(count, extent));
    return dataset({ x: { data, shape: [extent, front.features] }, length, ...saidIn(sounds) }) as Dataset;
  } finally {
    place.backend.destroy();
    place.owned?.destroy();
  }
}

/** Programs by the samples of their sounds: powers of two of hops, so that there are few. */
class Ears {
  readonly #front: LogMel;
  readonly #backend: Backend;
  readonly #count: number;
  readonly #programs = new Map<number, Executable>();

  constructor(front: LogMel, backend: Backend, count: number) {
    this.#front = front;
    this.#backend = backend;
    this.#count = count;
  }

  /** What is heard in some sounds, the last the longest: `[count, frames, features]`, of more frames than they have. */
  async hear(sounds: readonly Float32Array[]): Promise<Float32Array> {
    const { hop, reach } = this.#front;
    const samples = hop * 2 ** Math.ceil(Math.log2((sounds.at(-1)!.length + reach) / hop));
    let program = this.#programs.get(samples);
    if (!program) this.#programs.set(samples, (program = await this.#compiled(samples)));
    const x = new Float32Array(this.#count * samples);
    sounds.forEach((sound, at) => x.set(sound, at * samples));
    program.upload('x', x);
    this.#backend.run([program]);
    return (await this.#backend.readOutput(program, 'y')) as Float32Array;
  }

  #compiled(samples: number): Promise<Executable> {
    const x = input('x', spec([this.#count, samples]));
    // It asks nothing of a context: nothing is drawn, learned or kept.
    const y = this.#front.apply(x, {}, {} as Context);
    return this.#backend.compile({ outputs: { y }, writes: [] });
  }
}

async function heardIn(
  sounds: readonly (Recording | Transcribed)[],
  front: LogMel,
  frames: number,
  backend: Backend,
): Promise<Float32Array> {
  const row = front.features;
  const all = new Float32Array(sounds.length * frames * row);
  for (let at = 0; at < all.length; at += row) all.set(front.silence, at);
  const order = sounds.map((_, at) => at).sort((a, b) => sounds[a].samples.length - sounds[b].samples.length);
  const ears = new Ears(front, backend, Math.min(BATCH, sounds.length));
  for (let start = 0; start < order.length; start += BATCH) {
    const some = order.slice(start, start + BATCH);
    const heard = await ears.hear(some.map((at) => sounds[at].samples));
    const size = heard.length / Math.min(BATCH, sounds.length);
    for (const [nth, at] of some.entries()) {
      const kept = Math.min(size, frames * row);
      all.set(heard.subarray(nth * size, nth * size + kept), at * frames * row);
    }
  }
  return all;
}
