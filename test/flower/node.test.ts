// What a node says to a SuperLink, does, and survives.

import { expect, test, vi } from 'vitest';
import { DeviceError } from '../../src/index.ts';
import type { FlowerOptions } from '../../src/flower/index.ts';
import { fakeSuperLink, type FakeSuperLink, type Question } from '../support/fakeSuperLink.ts';
import { notAddresses } from './addresses.ts';
import { eventsOf, pointsTrainer, points, SAMPLES, testNode, type TestNode } from './federation.ts';

/** A SuperLink with one node. */
async function withNode(
  options: Partial<FlowerOptions>,
  use: (
    superlink: FakeSuperLink,
    node: TestNode,
    ask: (question: Question) => ReturnType<FakeSuperLink['ask']>,
  ) => Promise<void>,
): Promise<void> {
  const superlink = await fakeSuperLink();
  const node = await testNode(superlink, options);
  try {
    await use(superlink, node, async (question) => superlink.ask(await node.joined, question));
  } finally {
    await node.leave().catch(() => {});
    await superlink.close();
    node.trainer.destroy();
  }
}

const weightsOf = async ({ trainer }: TestNode) => trainer.readParameters();

test.concurrent(
  'a query is answered by the arrays, training by what was learned, evaluation by what came',
  async () => {
    await withNode({}, async (superlink, node, ask) => {
      const first = (await ask({ type: 'query' })).records!;
      expect([...first.arrays.keys()]).toEqual(['layer0.weight', 'layer0.bias', 'layer2.weight', 'layer2.bias']);
      expect(first.arrays.get('layer0.weight')).toEqual({
        shape: [4, 6],
        data: (await weightsOf(node))['layer0.weight'],
      });
      expect(first.metrics).toEqual({ 'num-examples': SAMPLES });

      const config = { 'server-round': 3, epochs: 2 };
      const learned = (await ask({ type: 'train', arrays: first.arrays, config })).records!;
      const steps = eventsOf(node.events, 'step');
      expect(steps).toHaveLength((2 * SAMPLES) / 20);
      const mean = steps.reduce((sum, { report }) => sum + report.loss, 0) / steps.length;
      expect(learned.metrics).toEqual({ 'num-examples': SAMPLES, train_loss: mean });
      expect(learned.arrays.get('layer2.weight')!.data).toEqual((await weightsOf(node))['layer2.weight']);
      expect(learned.arrays.get('layer2.weight')!.data).not.toEqual(first.arrays.get('layer2.weight')!.data);

      const judged = (await ask({ type: 'evaluate', arrays: first.arrays })).records!;
      const { loss, accuracy } = await node.trainer.evaluate(node.data);
      expect(judged.metrics).toEqual({ 'num-examples': SAMPLES, eval_loss: loss, eval_acc: accuracy });
      expect(judged.arrays.size).toBe(0);
      expect((await weightsOf(node))['layer2.weight']).toEqual(first.arrays.get('layer2.weight')!.data);

      // The reply was taken before the node hears of it.
      await expect.poll(() => eventsOf(node.events, 'replied').length).toBe(3);
      const { node: id, rounds } = await node.leave();
      expect(id).toBe(await node.joined);
      expect(rounds.map(({ kind, round }) => [kind, round])).toEqual([
        ['query', undefined],
        ['train', 3],
        ['evaluate', undefined],
      ]);
      expect(rounds[1].bytesSent).toBeGreaterThan(4 * (4 * 6 + 6 + 6 * 2 + 2));
      expect(superlink.nodes.size).toBe(0);
      expect(superlink.asked.slice(-2)).toEqual(['deactivate-node', 'unregister-node']);
    });
  },
);

