/*
 * A round pen on a small grey canvas. Only +, −, ·, / and √ on doubles are used, whose results IEEE 754 fixes: the same
 * path gives the same bytes in every engine, which sin or exp would not.
 */

export class Canvas {
  readonly size: number;
  /** Coverage by ink, 0 … 1, row by row. */
  readonly ink: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.ink = new Float64Array(size * size);
  }

  clear(): void {
    this.ink.fill(0);
  }

  /**
   * Draws a straight line from (x0, y0) to (x1, y1), whose ends are discs of the radii given, all in pixels.
   * @param edge the width over which its ink fades
   */
  line(x0: number, y0: number, radius0: number, x1: number, y1: number, radius1: number, edge: number): void {
    const { size, ink } = this;
    const reach = Math.max(radius0, radius1) + edge / 2;
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
    const right = Math.min(size - 1, Math.ceil(Math.max(x0, x1) + reach));
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
    const bottom = Math.min(size - 1, Math.ceil(Math.max(y0, y1) + reach));
    const dx = x1 - x0;
    const dy = y1 - y0;
    const inverse = 1 / Math.max(dx * dx + dy * dy, 1e-12);
    const farthest = reach * reach;
    for (let row = top; row <= bottom; row++) {
      const y = row + 0.5 - y0;
      for (let column = left; column <= right; column++) {
        // From the middle of the pixel to the nearest point of the line.
        const x = column + 0.5 - x0;
        let along = (x * dx + y * dy) * inverse;
        if (along < 0) along = 0;
        else if (along > 1) along = 1;
        const awayX = x - along * dx;
        const awayY = y - along * dy;
        const square = awayX * awayX + awayY * awayY;
        if (square > farthest) continue;
        const covered = (radius0 + along * (radius1 - radius0) - Math.sqrt(square)) / edge + 0.5;
        const at = row * size + column;
        if (covered > ink[at]) ink[at] = covered < 1 ? covered : 1;
      }
    }
  }

  /** Moves the picture by whole pixels, its centre of mass to the middle. What leaves the canvas is lost. */
  centre(): void {
    const { size, ink } = this;
    let [mass, x, y] = [0, 0, 0];
    for (let row = 0, at = 0; row < size; row++) {
      let line = 0;
      for (let column = 0; column < size; column++, at++) {
        line += ink[at];
        x += ink[at] * column;
      }
      mass += line;
      y += line * row;
    }
    if (mass === 0) return;
    // Pixel 0 has its middle at one half.
    const right = Math.round((size - 1) / 2 - x / mass);
    const down = Math.round((size - 1) / 2 - y / mass);
    this.#shift(down * size + right);
    for (let row = 0; row < size; row++) {
      const [start, end] = [row * size, (row + 1) * size];
      // What left the canvas at one side came in at the other.
      if (right > 0) ink.fill(0, start, start + right);
      else ink.fill(0, end + right, end);
    }
  }

  #shift(by: number): void {
    const { ink } = this;
    if (by >= 0) ink.copyWithin(by, 0).fill(0, 0, by);
    else ink.copyWithin(0, -by).fill(0, ink.length + by);
  }
}
