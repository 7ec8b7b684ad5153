import { Drawing, type Point } from './drawing.ts';
import { paintDigit } from './digitImage.ts';
import { wholePercent } from './wholePercent.ts';

/** What a pad may have besides. */
export interface PadOptions {
  /** The visitor wants a digit to look at instead of drawing one: `set` shows it. */
  readonly onExample?: () => void;
}

/** Width of the pen that the visitor sees, in parts of the pad. */
const PEN = 0.07;

const INVITATION = 'Draw a digit from 0 to 9.';
const UNREAD = 'Not read yet.';

const markup = `
  <figure class="pad-paper">
    <canvas class="square" role="img" aria-label="Pad to draw a digit on, with a mouse, a finger or a pen"></canvas>
    <span class="pad-buttons">
      <button type="button" data-part="clear">Clear</button>
      <button type="button" data-part="example">A test digit</button>
    </span>
  </figure>
  <div class="pad-reading">
    <p class="pad-answer" aria-live="polite" aria-atomic="true"></p>
    <figure class="pad-seen">
      <canvas class="square digit" role="img" aria-label="What the network sees: nothing yet"></canvas>
      <figcaption>What the network sees: cut out, scaled and centred as MNIST’s digits were</figcaption>
    </figure>
    <ol class="pad-bars" role="list" aria-label="Probability of each digit"></ol>
  </div>`;

/** A square to draw a digit on, what the network gets to see of it, and what it reads there. */
export class Pad {
  readonly #onDrawn: (pixels: Float32Array) => void;
  readonly #paper: HTMLCanvasElement;
  readonly #image: HTMLCanvasElement;
  readonly #answer: HTMLElement;
  readonly #bars: readonly HTMLElement[];
  readonly #drawing = new Drawing();
  /** What the network sees. */
  #seen: Float32Array | null = null;
  /** Whether that was brought by `set` rather than drawn. */
  #isBrought = false;
  /** Of the finger that draws, if one does. */
  #pointer: number | null = null;
  #isFrameDue = false;

  /** @param onDrawn is given f32[28, 28] as a digit is drawn, once a frame at most */
  constructor(host: HTMLElement, onDrawn: (pixels: Float32Array) => void, { onExample }: PadOptions = {}) {
    host.classList.add('pad');
    host.innerHTML = markup;
    this.#onDrawn = onDrawn;
    [this.#paper, this.#image] = host.querySelectorAll('canvas');
    this.#answer = host.querySelector('.pad-answer')!;
    this.#bars = barsIn(host.querySelector('.pad-bars')!);
    const [clear, example] = host.querySelectorAll('button');
    clear.addEventListener('click', () => this.clear());
    example.hidden = !onExample;
    if (onExample) example.addEventListener('click', onExample);
    this.#listen();
    this.show(null);
    new ResizeObserver(() => this.draw()).observe(this.#paper);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  /** A copy of what the network sees, f32[28, 28], or null: a network that has learned since may read it again. */
  get pixels(): Float32Array | null {
    return this.#seen?.slice() ?? null;
  }

  /** Shows what the network reads. @param probabilities `[10]`, or null if it has not read yet */
  show(probabilities: ArrayLike<number> | null): void {
    // An answer may come after the drawing was cleared.
    const shares = this.#seen && probabilities ? Array.from(probabilities) : null;
    const best = shares ? shares.indexOf(Math.max(...shares)) : -1;
    this.#bars.forEach((bar, digit) => {
      bar.classList.toggle('largest', digit === best);
      bar.style.setProperty('--share', String(shares?.[digit] ?? 0));
      bar.lastElementChild!.textContent = shares ? wholePercent(shares[digit]) : '–';
    });
    if (shares) this.#say(`Reads ${best} with ${wholePercent(shares[best])}`);
    else this.#say(this.#seen ? UNREAD : INVITATION);
  }

  /** Empties the pad. */
  clear(): void {
    this.#drawing.clear();
    this.#isBrought = false;
    this.#seen = null;
    this.show(null);
    this.draw();
  }

  /** Shows an image in place of a drawing, without calling `onDrawn`. @param pixels `[28, 28]`, each 0 … 1 */
  set(pixels: ArrayLike<number>): void {
    this.#drawing.clear();
    this.#isBrought = true;
    this.#seen = Float32Array.from(pixels);
    this.show(null);
    this.draw();
  }

  /** Paints anew what is on the pad, at its size and in its colours of now. */
  draw(): void {
    const label = this.#seen ? `${this.#isBrought ? 'a test digit' : 'your drawing'} in 28 × 28 pixels` : 'nothing yet';
    this.#image.setAttribute('aria-label', `What the network sees: ${label}`);
    paintDigit(this.#image, this.#seen);
    this.#paper.classList.toggle('digit', this.#isBrought);
    if (this.#isBrought) paintDigit(this.#paper, this.#seen);
    else paintStrokes(this.#paper, this.#drawing.strokes);
  }

  #say(text: string): void {
    if (this.#answer.textContent !== text) this.#answer.textContent = text;
  }

  #listen(): void {
    const paper = this.#paper;
    paper.addEventListener('pointerdown', (event) => {
      if (this.#pointer !== null || event.button !== 0) return;
      event.preventDefault();
      paper.setPointerCapture(event.pointerId);
      this.#pointer = event.pointerId;
      // What is read while the pen moves is not to be read aloud.
      this.#answer.setAttribute('aria-busy', 'true');
      if (this.#isBrought) this.clear();
      this.#drawing.begin(this.#placeOf(event));
      this.#changed();
    });
    paper.addEventListener('pointermove', (event) => {
      if (event.pointerId !== this.#pointer) return;
      // More places than there are frames, where the browser keeps them.
      const passed = event.getCoalescedEvents();
      for (const place of passed.length > 0 ? passed : [event]) this.#drawing.extend(this.#placeOf(place));
      this.#changed();
    });
    paper.addEventListener('lostpointercapture', (event) => {
      if (event.pointerId !== this.#pointer) return;
      this.#pointer = null;
      this.#answer.removeAttribute('aria-busy');
    });
  }

  #placeOf({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.#paper.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  }

  #changed(): void {
    if (this.#isFrameDue) return;
    this.#isFrameDue = true;
    requestAnimationFrame(() => {
      this.#isFrameDue = false;
      if (this.#isBrought) return;
      this.#seen = this.#drawing.pixels();
      this.draw();
      if (this.#seen) this.#onDrawn(this.#seen.slice());
    });
  }
}

function barsIn(list: HTMLElement): HTMLElement[] {
  return Array.from({ length: 10 }, (_, digit) => {
    const bar = document.createElement('li');
    bar.innerHTML = `<span>${digit}</span><span class="pad-bar"></span><span>–</span>`;
    list.append(bar);
    return bar;
  });
}

function paintStrokes(canvas: HTMLCanvasElement, strokes: readonly (readonly Point[])[]): void {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  canvas.width = canvas.height = side;
  const context = canvas.getContext('2d')!;
  context.scale(side, side);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = PEN;
  context.lineCap = context.lineJoin = 'round';
  for (const stroke of strokes) {
    context.beginPath();
    // A line to where it began makes a point of a single touch.
    context.moveTo(stroke[0].x, stroke[0].y);
    for (const { x, y } of stroke) context.lineTo(x, y);
    context.stroke();
  }
}
