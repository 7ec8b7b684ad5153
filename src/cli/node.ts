import { counted } from '../core/textFormat.ts';
import { joinFlower, type FlowerOptions, type FlowerSummary, type NodeKey } from '../flower/index.ts';
import type { NodeCommand } from './command/commands.ts';
import { learningTaskOf, reportOfLearner, requireKept, saveModel, withLearner, type Learner } from './learner.ts';
import { keyFilesOf, nodeKeyIn } from './nodeKeyFile.ts';
import { requirePlaces, write } from './outputPaths.ts';
import { RoundLog, type Diary } from './roundLog.ts';
import { settingsOf } from './settings.ts';
import { shareOf } from './share.ts';
import type { Judgement } from './tasks/task.ts';
import { taskOf } from './tasks/tasks.ts';
import { Terminal } from './terminal.ts';
import { INTERRUPTED } from './train.ts';

/** How a trainer joins: `joinFlower`, or what stands for it in a test. */
export type Join = (options: FlowerOptions) => Promise<FlowerSummary>;

/** All of one membership. */
interface Membership {
  readonly command: NodeCommand;
  readonly learner: Learner;
  readonly diary: Diary;
  /** Since it began to join. */
  readonly seconds: number;
  /** Why it gave up, if it did. */
  readonly failure: Error | null;
}

/** Takes part in a federation, prints how it goes, and returns the exit code. */
export async function node(command: NodeCommand, signal: AbortSignal, join: Join = joinFlower): Promise<number> {
  const { learning } = command;
  await requirePlaces('node', learning, keyFilesOf(command));
  await requireKept(learning);
  const terminal = learning.quiet ? null : new Terminal(process.stdout);
  const key = command.key === undefined ? undefined : await nodeKeyIn(command.key, terminal);
  const learningTask = shareOf(await learningTaskOf(learning, { signal, terminal }), command);
  const settings = settingsOf(learning, learningTask);
  return withLearner({ command: learning, learningTask, settings, terminal }, async (learner) => {
    const log = new RoundLog(terminal);
    const begun = performance.now();
    const failure = await join({
      ...optionsFor(command, learner, key),
      signal,
      onEvent: (event) => log.take(event),
    }).then(
      () => null,
      (error: Error) => error,
    );
    const seconds = (performance.now() - begun) / 1000;
    const code = await conclude({ command, learner, diary: log.diary, seconds, failure }).catch((error: Error) => {
      throw failure ?? error;
    });
    if (failure) throw failure;
    return signal.aborted ? INTERRUPTED : code;
  });
}

function optionsFor(
  { superlink, layout, names, optimizerState, runs, patience, heartbeat }: NodeCommand,
  { command, learningTask, trainer }: Learner,
  key: NodeKey | undefined,
): FlowerOptions {
  const { steps, epochs } = command;
  return {
    superlink,
    ...(key && { key }),
    trainer,
    train: learningTask.train,
    evaluate: learningTask.test,
    layout,
    ...(names && { names }),
    ...(steps === undefined ? epochs !== undefined && { epochs } : { steps }),
    optimizer: optimizerState,
    ...(runs !== undefined && { runs }),
    ...(patience !== undefined && { patience }),
    ...(heartbeat !== undefined && { heartbeat }),
  };
}

/** Judges and keeps what it left with, if anything came of it. @returns the exit code */
async function conclude(membership: Membership): Promise<number> {
  const { command, learner, diary } = membership;
  const judgement = diary.rounds.length > 0 ? await judged(membership) : null;
  if (judgement) await saveModel('node', learner);
  const { report } = command.learning;
  if (report !== undefined)
    await write('node', report, `${JSON.stringify(reportOf(membership, judgement), null, 2)}\n`);
  if (!judgement && !membership.failure) {
    const when = diary.isBusy ? 'in the middle of the first round' : 'before anything was done';
    process.stdout.write(`Left ${when}.\n`);
  }
  return judgement && Number.isFinite(judgement.figures.testLoss) ? 0 : 1;
}

const behind: Readonly<Record<Diary['holds'], string>> = {
  average: '',
  own: ' No average came behind the last one.',
};

async function judged({ learner, diary, seconds }: Membership): Promise<Judgement> {
  const { learningTask, form, trainer } = learner;
  const judgement = await taskOf(form.input).judge(learner, await trainer.evaluate(learningTask.test));
  const trained = diary.rounds.filter(({ kind }) => kind === 'train').length;
  const work = sumOf(diary, 'secondsOfWork').toFixed(1);
  process.stdout.write(
    `${counted(trained, 'round')} of training, ${work} s of work in ${seconds.toFixed(1)} s.${behind[diary.holds]}${diary.isBusy ? ' It left in the middle of the next one, which is undone.' : ''} ${judgement.sentence}\n`,
  );
  return judgement;
}

/** Of all that it did. */
const sumOf = ({ rounds }: Diary, what: 'secondsOfWork' | 'bytesReceived' | 'bytesSent'): number =>
  rounds.reduce((sum, round) => sum + round[what], 0);

/** What `--report` writes. */
function reportOf({ command, learner, diary, seconds, failure }: Membership, judgement: Judgement | null) {
  const { superlink, layout, part, labels, optimizerState } = command;
  const { trainer, learningTask } = learner;
  return {
    ...reportOfLearner(learner),
    superlink,
    flower: diary.version,
    node: diary.node,
    layout,
    part: part && `${part.at + 1}/${part.of}`,
    labels,
    samples: learningTask.train.length,
    optimizerState,
    steps: diary.steps,
    seconds,
    secondsOfWork: sumOf(diary, 'secondsOfWork'),
    bytesReceived: sumOf(diary, 'bytesReceived'),
    bytesSent: sumOf(diary, 'bytesSent'),
    ...judgement?.figures,
    holds: diary.holds,
    rounds: diary.rounds,
    refused: diary.refused,
    dropped: diary.dropped,
    interruptions: diary.interruptions,
    runs: diary.runs,
    gaveUp: failure?.message,
    peakGpuBytes: trainer.backend === 'webgpu' ? trainer.bytes : 0,
  };
}
