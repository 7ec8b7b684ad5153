import { megabytes } from '../../core/textFormat.ts';
import { percent, put } from '../page.ts';
import type { Made, Opened, Probe, Taken, Where } from '../protocol.ts';

/** Over which speeds are averaged. */
const WINDOW_MS = 500;

/** The numbers of a run, and where it runs. */
export class Figures {
  #window = { steps: 0, submits: 0, milliseconds: 0, since: 0 };

  begin({ where, launches, parameters, step }: Made): void {
    for (const id of ['epoch', 'loss', 'accuracy', 'test-accuracy', 'rate', 'step-time', 'submits', 'memory'])
      put(id, '–');
    put('at', step.toLocaleString('en'));
    put('parameters', parameters.toLocaleString('en'));
    put('launches', where.backend === 'cpu' ? 'none' : String(launches));
    this.runOn(where);
    this.restartClock();
  }

  runOn(where: Where): void {
    put('device', sentenceOf(where));
  }

  /** Where training is. */
  moveTo({ step, epoch }: Pick<Opened, 'step' | 'epoch'>): void {
    put('at', step.toLocaleString('en'));
    put('epoch', epoch.toFixed(2));
  }

  /** Speeds are those from now on. */
  restartClock(): void {
    this.#window = { steps: 0, submits: 0, milliseconds: 0, since: performance.now() };
  }

  taken(
    { step, epoch, losses, submits, milliseconds, bytes }: Taken,
    smooth: { loss: number; accuracy: number },
  ): void {
    this.moveTo({ step, epoch });
    put('loss', smooth.loss.toFixed(4));
    put('accuracy', percent(smooth.accuracy));
    put('memory', megabytes(bytes));
    const window = this.#window;
    window.steps += losses.length;
    window.submits += submits;
    window.milliseconds += milliseconds;
    const elapsed = performance.now() - window.since;
    if (elapsed < WINDOW_MS) return;
    put('rate', speed((1000 * window.steps) / elapsed));
    put('submits', speed((1000 * window.submits) / elapsed));
    put('step-time', `${(window.milliseconds / window.steps).toPrecision(3)} ms`);
    this.restartClock();
  }

  probe({ examination: { accuracy } }: Probe): void {
    put('test-accuracy', percent(accuracy));
  }
}

const speed = (perSecond: number): string => perSecond.toFixed(perSecond < 10 ? 1 : 0);

function sentenceOf(where: Where): string {
  if (where.backend !== 'webgpu') {
    const slow = where.backend === 'cpu' ? ', which is slow' : '';
    return `This browser gives the page no WebGPU (${where.fallback}): it trains on the CPU, by ${where.adapter}${slow}.`;
  }
  const plain = `Trains by WebGPU on ${where.adapter}`;
  return where.software ? `${plain}. This is no GPU: the CPU plays one, and is slow at it.` : `${plain}.`;
}
