/*
 * Runs in the audio thread, and hands on to the page what the microphone hears, as it comes. That scope's types are in none
 * of TypeScript's libraries.
 */

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  /** @returns whether it is to be called again */
  abstract process(inputs: readonly (readonly Float32Array[])[]): boolean;
}

declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class MicrophoneTap extends AudioWorkletProcessor {
  process([[samples]]: readonly (readonly Float32Array[])[]): boolean {
    // The engine fills the same memory again.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port is no window
    if (samples) this.port.postMessage(samples.slice());
    return true;
  }
}

registerProcessor('microphone-tap', MicrophoneTap);
