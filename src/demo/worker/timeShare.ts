/** How often something may be done that is to take no more than a share of the time. */
export class TimeShare {
  readonly #share: number;
  readonly #least: number;
  #next = 0;

  constructor(share: number, least = 0) {
    this.#share = share;
    this.#least = least;
  }

  /** Does the work if it is due, or at once. */
  async take(atOnce: boolean, work: () => Promise<void>): Promise<void> {
    const begun = performance.now();
    if (!atOnce && begun < this.#next) return;
    await work();
    const ended = performance.now();
    this.#next = ended + Math.max(this.#least, (ended - begun) * (1 / this.#share - 1));
  }
}
