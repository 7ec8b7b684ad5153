const SIDE = 28;

/**
 * Paints an image of MNIST, ink in the canvas' text colour, one pixel to each: CSS scales it.
 * @param pixels `[28, 28]`, null for none   @param full what is all ink: 1, or 255 for bytes
 */
export function paintDigit(canvas: HTMLCanvasElement, pixels: ArrayLike<number> | null, full = 1): void {
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext('2d')!;
  if (!pixels) return;
  const image = new ImageData(SIDE, SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) image.data[4 * at + 3] = (255 * pixels[at]) / full;
  context.putImageData(image, 0, 0);
  // Only where there is ink already.
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = getComputedStyle(canvas).color;
  context.fillRect(0, 0, SIDE, SIDE);
}
