// Numbers as colours: blue above 0, orange below, the surer the further away.

/** Red, green and blue, each 0 … 255. */
export type Rgb = readonly [number, number, number];

/** Colours on either side of 0. */
export const LEVELS = 256;

/** Below 1, so that the many small weights of a layer are seen beside its few large ones. */
const SMALL_ONES_SHOW = 0.7;

/** How much of the colour a number has that is `share` of the largest. */
export const opacityOf = (share: number): number => Math.min(1, Math.abs(share)) ** SMALL_ONES_SHOW;

/** A colour of the style sheet, written `31 95 139` or `#1f5f8b`. */
export function rgbOf(text: string): Rgb {
  const trimmed = text.trim();
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(trimmed);
  const [r, g, b] = hex ? hex.slice(1).map((pair) => Number.parseInt(pair, 16)) : trimmed.split(/\s+/).map(Number);
  return [r, g, b];
}

/**
 * Colours of −1 … 1 as ImageData has them, in words of four bytes: more or less opaque, so that they do on any paper.
 * @returns `[2 · LEVELS + 1]`, 0 in the middle
 */
export function divergingPalette(above: Rgb, below: Rgb): Uint32Array {
  const bytes = new Uint8ClampedArray(4 * (2 * LEVELS + 1));
  for (let level = -LEVELS; level <= LEVELS; level++) {
    const opacity = 255 * opacityOf(level / LEVELS);
    bytes.set([...(level < 0 ? below : above), opacity], 4 * (level + LEVELS));
  }
  return new Uint32Array(bytes.buffer);
}

/** The colour of a number whose layer's largest is `scale`; nothing for NaN. */
export function colorOf(palette: Uint32Array, value: number, scale: number): number {
  if (!(scale > 0)) return 0;
  const level = Math.round((value / scale) * LEVELS);
  return palette[Math.max(-LEVELS, Math.min(LEVELS, level)) + LEVELS] ?? 0;
}
