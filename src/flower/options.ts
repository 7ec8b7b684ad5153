import type { Signal } from '../core/globalTypes.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Report } from '../train/options.ts';
import type { Trainer } from '../train/trainer.ts';
import type { NumpyArray } from '../interop/numpy/npy.ts';
import type { NodeKey } from './nodeKey.ts';

/** A model's arrays by name, in the order in which they are sent. */
export type NamedArrays = ReadonlyMap<string, NumpyArray>;

/** What a config record may hold; whole numbers beyond 2^53 as bigint. */
export type ConfigValue =
  number | bigint | boolean | string | Uint8Array | readonly (number | bigint | boolean | string | Uint8Array)[];

/** What a message asks a node for. */
export interface FlowerTask {
  readonly kind: 'train' | 'evaluate' | 'query';
  /** What stands behind the dot of a message's type, as in `train.warmUp`; `default` where there is none. */
  readonly action: string;
  /** The run's number, as `flwr ls` prints it. */
  readonly run: string;
  /** `server-round` of the config, or the message's group. */
  readonly round: number | undefined;
  /** All config records in one. */
  readonly config: Readonly<Record<string, ConfigValue>>;
  /** As they came; the trainer has them already. */
  readonly arrays: NamedArrays;
  /** Aborted where the node is to leave at once. */
  readonly signal: Signal;
}

/** What a node answers beside its arrays. */
export interface FlowerAnswer {
  /** By how many samples: `num-examples`, by which averages are weighted. */
  readonly examples: number;
  /** Further numbers, or lists of them; in a run every node must send the same names. */
  readonly metrics?: Readonly<Record<string, number | readonly number[]>>;
}

/** How arrays are named and laid out in a run: as here, as PyTorch's `state_dict()`, or as Keras' `get_weights()`. */
export type FlowerLayout = 'millrace' | 'torch' | 'keras';

/** What was done for one message. */
export interface FlowerRound extends FlowerAnswer {
  readonly kind: FlowerTask['kind'];
  readonly run: string;
  readonly round: number | undefined;
  /** Of bodies of requests and answers, from the message's arrival until its reply was taken. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** From the message's arrival until its reply was taken. */
  readonly seconds: number;
  /** Of them, in training or evaluating. */
  readonly secondsOfWork: number;
}

/** What happens at a node, as it happens. */
export type FlowerEvent =
  /** It is registered and online; `version` is the SuperLink's, null where it does not tell. */
  | { readonly kind: 'joined'; readonly node: string; readonly superlink: string; readonly version: string | null }
  /** A message and all its objects are there. */
  | { readonly kind: 'received'; readonly task: FlowerTask; readonly bytes: number }
  /** A config says what training does not ask for, by these names. */
  | { readonly kind: 'unused'; readonly task: FlowerTask; readonly names: readonly string[] }
  /** A step of training. */
  | { readonly kind: 'step'; readonly task: FlowerTask; readonly report: Report }
  /** The reply was taken. */
  | { readonly kind: 'replied'; readonly done: FlowerRound }
  /** The task failed, or cannot be done here: the reply says why. */
  | { readonly kind: 'failed'; readonly run: string; readonly round: number | undefined; readonly why: string }
  /** A reply, or a message, was given up: too old, or its run is over. */
  | { readonly kind: 'dropped'; readonly run: string; readonly why: string }
  /** The connection is lost; it tries again after so many seconds. */
  | { readonly kind: 'waiting'; readonly why: string; readonly seconds: number }
  /** It is there again. */
  | { readonly kind: 'back' }
  /** A run is over, or was dropped for good, since the SuperLink does not know this node any more. */
  | { readonly kind: 'ended'; readonly run: string }
  | { readonly kind: 'left' };

/** What `joinFlower` is given. */
export interface FlowerOptions {
  /** Where the SuperLink is, as `http://127.0.0.1:8000`; in a page, a path of the same origin that leads there. */
  readonly superlink: string;
  /** A node that is to be known again, or must be registered, has a key of its own; else one is made for this time. */
  readonly key?: NodeKey;
  readonly trainer: Trainer;
  /** What is trained on by `fit`; or a function that trains by itself. Without it, it answers that it does not train. */
  readonly train?: Dataset | ((task: FlowerTask) => Promise<FlowerAnswer>);
  /** What the average is judged by; or a function that judges. */
  readonly evaluate?: Dataset | ((task: FlowerTask) => Promise<FlowerAnswer>);
  readonly layout?: FlowerLayout;
  /** PyTorch's names of modules: see `toTorch`. */
  readonly names?: Readonly<Record<string, string>>;
  /** Of a round whose config says neither `epochs`, `local-epochs` nor `steps`: one epoch if neither is given. */
  readonly epochs?: number;
  readonly steps?: number;
  /** Whether an optimizer's moments and schedule begin anew in each round, as a fresh optimizer would, or go on. */
  readonly optimizer?: 'reset' | 'keep';
  /**
   * Leaves when so many runs in which it took part have ended, of themselves or as the SuperLink was restarted without them; it
   * waits for further ones if left out.
   */
  readonly runs?: number;
  /** Seconds for which a lost connection is tried again before it gives up; 600 if left out. */
  readonly patience?: number;
  /** Seconds within which it promises signs of life; after twice as long without one it counts as lost: 30. */
  readonly heartbeat?: number;
  /** Leaves when aborted, in the middle of a round too. */
  readonly signal?: Signal;
  readonly onEvent?: (event: FlowerEvent) => void;
}

/** What a node did until it left. */
export interface FlowerSummary {
  /** Its number at the SuperLink. */
  readonly node: string;
  readonly rounds: readonly FlowerRound[];
}
