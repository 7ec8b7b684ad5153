import { bufferUsage } from '../core/webgpuFlags.ts';
import type { ComputePass } from '../core/globalTypes.ts';
import { Readback } from './readback.ts';

/** Records the work of one pass. */
export type Recorder = (pass: ComputePass) => void;

/** Times passes, one behind the other. */
export interface PassTimer {
  readonly clock: 'timestamps' | 'wall';
  /** Whether all that the clock has said so far are multiples of 65,536 ns. */
  readonly quantised: boolean;
  /** Runs passes, and gives the milliseconds of each. */
  time(passes: readonly Recorder[]): Promise<number[]>;
  destroy(): void;
}

/** What Dawn rounds timestamps to, so that no page learns too much by them. */
const QUANTUM_NS = 65_536;

/** WebGPU's most of one set of queries. */
const MOST_QUERIES = 4096;
const QUERY_BYTES = 8;

/** By what the GPU's own clock says as passes begin and end: all of them in one submit. */
class TimestampTimer implements PassTimer {
  readonly clock = 'timestamps';
  quantised = true;
  readonly #device: GPUDevice;
  readonly #submit: (encoder: GPUCommandEncoder) => void;
  readonly #sets: readonly GPUQuerySet[];
  readonly #resolved: GPUBuffer;
  readonly #readback: Readback;

  constructor(device: GPUDevice, passes: number, submit: (encoder: GPUCommandEncoder) => void) {
    this.#device = device;
    this.#submit = submit;
    const queries = 2 * passes;
    this.#sets = Array.from({ length: Math.ceil(queries / MOST_QUERIES) }, (_, at) =>
      device.createQuerySet({
        label: 'millrace timestamps',
        type: 'timestamp',
        count: Math.min(MOST_QUERIES, queries - at * MOST_QUERIES),
      }),
    );
    this.#resolved = device.createBuffer({
      label: 'millrace timestamps',
      size: queries * QUERY_BYTES,
      usage: bufferUsage.queryResolve | bufferUsage.copySource,
    });
    this.#readback = new Readback(device, queries * QUERY_BYTES);
  }

  async time(passes: readonly Recorder[]): Promise<number[]> {
    const encoder = this.#device.createCommandEncoder({ label: 'millrace timing' });
    passes.forEach((record, at) => {
      const first = (2 * at) % MOST_QUERIES;
      const pass = encoder.beginComputePass({
        label: 'millrace timing',
        timestampWrites: {
          querySet: this.#sets[Math.floor((2 * at) / MOST_QUERIES)],
          beginningOfPassWriteIndex: first,
          endOfPassWriteIndex: first + 1,
        },
      });
      record(pass);
      pass.end();
    });
    this.#sets.forEach((set, at) =>
      encoder.resolveQuerySet(set, 0, set.count, this.#resolved, at * MOST_QUERIES * QUERY_BYTES),
    );
    this.#readback.copy(encoder, { buffer: this.#resolved, offset: 0, size: this.#resolved.size });
    this.#submit(encoder);
    const stamps = new BigUint64Array(await this.#readback.finish());
    this.quantised &&= stamps.every((nanoseconds) => nanoseconds % BigInt(QUANTUM_NS) === 0n);
    return passes.map((_, at) => Number(stamps[2 * at + 1] - stamps[2 * at]) / 1e6);
  }

  destroy(): void {
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
    this.#readback.destroy();
  }
}

/** By how long a submit of each pass takes to be done, less what one of nothing takes. */
class WallTimer implements PassTimer {
  readonly clock = 'wall';
  readonly quantised = false;
  readonly #device: GPUDevice;
  readonly #submit: (encoder: GPUCommandEncoder) => void;

  constructor(device: GPUDevice, submit: (encoder: GPUCommandEncoder) => void) {
    this.#device = device;
    this.#submit = submit;
  }

  async time(passes: readonly Recorder[]): Promise<number[]> {
    const nothing = await this.#timeOne(() => {});
    const times: number[] = [];
    for (const record of passes) times.push((await this.#timeOne(record)) - nothing);
    return times;
  }

  async #timeOne(record: Recorder): Promise<number> {
    const encoder = this.#device.createCommandEncoder({ label: 'millrace timing' });
    const pass = encoder.beginComputePass({ label: 'millrace timing' });
    record(pass);
    pass.end();
    const begun = performance.now();
    this.#submit(encoder);
    await this.#device.queue.onSubmittedWorkDone();
    return performance.now() - begun;
  }

  destroy(): void {}
}

/**
 * A timer for so many passes at once: by timestamps where the device has them, else by the wall clock.
 * @param submit finishes an encoder and hands it to the device's queue
 */
export const passTimer = (
  device: GPUDevice,
  passes: number,
  submit: (encoder: GPUCommandEncoder) => void,
): PassTimer =>
  device.features.has('timestamp-query') ? new TimestampTimer(device, passes, submit) : new WallTimer(device, submit);
