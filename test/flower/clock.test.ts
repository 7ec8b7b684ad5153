// A node's clock, or the SuperLink's, is set while it is at work.

import { afterEach, expect, test, vi } from 'vitest';
import { fakeSuperLink } from '../support/fakeSuperLink.ts';
import { eventsOf, testNode } from './federation.ts';

afterEach(() => {
  vi.useRealTimers();
});

const HOUR = 3600;

test.each([-HOUR, 600])('a SuperLink whose clock jumps by %i seconds keeps a node that is fetching', async (jump) => {
  const superlink = await fakeSuperLink();
  const node = await testNode(superlink);
  const id = await node.joined;
  const { arrays } = (await superlink.ask(id, { type: 'query' })).records!;
  // Several are on their way at once, and were signed by the clock as it was.
  superlink.fault = (path, count) => {
    if (path === 'pull-object' && count === 6) superlink.ahead = jump;
    return 'none';
  };
  for (const type of ['train', 'evaluate']) expect((await superlink.ask(id, { type, arrays })).error).toBeUndefined();
  expect(superlink.ahead).toBe(jump);
  expect(eventsOf(node.events, 'dropped')).toEqual([]);
  expect(eventsOf(node.events, 'joined')).toHaveLength(1);
  await node.leave();
  await superlink.close();
  node.trainer.destroy();
});

test.each([-50_000, 50_000])('a node whose own clock is set by %i seconds as it trains is heard', async (jump) => {
  const superlink = await fakeSuperLink();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const node = await testNode(superlink, {
    onEvent: ({ kind }) => {
      if (kind === 'step') vi.setSystemTime(Date.now() + 1000 * jump);
    },
  });
  const id = await node.joined;
  const { arrays } = (await superlink.ask(id, { type: 'query' })).records!;
  for (const type of ['train', 'train', 'evaluate']) {
    expect((await superlink.ask(id, { type, arrays, ttl: 60 })).error).toBeUndefined();
  }
  expect(eventsOf(node.events, 'dropped')).toEqual([]);
  expect(superlink.thrownAway).toBe(0);
  await node.leave();
  await superlink.close();
  node.trainer.destroy();
});
