// The worker of a tab: takes the page's wishes, and tells it what becomes of them.

import { createNodeKey, type FlowerEvent, type NodeKey } from '../../src/flower/index.ts';
import { farewellOf } from './farewell.ts';
import type { News, Person, Told, Wish } from './tabNews.ts';

/** What the program of a tab is handed each time that its person joins. */
export interface Joining extends Person {
  readonly key: NodeKey;
  /** Aborted when they leave. */
  readonly signal: AbortSignal;
  readonly tell: (told: Told) => void;
  readonly onEvent: (event: FlowerEvent) => void;
}

type Program = (joining: Joining) => Promise<void>;

/** Within which a farewell is still good. */
const FAREWELL_MS = 120_000;

const post = (news: News): void => postMessage(news);

/** Tells what happened, but for what is too much, or cannot be posted. */
function report(event: FlowerEvent): void {
  if (event.kind === 'step') return;
  if (event.kind !== 'received') return post(event);
  const { kind, run, round } = event.task;
  post({ ...event, task: { kind, run, round } });
}

async function join(program: Program, person: Person, key: NodeKey, leaving: AbortController): Promise<void> {
  const { signal } = leaving;
  let node: string | undefined;
  const renewFarewell = async (): Promise<void> => {
    if (node) post({ kind: 'farewell', farewell: await farewellOf(person.superlink, node, key) });
  };
  const timer = setInterval(() => void renewFarewell(), FAREWELL_MS);
  const onEvent = (event: FlowerEvent): void => {
    report(event);
    if (event.kind !== 'joined') return;
    ({ node } = event);
    void renewFarewell();
  };
  try {
    await program({ ...person, key, signal, tell: post, onEvent });
    post({ kind: 'over', why: null });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    post({ kind: 'over', why: signal.aborted ? null : why });
  } finally {
    clearInterval(timer);
    leaving.abort();
  }
}

/** Runs a program whenever the page's person joins, until they leave: always the same node, by its key. */
export function onJoin(program: Program): void {
  let key: Promise<NodeKey> | undefined;
  let leaving = new AbortController();
  addEventListener('message', async ({ data }: MessageEvent<Wish>) => {
    if (data.kind === 'leave') return leaving.abort();
    leaving = new AbortController();
    await join(program, data.person, await (key ??= createNodeKey()), leaving);
  });
}
