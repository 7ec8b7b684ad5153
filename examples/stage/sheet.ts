/** What a picture is painted with: a unit is a CSS pixel, and colours are the page's tokens. */
export interface Brush {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** A token of the style sheet: `--soft`, or the red, green and blue of `--one`. */
  color(token: string): string;
  /** A token of red, green and blue, so strong. */
  tint(token: string, opacity?: number): string;
}

/** Calls back when the colour scheme changes. */
export function onSchemeChange(changed: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}

/** A canvas at the screen's resolution, painted again when its size or the colours change. */
export class Sheet {
  readonly #canvas: HTMLCanvasElement;
  readonly #paint: (brush: Brush) => void;

  constructor(canvas: HTMLCanvasElement, paint: (brush: Brush) => void) {
    this.#canvas = canvas;
    this.#paint = paint;
    const again = (): void => this.paint();
    new ResizeObserver(again).observe(canvas);
    onSchemeChange(again);
  }

  paint(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const [columns, rows] = [width, height].map((extent) => Math.round(extent * devicePixelRatio));
    // Setting a size clears the canvas too, but takes its memory anew.
    if (this.#canvas.width !== columns || this.#canvas.height !== rows) {
      Object.assign(this.#canvas, { width: columns, height: rows });
    }
    const context = this.#canvas.getContext('2d')!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, columns, rows);
    context.scale(devicePixelRatio, devicePixelRatio);
    const style = getComputedStyle(this.#canvas);
    const color = (token: string): string => style.getPropertyValue(token).trim();
    const tint = (token: string, opacity = 1): string => `rgb(${color(token)} / ${opacity})`;
    this.#paint({ context, width, height, color, tint });
  }
}
