import type { Random } from '../../src/core/random.ts';
import { Lens } from './lens.ts';
import { find, show } from './page.ts';
import { SIDE } from './sight.ts';

/** Pixels of the sheet's side, and a pen's width and a step of the arrow keys there. */
const [SHEET, PEN, KEY_STEP] = [256, 24, 12];
const PAPER = '#f4f1ea';
/** Of the side: how far a picture that is varied lies beside the whole one. */
const SHIFT = 1 / 8;

type Place = readonly [x: number, y: number];

/** What a page looks at: a camera, or a sheet that is drawn on, by pointer or arrow keys, and that takes pictures. */
export class Eye {
  readonly #canvas = find('sheet', HTMLCanvasElement);
  readonly #context: CanvasRenderingContext2D;
  /** What is seen of it: so many pixels as the network has. */
  readonly #seen: CanvasRenderingContext2D;
  readonly #button = find('camera', HTMLButtonElement);
  #lens: Lens | undefined;
  #pen: Place = [SHEET / 2, SHEET / 2];
  #isNew = true;

  constructor() {
    Object.assign(this.#canvas, { width: SHEET, height: SHEET });
    this.#context = this.#canvas.getContext('2d', { willReadFrequently: true })!;
    this.#seen = Object.assign(find('seen', HTMLCanvasElement), { width: SIDE, height: SIDE }).getContext('2d', {
      willReadFrequently: true,
    })!;
    this.#clear();
    this.#button.addEventListener('click', () => void this.#attempt(() => this.#toggle()));
    find('clear', HTMLButtonElement).addEventListener('click', () => {
      this.#close();
      this.#clear();
    });
    this.#listenToPen();
    this.#listenToFiles();
  }

  /** Whether what it looks at is other than when it was last asked. */
  takeNew(): boolean {
    const isNew = this.#lens?.draw(this.#context, SHEET) || this.#isNew;
    this.#isNew = false;
    return isNew;
  }

  /** u8[SIDE, SIDE, 3]: what is seen. @param by if given, it is shifted a little, and mirrored or not, another way each time */
  pixels(by?: Random): Uint8Array {
    const shift = (): number => (by ? SIDE * by.uniform(-SHIFT, SHIFT) : 0);
    const context = this.#seen;
    context.save();
    context.imageSmoothingQuality = 'high';
    // What a shift leaves free shows what lies below: the picture in its place.
    context.drawImage(this.#canvas, 0, 0, SIDE, SIDE);
    if (by && by.uniform(0, 1) < 0.5) context.transform(-1, 0, 0, 1, SIDE, 0);
    context.drawImage(this.#canvas, shift(), shift(), SIDE, SIDE);
    context.restore();
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, at) => data[4 * Math.floor(at / 3) + (at % 3)]);
  }

  #say(text: string, isWrong = false): void {
    show('eye', text);
    find('eye', HTMLElement).classList.toggle('wrong', isWrong);
  }

  async #attempt(task: () => Promise<void>): Promise<void> {
    await task().catch((error: unknown) => this.#say(error instanceof Error ? error.message : String(error), true));
  }

  async #toggle(): Promise<void> {
    if (this.#lens) return this.#close();
    this.#button.disabled = true;
    this.#say('Waits for the camera …');
    try {
      this.#lens = await Lens.open(() => {
        this.#close();
        this.#say('The camera is gone: use it again, or draw, or open a picture.', true);
      });
      this.#button.textContent = 'Stop the camera';
      this.#say('What the camera sees stays in this page.');
    } finally {
      this.#button.disabled = false;
    }
  }

  /** What it saw last stays on the sheet. */
  #close(): void {
    this.#lens?.close();
    this.#lens = undefined;
    this.#button.textContent = 'Use the camera';
    this.#say('');
  }

  #clear(): void {
    this.#context.fillStyle = PAPER;
    this.#context.fillRect(0, 0, SHEET, SHEET);
    this.#isNew = true;
  }

  #listenToPen(): void {
    const canvas = this.#canvas;
    const placeOf = ({ offsetX, offsetY }: PointerEvent): Place => [
      (SHEET * offsetX) / canvas.clientWidth,
      (SHEET * offsetY) / canvas.clientHeight,
    ];
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#pen = placeOf(event);
      this.#drawTo(this.#pen);
    });
    canvas.addEventListener('pointermove', (event) => event.buttons > 0 && this.#drawTo(placeOf(event)));
    canvas.addEventListener('keydown', (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const [x, y] = this.#pen.map((at, axis) => Math.min(SHEET, Math.max(0, at + KEY_STEP * way[axis])));
      this.#drawTo([x, y]);
    });
  }

  /** A stroke from where the pen is. Who draws looks at the sheet. */
  #drawTo([x, y]: Place): void {
    if (this.#lens) this.#close();
    const context = this.#context;
    context.strokeStyle = find('ink', HTMLInputElement).value;
    Object.assign(context, { lineWidth: PEN, lineCap: 'round' });
    context.beginPath();
    context.moveTo(...this.#pen);
    context.lineTo(x, y);
    context.stroke();
    this.#pen = [x, y];
    this.#isNew = true;
  }

  #listenToFiles(): void {
    const chooser = find('files', HTMLInputElement);
    const take = (files: FileList | null | undefined): void => {
      const [file] = files ?? [];
      if (file) void this.#attempt(() => this.#take(file));
    };
    chooser.addEventListener('change', () => take(chooser.files));
    document.addEventListener('dragover', (event) => event.preventDefault());
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      take(event.dataTransfer?.files);
    });
    document.addEventListener('paste', ({ clipboardData }) => take(clipboardData?.files));
  }

  /** Lays the largest square of a picture's middle on the sheet. */
  async #take(file: File): Promise<void> {
    const picture = await createImageBitmap(file).catch((cause: unknown) => {
      throw new Error(`${file.name} is no picture that this browser can read: what is seen stays.`, { cause });
    });
    this.#close();
    this.#clear();
    const { width, height } = picture;
    const extent = Math.min(width, height);
    this.#context.imageSmoothingQuality = 'high';
    this.#context.drawImage(picture, (width - extent) / 2, (height - extent) / 2, extent, extent, 0, 0, SHEET, SHEET);
    picture.close();
    this.#say(`Sees ${file.name}. It stays on your computer.`);
  }
}
