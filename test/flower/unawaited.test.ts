// What is done for an answer that nobody waits for any more: it is stopped, and undone.

import { expect, test } from 'vitest';
import type { FlowerOptions } from '../../src/flower/index.ts';
import { fakeSuperLink, type FakeSuperLink } from '../support/fakeSuperLink.ts';
import { eventsOf, points, pointsTrainer, testNode } from './federation.ts';

/** A node that changes its weights, tells that it did, and trains on until it is told to stop. */
async function busyNode(superlink: FakeSuperLink, options: Partial<FlowerOptions> = {}) {
  const trainer = await pointsTrainer(points(1));
  let began = () => {};
  const isBusy = new Promise<void>((resolve) => (began = resolve));
  const node = await testNode(superlink, {
    ...options,
    trainer,
    async train({ signal }) {
      await trainer.fit(points(1), { epochs: 1 });
      began();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve());
      });
      signal.throwIfAborted();
      return { examples: 1 };
    },
  });
  const { arrays } = (await superlink.ask(await node.joined, { type: 'query' })).records!;
  const other = new Map(
    [...arrays].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data, () => 0.5) }]),
  );
  return { node, arrays: other, isBusy, before: await trainer.readParameters() };
}

test.concurrent('a run that is stopped stops its round, which is undone, and has ended', async () => {
  const superlink = await fakeSuperLink();
  const { node, arrays, isBusy, before } = await busyNode(superlink, { runs: 1 });
  void superlink.ask(await node.joined, { type: 'train', arrays });
  await isBusy;
  superlink.over.add(superlink.run);
  const { rounds } = await node.ended;
  expect(rounds.map(({ kind }) => kind)).toEqual(['query']);
  expect(eventsOf(node.events, 'dropped').map(({ why }) => why)).toEqual([
    `${superlink.url} takes no more of this run: it is over, or this node no part of it`,
  ]);
  expect(eventsOf(node.events, 'ended')).toHaveLength(1);
  expect(await node.trainer.readParameters()).toEqual(before);
  await superlink.close();
  node.trainer.destroy();
});

test.concurrent(
  'a node that was away for long gives up its round, which is undone, and is there for the next',
  async () => {
    const superlink = await fakeSuperLink();
    const { node, arrays, isBusy, before } = await busyNode(superlink, { heartbeat: 10 });
    // Until then no sign of life comes through, and a ServerApp has been told that the node is away.
    const until = performance.now() + 21_000;
    superlink.fault = (path) => (path === 'send-node-heartbeat' && performance.now() < until ? 'cutBefore' : 'none');
    void superlink.ask(await node.joined, { type: 'train', arrays });
    await isBusy;
    await expect.poll(() => eventsOf(node.events, 'dropped').length, { timeout: 60_000 }).toBe(1);
    expect(eventsOf(node.events, 'dropped')[0].why).toMatch(/answered in this node's place while no sign of life/);
    expect(await node.trainer.readParameters()).toEqual(before);
    expect((await superlink.ask(await node.joined, { type: 'query' })).error).toBeUndefined();
    await node.leave();
    await superlink.close();
    node.trainer.destroy();
  },
);

test.concurrent('a reply that comes too late is undone', async () => {
  const superlink = await fakeSuperLink();
  const trainer = await pointsTrainer(points(1));
  const node = await testNode(superlink, {
    trainer,
    async train() {
      await trainer.fit(points(1), { epochs: 1 });
      await new Promise((resolve) => setTimeout(resolve, 3000));
      return { examples: 1 };
    },
  });
  const before = await trainer.readParameters();
  const { arrays } = (await superlink.ask(await node.joined, { type: 'query' })).records!;
  void superlink.ask(await node.joined, { type: 'train', arrays, ttl: 2.5 });
  await expect.poll(() => eventsOf(node.events, 'dropped').length, { timeout: 20_000 }).toBe(1);
  expect(await trainer.readParameters()).toEqual(before);
  await node.leave();
  await superlink.close();
  trainer.destroy();
});
