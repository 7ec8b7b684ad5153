/** Numbers by step, of any length: when there are too many, neighbours become their mean. */
export class History {
  readonly #most: number;
  #stride = 1;
  #steps: number[] = [];
  #values: number[] = [];
  #sum = 0;
  #count = 0;

  /** @param most points that are kept at most */
  constructor(most = 800) {
    this.#most = most;
  }

  get steps(): readonly number[] {
    return this.#steps;
  }

  get values(): readonly number[] {
    return this.#values;
  }

  /** @param step above that of the value before */
  push(step: number, value: number): void {
    this.#sum += value;
    if (++this.#count < this.#stride) return;
    this.#steps.push(step);
    this.#values.push(this.#sum / this.#count);
    this.#sum = this.#count = 0;
    if (this.#steps.length < this.#most) return;
    const pairs = this.#most >> 1;
    this.#values = Array.from({ length: pairs }, (_, i) => (this.#values[2 * i] + this.#values[2 * i + 1]) / 2);
    this.#steps = Array.from({ length: pairs }, (_, i) => this.#steps[2 * i + 1]);
    this.#stride *= 2;
  }

  clear(): void {
    this.#steps = [];
    this.#values = [];
    this.#stride = 1;
    this.#sum = this.#count = 0;
  }
}
