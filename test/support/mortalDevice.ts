import type { Random } from '../../src/core/random.ts';
import { requestDevice } from '../../src/gpu/device.ts';

/** A real device that is destroyed at its n-th call, whichever that is: a buffer, a pipeline, a submit, a map. */
export async function mortalDevice(calls: number): Promise<GPUDevice> {
  const device = await requestDevice();
  let left = calls;
  const counted = (target: object): object =>
    new Proxy(target, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name);
        if (name === 'queue') return queue;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (left-- === 0) device.destroy();
          return (value as (...given: unknown[]) => unknown).apply(of, args);
        };
      },
    });
  const queue = counted(device.queue);
  return counted(device) as GPUDevice;
}

/** Devices one after the other, each of which lives for a random number of calls; those after the last one live on. */
export class MortalDevices {
  lost = 0;
  readonly #random: Random;
  readonly #most: number;
  readonly #between: readonly [number, number];

  /** @param most so many die   @param between calls that one lives at least, and at most */
  constructor(random: Random, most: number, between: readonly [number, number]) {
    this.#random = random;
    this.#most = most;
    this.#between = between;
  }

  readonly first = (): Promise<GPUDevice> => this.#open();

  readonly next = (): Promise<GPUDevice> => {
    this.lost++;
    return this.#open();
  };

  #open(): Promise<GPUDevice> {
    const [least, most] = this.#between;
    return mortalDevice(this.lost < this.#most ? Math.floor(this.#random.uniform(least, most)) : Infinity);
  }
}
