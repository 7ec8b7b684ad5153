// What it takes to produce the errors of docs/errors.md.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';

/** The beginning of an entry, and what produces it: by throwing, or by giving back what was printed. */
export type Case = readonly [entry: string, provoke: () => unknown];

/** What a message was thrown as, or that it was printed. */
export interface Produced {
  readonly kind: string;
  readonly message: string;
}

export async function produce(provoke: () => unknown): Promise<Produced> {
  try {
    return { kind: 'printed', message: String(await provoke()).trimEnd() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { kind: error.name, message: error.message };
  }
}

/** Work with a folder of its own. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-errors-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface World {
  readonly globals?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Work in a world in which some globals and variables of the environment are others. */
export async function withGlobals<T>({ globals = {}, env = {} }: World, work: () => Promise<T>): Promise<T> {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    return await work();
  } finally {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
  }
}

/** What work prints as it fails. */
export async function printedBy(work: () => Promise<unknown>): Promise<string> {
  let text = '';
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((piece) => {
    text += String(piece);
    return true;
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  return text;
}
