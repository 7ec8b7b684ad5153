/** What a picture may take: below it there is more of it next time, above it less. */
const [FAST_MS, SLOW_MS] = [50, 300];

/** How much of something is drawn at once: as much as a device has time for, be it a card or a CPU that plays one. */
export class Affordable {
  readonly #amounts: readonly number[];
  #chosen = 1;

  /** @param amounts from the least */
  constructor(amounts: readonly number[]) {
    this.#amounts = amounts;
  }

  /** Draws so much, and waits for the device to have done it. @returns how much it was */
  async draw(device: GPUDevice, submit: (amount: number) => void): Promise<number> {
    const amount = this.#amounts[this.#chosen];
    const begun = performance.now();
    submit(amount);
    await device.queue.onSubmittedWorkDone();
    const took = performance.now() - begun;
    if (took < FAST_MS) this.#chosen = Math.min(this.#chosen + 1, this.#amounts.length - 1);
    else if (took > SLOW_MS) this.#chosen = Math.max(this.#chosen - 1, 0);
    return amount;
  }
}
