import { DataError } from '../../core/errors.ts';
import type { CommandEncoder } from '../../core/globalTypes.ts';
import { byteLength } from '../../core/shape.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { State } from '../../graph/graph.ts';
import type { Backend, Executable } from '../../scheduler/backend.ts';
import { byName, type GpuPrediction } from '../evaluation/gpuPrediction.ts';
import { encodedPredictionGraph } from '../graphs/evaluationGraphs.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import type { Programs } from '../programs/programs.ts';
import type { Given } from '../samples/givenData.ts';

/** The program of one set, and where its outputs are kept. */
interface Ready {
  readonly program: Executable;
  readonly outputs: ReadonlyMap<string, State>;
}

/** Predictions that a host records into command encoders of its own: of whole sets, each by one program. */
export class EncodedPredictions {
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  readonly #programs: Programs;
  readonly #ready = new Map<Dataset, Promise<Ready>>();
  /** Those that are there. */
  readonly #now = new Map<Dataset, Ready>();

  constructor(backend: Backend, prepared: Prepared, programs: Programs) {
    this.#backend = backend;
    this.#prepared = prepared;
    this.#programs = programs;
  }

  /** Brings a set where it is read from then on, and compiles what predicts it. @throws DeviceError if there is no room */
  async prepare(given: Given): Promise<void> {
    let ready = this.#ready.get(given.set);
    if (!ready) {
      ready = this.#prepare(given);
      this.#ready.set(given.set, ready);
      ready.catch(() => this.#ready.delete(given.set));
    }
    this.#now.set(given.set, await ready);
  }

  async #prepare(given: Given): Promise<Ready> {
    const { length } = given.set;
    const { source, release } = await this.#programs.sets.reside(given);
    try {
      const { graph, outputs } = encodedPredictionGraph(this.#prepared.traced, length, source);
      return { program: await this.#programs.encodedPrediction(source, graph), outputs };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Records a prediction. @throws DataError for a set that was not prepared */
  encode<O>(set: Dataset, encoder: CommandEncoder): GpuPrediction<O> {
    const ready = this.#now.get(set);
    if (!ready) {
      throw new DataError(
        '[encodePredict] this set is not ready to be predicted: await prepare(data, { encodePredict: set }) first',
      );
    }
    this.#backend.encode('encodePredict', [ready.program], encoder);
    const places = [...ready.outputs].map(([name, state]) => {
      return { name, ...this.#backend.regionOf(state), ...state.spec, size: byteLength(state.spec) };
    });
    return byName(places) as GpuPrediction<O>;
  }
}
