import { optionsOf, requireFinite, requireKind, requireSignal } from '../core/argumentChecks.ts';
import { DataError } from '../core/errors.ts';
import { isDataset } from '../data/dataset.ts';
import { Trainer } from '../train/trainer.ts';
import { requireWhole } from '../train/samples/dataChecks.ts';
import { FlowerNode } from './flowerNode.ts';
import { HEARTBEATS, isHeartbeat } from './heartbeat.ts';
import { layoutOf } from './layouts/layoutOf.ts';
import { Membership } from './membership.ts';
import { createNodeKey } from './nodeKey.ts';
import type { FlowerEvent, FlowerLayout, FlowerOptions, FlowerSummary } from './options.ts';
import { SuperLink } from './superLink.ts';
import { SUPERLINK_ADDRESS, superLinkAddress } from './superLinkAddress.ts';
import type { Patience } from './waiting.ts';

const defaults = {
  superlink: undefined,
  key: undefined,
  trainer: undefined,
  train: undefined,
  evaluate: undefined,
  layout: 'millrace',
  names: undefined,
  epochs: undefined,
  steps: undefined,
  optimizer: 'reset',
  runs: Infinity,
  patience: 600,
  heartbeat: 30,
  signal: undefined,
  onEvent: undefined,
} as const;

const layouts: readonly FlowerLayout[] = ['millrace', 'torch', 'keras'];

/**
 * Makes a trainer a node of a Flower federation, as a SuperNode is one, with a SuperLink of flwr 1.42: it registers, says that
 * it is there, fetches messages, trains by `fit` on its own samples, judges the average, and sends arrays and metrics back, in as
 * many rounds and runs as come. What a round sends are the weights of all, about four bytes a parameter each way; samples
 * never leave.
 *
 * A message's config may say `epochs` (or `local-epochs`) or `steps`, and `lr` (or `learning-rate`). Replies have the records
 * `arrays` and `metrics`: `train_loss`, `eval_loss`, `eval_acc`, further metrics as `eval_NAME`, and `num-examples`. A `query`
 * is answered by the arrays as they are. What cannot be done is answered by an error that says why. A lost connection is tried
 * again, as is a SuperLink that was restarted.
 *
 * ```ts
 * const { rounds } = await joinFlower({ superlink: 'http://127.0.0.1:8000', trainer, train, evaluate, runs: 1 });
 * ```
 * @returns once it has left: when `signal` was aborted, or so many `runs` have ended
 * @throws FlowerError for a SuperLink of another version, a key that it does not take, or once patience with a lost connection
 * is over; DeviceError if the trainer's device was lost for good, after a reply that says so; DataError for options that are none
 */
export async function joinFlower(options: FlowerOptions): Promise<FlowerSummary> {
  const settings = checked(options);
  const { trainer, key, runs, patience: seconds, heartbeat, onEvent, signal = new AbortController().signal } = settings;
  const tell = (event: FlowerEvent) => onEvent?.(event);
  const known = key ?? (await createNodeKey());
  const link = new SuperLink(settings.superlink, known, signal, seconds);
  const patience: Patience = {
    seconds,
    signal,
    waits: (why, wait) => tell({ kind: 'waiting', why, seconds: wait }),
    isBack: () => tell({ kind: 'back' }),
  };
  const membership = new Membership(link, { key: known, isOwnKey: key === undefined, heartbeat, patience });
  const { layout, names, train, evaluate, epochs, steps, optimizer } = settings;
  const tasks = {
    trainer,
    train,
    evaluate,
    epochs,
    steps,
    optimizer,
    tell,
    layout: layoutOf({ trainer, layout, names }),
  };
  // Names that lead nowhere are told before anybody waits for this node.
  if (names) await tasks.layout.give();
  return new FlowerNode({ link, membership, patience, tasks, runs, tell }).work();
}

/** @throws DataError for options that are none */
function checked(options: FlowerOptions) {
  const where = 'joinFlower';
  const settings = optionsOf<FlowerOptions, typeof defaults>(where, options, defaults);
  const { superlink, key, trainer, layout, names, optimizer, runs, patience, heartbeat, signal, onEvent } = settings;
  const address = superLinkAddress(superlink);
  requireKind(where, 'superlink', superlink, address !== undefined, `${SUPERLINK_ADDRESS}; in a page a path too`);
  const { sign, publicKey } = Object(key) as { readonly sign?: unknown; readonly publicKey?: unknown };
  const isKey = key === undefined || (typeof sign === 'function' && typeof publicKey === 'string');
  requireKind(where, 'key', key, isKey, "a node's key, as createNodeKey() or readNodeKey() gives one");
  requireKind(where, 'trainer', trainer, trainer instanceof Trainer, 'a trainer, as createTrainer() gives one');
  for (const name of ['train', 'evaluate'] as const) {
    const given = settings[name];
    const is = given === undefined || typeof given === 'function' || isDataset(given);
    requireKind(where, name, given, is, 'a data set, as dataset() gives one, or a function of a task');
  }
  requireKind(where, 'layout', layout, layouts.includes(layout), layouts.map((each) => `'${each}'`).join(' or '));
  requireKind(
    where,
    'names',
    names,
    ['undefined', 'object'].includes(typeof names),
    "PyTorch's names by those of layers: { layer0: 'fc1' }",
  );
  requireKind(where, 'optimizer', optimizer, ['reset', 'keep'].includes(optimizer), "'reset' or 'keep'");
  for (const name of ['epochs', 'steps'] as const) {
    if (settings[name] !== undefined) requireWhole(where, name, settings[name]);
  }
  if (settings.epochs !== undefined && settings.steps !== undefined) {
    throw new DataError(
      '[joinFlower] epochs and steps are both given, and a round has one or the other: leave one out',
    );
  }
  if (runs !== Infinity) requireWhole(where, 'runs', runs);
  requireFinite(where, 'patience', patience, 0);
  requireKind(where, 'heartbeat', heartbeat, isHeartbeat(heartbeat), HEARTBEATS);
  requireSignal(where, signal);
  requireKind(where, 'onEvent', onEvent, ['undefined', 'function'].includes(typeof onEvent), 'a function of an event');
  return { ...settings, superlink: address! };
}
