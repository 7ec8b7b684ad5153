import { HEARTBEATS, isHeartbeat } from '../../flower/heartbeat.ts';
import { SUPERLINK_ADDRESS, superLinkAddress } from '../../flower/superLinkAddress.ts';
import type { FoldWish, NodeCommand } from './commands.ts';
import { nodeOptions, type Values } from './options.ts';
import { given, isPositive, number, oneOf, whole } from './optionValues.ts';
import { trainCommand } from './trainCommand.ts';
import { UsageError } from './usageError.ts';

/** Options of `train` that a node's rounds have no use for. */
const notOfNodes = ['on-nan', 'folds', 'checkpoint', 'resume', 'pictures', 'profile'] as const;

export function nodeCommand(words: readonly string[], values: Values): NodeCommand {
  const other = notOfNodes.find((name) => values[name] !== undefined);
  if (other) throw new UsageError(`--${other} means nothing to node`);
  if (values.schedule !== undefined) {
    throw new UsageError(
      "--schedule needs to know when training ends, which a node does not: leave it out; lr in a run's config says the rate of a round",
    );
  }
  const own: readonly string[] = nodeOptions;
  const others = Object.fromEntries(Object.entries(values).filter(([name]) => !own.includes(name))) as Values;
  const once = values.epochs === undefined && values.steps === undefined;
  return {
    command: 'node',
    learning: trainCommand(words, { ...others, schedule: 'constant', ...(once && { epochs: '1' }) }, 'node'),
    superlink: superlinkOf(values),
    key: values.key,
    ...namingOf(values),
    part: given(values.part, partOf),
    labels: given(values.labels, (text) => text.split(',')),
    optimizerState: oneOf('optimizer-state', values['optimizer-state'] ?? 'reset', ['reset', 'keep']),
    runs: given(values.runs, (text) => whole('runs', text, 1)),
    patience: given(values.patience, (text) => number('patience', text, isPositive, 'a number of seconds above 0')),
    heartbeat: given(values.heartbeat, (text) => number('heartbeat', text, isHeartbeat, HEARTBEATS)),
  };
}

function superlinkOf({ superlink }: Values): string {
  if (superlink === undefined) {
    throw new UsageError('node needs --superlink URL: where the SuperLink is, as http://127.0.0.1:8000');
  }
  const address = superLinkAddress(superlink);
  if (address !== undefined) return address;
  throw new UsageError(`--superlink is "${superlink}" but must be ${SUPERLINK_ADDRESS}`);
}

function namingOf({ layout: said, names }: Values): Pick<NodeCommand, 'layout' | 'names'> {
  const layout = oneOf('layout', said ?? 'millrace', ['millrace', 'torch', 'keras']);
  if (names !== undefined && layout !== 'torch') {
    throw new UsageError("--names are PyTorch's names of modules: add --layout torch, or leave them out");
  }
  return { layout, names: given(names, modules) };
}

/** `layer0=fc1,layer2=fc2` */
function modules(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((pair) => pair.split('='));
  const isWhole = pairs.every((pair) => pair.length === 2 && pair.every((name) => name !== ''));
  if (!isWhole) throw new UsageError(`--names is "${text}" but must be names in pairs, as layer0=fc1,layer2=fc2`);
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** `1/3` */
function partOf(text: string): FoldWish {
  const [, part, of] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (part >= 1 && part <= of) return { at: part - 1, of };
  throw new UsageError(`--part is "${text}" but must be one of so many, from 1/3 to 3/3`);
}
