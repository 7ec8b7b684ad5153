import { Random } from '../../src/index.ts';
import { levelled, type Recording } from '../../src/data/index.ts';
import { speak, type Phone, type Speaker } from './voice.ts';

/** Samples a second, as real recordings of digits have them. */
export const SAMPLE_RATE = 8000;

/** The digits in words. */
export const digitNames = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'] as const;

const phone = (seconds: number, formants: Phone['formants'], buzz: number, hiss = 0, hissAt = 3000): Phone => ({
  seconds,
  formants,
  buzz,
  hiss,
  hissAt,
});

/** Vowels, and consonants as far as their kind goes. The letters are those of ARPAbet; a `q` is a mouth that is shut. */
const phones = {
  iy: phone(0.14, [270, 2290, 3010], 1),
  ih: phone(0.09, [390, 1990, 2550], 1),
  ey: phone(0.1, [480, 2080, 2600], 1),
  eh: phone(0.11, [530, 1840, 2480], 1),
  aa: phone(0.16, [730, 1090, 2440], 1),
  ah: phone(0.12, [640, 1190, 2390], 1),
  ax: phone(0.07, [500, 1400, 2400], 0.8),
  ao: phone(0.14, [560, 900, 2410], 1),
  ow: phone(0.13, [450, 900, 2300], 1),
  uw: phone(0.17, [300, 1050, 2240], 1),
  r: phone(0.1, [420, 1250, 1600], 0.8),
  w: phone(0.08, [300, 650, 2200], 0.6),
  n: phone(0.1, [260, 1500, 2500], 0.35),
  v: phone(0.07, [260, 1100, 2200], 0.3, 0.02, 2600),
  z: phone(0.09, [260, 1700, 2600], 0.25, 0.04, 3600),
  s: phone(0.15, [300, 1700, 2600], 0, 0.07, 3700),
  f: phone(0.11, [300, 1000, 2200], 0, 0.025, 2400),
  th: phone(0.1, [300, 1400, 2500], 0, 0.02, 2000),
  t: phone(0.04, [300, 1800, 2700], 0, 0.08, 3300),
  k: phone(0.04, [300, 1900, 2400], 0, 0.1, 1800),
  q: phone(0.07, [300, 1700, 2600], 0, 0),
} satisfies Record<string, Phone>;

const words: readonly (readonly (keyof typeof phones)[])[] = [
  ['z', 'ih', 'r', 'ow', 'uw'],
  ['w', 'ah', 'n'],
  ['t', 'uw'],
  ['th', 'r', 'iy'],
  ['f', 'ao', 'r'],
  ['f', 'aa', 'ih', 'v'],
  ['s', 'ih', 'q', 'k', 's'],
  ['s', 'eh', 'v', 'ax', 'n'],
  ['ey', 'ih', 'q', 't'],
  ['n', 'aa', 'ih', 'n'],
];

/** A voice by chance, deep or high, slow or quick. */
function speakerOf(random: Random): Speaker {
  const isHigh = random.uniform() < 0.5;
  return {
    pitch: isHigh ? random.uniform(160, 260) : random.uniform(85, 150),
    fall: random.uniform(-0.1, 0.35),
    formants: (isHigh ? 1.12 : 1) * random.uniform(0.85, 1.15),
    pace: random.uniform(0.7, 1.3),
  };
}

/** Nobody holds the mouth alike twice: factors of what a phone says. */
const loosely = (random: Random, { seconds, formants: [one, two, three], ...rest }: Phone): Phone => ({
  ...rest,
  seconds: seconds * random.uniform(0.7, 1.4),
  formants: [one * random.uniform(0.8, 1.2), two * random.uniform(0.85, 1.15), three * random.uniform(0.9, 1.1)],
});

/** As a microphone hears it: with treble or without, and in a room that is never quite still. */
function recorded(spoken: Float32Array, random: Random): Float32Array {
  const bass = random.uniform(-0.5, 0.95);
  const hum = 10 ** random.uniform(-3.5, -1.5);
  let last = 0;
  return spoken.map((sample) => {
    const heard = sample - bass * last + hum * random.bell();
    last = sample;
    return heard;
  });
}

/** Digits that nobody spoke, each by a voice of its own: so many, all digits alike often. */
export function spokenDigits(count: number, seed: number): Recording[] {
  return Array.from({ length: count }, (_, at): Recording => {
    const label = at % words.length;
    const random = new Random(seed, 'spoken digits', at);
    const speaker = speakerOf(random);
    const said = words[label].map((name) => loosely(random, phones[name]));
    const samples = levelled(recorded(speak(said, speaker, SAMPLE_RATE, random), random));
    return { name: `The page’s “${digitNames[label]}”`, samples, sampleRate: SAMPLE_RATE, label };
  });
}
