import { take, type Dataset } from '../../index.ts';
import type { Halves } from './images.ts';

const WHITE = 255;

/** The images of a set, one of which is followed, and others shown when somebody asks for one. */
export class Album {
  readonly halves: Halves;
  #followed = 0;
  #shown = 0;

  /** @param digit the first test image of it is followed */
  constructor(halves: Halves, digit: number) {
    this.halves = halves;
    this.follow(digit, false);
  }

  /** The followed image, a set of one. */
  get followed(): Dataset {
    return take(this.halves.test, this.#followed, this.#followed + 1);
  }

  /** @param another whether the next image of the digit is meant, all around, or the first one */
  follow(digit: number, another: boolean): void {
    const labels = this.halves.test.fields['label'].data;
    const from = another ? this.#followed + 1 : 0;
    for (let i = 0; i < labels.length; i++) {
      const at = (from + i) % labels.length;
      if (labels[at] !== digit) continue;
      this.#followed = at;
      return;
    }
  }

  /** One test image after the other, f32[28, 28] of 0 … 1. */
  next(): Float32Array {
    const { test } = this.halves;
    const { data } = take(test, this.#shown, this.#shown + 1).fields['image'];
    this.#shown = (this.#shown + 1) % test.length;
    return Float32Array.from(data, (value) => value / WHITE);
  }
}
