import { find, restart, show } from './page.ts';

const SIDE = 96;

/** A square picture, drawn by code until the visitor gives one, as a file, dropped or pasted. */
export class GivenPicture {
  readonly #context: CanvasRenderingContext2D;

  constructor(canvas: HTMLCanvasElement) {
    Object.assign(canvas, { width: SIDE, height: SIDE });
    this.#context = canvas.getContext('2d', { willReadFrequently: true })!;
    drawHarbour(this.#context);
    const files = find('files', HTMLInputElement);
    files.addEventListener('change', () => void this.#take(files.files?.[0]));
    document.addEventListener('dragover', (event) => event.preventDefault());
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      void this.#take(event.dataTransfer?.files[0]);
    });
    document.addEventListener('paste', ({ clipboardData }) => void this.#take(clipboardData?.files[0]));
    find('harbour', HTMLButtonElement).addEventListener('click', () => {
      files.value = '';
      drawHarbour(this.#context);
      show('origin', '');
      restart();
    });
  }

  /** f32[N, 2]: the middle of each pixel, in 0 … 1, to the right and down; and f32[N, 3]: its red, green and blue, in 0 … 1. */
  pixels(): { readonly places: Float32Array; readonly colors: Float32Array } {
    const { data } = this.#context.getImageData(0, 0, SIDE, SIDE);
    const pixels = SIDE * SIDE;
    return {
      places: Float32Array.from(
        { length: 2 * pixels },
        (_, i) => (((i & 1) === 0 ? (i >> 1) % SIDE : Math.floor((i >> 1) / SIDE)) + 0.5) / SIDE,
      ),
      colors: Float32Array.from({ length: 3 * pixels }, (_, i) => data[4 * Math.floor(i / 3) + (i % 3)] / 255),
    };
  }

  async #take(file: File | undefined): Promise<void> {
    if (!file) return;
    const picture = await createImageBitmap(file).catch(() => undefined);
    find('origin', HTMLElement).classList.toggle('wrong', !picture);
    if (!picture) return show('origin', `${file.name} is no picture that this browser can read: the one before stays.`);
    // The largest square in its middle; what shines through is white.
    const { width, height } = picture;
    const extent = Math.min(width, height);
    this.#context.fillStyle = 'white';
    this.#context.fillRect(0, 0, SIDE, SIDE);
    this.#context.imageSmoothingQuality = 'high';
    this.#context.drawImage(picture, (width - extent) / 2, (height - extent) / 2, extent, extent, 0, 0, SIDE, SIDE);
    picture.close();
    show('origin', `Learns ${file.name}, made ${SIDE} × ${SIDE} pixels. It stays on your computer.`);
    restart();
  }
}

/** A boat before the evening sun: soft colours, and edges that a small network finds hard. */
function drawHarbour(context: CanvasRenderingContext2D): void {
  const gradient = (from: number, to: number, ...colors: readonly string[]): CanvasGradient => {
    const made = context.createLinearGradient(0, from, 0, to);
    colors.forEach((color, at) => made.addColorStop(at / (colors.length - 1), color));
    return made;
  };
  const shape = (color: string | CanvasGradient, ...points: readonly number[]): void => {
    context.fillStyle = color;
    context.beginPath();
    for (let i = 0; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
    context.fill();
  };
  shape(gradient(0, 60, '#243b6b', '#c75f6b', '#f6c26b'), 0, 0, 96, 0, 96, 60, 0, 60);
  context.fillStyle = '#fff3c4';
  context.beginPath();
  context.arc(66, 44, 11, 0, 2 * Math.PI);
  context.fill();
  shape('#5b3a63', 0, 60, 0, 46, 14, 36, 26, 48, 40, 40, 58, 60);
  shape('#402a52', 60, 60, 78, 50, 88, 42, 96, 47, 96, 60);
  shape(gradient(60, 96, '#d98a6a', '#2b3f6f', '#16244a'), 0, 60, 96, 60, 96, 96, 0, 96);
  for (let i = 0; i < 7; i++) {
    context.fillStyle = '#ffe3a0';
    context.fillRect(58 + ((i * 5) % 7) - 3, 62 + 4.5 * i, 20 - 2 * i, 1.5);
  }
  shape('#f4efe6', 30, 34, 30, 72, 12, 72);
  shape('#d8452f', 33, 42, 33, 72, 46, 72);
  shape('#23160f', 8, 75, 50, 75, 44, 84, 15, 84);
}
