// The recorded conversation of two nodes with a SuperLink, had again: nodes ask for what was asked for then and send what was
// sent, to the last bit, and what came as an average is the mean of it. test/interop/live/flowerConversation.mjs recorded it.

import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { FlowerTask, NamedArrays } from '../../src/flower/index.ts';
import { SuperLink } from '../../src/flower/superLink.ts';
import { layoutOf } from '../../src/flower/layouts/layoutOf.ts';
import kept from '../goldens/flower/conversation.json' with { type: 'json' };
import { isSigned } from '../support/fakeSuperLink.ts';
import { replayed, type Conversation } from './conversation.ts';
import { exactTrainer, examplesOf, nodeNames, takePart, ROUNDS, type Left } from './exactNodes.ts';
import { eventsOf } from './federation.ts';

const conversation = kept as Conversation;
console.log(`What nodes say is held against what was recorded of a SuperLink of flwr ${conversation.flwr}.`);

async function hadAgain(backend: 'cpu' | 'wasm'): Promise<readonly Left[]> {
  const left: Left[] = [];
  // One after the other, as each has the clock of its recording.
  vi.useFakeTimers({ toFake: ['Date'] });
  const clock = vi.spyOn(SuperLink.prototype, 'now');
  const setClock = (seconds: number) => {
    vi.setSystemTime(1000 * seconds);
    clock.mockReturnValue(seconds);
  };
  try {
    for (const name of nodeNames) {
      const superlink = await replayed(conversation.nodes[name], setClock, isSigned);
      try {
        left.push(await takePart(name, superlink.url, { backend, patience: 1 }));
        expect(superlink.unexpected).toEqual([]);
        // Signs of life, and whether a run goes on, are asked for as time passes.
        expect(superlink.unasked().filter((each) => !/heartbeat|get-run/.test(each))).toEqual([]);
      } finally {
        await superlink.stop();
      }
    }
  } finally {
    clock.mockRestore();
    vi.useRealTimers();
  }
  return left;
}

const tasksOf = ({ events }: Left) => eventsOf(events, 'received').map(({ task }) => task);

describe.each(['cpu', 'wasm'] as const)('the conversation, had again on the backend "%s",', (backend) => {
  let left: readonly Left[] = [];
  beforeAll(async () => (left = await hadAgain(backend)), 60_000);

  test('has the same rounds', () => {
    for (const [at, { summary, events }] of left.entries()) {
      const name = nodeNames[at];
      expect(eventsOf(events, 'joined')).toMatchObject([{ version: conversation.flwr }]);
      expect(eventsOf(events, 'ended')).toHaveLength(1);
      const trained = summary.rounds.filter(({ kind }) => kind === 'train');
      expect(trained.map(({ round, examples }) => [round, examples])).toEqual(
        Array.from({ length: ROUNDS }, (_, round) => [round + 1, examplesOf[name]]),
      );
    }
    // The other does not judge, and says so.
    const why = left.map(({ events }) => eventsOf(events, 'failed').map((event) => event.why));
    expect(why).toEqual([[], Array.from({ length: ROUNDS }, () => expect.stringContaining('does not evaluate'))]);
  });

  test('brings averages that are the means of what both made of the arrays before', async () => {
    const [known, passing] = left.map(tasksOf);
    const all = nodeNames.reduce((sum, name) => sum + examplesOf[name], 0);
    for (let round = 1; round <= ROUNDS; round++) {
      const arraysFor = (tasks: readonly FlowerTask[], kind: string) =>
        tasks.find((task) => task.kind === kind && task.round === round)!.arrays;
      const before = arraysFor(known, 'train');
      expect(arraysFor(passing, 'train')).toEqual(before);
      const learned = await Promise.all(nodeNames.map((name) => learnedFrom(name, before)));
      for (const [array, { data }] of arraysFor(known, 'evaluate')) {
        const term = (node: number, at: number) => learned[node].get(array)!.data[at] * examplesOf[nodeNames[node]];
        const means = Array.from(data, (_, at) => (term(0, at) + term(1, at)) / all);
        expect(Array.from(data, Number), `${array} of round ${round}`).toEqual(means);
      }
    }
  });
});

/** What a node makes of arrays in a round. */
async function learnedFrom(name: (typeof nodeNames)[number], arrays: NamedArrays): Promise<NamedArrays> {
  const { trainer, learn } = await exactTrainer(name);
  const layout = layoutOf({ trainer, layout: 'torch' });
  await layout.take(arrays);
  await learn();
  const learned = await layout.give();
  trainer.destroy();
  return learned;
}