test.concurrent.each(['pull-object', 'confirm-message-received', 'push-messages', 'push-object'])(
  'a connection that is cut in %s, before or behind, loses nothing',
  async (path) => {
    await withNode({}, async (superlink, node, ask) => {
      superlink.fault = (asked, count) =>
        (asked === path ? (['cutBefore', 'cutAfter', 502] as const)[count - 1] : undefined) ?? 'none';
      const { arrays } = (await ask({ type: 'query' })).records!;
      const { records, error } = await ask({ type: 'train', arrays });
      expect(error).toBeUndefined();
      expect(records!.arrays.get('layer0.bias')!.data).toEqual((await weightsOf(node))['layer0.bias']);
      // One of three cuts an engine may mend by itself, where a request may be sent again.
      expect(eventsOf(node.events, 'waiting').length).toBeGreaterThanOrEqual(2);
      expect(eventsOf(node.events, 'back').length).toBeGreaterThan(0);
      expect(superlink.thrownAway).toBe(0);
    });
  },
);

test.concurrent('nobody waits for the answer to a message that was lost on its way', async () => {
  await withNode({}, async (superlink, _node, ask) => {
    await ask({ type: 'query' });
    let isLost = false;
    superlink.fault = (path) => {
      if (path !== 'pull-messages' || isLost) return 'none';
      isLost = true;
      return 'cutAfter';
    };
    expect((await ask({ type: 'query' })).error).toBe('the node is not available');
    expect((await ask({ type: 'query' })).records!.arrays.size).toBe(4);
  });
});

test.concurrent('objects whose session has expired are sent in another one', async () => {
  await withNode({}, async (superlink, _node, ask) => {
    superlink.fault = (path, count) => {
      if (path === 'push-object' && count === 3) superlink.expireSessions();
      return 'none';
    };
    expect((await ask({ type: 'query' })).records!.arrays.size).toBe(4);
    expect(superlink.asked.filter((path) => path === 'push-messages')).toHaveLength(2);
  });
});

test.concurrent('a SuperLink that was restarted without its runs is joined again', async () => {
  await withNode({}, async (superlink, node, ask) => {
    const { arrays } = (await ask({ type: 'query' })).records!;
    await superlink.close();
    superlink.forget();
    await expect.poll(() => eventsOf(node.events, 'waiting').length).toBeGreaterThan(0);
    await superlink.open();
    await expect.poll(() => eventsOf(node.events, 'joined').length, { timeout: 30_000 }).toBe(2);
    expect(eventsOf(node.events, 'dropped')).toHaveLength(1);
    expect(eventsOf(node.events, 'ended')).toHaveLength(1);
    const again = eventsOf(node.events, 'joined')[1].node;
    expect((await superlink.ask(again, { type: 'train', arrays })).error).toBeUndefined();
  });
});

test.concurrent.each(['in between', 'in the middle of a message'])(
  'a run that a SuperLink forgot %s has ended, and a node leaves that was to be there for one',
  async (when) => {
    await withNode({ runs: 1 }, async (superlink, node, ask) => {
      await ask({ type: 'query' });
      if (when === 'in between') superlink.forget();
      else {
        superlink.fault = (path) => {
          if (path === 'pull-object') superlink.forget();
          return 'none';
        };
        void ask({ type: 'query' });
      }
      const { rounds } = await node.ended;
      expect(rounds).toHaveLength(1);
      const [{ run, why }, ...others] = eventsOf(node.events, 'dropped');
      expect(why).toMatch(/does not know this node any more/);
      expect(others).toEqual([]);
      expect(eventsOf(node.events, 'ended')).toEqual([{ kind: 'ended', run }]);
      expect(eventsOf(node.events, 'joined')).toHaveLength(1);
      expect(superlink.nodes.size).toBe(0);
    });
  },
);

test.concurrent('a run that goes on though its node was forgotten has not ended', async () => {
  await withNode({ runs: 2 }, async (superlink, node, ask) => {
    await ask({ type: 'query' });
    superlink.forget();
    // Tests beside it may have ended by then, and expect.poll would take itself for outside of any.
    const happened = (kind: 'joined' | 'ended', times: number) =>
      vi.waitUntil(() => eventsOf(node.events, kind).length === times, { timeout: 30_000 });
    await happened('joined', 2);
    const again = eventsOf(node.events, 'joined')[1].node;
    await superlink.ask(again, { type: 'query' });
    const run = 17n;
    await superlink.ask(again, { type: 'query', run });
    superlink.over.add(run);
    await happened('ended', 2);
    expect((await superlink.ask(again, { type: 'query' })).error).toBeUndefined();
  });
});

