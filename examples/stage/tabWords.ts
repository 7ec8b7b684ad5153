// What becomes of a tab's node, in words.

import { bytesText } from '../../src/core/textFormat.ts';
import { percent } from './page.ts';
import type { News } from './tabNews.ts';

const ofRound = (round: number | undefined): string => (round === undefined ? 'A round' : `Round ${round}`);
const seconds = (number: number): string => `${number.toFixed(number < 10 ? 1 : 0)} s`;

/** What the node does from here on; null where that does not change. */
export function doing(news: News): string | null {
  switch (news.kind) {
    case 'joined':
      return 'Online: waits for a run.';
    case 'received':
      return doingTask(news.task);
    case 'judged':
      return news.who === 'alone' ? `${ofRound(news.round)}: sends what it has learned.` : null;
    case 'replied':
      return news.done.kind === 'train'
        ? `${ofRound(news.done.round)}: waits for the others.`
        : 'Online: waits for the next round.';
    case 'failed':
      return 'Online: could not do what it was asked.';
    case 'dropped':
      return 'Online: waits for the next round.';
    case 'waiting':
      return `Not connected, and tries again in ${seconds(news.seconds)}: ${news.why}`;
    case 'back':
      return 'Online again.';
    case 'ended':
      return 'The run has ended. Online: waits for another one.';
    case 'over':
      return news.why === null ? 'Not joined.' : `${news.why}. What a tab needs stands below.`;
    default:
      return null;
  }
}

function doingTask({ kind, round }: Extract<News, { readonly kind: 'received' }>['task']): string {
  if (kind === 'train') return `${ofRound(round)}: trains on its own digits.`;
  return kind === 'evaluate' ? `${ofRound(round)}: judges the average.` : 'A run begins: sends its first weights.';
}

/** What is worth a line of its own; null for the rest. */
export function lineOf(news: News): string | null {
  switch (news.kind) {
    case 'trains': {
      const [images, all, judges] = [news.images, news.of, news.judges].map((count) => count.toLocaleString('en'));
      return `Has ${images} images to train on, of ${all} of all digits; ${judges} others judge the network.`;
    }
    case 'joined':
      return `Online as node ${news.node}, at a SuperLink of flwr ${news.version ?? 'of some version'}.`;
    case 'replied': {
      const { done } = news;
      const bytes = `${bytesText(done.bytesReceived)} in, ${bytesText(done.bytesSent)} out`;
      return `${taskNames[done.kind]}: ${bytes}, ${seconds(done.seconds)}, ${seconds(done.secondsOfWork)} of it work.`;
    }
    case 'failed':
      return `${ofRound(news.round)} failed: ${news.why}`;
    case 'dropped':
      return news.why;
    case 'waiting':
      return `${news.why}. It tries again in ${seconds(news.seconds)}.`;
    case 'back':
      return 'The connection is there again.';
    case 'ended':
      return `Run ${news.run} has ended.`;
    case 'over':
      return news.why ?? 'Left.';
    default:
      return null;
  }
}

export const judgedText = (who: 'alone' | 'average', round: number, accuracy: number): string =>
  who === 'alone'
    ? `Round ${round}: alone it reads ${percent(accuracy)}.`
    : `The average of round ${round} reads ${percent(accuracy)}.`;

const taskNames = { train: 'Trained', evaluate: 'Judged', query: 'Told its weights' } as const;

/** Whether it is bad news. */
export const isWrong = (news: News): boolean =>
  ['failed', 'dropped', 'waiting'].includes(news.kind) || (news.kind === 'over' && news.why !== null);
