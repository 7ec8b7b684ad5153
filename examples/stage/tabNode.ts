// The worker of a tab: takes the page's wishes, and tells it what becomes of them.

import { createNodeKey, type FlowerEvent, type NodeKey } from '../../src/flower/index.ts';
import type { News, Person, Told, Wish } from './tabNews.ts';

/** What the program of a tab is handed each time that its person joins. */
export interface Joining extends Person {
  readonly key: NodeKey;
  /** Aborted when they leave. */
  readonly signal: AbortSignal;
  readonly tell: (told: Told) => void;
  readonly onEvent: (event: FlowerEvent) => void;
}

const post = (news: News): void => postMessage(news);

function report(event: FlowerEvent): void {
  if (event.kind === 'step') return;
  if (event.kind !== 'received') return post(event);
  const { kind, run, round } = event.task;
  post({ ...event, task: { kind, run, round } });
}

async function join(person: Person, leaving: AbortController, program: (joining: Joining) => Promise<void>) {
  const { signal } = leaving;
  try {
    await program({ ...person, key: await createNodeKey(), signal, tell: post, onEvent: report });
    post({ kind: 'over', why: null });
  } catch (error) {
    post({ kind: 'over', why: signal.aborted ? null : error instanceof Error ? error.message : String(error) });
  } finally {
    leaving.abort();
  }
}

/** Runs a program whenever the page's person joins, until they leave. */
export function onJoin(program: (joining: Joining) => Promise<void>): void {
  let leaving = new AbortController();
  addEventListener('message', ({ data }: MessageEvent<Wish>) => {
    if (data.kind === 'leave') return leaving.abort();
    leaving = new AbortController();
    void join(data.person, leaving, program);
  });
}