test.concurrent('what a node cannot do it says, and keeps its weights', async () => {
  await withNode({ evaluate: undefined as never }, async (_superlink, node, ask) => {
    const before = await weightsOf(node);
    const { arrays } = (await ask({ type: 'query' })).records!;
    const bias = { shape: [7], data: new Float32Array(7) };
    const questions: [Question, RegExp][] = [
      [{ type: 'train' }, /came without arrays/],
      [{ type: 'evaluate', arrays }, /does not evaluate/],
      [{ type: 'get_parameters', arrays }, /a message of the type "get_parameters" came/],
      [{ type: 'train', arrays, config: { 'proximal-mu': 0.1 } }, /"proximal-mu" asks for a proximal term/],
      [{ type: 'train', arrays, config: { epochs: -1 } }, /"epochs" is -1 and must be a number above 0/],
      [{ type: 'train', arrays, config: { epochs: 1, steps: 1 } }, /says 1 epochs and 1 steps/],
      [
        { type: 'train', arrays, config: { lr: 1, 'learning-rate': 2 } },
        /"lr" and "learning-rate", which are one thing/,
      ],
      [
        { type: 'train', arrays, config: { 'batch-size': 32 } },
        /batches of 32, and this node's trainer was made for 20/,
      ],
      [{ type: 'train', arrays, config: { momentum: 0.9 } }, /"momentum" asks for another optimizer/],
      [{ type: 'train.warmUp', arrays }, /asks for "train.warmUp", and this node does train alone/],
      [{ type: 'query.secret' }, /asks for "query.secret"/],
      [{ type: 'train', arrays: new Map([...arrays, ['layer0.bias', bias]]) }, /layer0\.bias/],
      [{ type: 'train', arrays: new Map([...arrays].slice(1)) }, /layer0\.weight/],
    ];
    for (const [question, why] of questions) {
      expect((await ask(question)).error).toMatch(why);
      expect(await weightsOf(node)).toEqual(before);
    }
    expect(eventsOf(node.events, 'failed')).toHaveLength(questions.length);
    expect((await ask({ type: 'train', arrays, config: { 'proximal-mu': 0, colour: 'red' } })).error).toBeUndefined();
    expect(eventsOf(node.events, 'unused').map(({ names }) => names)).toEqual([['colour']]);
  });
});

test.concurrent('what a function answers wrongly is told by name, and the trainer is as it was', async () => {
  let answer: unknown = undefined;
  const trained: TestNode[] = [];
  const train = async () => {
    const [{ trainer, data }] = trained;
    await trainer.fit(data, { steps: 1 });
    return answer as { readonly examples: number };
  };
  await withNode({ train }, async (_superlink, node, ask) => {
    trained.push(node);
    const before = await weightsOf(node);
    const { arrays } = (await ask({ type: 'query' })).records!;
    const wrong: [unknown, RegExp][] = [
      [undefined, /examples of an answer is nothing/],
      [{ examples: 1.5 }, /examples of an answer is 1.5/],
      [{ examples: NaN }, /examples of an answer is NaN/],
      [{ examples: -1 }, /examples of an answer is -1/],
      [{ examples: 1, metrics: { a: true } }, /the metric "a" of an answer is true/],
      [{ examples: 1, metrics: { a: 'text' } }, /the metric "a" of an answer is the text "text"/],
      [{ examples: 1, metrics: { 'num-examples': 9 } }, /the metric "num-examples" of an answer/],
    ];
    for (const [given, why] of wrong) {
      answer = given;
      expect((await ask({ type: 'train', arrays })).error).toMatch(why);
      expect(await weightsOf(node)).toEqual(before);
    }
    answer = { examples: 3, metrics: { a: [1, 2] } };
    expect((await ask({ type: 'train', arrays })).records!.metrics).toEqual({ 'num-examples': 3, a: [1, 2] });
  });
});

