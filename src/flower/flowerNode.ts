import { DeviceError, FormatError } from '../core/errors.ts';
import { FlowerError } from './flowerError.ts';
import type { Message, ObjectTree } from './fleet_pb.ts';
import { isForgotten } from './membership.ts';
import { attemptTask, reasonOf, type AttemptParts } from './attempt.ts';
import { expiryOf, fetchContent, isOver, requireRun, sendReply } from './messages.ts';
import type { FlowerRound, FlowerSummary } from './options.ts';
import { EXAMPLES, writeRecords, type Records } from './records.ts';
import { calls } from './superLink.ts';
import type { Done } from './tasks.ts';
import { isLost, pause, patiently } from './waiting.ts';

/** Seconds between questions for messages. */
const ASK_AGAIN = 1;
/** Seconds without a message before it is asked whether a run goes on. */
const QUIET = 5;
const MILLISECONDS = 1000;

/** What a node is made of. */
export interface FlowerNodeParts extends AttemptParts {
  /** After so many runs that ended it leaves. */
  readonly runs: number;
}

interface Pulled {
  readonly message: Message;
  readonly tree: ObjectTree;
}

/** A node at its work: asks for messages, does what they say and answers, until it leaves. */
export class FlowerNode {
  readonly #parts: FlowerNodeParts;
  readonly #rounds: FlowerRound[] = [];
  /** Runs that it takes part in, with when something came of them. */
  readonly #runs = new Map<string, number>();
  /** Runs that have ended for it, and of which nothing has come since. */
  readonly #ended = new Set<string>();
  /** The last question for messages was lost, and so may be a message. */
  #mayHaveMissed = false;

  constructor(parts: FlowerNodeParts) {
    this.#parts = parts;
  }

