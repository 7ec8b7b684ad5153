// Errors of a node of Flower.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createTrainer, crossEntropy, linear, sgd } from '../../src/index.ts';
import { createNodeKey, FlowerError, joinFlower, readNodeKey, type FlowerOptions } from '../../src/flower/index.ts';
import { writeNpy } from '../../src/interop/index.ts';
import { MetadataSchema } from '../../src/flower/fleet_pb.ts';
import { Membership } from '../../src/flower/membership.ts';
import { fetchContent, sendReply } from '../../src/flower/messages.ts';
import { incoming, objectOf, outgoing } from '../../src/flower/objects.ts';
import { readRecords } from '../../src/flower/records.ts';
import { calls, SuperLink } from '../../src/flower/superLink.ts';
import { perform, taskOf } from '../../src/flower/tasks.ts';
import { readMessage } from '../../src/flower/wire.ts';
import { create } from '@bufbuild/protobuf';
import { pointsTrainer, points, testNode } from '../flower/federation.ts';
import { fakeSuperLink, type FakeSuperLink, type Question } from '../support/fakeSuperLink.ts';
import { withGlobals, type Case } from '../support/provoke.ts';

const golden = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../goldens/flower/keys/${name}`, import.meta.url)), 'utf8');
const keyOf = (name: string) => async () => readNodeKey('key', golden(name));
const keyText = (body: Uint8Array | string): string =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${typeof body === 'string' ? body : Buffer.from(body).toString('base64')}\n-----END OPENSSH PRIVATE KEY-----`;

/** Something with a SuperLink, which is closed behind it. */
async function withSuperLink<T>(
  use: (superlink: FakeSuperLink) => Promise<T>,
  options: Parameters<typeof fakeSuperLink>[0] = {},
): Promise<T> {
  const superlink = await fakeSuperLink(options);
  try {
    return await use(superlink);
  } finally {
    await superlink.close();
  }
}

/** How joining ends. */
const joined =
  (options: Partial<FlowerOptions> = {}, superlink: Parameters<typeof fakeSuperLink>[0] = {}) =>
  (): Promise<unknown> =>
    withSuperLink(async (link) => (await testNode(link, { patience: 1, ...options })).ended, superlink);

const { signal } = new AbortController();
const linkTo = async (url: string) => new SuperLink(url, await createNodeKey(), signal);

/** Why a message, or the reply to it, was dropped. */
const droppedFor = async (question: Question, options: Partial<FlowerOptions> = {}): Promise<never> =>
  withSuperLink(async (superlink) => {
    let tell = (_why: string) => {};
    const why = new Promise<string>((resolve) => (tell = resolve));
    const node = await testNode(superlink, {
      ...options,
      onEvent: (event) => event.kind === 'dropped' && tell(event.why),
    });
    const { records } = await superlink.ask(await node.joined, { type: 'query' });
    void superlink.ask(await node.joined, { ...question, arrays: records!.arrays });
    const text = await why;
    await node.leave();
    throw new FlowerError(text);
  });

const later = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** What a node without a SuperLink posts by. */
async function postTo(superlink: FakeSuperLink) {
  const patience = { seconds: 1, signal, waits: () => {}, isBack: () => {} };
  const key = await createNodeKey();
  const link = new SuperLink(superlink.url, key, signal);
  const membership = new Membership(link, { key, isOwnKey: true, heartbeat: 30, patience });
  await membership.join();
  return { link, membership, patience };
}

const task = (config: Record<string, number>, arrays = new Map(), action = 'default') => ({
  kind: 'train' as const,
  action,
  run: '1',
  round: 1,
  config,
  arrays,
  signal,
});

/** How tasks are done where nothing was said, and nothing is sent. */
const usual = {
  layout: { take: async () => {}, give: async () => new Map() },
  epochs: undefined,
  steps: undefined,
  optimizer: 'keep',
  tell: () => {},
} as const;

/** Does a task without a SuperLink. */
const performed =
  (config: Record<string, number>, withArrays = true, action = 'default') =>
  async () => {
    const data = points(1);
    const trainer = await pointsTrainer(data);
    const arrays = withArrays ? new Map([['a', { shape: [1], data: new Float32Array(1) }]]) : new Map();
    return perform(task(config, arrays, action), { trainer, train: data, evaluate: undefined, ...usual });
  };

