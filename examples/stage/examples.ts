import { Random } from '../../src/core/random.ts';

/** Of a class at most: the oldest are forgotten. Every so many is held out, to judge by. */
const [MOST, ONE_IN] = [300, 5];

/** What was seen of a class. */
interface Example {
  readonly seen: Float32Array;
  readonly label: number;
}

const seenIn = (examples: readonly Example[]): Float32Array =>
  Float32Array.from(examples.flatMap(({ seen }) => [...seen]));

/** Examples of some classes, those to learn from and those held out. */
export class Examples {
  readonly #random = new Random(1, 'batches');
  readonly #counts: number[];
  readonly #learned: Example[][];
  readonly #held: Example[][];

  constructor(classes: number) {
    this.#counts = Array.from({ length: classes }, () => 0);
    this.#learned = Array.from({ length: classes }, () => []);
    this.#held = Array.from({ length: classes }, () => []);
  }

  /** How many were taken of each class. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  /** Whether there is something to tell apart. */
  get areSeveral(): boolean {
    return this.#learned.filter((examples) => examples.length > 0).length > 1;
  }

  add(label: number, seen: Float32Array): void {
    const isHeld = this.#counts[label]++ % ONE_IN === ONE_IN - 1;
    const examples = (isHeld ? this.#held : this.#learned)[label];
    examples.push({ seen, label });
    if (examples.length > MOST) examples.shift();
  }

  /** So many samples each, in which each class has the same share, however long it was shown. */
  *batches(samples: number): Generator<{ readonly seen: Float32Array; readonly label: number[] }> {
    const classes = this.#learned.filter((examples) => examples.length > 0);
    for (;;) {
      const batch = Array.from({ length: samples }, (_, at) => {
        const examples = classes[at % classes.length];
        return examples[Math.floor(this.#random.uniform(0, examples.length))];
      });
      yield { seen: seenIn(batch), label: batch.map(({ label }) => label) };
    }
  }

  /** Those held out. */
  get held(): { readonly seen: Float32Array; readonly labels: readonly number[] } {
    const all = this.#held.flat();
    return { seen: seenIn(all), labels: all.map(({ label }) => label) };
  }
}
