import { dataset, type Dataset } from '../../src/index.ts';

type Digits = Dataset<'image' | 'label'>;

const CLASSES = 10;

/** The images of some digits alone. */
export function digitsOf({ length, fields: { image, label } }: Digits, digits: readonly number[]): Digits {
  const kept = Array.from({ length }, (_, at) => at).filter((at) => digits.includes(label.data[at]));
  const size = image.data.length / length;
  const pixels = new Uint8Array(kept.length * size);
  kept.forEach((from, to) => pixels.set(image.data.subarray(from * size, (from + 1) * size), to * size));
  const labels = Uint8Array.from(kept, (at) => label.data[at]);
  return dataset({ image: { data: pixels, shape: image.shape }, label: labels });
}

/** Of each digit's images, the share that is read right. @param logits `[N, 10]` */
export function rightByDigit(logits: ArrayLike<number>, { length, fields: { label } }: Digits): number[] {
  const [right, all] = [new Float64Array(CLASSES), new Float64Array(CLASSES)];
  for (let at = 0; at < length; at++) {
    const scores = Array.from({ length: CLASSES }, (_, digit) => logits[at * CLASSES + digit]);
    const digit = label.data[at];
    all[digit]++;
    if (scores.indexOf(Math.max(...scores)) === digit) right[digit]++;
  }
  return Array.from(right, (count, digit) => count / all[digit]);
}
