import type { BackendKind } from '../../src/core/places.ts';
import type { FlowerEvent, FlowerTask } from '../../src/flower/index.ts';
import type { Farewell } from './farewell.ts';

/** Who a tab's person is, and where the SuperLink is to be had. */
export interface Person {
  readonly digits: readonly number[];
  /** MNIST's files; without them digits are drawn. */
  readonly given: readonly File[];
  /** What is drawn for them. */
  readonly seed: number;
  readonly superlink: string;
}

/** What a page wants of its worker. */
export type Wish = { readonly kind: 'join'; readonly person: Person } | { readonly kind: 'leave' };

type Received = Extract<FlowerEvent, { readonly kind: 'received' }>;

/** What happened to the node, as far as it can be posted: what comes along with a task cannot. */
export type Happened =
  | Exclude<FlowerEvent, { readonly kind: 'received' | 'step' }>
  | (Omit<Received, 'task'> & { readonly task: Pick<FlowerTask, 'kind' | 'run' | 'round'> });

/** What the program of a tab tells beside. */
export type Told =
  | {
      readonly kind: 'trains';
      readonly backend: BackendKind;
      readonly adapter: string;
      /** How many images are of the person's digits, of how many, and how many others judge the network. */
      readonly images: number;
      readonly of: number;
      readonly judges: number;
    }
  /** How much of a round's training is done, 0 … 1. */
  | { readonly kind: 'step'; readonly done: number }
  /** Shares that were read right: of all images, and of each digit's. */
  | {
      readonly kind: 'judged';
      readonly who: 'alone' | 'average';
      readonly run: string;
      readonly round: number;
      readonly accuracy: number;
      readonly byDigit: readonly number[];
    };

/** What a worker tells its page. */
export type News =
  | Told
  | Happened
  /** To be sent if the tab is closed: a newer one takes the place of the last. */
  | { readonly kind: 'farewell'; readonly farewell: Farewell }
  /** The node is away; `why` says what went wrong, if anything did. */
  | { readonly kind: 'over'; readonly why: string | null };
