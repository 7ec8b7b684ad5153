import { joinedBytes } from '../bytes.ts';
import { FormatError } from '../../core/errors.ts';
import { IMAGE, PLANE, requireLabels, type Labelled } from './form.ts';
import { firstOf, type Source } from '../fileSource.ts';

/** A label, and the image's three planes. */
const RECORD = 1 + IMAGE;

/** The files of the binary form. */
export const batchNames = {
  train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
  test: ['test_batch.bin'],
} as const;

/** The folder that the publisher's archive unpacks to. */
const FOLDER = 'cifar-10-batches-bin';

/** The names of a file of the binary form, which lies in the source itself or in the archive's folder. */
export const spellingsOf = (file: string): readonly string[] => [file, `${FOLDER}/${file}`];

/**
 * Reads a file of CIFAR-10's binary form: records of a label and 32 × 32 bytes each of red, green and blue.
 * @returns the images with their colours side by side, `[N, 32, 32, 3]`
 * @throws FormatError if the file does not consist of records; DataError naming a label beyond 9
 */
export function readBatch(file: string, bytes: Uint8Array): Labelled {
  const count = bytes.length / RECORD;
  if (count === 0 || !Number.isInteger(count)) {
    throw new FormatError(
      `[cifar10] ${file} has ${bytes.length} bytes, but consists of records of ${RECORD}, a label and 3 planes of ${PLANE}: it was cut short, or is another kind of file; get it again`,
    );
  }
  const labels = Uint8Array.from({ length: count }, (_, at) => bytes[at * RECORD]);
  requireLabels(file, labels);
  const pixels = new Uint8Array(count * IMAGE);
  for (let image = 0; image < count; image++) interleave(bytes, image * RECORD + 1, pixels, image * IMAGE);
  return { pixels, labels };
}

/** Three planes, from a place on, as pixels of three bytes, to a place on. */
function interleave(planes: Uint8Array, from: number, pixels: Uint8Array, to: number): void {
  for (let at = 0; at < PLANE; at++) {
    pixels[to + 3 * at] = planes[from + at];
    pixels[to + 3 * at + 1] = planes[from + PLANE + at];
    pixels[to + 3 * at + 2] = planes[from + 2 * PLANE + at];
  }
}

/** Files of the binary form, one behind the other. @throws FormatError naming the file that is missing or broken */
export async function readBatches(source: Source, names: readonly string[]): Promise<Labelled> {
  const batches: Labelled[] = [];
  for (const name of names) {
    const found = await firstOf(source, spellingsOf(name));
    if (!found) {
      throw new FormatError(
        `[cifar10] there is no ${name}: six files are needed, data_batch_1.bin … data_batch_5.bin and test_batch.bin`,
      );
    }
    batches.push(readBatch(name, found.bytes));
  }
  return {
    pixels: joinedBytes(batches.map(({ pixels }) => pixels)),
    labels: joinedBytes(batches.map(({ labels }) => labels)),
  };
}
