import type { Command, Happening } from '../protocol.ts';
import { Session } from './session.ts';

/** Of a worker, which this page's types do not know. */
const scope = globalThis as unknown as {
  postMessage(message: Happening, transfer: Transferable[]): void;
};

const session = new Session((happening, buffers = []) => scope.postMessage(happening, buffers));
addEventListener('message', ({ data }: MessageEvent<Command>) => session.receive(data));
