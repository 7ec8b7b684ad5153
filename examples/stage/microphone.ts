import { nextFrame } from './page.ts';
import tapAddress from './microphoneTap.ts?worker&url';

/** What was recorded so far. */
export interface Recorded {
  readonly samples: Float32Array;
  readonly sampleRate: number;
}

/** What a browser says of a microphone that is not to be had, and what to do. */
const reasons: Readonly<Record<string, string>> = {
  NotAllowedError: 'The microphone is not allowed here: allow it beside the page’s address, or open a WAV file.',
  NotFoundError: 'There is no microphone: connect one, or open a WAV file.',
  NotReadableError: 'Another program has the microphone: close it there, or open a WAV file.',
};

/** Loudness, echo and noise are left as they are: what calls mend, a net learns to live with. */
const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** @throws Error in words for visitors */
async function openMicrophone(): Promise<MediaStream> {
  // Pages without a secure address have none.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices)
    throw new Error('This page may not ask for a microphone, as it does not come by https: open a WAV file.');
  return devices.getUserMedia({ audio: plain }).catch((cause: Error) => {
    throw new Error(reasons[cause.name] ?? `The microphone does not open: ${cause.message}.`, { cause });
  });
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/**
 * Records until it is told to stop, or for some seconds, and gives at each turn all that came so far.
 * @throws Error in words for visitors where there is no microphone
 */
export async function* record(seconds: number, stop: AbortSignal): AsyncGenerator<Recorded> {
  const stream = await openMicrophone();
  const context = new AudioContext();
  try {
    await context.audioWorklet.addModule(tapAddress);
    const tap = new AudioWorkletNode(context, 'microphone-tap', { numberOfOutputs: 0 });
    const parts: Float32Array[] = [];
    tap.port.addEventListener('message', ({ data }: MessageEvent<Float32Array>) => parts.push(data));
    tap.port.start();
    context.createMediaStreamSource(stream).connect(tap);
    const { sampleRate } = context;
    const end = performance.now() + 1000 * seconds;
    while (!stop.aborted && performance.now() < end) {
      await nextFrame();
      if (parts.length > 0) yield { samples: joined(parts), sampleRate };
    }
  } finally {
    for (const track of stream.getTracks()) track.stop();
    await context.close();
  }
}
