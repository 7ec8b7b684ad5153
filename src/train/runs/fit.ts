import type { Dataset } from '../../data/dataset.ts';
import { amountsOf, reportOf, wasBad } from '../graphs/preparedModel.ts';
import type { Batches, Report } from '../options.ts';
import type { FitSettings } from './fitOptions.ts';
import { lostLoss } from './lostLoss.ts';
import { residentCourse } from './residentCourse.ts';
import { FramePace } from './framePace.ts';
import { REWIND_STEPS, Rewinder } from './rewinder.ts';
import { RunDecisions } from './runDecisions.ts';
import { begunBy, type RunParts } from './runParts.ts';
import { SubmitLength } from './submitLength.ts';
import { SubmitQueue } from './submitQueue.ts';

/** Trains, and yields the reports in order; see `Trainer.fit`. */
export async function* fit(
  parts: RunParts,
  data: Dataset | Batches,
  options: FitSettings,
): AsyncGenerator<Report, void, undefined> {
  const { every, decisions, validateEvery, stepsPerSubmit, onNaN, checkpoints, budgetMs, frame } = options;
  const { backend, submitter, prepared, validation } = parts;
  const { signal } = parts.run;
  const begun = performance.now();
  const evaluator = validation && (await parts.evaluator());
  const runDecisions = new RunDecisions(parts, decisions);
  await runDecisions.prepare(parts.before?.progress);
  await checkpoints?.begin?.(parts.before !== undefined);
  const course =
    'fields' in data
      ? await residentCourse(parts, data, options)
      : await (await import('./streamCourse.ts')).streamCourse(parts, data, options);
  let judged: { release(): void } | undefined;
  const before = parts.before?.progress;
  let reported = before?.done ?? 0;
  let stopped = before?.stopped ?? false;
  const firstStep = submitter.step - begunBy(parts.before);
  submitter.begin(onNaN === 'rewind' ? 'stop' : onNaN, before !== undefined);
  const rewinder = onNaN === 'rewind' ? new Rewinder(backend, prepared.traced) : undefined;
  await rewinder?.prepare();
  rewinder?.keep(submitter.step);
  const settles = (done: number): boolean => rewinder !== undefined && (course.isPassing || done % REWIND_STEPS === 0);
  const isLast = (done: number): boolean => done === course.total;
  const pauses = (done: number): boolean =>
    (validation !== undefined || decisions.length > 0 || checkpoints?.isBest !== undefined) &&
    (isLast(done) || (validateEvery ? done % validateEvery === 0 : course.endsEpoch(done)));
  const { save, warn } = parts;
  const saving =
    checkpoints &&
    new (await import('../checkpoints/saving.ts')).Saving({
      store: checkpoints,
      save,
      warn,
      step: () => submitter.step,
    });
  const run = new SubmitQueue({
    supply: course.supply,
    done: reported,
    left: parts.before?.left,
    submitLength: SubmitLength.on(
      backend.kind,
      stepsPerSubmit,
      course.most,
      budgetMs === undefined ? undefined : budgetMs / 1000,
    ),
    pace: budgetMs === undefined && frame === undefined ? undefined : new FramePace(options, signal),
    cutAfter: (done) =>
      pauses(done) ||
      settles(done) ||
      submitter.cutBefore(firstStep + done) ||
      saving?.cutAfter(firstStep + done) === true,
    // Validation, decisions and copies must see the parameters as their step leaves them.
    settleAfter: (done) => pauses(done) || settles(done),
    submitted: (done) => saving?.submitted(firstStep + done),
    signal,
  });
  if (stopped) run.stop();
  parts.run.moment = () => {
    const { samples, rows } = run.behind(reported);
    const over = 'fields' in data ? { length: data.length } : 'batches';
    const epochEnds = course.epochEnds.filter((end) => end <= reported + samples.length);
    const keeps = runDecisions.keeps && parts.stateCopy.holds;
    return {
      progress: { over, done: reported, unreported: samples, epochEnds, heard: runDecisions.heard, stopped, keeps },
      rows,
    };
  };
  let left: Report | undefined;
  let ended: (() => Promise<never>) | undefined;
  let failed = false;
  try {
    // It stays for the run, as it was at the call.
    judged = evaluator && (await evaluator.reside(validation));
    for await (const { first, samples, rows } of run.chunks()) {
      // While steps go on; if it fails, validation says why.
      if (first === (before?.done ?? 0)) void evaluator?.prepare(validation!).catch(() => {});
      for (let done = first + 1; done <= first + samples.length; done++) {
        const amounts = amountsOf(prepared, rows, done - first - 1, samples[done - first - 1]);
        parts.tellOfNothing(amounts, firstStep + done);
        const taken = reportOf(prepared, amounts, firstStep + done);
        const lost = onNaN === 'stop' ? lostLoss(prepared, amounts, taken) : undefined;
        const bad = onNaN !== 'take' && wasBad(prepared, rows, done - first - 1);
        const validated = evaluator && pauses(done) ? await evaluator.evaluate(validation) : undefined;
        // From here to where the step counts as reported nothing waits, so that a snapshot has all of it or nothing.
        if (!bad) runDecisions.hear(amounts);
        const verdict = pauses(done) ? runDecisions.decide(validated, firstStep + done) : null;
        if (verdict?.stop) run.stop();
        stopped ||= verdict?.stop ?? false;
        run.isDone((reported = done));
        if (!bad && done % REWIND_STEPS === 0) rewinder?.keep(firstStep + done);
        const rewoundTo = bad && !isLast(done) ? rewinder?.target : undefined;
        const recovered = parts.takeRecovered();
        const report: Report = {
          ...taken,
          epoch: course.epochs(done),
          seconds: (performance.now() - begun) / 1000,
          waited: run.waited,
          ...(validated && { validation: validated }),
          ...(bad && { skipped: bad }),
          ...(rewoundTo !== undefined && { rewoundTo }),
          ...(recovered !== undefined && { recovered }),
          ...(verdict && verdict.messages.length > 0 && { decided: verdict.messages }),
        };
        parts.run.last = left = report;
        if (pauses(done)) saving?.reported(report);
        const isSilent = done % every !== 0 && !isLast(done) && !pauses(done);
        if (isSilent && !bad && lost === undefined && recovered === undefined) continue;
        left = undefined;
        yield report;
        if (rewoundTo !== undefined) {
          await run.goBack(done);
          submitter.goBack(firstStep + done);
          rewinder!.goBack();
          course.goOnBehind(done);
          break;
        }
        if (bad && (onNaN === 'stop' || (rewinder && !isLast(done)))) {
          const own = run.submitted === first + samples.length ? samples[done - first - 1] : undefined;
          ended = async () => {
            submitter.goBack(firstStep + done - 1);
            const step = await course.goBack(done, samples.slice(0, done - first - 1), own);
            const { endSpoilt, findBad } = await import('./divergence.ts');
            const found = step && (await findBad(backend, step));
            return endSpoilt(lost, report, found);
          };
          break;
        }
        if (lost !== undefined) (await import('./divergence.ts')).endDiverged(lost, report);
      }
      if (ended) break;
    }
    if (ended) await ended();
    if (left && !signal.aborted) yield left;
  } catch (error) {
    failed = true;
    // The reports of all steps that were taken come first.
    if (left && parts.isAlive()) yield left;
    throw error;
  } finally {
    // Before the weights that a decision keeps come back.
    const saved = saving?.finish(!failed && parts.isAlive());
    course.release();
    judged?.release();
    runDecisions.close();
    await saved;
  }
}