test.concurrent('a message that came too late, and a reply to one that expired, are dropped and told', async () => {
  const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  const train = async () => {
    await wait(3);
    return { examples: 1 };
  };
  await withNode({ train }, async (superlink, node, ask) => {
    const { arrays } = (await ask({ type: 'query' })).records!;
    void ask({ type: 'query', ttl: -100 });
    await expect
      .poll(() => eventsOf(node.events, 'dropped').map(({ why }) => why))
      .toEqual([expect.stringMatching(/seconds too late$/)]);
    void ask({ type: 'train', arrays, ttl: 2 });
    await expect.poll(() => eventsOf(node.events, 'dropped'), { timeout: 20_000 }).toHaveLength(2);
    expect(eventsOf(node.events, 'dropped')[1].why).toMatch(/has expired \d+ seconds ago$/);
    expect(superlink.thrownAway).toBe(0);
    expect((await ask({ type: 'query' })).error).toBeUndefined();
  });
});

test.concurrent(
  'each round begins with a new optimizer, at the rate that is asked for, unless it is to go on',
  async () => {
    const rates = ({ events }: TestNode) => eventsOf(events, 'step').map(({ report }) => report.learningRate);
    await withNode({}, async (_superlink, node, ask) => {
      const { arrays } = (await ask({ type: 'query' })).records!;
      expect((await ask({ type: 'train', arrays })).error).toBeUndefined();
      expect((await ask({ type: 'train', arrays, config: { lr: 0.005, steps: 1 } })).error).toBeUndefined();
      expect(rates(node)).toEqual([0.02, 0.02, 0.02, 0.005].map(Math.fround));
    });
    await withNode({ optimizer: 'keep' }, async (_superlink, _node, ask) => {
      const { arrays } = (await ask({ type: 'query' })).records!;
      const refused = await ask({ type: 'train', arrays, config: { 'learning-rate': 0.1 } });
      expect(refused.error).toMatch(/asks for a learning rate of 0.1, but this node's optimizer goes on/);
      expect((await ask({ type: 'train', arrays })).error).toBeUndefined();
    });
  },
);

test.concurrent('a run that is over is told, and a node that was to take part in one leaves', async () => {
  await withNode({ runs: 1 }, async (superlink, node, ask) => {
    await ask({ type: 'query' });
    superlink.over.add(4242n);
    const { rounds } = await node.ended;
    expect(rounds).toHaveLength(1);
    expect(node.events.slice(-2)).toEqual([{ kind: 'ended', run: '4242' }, { kind: 'left' }]);
  });
});

test.concurrent('a reply to a run that was stopped meanwhile is dropped', async () => {
  let stop = () => {};
  const train = async () => {
    stop();
    return { examples: 1 };
  };
  await withNode({ train }, async (superlink, node, ask) => {
    stop = () => superlink.over.add(4242n);
    const { arrays } = (await ask({ type: 'query' })).records!;
    void ask({ type: 'train', arrays });
    await expect
      .poll(() => eventsOf(node.events, 'dropped').map(({ why }) => why))
      .toEqual([`${superlink.url} takes no more of this run: it is over, or this node no part of it`]);
  });
});

test.concurrent('it leaves in the middle of training, at once', async () => {
  await withNode({}, async (superlink, node, ask) => {
    const { arrays } = (await ask({ type: 'query' })).records!;
    void ask({ type: 'train', arrays, config: { epochs: 100_000 } });
    await expect.poll(() => eventsOf(node.events, 'step').length).toBeGreaterThan(0);
    const before = performance.now();
    await node.leave();
    expect(performance.now() - before).toBeLessThan(5000);
    expect(superlink.online).toEqual([]);
    // What it was learning is undone.
    expect((await weightsOf(node))['layer0.weight']).toEqual(arrays.get('layer0.weight')!.data);
  });
});

test.concurrent('a device that is lost for good ends it, and the ServerApp is told', async () => {
  const train = async () => {
    throw new DeviceError('the device was lost');
  };
  await withNode({ train }, async (superlink, node, ask) => {
    const { arrays } = (await ask({ type: 'query' })).records!;
    expect((await ask({ type: 'train', arrays })).error).toBe('DeviceError: the device was lost');
    await expect(node.ended).rejects.toThrow('the device was lost');
    expect(superlink.online).toEqual([]);
  });
});

test.concurrent(
  'a SuperLink of another version is refused with both versions, one that does not tell is taken',
  async () => {
    const other = await fakeSuperLink({ version: '1.43.0.dev20261201' });
    const silent = await fakeSuperLink({ version: null });
    const [first, second] = [await testNode(other), await testNode(silent)];
    await expect(first.ended).rejects.toThrow(
      /SuperLink of flwr 1\.43\.0\.dev20261201, and this node speaks flwr 1\.42/,
    );
    await second.joined;
    expect(eventsOf(second.events, 'joined')[0].version).toBeNull();
    await second.leave();
    for (const each of [other, silent]) await each.close();
  },
);

test.concurrent('a key that is not registered is refused, by name, and one that is is taken', async () => {
  const { createNodeKey } = await import('../../src/flower/index.ts');
  const superlink = await fakeSuperLink({ mustRegister: true });
  const key = await createNodeKey();
  await expect((await testNode(superlink)).ended).rejects.toThrow(
    /takes registered nodes alone, and this one has no key/,
  );
  await expect((await testNode(superlink, { key, patience: 1 })).ended).rejects.toThrow(
    /this node's key is not registered/,
  );
  superlink.register(key.publicKey);
  const node = await testNode(superlink, { key });
  await node.joined;
  const second = await testNode(superlink, { key, patience: 1 });
  await expect(second.ended).rejects.toThrow(/another node with it is online/);
  await node.leave();
  expect(superlink.nodes.size).toBe(1);
  await superlink.close();
});

test.concurrent('addresses and names that lead nowhere are told at once', async () => {
  const superlink = await fakeSuperLink();
  for (const url of notAddresses) {
    await expect((await testNode({ url })).ended).rejects.toThrow(
      /superlink is .* but must be the SuperLink's address/,
    );
  }
  await expect((await testNode({ url: superlink.url.replace('http', 'https') })).ended).rejects.toThrow(
    /speaks no TLS/,
  );
  await expect((await testNode({ url: 'http://127.0.0.1:6000' })).ended).rejects.toThrow(/is no HTTP server/);
  const names = { layer99: 'fc' };
  await expect((await testNode(superlink, { layout: 'torch', names })).ended).rejects.toThrow(/layer99/);
  await superlink.close();
});

test.concurrent('without a SuperLink it waits, and gives up by name', async () => {
  const superlink = await fakeSuperLink();
  await superlink.close();
  const node = await testNode(superlink, { patience: 2 });
  await expect(node.ended).rejects.toThrow(
    /gave up after \d seconds without a connection, as patience: 2 allows: .*(?:ECONNREFUSED|Connection refused)/,
  );
  expect(eventsOf(node.events, 'waiting').length).toBeGreaterThan(0);
});

test.concurrent('two nodes and an average are what FedAvg makes of them, and the second joins late', async () => {
  const superlink = await fakeSuperLink();
  const one = await testNode(superlink, { trainer: await pointsTrainer(points(1), 1) });
  let { arrays } = (await superlink.ask(await one.joined, { type: 'query' })).records!;
  arrays = (await superlink.ask(await one.joined, { type: 'train', arrays })).records!.arrays;
  const two = await testNode(superlink, { trainer: await pointsTrainer(points(2), 2) });
  for (let round = 0; round < 2; round++) {
    const nodes = [await one.joined, await two.joined];
    const replies = await Promise.all(nodes.map((node) => superlink.ask(node, { type: 'train', arrays })));
    const sent = replies.map(({ records }) => records!.arrays);
    arrays = new Map(
      [...arrays.keys()].map((name) => {
        const [a, b] = sent.map((each) => each.get(name)!);
        return [name, { shape: a.shape, data: Float32Array.from(a.data, (number, at) => (number + b.data[at]) / 2) }];
      }),
    );
  }
  const judged = await Promise.all(
    [one, two].map(async (node) => superlink.ask(await node.joined, { type: 'evaluate', arrays })),
  );
  // Both hold the average now.
  expect(await weightsOf(one)).toEqual(await weightsOf(two));
  expect(judged.map(({ records }) => records!.metrics['eval_acc'])).toEqual([expect.any(Number), expect.any(Number)]);
  for (const node of [one, two]) await node.leave();
  await superlink.close();
});
