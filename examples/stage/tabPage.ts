// The page of a tab: who its person is goes to the worker, and what the worker tells is shown. Nothing is computed here.

import { bytesText } from '../../src/core/textFormat.ts';
import type { FlowerRound } from '../../src/flower/index.ts';
import { DigitBars } from './digitBars.ts';
import type { Farewell } from './farewell.ts';
import { LossChart } from './lossChart.ts';
import { find, percent, show, showSource } from './page.ts';
import { PersonForm } from './personForm.ts';
import { TabLog } from './tabLog.ts';
import type { News, Wish } from './tabNews.ts';
import { doing, isWrong, judgedText, lineOf } from './tabWords.ts';

/** Where `npm run dev`, or whatever serves this page, hands on to a SuperLink. */
const superlink = new URL('../flower', document.baseURI).href;
/** That steps of a hidden tab take so many times as long as those that were seen is worth telling. */
const SLOW = 2;

type Judged = Extract<News, { readonly kind: 'judged' }>;

class TabPage {
  // So that browsers let it go on while another tab is in front: a hidden page's timers they hold back.
  readonly #worker = new Worker(new URL('../together.ts', import.meta.url), { type: 'module' });
  readonly #chart = new LossChart(
    'chart',
    [
      { label: 'What becomes of the network', token: '--soft-rgb', dashed: true },
      { label: 'Alone', token: '--two' },
      { label: 'Average', token: '--one' },
    ],
    'shares',
  );
  readonly #bars = new DigitBars('bars');
  readonly #log = new TabLog('log');
  readonly #done = find('done', HTMLProgressElement);
  readonly #status = find('status', HTMLElement);
  readonly #form = new PersonForm({
    join: () => this.#join(),
    leave: () => this.#leave(),
    changed: (digits) => this.#bars.mark(digits),
  });
  #bytes = { received: 0, sent: 0 };
  /** Whose rounds are shown, and of which an average is. */
  #shown = { run: '', averages: new Set<number>() };
  /** Steps of this round, and seconds that one took while somebody looked on. */
  #steps = 0;
  #seen: number | undefined;
  #farewell: Farewell | undefined;

  open(): void {
    this.#form.open();
    this.#worker.addEventListener('message', ({ data }: MessageEvent<News>) => this.#take(data));
    this.#worker.addEventListener('error', ({ message }) => this.#take({ kind: 'over', why: message }));
    addEventListener('pagehide', ({ persisted }) => this.#close(persisted));
    if (isSecureContext) return this.#form.allow('join');
    this.#say(
      'A node signs what it sends, and browsers let a page do so that came by https, or from localhost: open this one so.',
      true,
    );
  }

  #send(wish: Wish): void {
    this.#worker.postMessage(wish, []);
  }

  #join(): void {
    const { digits, given, seed } = this.#form;
    this.#form.allow('leave');
    this.#bytes = { received: 0, sent: 0 };
    this.#say('Joins.');
    this.#send({ kind: 'join', person: { digits, given, seed, superlink } });
  }

  #leave(): void {
    this.#form.allow('nothing');
    this.#say('Leaves.');
    this.#send({ kind: 'leave' });
  }

  /** What the page itself sends now goes out still; its worker ends, or sleeps if the page may come back, which is then out. */
  #close(mayComeBack: boolean): void {
    if (!this.#farewell) return;
    const { address, request } = this.#farewell;
    void fetch(address, { ...request, keepalive: true });
    if (mayComeBack) this.#leave();
  }

  #take(news: News): void {
    const [text, line] = [doing(news), lineOf(news)];
    if (text !== null) this.#say(text, isWrong(news));
    if (line !== null) this.#log.say(line, isWrong(news));
    if (news.kind === 'trains') show('device', placeOf(news));
    else if (news.kind === 'judged') this.#judge(news);
    else if (news.kind === 'step') this.#step(news.done);
    else if (news.kind === 'replied') this.#count(news.done);
    else if (news.kind === 'farewell') this.#farewell = news.farewell;
    else if (news.kind === 'over') this.#end();
    if (news.kind === 'replied' || news.kind === 'over') this.#done.value = 0;
  }

  #end(): void {
    this.#farewell = undefined;
    this.#form.allow('join');
  }

  #judge({ who, run, round, accuracy, byDigit }: Judged): void {
    if (this.#shown.run !== run) {
      this.#shown = { run, averages: new Set() };
      this.#chart.clear();
      this.#bars.clear();
      show('alone', '–');
    }
    show('round', String(round));
    show(who, percent(accuracy));
    this.#bars.show(who, byDigit);
    // Before it trains, a tab judges the last average, which it may have judged already.
    if (who === 'average' && this.#shown.averages.has(round)) return;
    if (who === 'average') this.#shown.averages.add(round);
    this.#chart.push(round, accuracy, who === 'alone' ? accuracy : null, who === 'average' ? accuracy : null);
    this.#chart.paint();
    this.#log.say(judgedText(who, round, accuracy));
  }

  #step(done: number): void {
    this.#done.value = done;
    this.#steps++;
  }

  #count({ kind, bytesReceived, bytesSent, secondsOfWork }: FlowerRound): void {
    this.#bytes.received += bytesReceived;
    this.#bytes.sent += bytesSent;
    show('received', bytesText(this.#bytes.received));
    show('sent', bytesText(this.#bytes.sent));
    if (kind !== 'train' || this.#steps === 0) return;
    const took = secondsOfWork / this.#steps;
    this.#steps = 0;
    if (!document.hidden) this.#seen = took;
    else if (this.#seen !== undefined && took > SLOW * this.#seen) {
      const times = (took / this.#seen).toFixed(1);
      this.#log.say(
        `Hidden, this tab takes ${times} times as long for a step as when it is seen: the browser holds it back.`,
      );
    }
  }

  #say(text: string, isBad = false): void {
    show('status', text);
    this.#status.classList.toggle('wrong', isBad);
  }
}

const placeOf = ({ backend, adapter }: Extract<News, { readonly kind: 'trains' }>): string =>
  backend === 'webgpu'
    ? `Trains by WebGPU on ${adapter}.`
    : `This browser gives the page no GPU: it trains by ${adapter}.`;

void showSource();
new TabPage().open();