/** What an object's body says. */
const body = (value: object) => new TextEncoder().encode(JSON.stringify(value));

/** A message as it is asked for, with nothing in it. */
const metadata = create(MetadataSchema, {
  runId: 4242n,
  srcNodeId: 1n,
  dstNodeId: 2n,
  ttl: 100,
  createdAt: Date.now() / 1000,
});

export const flower: readonly Case[] = [
  [
    '[joinFlower] it gave up after',
    async () =>
      joinFlower({ superlink: 'http://127.0.0.1:59999', patience: 0, trainer: await pointsTrainer(points(1)) }),
  ],
  ['[joinFlower] <address> is a SuperLink of flwr', joined({}, { version: '1.43.0' })],
  [
    '[joinFlower] another node with this key',
    async () =>
      withSuperLink(async (superlink) => {
        const key = await createNodeKey();
        const node = await testNode(superlink, { key });
        await node.joined;
        const ended = (await testNode(superlink, { key, patience: 0 })).ended.finally(() => node.leave());
        return ended;
      }),
  ],
  [
    "[joinFlower] <address> takes registered nodes alone, and this node's key",
    async () => joined({ key: await createNodeKey(), patience: 0 }, { mustRegister: true })(),
  ],
  ['[joinFlower] <address> takes registered nodes alone, and this one', joined({}, { mustRegister: true })],
  [
    '[joinFlower] <address> does not take this node',
    async () => {
      const key = await createNodeKey();
      return joined({ key: { ...key, sign: async () => Uint8Array.of(1) } })();
    },
  ],
  ['[flower] the connection to', async () => (await linkTo('http://127.0.0.1:59999')).version()],
  [
    '[flower] <address> cannot be asked',
    async () => withSuperLink(async ({ url }) => (await linkTo(url.replace('http', 'https'))).version()),
  ],
  [
    '[flower] <address> is not there',
    async () =>
      withSuperLink(async (superlink) => (await linkTo(`${superlink.url}/elsewhere`)).call(calls.activate, {})),
  ],
  [
    '[flower] <address> answers',
    async () => withSuperLink(async (superlink) => (await linkTo(superlink.url)).call(calls.activate, {})),
  ],
  ['[flower] a message of run', async () => droppedFor({ type: 'query', ttl: -100 })],
  [
    '[flower] <address> cannot take the reply',
    async () => droppedFor({ type: 'train', ttl: 3 }, { train: async () => (await later(4), { examples: 1 }) }),
  ],
  [
    "[flower] <address> does not have a message's object",
    async () =>
      withSuperLink(async (superlink) =>
        fetchContent(
          await postTo(superlink),
          { metadata } as never,
          { objectId: 'a'.repeat(64), children: [] } as never,
        ),
      ),
  ],
  [
    '[flower] <address> did not take all objects',
    async () =>
      withSuperLink(async (superlink) => {
        superlink.fault = (path) => {
          if (path === 'push-object') superlink.expireSessions();
          return 'none';
        };
        const post = await postTo(superlink);
        void superlink.ask(String(post.membership.id), { type: 'query' });
        const pull = () => post.link.call(calls.pullMessages, { node: post.membership.node });
        let { messagesList } = await pull();
        while (messagesList.length === 0) ({ messagesList } = await pull());
        return sendReply(post, messagesList[0].metadata!, await outgoing('RecordDict', Buffer.from('{}')), 1);
      }),
  ],
  ['[flower] <n> bytes that came are no', () => readMessage(MetadataSchema, Uint8Array.of(0xff, 0xff))],
  ['[flower] the object <name>… of', async () => incoming('a'.repeat(64), Uint8Array.of(1, 2))],
  [
    '[flower] the object <name>… came as',
    async () => incoming('a'.repeat(64), new TextEncoder().encode('ArrayChunk  1\u00001')),
  ],
  ['[flower] a message needs the object', () => objectOf(new Map(), 'a', 'Message')],
  [
    '[flower] the body of',
    () => readRecords(new Map([['a', { kind: 'RecordDict', children: [], body: Uint8Array.of(1) }]]), 'a'),
  ],
  [
    '[flower] the array "<name>"',
    () => {
      const all = {
        a: { kind: 'RecordDict', children: ['b'], body: body({ arrays: 'b' }) },
        b: { kind: 'ArrayRecord', children: ['c'], body: body({ weight: 'c' }) },
        c: { kind: 'Array', children: [], body: body({ dtype: 'f4', stype: 'pickle', arraychunk_ids: [] }) },
      };
      return readRecords(new Map(Object.entries(all)), 'a');
    },
  ],
  ['[flower] this page has no crypto.subtle', async () => withGlobals({ globals: { crypto: {} } }, createNodeKey)],
  [
    '[joinFlower] a message of the type "<type>" came, and',
    () =>
      taskOf({ ...metadata, messageType: 'get_parameters' }, { arrays: new Map(), metrics: {}, config: {} }, signal),
  ],
  [
    '[joinFlower] this node does not',
    async () => {
      const trainer = await pointsTrainer(points(1));
      return perform(task({}), { trainer, train: undefined, evaluate: undefined, ...usual });
    },
  ],
  ['[joinFlower] a message of the type "<type>" came without', performed({}, false)],
  ['[joinFlower] the config\'s "<name>" asks', performed({ 'proximal-mu': 1 })],
  ['[joinFlower] the config\'s "<name>" is', performed({ epochs: 0 })],
  ['[joinFlower] the config says "<name>"', performed({ lr: 0.1, 'learning-rate': 0.2 })],
  ['[joinFlower] the config says <n> epochs', performed({ epochs: 1, steps: 2 })],
  ['[joinFlower] the config asks for batches', performed({ 'batch-size': 7 })],
  ['[joinFlower] a message asks for', performed({}, true, 'warmUp')],
  [
    '[flower] "<name>" is in two records',
    () => {
      const record = (id: string) => ({ kind: 'ArrayRecord', children: [id], body: body({ weight: id }) });
      const array = {
        kind: 'Array',
        children: ['e'],
        body: body({ dtype: 'f4', stype: 'numpy.ndarray', arraychunk_ids: [0] }),
      };
      const all = {
        a: { kind: 'RecordDict', children: ['b', 'c'], body: body({ arrays: 'b', control: 'c' }) },
        b: record('d'),
        c: record('d'),
        d: array,
        e: { kind: 'ArrayChunk', children: [], body: writeNpy({ shape: [1], data: Float32Array.of(1) }) },
      };
      return readRecords(new Map(Object.entries(all)), 'a');
    },
  ],
  ['[joinFlower] the config asks for a learning rate', performed({ lr: 0.1 })],
  [
    '[resetOptimizer] the optimizer',
    async () => {
      const data = points(1);
      const model = linear(4, 2);
      const rising = sgd({ learningRate: (step) => step });
      const options = { model, loss: crossEntropy, optimizer: rising, batchSize: 5, data, backend: 'cpu' } as const;
      await (await createTrainer(options)).resetOptimizer({ learningRate: 1 });
    },
  ],
  ['[joinFlower] epochs and steps', joined({ epochs: 1, steps: 1 })],
  ['[readNodeKey] <name> holds <what>', keyOf('ecdsa384.pub')],
  [
    '[readNodeKey] <name> holds no private key',
    async () => readNodeKey('key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'),
  ],
  ['[readNodeKey] <name> holds letters', async () => readNodeKey('key', keyText('ü'))],
  [
    '[readNodeKey] <name> ends within',
    async () => readNodeKey('key', keyText(Buffer.from('openssh-key-v1\0\0\0\0\u0004none', 'latin1').subarray(0, 21))),
  ],
  ['[readNodeKey] <name> does not begin', async () => readNodeKey('key', keyText('AAAA'))],
  ['[readNodeKey] <name> is encrypted', keyOf('encrypted')],
  ['[readNodeKey] <name> is a key of the kind', keyOf('ed25519')],
];
