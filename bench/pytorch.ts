// PyTorch on the same card, in the same run: a Python process takes its turn with the other peers.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unavailable, type Job, type Peer, type PeerEntry } from './peers/peer.ts';
import type { Inputs, Work } from './work.ts';

import script from './peers/pytorch.py?raw';

interface Answer {
  readonly bytes: number;
  readonly error?: string;
  readonly version?: string;
}

const modes = ['eager', 'compile', 'cuda graph'] as const;

/** A Python process that answers one request after the other: a line of JSON, then the bytes that it announces. */
class Python {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #chunks: AsyncIterator<Buffer>;
  #read = Buffer.alloc(0);
  #complaints = '';
  #jobs = 0;
  readonly version: Promise<string>;

  constructor(command: string) {
    // As a file: torch.compile may look for the source of what it compiles.
    const path = join(mkdtempSync(join(tmpdir(), 'millrace-bench-')), 'pytorch.py');
    writeFileSync(path, script);
    this.#process = spawn(command, [path, '--serve']);
    this.#process.on('error', (error) => (this.#complaints += error.message));
    this.#process.stdin.on('error', () => {});
    this.#process.stderr.on('data', (text: Buffer) => (this.#complaints += text.toString()));
    this.#chunks = this.#process.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.version = this.#answer().then(({ answer }) => answer.version!);
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new Unavailable(this.#complaints.trim().split('\n').at(-1) || 'Python ended');
    this.#read = Buffer.concat([this.#read, value]);
  }

  async #take(size: number): Promise<Buffer> {
    while (this.#read.length < size) await this.#more();
    const taken = this.#read.subarray(0, size);
    this.#read = this.#read.subarray(size);
    return taken;
  }

  async #answer(): Promise<{ answer: Answer; numbers: Buffer }> {
    while (!this.#read.includes('\n')) await this.#more();
    const answer = JSON.parse((await this.#take(this.#read.indexOf('\n') + 1)).toString()) as Answer;
    if (answer.error) throw new Error(answer.error);
    return { answer, numbers: await this.#take(answer.bytes) };
  }

  async #ask(request: object, arrays: readonly (Float32Array | Uint8Array)[] = []): Promise<Buffer> {
    const sizes = arrays.map(({ byteLength }) => byteLength);
    this.#process.stdin.write(`${JSON.stringify({ ...request, sizes })}\n`);
    for (const { buffer, byteOffset, byteLength } of arrays) {
      this.#process.stdin.write(new Uint8Array(buffer, byteOffset, byteLength));
    }
    return (await this.#answer()).numbers;
  }

  async prepare(mode: string, work: Work, { arrays, images, labels }: Inputs): Promise<Job> {
    const job = this.#jobs++;
    const ask = (request: object) => this.#ask({ ...request, job });
    await this.#ask({ do: 'prepare', job, mode, work }, [...arrays, images, labels]);
    return {
      async result() {
        return new Float32Array(Uint8Array.from(await ask({ do: 'result' })).buffer);
      },
      run: async (times) => void (await ask({ do: 'run', times })),
      destroy: async () => void (await ask({ do: 'destroy' })),
    };
  }
}

/** @param command a Python that has PyTorch */
export function pytorchPeers(command: string): PeerEntry[] {
  let python: Python | undefined;
  return modes.map((mode) => {
    const name = `PyTorch ${mode}`;
    const open = async (): Promise<Peer> => {
      const one = (python ??= new Python(command));
      return { name, version: await one.version, prepare: (work, inputs) => one.prepare(mode, work, inputs) };
    };
    return { name, open };
  });
}
