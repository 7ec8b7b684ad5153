// A node in a test: a small trainer that joins a fake SuperLink, and what happened to it.

import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  linear,
  relu,
  sequential,
  type Dataset,
  type Trainer,
} from '../../src/index.ts';
import { joinFlower, type FlowerEvent, type FlowerOptions, type FlowerSummary } from '../../src/flower/index.ts';
import type { FakeSuperLink } from '../support/fakeSuperLink.ts';

export const SAMPLES = 60;

export function points(seed: number): Dataset {
  const x = Float32Array.from({ length: SAMPLES * 4 }, (_, i) => Math.sin((i + 1) * (seed + 1.37)));
  const label = Uint8Array.from({ length: SAMPLES }, (_, i) => Number(x[4 * i] + x[4 * i + 1] > 0));
  return dataset({ x: { data: x, shape: [4] }, label });
}

export const pointsTrainer = async (data: Dataset, seed = 0): Promise<Trainer> =>
  createTrainer({
    model: sequential(linear(4, 6), relu, linear(6, 2)),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.02 }),
    batchSize: 20,
    backend: 'cpu',
    seed,
    data,
  });

export interface TestNode {
  readonly trainer: Trainer;
  readonly data: Dataset;
  readonly events: readonly FlowerEvent[];
  readonly ended: Promise<FlowerSummary>;
  /** Its number, once it has joined. */
  readonly joined: Promise<string>;
  leave(): Promise<FlowerSummary>;
}

/** Joins, and gives what it is doing. */
export async function testNode(
  superlink: Pick<FakeSuperLink, 'url'>,
  options: Partial<FlowerOptions> = {},
): Promise<TestNode> {
  const data = points(1);
  const trainer = options.trainer ?? (await pointsTrainer(data));
  const events: FlowerEvent[] = [];
  const leaving = new AbortController();
  let [resolve, reject] = [(_node: string) => {}, (_error: unknown) => {}];
  const joined = new Promise<string>((...settle) => ([resolve, reject] = settle));
  const ended = joinFlower({
    superlink: superlink.url,
    train: data,
    evaluate: data,
    signal: leaving.signal,
    ...options,
    trainer,
    onEvent(event) {
      events.push(event);
      if (event.kind === 'joined') resolve(event.node);
      options.onEvent?.(event);
    },
  });
  ended.catch(reject);
  joined.catch(() => {});
  return {
    trainer,
    data,
    events,
    ended,
    joined,
    leave() {
      leaving.abort();
      return ended;
    },
  };
}

/** The events of a kind. */
export const eventsOf = <K extends FlowerEvent['kind']>(events: readonly FlowerEvent[], kind: K) =>
  events.filter((event): event is Extract<FlowerEvent, { readonly kind: K }> => event.kind === kind);
