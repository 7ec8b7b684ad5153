import type { Store } from './fileStore.ts';

/** A file on its way: its first bytes are here, and in the store for a run that comes after this one was cut. */
export class Incoming {
  readonly bytes: Uint8Array;
  /** How many of them have come. */
  length = 0;
  /** The most that have ever come. */
  furthest = 0;
  /** The strong one of this mirror's last answer. */
  etag: string | null = null;
  /** Whether the first bytes are of another run or mirror, so that a wrong sum may be their fault. */
  borrowed = false;
  readonly #store: Store | null;
  readonly #part: string;
  readonly #arrived: (length: number) => void;

  constructor(name: string, size: number, store: Store | null, arrived: (length: number) => void) {
    this.bytes = new Uint8Array(size);
    this.#store = store;
    this.#part = `${name}.part`;
    this.#arrived = arrived;
  }

  get whole(): boolean {
    return this.length === this.bytes.length;
  }

  /** Takes up what an earlier run left. */
  async resume(): Promise<void> {
    const part = await this.#store?.read(this.#part);
    if (!part) return;
    if (part.length > this.bytes.length) return this.discardPart();
    this.bytes.set(part);
    this.#grow(part.length);
  }

  /** What comes from now on is another mirror's than what is here. */
  changeMirror(): void {
    this.etag = null;
    this.borrowed = this.length > 0;
  }

  /** @returns false if the file would become longer than it is */
  async push(piece: Uint8Array): Promise<boolean> {
    const at = this.length;
    if (at + piece.length > this.bytes.length) return false;
    this.bytes.set(piece, at);
    this.#grow(at + piece.length);
    // At its place, not at the end: two processes that load the same file write the same bytes.
    await this.#store?.extend?.(this.#part, piece, at).catch(() => undefined);
    return true;
  }

  /** Throws away what has come. */
  async restart(): Promise<void> {
    this.length = 0;
    this.etag = null;
    this.borrowed = false;
    await this.discardPart();
  }

  async discardPart(): Promise<void> {
    await this.#store?.remove(this.#part).catch(() => undefined);
  }

  #grow(length: number): void {
    this.length = length;
    this.furthest = Math.max(this.furthest, length);
    this.#arrived(length);
  }
}
