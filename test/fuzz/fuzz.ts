import { Random } from '../../src/core/random.ts';
import { Allocations } from './allocations.ts';
import { fileOf, type Reader } from './readers.ts';

/** What came of many files. */
export interface Figures {
  readonly reader: string;
  readonly seed: number;
  readonly inputs: number;
  /** Files that were read; the others were refused. */
  readonly read: number;
  /** Of all files. */
  readonly bytes: number;
  readonly seconds: number;
  /** The most room that was made for a byte, without the constant. */
  readonly mostRoom: number;
  /** Of the file that took longest for its size, milliseconds for each KiB; no file counts as less than one. */
  readonly slowest: number;
}

const ROOM = 4096;
const KIB = 1024;
/** Files between two turns of the event loop. */
const TURN = 1000;

/** @throws Error that names the file by its number, if it ends otherwise than in a result or an error of the reader's own */
export async function fuzz(reader: Reader, seed: number, inputs: number): Promise<Figures> {
  const allocations = new Allocations();
  let [read, bytes, mostRoom, slowest] = [0, 0, 0, 0];
  const begun = performance.now();
  try {
    for (let number = 0; number < inputs; number++) {
      // Who runs this wants to know that it still does.
      if (number % TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      const random = new Random(seed, reader.name, number);
      const file = fileOf(reader, random);
      const told = (what: string, cause?: unknown): Error =>
        new Error(`${reader.name}, seed ${seed}, file ${number} of ${file.length} bytes: ${what}`, { cause });
      bytes += file.length;
      allocations.bytes = 0;
      const start = performance.now();
      try {
        await reader.read(file);
        read++;
      } catch (error) {
        if (!reader.isOwn(error)) throw told(String(error), error);
      }
      const room = (allocations.bytes - (reader.room ?? ROOM)) / Math.max(1, file.length);
      if (room > reader.factor) throw told(`made room for ${allocations.bytes} bytes`);
      mostRoom = Math.max(mostRoom, room);
      slowest = Math.max(slowest, (performance.now() - start) / Math.max(1, file.length / KIB));
    }
  } finally {
    allocations.restore();
  }
  const seconds = (performance.now() - begun) / 1000;
  return { reader: reader.name, seed, inputs, read, bytes, seconds, mostRoom, slowest };
}
