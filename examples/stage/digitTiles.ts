import { take, type Dataset } from '../../src/index.ts';
import { find } from './page.ts';

const SIDE = 28;
const CLASSES = 10;

/** Some images of digits, each with what a network reads there. */
export class DigitTiles {
  readonly #list: HTMLElement;
  readonly #count: number;
  /** The images to ask the network about. */
  digits: Dataset | undefined;

  /** @param id of the list that it fills */
  constructor(id: string, count: number) {
    this.#list = find(id, HTMLElement);
    this.#count = count;
  }

  /** Takes the first images of a set: its fields are `image` and `label`. */
  lay(data: Dataset): Dataset {
    this.digits = take(data, 0, this.#count);
    const { image, label } = this.digits.fields;
    const tiles = Array.from({ length: this.digits.length }, (_, i) => {
      const tile = document.createElement('li');
      const pixels = image.data.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
      tile.append(pictureOf(pixels, label.data[i]), document.createElement('span'));
      return tile;
    });
    this.#list.replaceChildren(...tiles);
    return this.digits;
  }

  /** @param logits `[N, 10]` of the images that were laid */
  read(logits: ArrayLike<number>): void {
    const { data: labels } = this.digits!.fields['label'];
    [...this.#list.children].forEach((tile, i) => {
      const scores = Array.from({ length: CLASSES }, (_, digit) => logits[i * CLASSES + digit]);
      const largest = Math.max(...scores);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
      const answer = scores.indexOf(largest);
      tile.classList.toggle('wrong', answer !== labels[i]);
      tile.lastElementChild!.textContent = `${answer} · ${(100 / total).toFixed(0)} %`;
    });
  }
}

function pictureOf(pixels: ArrayLike<number>, digit: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: SIDE, height: SIDE, role: 'img', ariaLabel: `A handwritten ${digit}` });
  const image = new ImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) image.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}
