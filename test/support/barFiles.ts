// Four files as MNIST has them, of images that are quickly learned.

interface ChosenFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

const SIDE = 28;
const CLASSES = 10;

/** Images of 28 × 28 with a bar at the label's height, and their labels, the files of training before those of t10k. */
export function barFiles(train: number, test: number): readonly ChosenFile[] {
  return [...half('train', train), ...half('t10k', test)];
}

function half(name: string, length: number): readonly ChosenFile[] {
  const images = Buffer.alloc(length * SIDE * SIDE);
  const labels = Buffer.from(Array.from({ length }, (_, at) => at % CLASSES));
  labels.forEach((label, at) => images.fill(255, (at * SIDE + 2 * label) * SIDE, (at * SIDE + 2 * label + 2) * SIDE));
  return [
    { name: `${name}-images-idx3-ubyte`, mimeType: '', buffer: idx([length, SIDE, SIDE], images) },
    { name: `${name}-labels-idx1-ubyte`, mimeType: '', buffer: idx([length], labels) },
  ];
}

function idx(shape: readonly number[], bytes: Buffer): Buffer {
  const header = Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((extent) => [0, 0, extent >> 8, extent & 255])]);
  return Buffer.concat([header, bytes]);
}
