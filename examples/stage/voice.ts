/*
 * A voice that nobody has: a source, which is a buzz or a hiss, and the resonances of a mouth that shape it. Speech has been
 * made so since 1939. Source: Klatt 1980, "Software for a cascade/parallel formant synthesizer"; the vowels' resonances are
 * those of Peterson and Barney 1952.
 */

import type { Random } from '../../src/index.ts';

/** A piece of a word, and how the mouth is held in it. */
export interface Phone {
  readonly seconds: number;
  /** The first three resonances, in hertz. */
  readonly formants: readonly [number, number, number];
  /** How loud the buzz of the vocal folds is, and the hiss of air. */
  readonly buzz: number;
  readonly hiss: number;
  /** Where the hiss is loudest, in hertz. */
  readonly hissAt: number;
}

/** What makes one voice another. */
export interface Speaker {
  /** Of the vocal folds, in hertz. */
  readonly pitch: number;
  /** By how much the pitch falls from the first to the last of a word, as a share. */
  readonly fall: number;
  /** Factors: of resonances, which a long throat lowers, and of durations. */
  readonly formants: number;
  readonly pace: number;
}

const BANDWIDTHS = [90, 110, 150, 200] as const;
/** The fourth resonance, which hardly moves. */
const FOURTH = 3300;
const HISS_BANDWIDTH = 900;
/** Seconds in which the tongue, and the lips and folds, are two thirds of the way to where they go. */
const [TONGUE, LIPS] = [0.022, 0.007];

/** A second-order resonator: 1 at 0 Hz, a peak of some width at its frequency. Both may move while it sounds. */
class Resonance {
  readonly #rate: number;
  #last = 0;
  #before = 0;

  constructor(sampleRate: number) {
    this.#rate = sampleRate;
  }

  filter(sample: number, frequency: number, bandwidth: number): number {
    const radius = Math.exp((-Math.PI * bandwidth) / this.#rate);
    const turn = 2 * radius * Math.cos((2 * Math.PI * frequency) / this.#rate);
    const next = (1 - turn + radius * radius) * sample + turn * this.#last - radius * radius * this.#before;
    [this.#before, this.#last] = [this.#last, next];
    return next;
  }
}

/** Speaks a word: its phones one behind the other, the mouth on its way from each to the next. */
export function speak(phones: readonly Phone[], speaker: Speaker, sampleRate: number, random: Random): Float32Array {
  const lengths = phones.map(({ seconds }) => Math.round(seconds * speaker.pace * sampleRate));
  const spoken = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
  const mouth = BANDWIDTHS.map(() => new Resonance(sampleRate));
  const teeth = new Resonance(sampleRate);
  const [slow, fast] = [TONGUE, LIPS].map((seconds) => 1 - Math.exp(-1 / (seconds * sampleRate)));
  const formants = [...phones[0].formants, FOURTH];
  let [buzz, hiss, phase, at] = [0, 0, 0, 0];
  for (const [nth, phone] of phones.entries()) {
    for (const end = at + lengths[nth]; at < end; at++) {
      phone.formants.forEach((frequency, each) => (formants[each] += slow * (frequency - formants[each])));
      buzz += fast * (phone.buzz - buzz);
      hiss += fast * (phone.hiss - hiss);
      phase = (phase + (speaker.pitch * (1 - (speaker.fall * at) / spoken.length)) / sampleRate) % 1;
      // A word dies away.
      const source = buzz * (1 - 2 * phase) * Math.min(1, 2.5 * (1 - at / spoken.length));
      const voiced = mouth.reduce(
        (sound, resonance, each) => resonance.filter(sound, formants[each] * speaker.formants, BANDWIDTHS[each]),
        source,
      );
      const air = hiss > 1e-3 ? hiss * random.bell() : 0;
      spoken[at] = voiced + teeth.filter(air, phone.hissAt, HISS_BANDWIDTH);
    }
  }
  return spoken;
}