  /** @throws FlowerError where it gave up, DeviceError if its GPU was lost for good */
  async work(): Promise<FlowerSummary> {
    const { membership, patience, tell } = this.#parts;
    const signal = patience.signal;
    try {
      if (!signal.aborted) await this.#join();
      while (!signal.aborted && !this.#isDone) {
        if (membership.isLost) {
          await this.#joinAnew();
          continue;
        }
        const pulled = await this.#pull();
        if (pulled) await this.#serve(pulled);
        await this.#endRuns();
        if (!pulled && !this.#isDone) await pause(ASK_AGAIN, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await membership.leave();
      tell({ kind: 'left' });
    }
    return { node: String(membership.id), rounds: this.#rounds };
  }

  get #isDone(): boolean {
    return this.#ended.size >= this.#parts.runs;
  }

  async #join(): Promise<void> {
    const { link, membership, tell } = this.#parts;
    const version = await membership.join();
    tell({ kind: 'joined', node: String(membership.id), superlink: link.address, version });
  }

  /** Whom a SuperLink forgot it asks nothing more in the runs that there were: for this node they have ended. */
  async #joinAnew(): Promise<void> {
    const { link, patience, tell } = this.#parts;
    for (const run of this.#runs.keys()) {
      tell({
        kind: 'dropped',
        run,
        why: `${link.address} does not know this node any more: it was restarted without its runs`,
      });
      this.#end(run);
    }
    if (this.#isDone) return;
    await pause(ASK_AGAIN, patience.signal);
    await this.#join();
  }

  async #pull(): Promise<Pulled | undefined> {
    const { link, membership, patience } = this.#parts;
    try {
      const answer = await patiently(patience, async () => {
        if (this.#mayHaveMissed) await membership.stepAside();
        this.#mayHaveMissed = false;
        try {
          return await link.call(calls.pullMessages, { node: membership.node });
        } catch (error) {
          this.#mayHaveMissed = isLost(error) && !isUnheard(error);
          throw error;
        }
      });
      const [message] = answer.messagesList;
      const [tree] = answer.messageObjectTrees;
      return message?.metadata && tree ? { message, tree } : undefined;
    } catch (error) {
      if (!isForgotten(error)) throw error;
      membership.isLost = true;
      return undefined;
    }
  }

  /** Asks whether the runs go on of which nothing came for a while. */
  async #endRuns(): Promise<void> {
    const { membership, patience } = this.#parts;
    for (const [run, heard] of this.#runs) {
      if (membership.isLost || performance.now() - heard < QUIET * MILLISECONDS) continue;
      try {
        await patiently(patience, () => requireRun(this.#parts, run));
        this.#runs.set(run, performance.now());
      } catch (error) {
        if (isForgotten(error)) membership.isLost = true;
        else if (isOver(error)) this.#end(run);
        else throw error;
      }
    }
  }

  #end(run: string): void {
    this.#runs.delete(run);
    this.#ended.add(run);
    this.#parts.tell({ kind: 'ended', run });
  }

  /** Does what a message asks for, and answers, unless that is not to be had or taken any more. */
  async #serve(pulled: Pulled): Promise<void> {
    const { link, membership, patience, tell } = this.#parts;
    const run = String(pulled.message.metadata!.runId);
    this.#runs.set(run, performance.now());
    this.#ended.delete(run);
    try {
      await this.#answer(pulled, run);
    } catch (error) {
      patience.signal.throwIfAborted();
      // Without a connection nothing goes on; what else a SuperLink says is of this message alone.
      if (!(error instanceof FlowerError)) throw error;
      if (isLost(error)) throw error;
      const { message: why } = error;
      const isEnd = isOver(error);
      // That its run is dropped with it is told as it joins anew.
      if (isForgotten(error)) membership.isLost = true;
      else
        tell({
          kind: 'dropped',
          run,
          why: isEnd ? `${link.address} takes no more of this run: it is over, or this node no part of it` : why,
        });
      if (isEnd) this.#end(run);
    }
    if (this.#runs.has(run)) this.#runs.set(run, performance.now());
  }

  async #answer({ message, tree }: Pulled, run: string): Promise<void> {
    const { link, tell } = this.#parts;
    const metadata = message.metadata!;
    const spent = this.#spending();
    const late = () => link.now() - expiryOf(metadata);
    if (late() >= 0)
      throw new FlowerError(`[flower] a message of run ${run} came ${Math.round(late())} seconds too late`);
    const attempt = await attemptTask(this.#parts, metadata, await this.#records(message, tree), spent().bytesReceived);
    const { task, done, failure, seconds } = attempt;
    let isTaken = false;
    try {
      const content = done ? await writeRecords(done.arrays, metricsOf(done)) : reasonOf(failure);
      isTaken = !attempt.isMissed && late() < 0 && (await sendReply(this.#parts, metadata, content, seconds));
    } finally {
      // What nobody took is no part of a run.
      if (!isTaken) await done?.undo();
    }
    if (failure instanceof DeviceError) throw failure;
    if (!isTaken) {
      throw new FlowerError(
        `[flower] ${link.address} cannot take the reply to a message of run ${run}: it has expired${late() < 0 ? ", or was answered in this node's place while no sign of life came from it" : ` ${Math.round(late())} seconds ago`}`,
      );
    }
    if (!done) return;
    const { examples, metrics = {} } = done;
    const { kind, round: number } = task!;
    const round = { kind, run, round: number, examples, metrics, secondsOfWork: seconds, ...spent() };
    this.#rounds.push(round);
    tell({ kind: 'replied', done: round });
  }

  /** Gives what went over the line since this call, and how long that took. */
  #spending() {
    const { link } = this.#parts;
    const [since, received, sent] = [performance.now(), link.received, link.sent];
    return () => ({
      bytesReceived: link.received - received,
      bytesSent: link.sent - sent,
      seconds: (performance.now() - since) / MILLISECONDS,
    });
  }

  /** What a message holds, or what is wrong with it, which its sender is to be told. */
  async #records(message: Message, tree: ObjectTree): Promise<Records | FormatError> {
    try {
      return await fetchContent(this.#parts, message, tree);
    } catch (error) {
      if (error instanceof FormatError) return error;
      throw error;
    }
  }
}

const metricsOf = ({ metrics, examples }: Done): Record<string, number | readonly number[]> => ({
  ...metrics,
  [EXAMPLES]: examples,
});

/** Whether nobody can have heard a request. */
const isUnheard = ({ cause }: FlowerError): boolean => {
  const { code, message } = Object((Object(cause) as { readonly cause?: unknown }).cause) as Readonly<
    Record<string, unknown>
  >;
  return /ECONNREFUSED|ENOTFOUND|Connection refused|dns error/.test(`${String(code)} ${String(message)}`);
};
