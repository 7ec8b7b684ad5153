import { DeviceError } from '../core/errors.ts';
import { megabytes } from '../core/textFormat.ts';

/** What begins there begins a line of a CPU's cache. */
const ALIGNMENT = 64;
const PAGE = 65_536;
/** WebAssembly's 32-bit addresses. */
const MOST_BYTES = 2 ** 32 - PAGE;

/** A range of memory, in bytes. */
export interface Block {
  readonly at: number;
  readonly size: number;
}

/** Ranges of one WebAssembly memory, which grows as they are asked for. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  /** In the order of their addresses; no two touch. */
  #free: Block[] = [];
  #end: number;
  #used = 0;

  /** @param start the first byte that is nobody's */
  constructor(memory: WebAssembly.Memory, start: number) {
    this.memory = memory;
    this.#end = Math.ceil(start / ALIGNMENT) * ALIGNMENT;
  }

  /** @throws DeviceError where there is no room */
  allocate(what: string, bytes: number): Block {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    const at = this.#free.findIndex((block) => block.size >= size);
    const block = at < 0 ? this.#grow(what, size) : this.#cut(at, size);
    this.#used += size;
    return block;
  }

  #cut(index: number, size: number): Block {
    const { at, size: whole } = this.#free[index];
    const rest = whole > size ? [{ at: at + size, size: whole - size }] : [];
    this.#free.splice(index, 1, ...rest);
    return { at, size };
  }

  #grow(what: string, size: number): Block {
    // What is free at the end is the beginning of what is asked for.
    const last = this.#free.at(-1);
    const isLast = last !== undefined && last.at + last.size === this.#end;
    const at = isLast ? last.at : this.#end;
    const missing = Math.ceil((at + size - this.memory.buffer.byteLength) / PAGE);
    if (at + size > MOST_BYTES) {
      throw this.#noRoom(what, size, `it has ${megabytes(MOST_BYTES)} at most`);
    }
    if (missing > 0) {
      try {
        this.memory.grow(missing);
      } catch (error) {
        throw this.#noRoom(what, size, (error as Error).message);
      }
    }
    if (isLast) this.#free.pop();
    this.#end = at + size;
    return { at, size };
  }

  #noRoom(what: string, bytes: number, why: string): DeviceError {
    return new DeviceError(
      `[memory] WebAssembly has no room for "${what}", ${megabytes(bytes)} beside ${megabytes(this.#used)} in use (${why}): use a smaller batch or model, train from an iterable of batches, or pass backend: 'webgpu' or 'cpu'`,
    );
  }

  free({ at, size }: Block): void {
    this.#used -= size;
    const blocks = [...this.#free, { at, size }].sort((a, b) => a.at - b.at);
    this.#free = [];
    for (const block of blocks) {
      const last = this.#free.at(-1);
      if (last && last.at + last.size === block.at) {
        this.#free.splice(-1, 1, { at: last.at, size: last.size + block.size });
      } else this.#free.push(block);
    }
  }
}
