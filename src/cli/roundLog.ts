import { bytesText, thousands } from '../core/textFormat.ts';
import type { FlowerEvent, FlowerRound, FlowerTask } from '../flower/index.ts';
import type { Report } from '../index.ts';
import { LiveLine } from './progress.ts';
import { harmless, percent, type Terminal } from './terminal.ts';

/** A task that was not done. */
export interface Refusal {
  readonly run: string;
  readonly round: number | undefined;
  readonly why: string;
}

/** What happened at a node, as it is reported. */
export interface Diary {
  readonly node: string | undefined;
  /** The SuperLink's. */
  readonly version: string | null | undefined;
  readonly rounds: readonly FlowerRound[];
  readonly refused: readonly Refusal[];
  /** Replies and messages that were given up. */
  readonly dropped: readonly Omit<Refusal, 'round'>[];
  /** How often it had to wait for the SuperLink, as for a connection that was lost. */
  readonly interruptions: number;
  /** Those that ended while it was there. */
  readonly runs: readonly string[];
  /** Steps of training. */
  readonly steps: number;
  /** What the trainer holds: an average, or what it learned last. What it was doing when it left is undone. */
  readonly holds: 'average' | 'own';
  /** Whether it left in the middle of something. */
  readonly isBusy: boolean;
}

/** Prints what happens at a node, and keeps it for the report. */
export class RoundLog {
  readonly #terminal: Terminal | null;
  readonly #rounds: FlowerRound[] = [];
  readonly #refused: Refusal[] = [];
  readonly #dropped: Omit<Refusal, 'round'>[] = [];
  readonly #runs: string[] = [];
  #line: LiveLine;
  #node: string | undefined;
  #version: string | null | undefined;
  #run: string | undefined;
  #steps = 0;
  #interruptions = 0;
  /** Since when it waits, and why. */
  #waits: { readonly since: number; readonly why: string } | undefined;
  #holds: Diary['holds'] = 'own';
  /** What it is at. */
  #task: FlowerTask['kind'] | undefined;
  /** Names of configs that nothing is known of. */
  readonly #told = new Set<string>();

  /** @param terminal null says nothing but what was refused */
  constructor(terminal: Terminal | null) {
    this.#terminal = terminal;
    this.#line = new LiveLine(terminal);
  }

  get diary(): Diary {
    return {
      node: this.#node,
      version: this.#version,
      rounds: this.#rounds,
      refused: this.#refused,
      dropped: this.#dropped,
      interruptions: this.#interruptions,
      runs: this.#runs,
      steps: this.#steps,
      holds: this.#holds,
      isBusy: this.#task !== undefined,
    };
  }

  take(event: FlowerEvent): void {
    if (event.kind === 'step') return this.#step(event.task, event.report);
    this.#line.close();
    switch (event.kind) {
      case 'joined':
        return this.#joined(event);
      case 'received':
        return this.#received(event.task);
      case 'replied':
        return this.#replied(event.done);
      case 'failed':
        return this.#failed(event);
      case 'dropped':
        this.#dropped.push({ run: event.run, why: event.why });
        this.#did();
        return this.#say(`Given up: ${event.why}`);
      case 'unused':
        return this.#unused(event.names);
      case 'waiting':
        return this.#waiting(event.why, event.seconds);
      case 'back':
        return this.#back();
      case 'ended':
        this.#runs.push(event.run);
        return this.#say(`Run ${event.run} has ended.`);
      case 'left':
        return;
    }
  }

  #say(text: string): void {
    this.#terminal?.line(text);
  }

  #joined({ node, superlink, version }: Extract<FlowerEvent, { readonly kind: 'joined' }>): void {
    this.#waits = undefined;
    this.#node = node;
    this.#version = version;
    this.#say(`Joined ${superlink}${version === null ? '' : `, Flower ${version},`} as node ${node}.`);
  }

  #received({ kind, run }: FlowerTask): void {
    if (run !== this.#run) this.#say(`Run ${run}:`);
    this.#run = run;
    this.#task = kind;
    // A round that is short has its own line soon enough.
    this.#line = new LiveLine(this.#terminal, 0);
  }

  #step({ round }: FlowerTask, { epoch, loss, seconds, metrics }: Report): void {
    this.#steps++;
    if (!this.#line.due(seconds)) return;
    const accuracy = metrics['accuracy'] as number | undefined;
    const said = [`epoch ${epoch.toFixed(2)}`, ...qualities(loss, accuracy)];
    this.#line.show(undefined, [...nameOf(round), 'train', ...said], seconds);
  }

  #replied(done: FlowerRound): void {
    this.#rounds.push(done);
    this.#did();
    const { kind, round, examples, metrics = {}, seconds, secondsOfWork, bytesReceived, bytesSent } = done;
    const [loss, accuracy] = kind === 'train' ? ['train_loss', 'train_acc'] : ['eval_loss', 'eval_acc'];
    const fields = [
      ...nameOf(round),
      kind.padEnd(WIDEST_KIND),
      ...qualities(metrics[loss], metrics[accuracy]),
      `${thousands(examples)} samples`,
      `${secondsOfWork.toFixed(1)} s of work in ${seconds.toFixed(1)} s`,
      `${bytesText(bytesReceived)} in`,
      `${bytesText(bytesSent)} out`,
    ];
    this.#say(fields.join('  '));
  }

  /** A task's work is done, whether or not anybody took the reply. */
  #did(): void {
    if (this.#task === 'train') this.#holds = 'own';
    else if (this.#task === 'evaluate') this.#holds = 'average';
    this.#task = undefined;
  }

  #failed({ run, round, why }: Extract<FlowerEvent, { readonly kind: 'failed' }>): void {
    this.#refused.push({ run, round, why });
    this.#task = undefined;
    // Said even to those who want one line only: without it a run may wait for nothing.
    process.stderr.write(`${harmless([...nameOf(round), `refused: ${why}`].join(' '))}\n`);
  }

  /** Once, for each round says the same. */
  #unused(names: readonly string[]): void {
    const said = names.filter((name) => !this.#told.has(name));
    for (const name of said) this.#told.add(name);
    if (said.length > 0) this.#say(`  The run's config says ${said.join(', ')}, of which this node knows nothing.`);
  }

  #waiting(why: string, seconds: number): void {
    if (!this.#waits) this.#interruptions++;
    // The same is said once, however often it is tried.
    if (this.#waits?.why !== why) this.#say(`Waits: ${why}. The next try is in ${seconds.toFixed(1)} s.`);
    this.#waits = { since: this.#waits?.since ?? performance.now(), why };
  }

  #back(): void {
    if (this.#waits) this.#say(`Goes on after ${((performance.now() - this.#waits.since) / 1000).toFixed(1)} s.`);
    this.#waits = undefined;
  }
}

/** So that what follows stands in columns. */
const WIDEST_KIND = 'evaluate'.length;

const nameOf = (round: number | undefined): string[] => (round === undefined ? [] : [`round ${round}`]);

type Metric = number | readonly number[] | undefined;

const qualities = (loss: Metric, accuracy: Metric): string[] => [
  ...(typeof loss === 'number' ? [`loss ${loss.toFixed(4)}`] : []),
  ...(typeof accuracy === 'number' ? [`accuracy ${percent(accuracy)}`] : []),
];
