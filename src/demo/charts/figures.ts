import { percent, put } from '../page.ts';
import type { Made, Probe, Taken } from '../protocol.ts';

/** Over which speeds are averaged. */
const WINDOW_MS = 500;

const MIB = 2 ** 20;

/** The numbers of a run, and where it runs. */
export class Figures {
  #window = { steps: 0, submits: 0, milliseconds: 0, since: 0 };

  begin({ backend, adapter, software, fallback, launches, parameters, step }: Made): void {
    for (const id of ['epoch', 'loss', 'accuracy', 'test-accuracy', 'rate', 'step-time', 'submits', 'memory'])
      put(id, '–');
    put('at', step.toLocaleString('en'));
    put('parameters', parameters.toLocaleString('en'));
    put('launches', backend === 'cpu' ? 'none' : String(launches));
    put('device', whereOf(backend, adapter, software, fallback));
    this.restartClock();
  }

  /** Speeds are those from now on. */
  restartClock(): void {
    this.#window = { steps: 0, submits: 0, milliseconds: 0, since: performance.now() };
  }

  taken(
    { step, epoch, losses, submits, milliseconds, bytes }: Taken,
    smooth: { loss: number; accuracy: number },
  ): void {
    put('at', step.toLocaleString('en'));
    put('epoch', epoch.toFixed(2));
    put('loss', smooth.loss.toFixed(4));
    put('accuracy', percent(smooth.accuracy));
    put('memory', `${(bytes / MIB).toFixed(1)} MiB`);
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

function whereOf(backend: Made['backend'], adapter: string, software: boolean, fallback: string | null): string {
  if (backend === 'webgpu') {
    const plain = `Trains by WebGPU on ${adapter}`;
    return software ? `${plain}. This is no GPU: the CPU plays one, and is slow at it.` : `${plain}.`;
  }
  const reason = fallback ? ` (${fallback})` : '';
  return `This browser gives the page no WebGPU${reason}: it trains by the CPU reference, which is slow.`;
}
