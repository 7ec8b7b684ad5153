/** Nanometres. */
const [THINNEST, SHORTEST, LONGEST, WAVELENGTHS] = [100, 380, 720, 40];
/** A film reflects little of the light: so many times as bright it is seen well. */
const GAIN = 5;
const GAMMA = 2.2;

type Triple = readonly [number, number, number];

/** A bell whose left and right are of different widths. */
const lobe = (at: number, middle: number, left: number, right: number): number =>
  Math.exp(-0.5 * ((at - middle) / (at < middle ? left : right)) ** 2);

/** How much a wavelength excites an eye: CIE's x, y and z. Source: Wyman, Sloan and Shirley 2013, fits of the 1931 observer. */
const seen = (nm: number): Triple => [
  1.056 * lobe(nm, 599.8, 37.9, 31) + 0.362 * lobe(nm, 442, 16, 26.7) - 0.065 * lobe(nm, 501.1, 20.4, 26.2),
  0.821 * lobe(nm, 568.8, 46.9, 40.5) + 0.286 * lobe(nm, 530.9, 16.3, 31.1),
  1.217 * lobe(nm, 437, 11.8, 36) + 0.681 * lobe(nm, 459, 26, 13.8),
];

const spectrum = Array.from({ length: WAVELENGTHS }, (_, at) => {
  const nm = SHORTEST + ((LONGEST - SHORTEST) * (at + 0.5)) / WAVELENGTHS;
  return { nm, eye: seen(nm) };
});
const white = spectrum.reduce((sum, { eye }) => sum + eye[1], 0);

/** Of light that is reflected by both sides of a film in air, the share that is not put out. Source: Born and Wolf 1999, 7.6. */
function reflected(nm: number, facing: number, thickness: number, index: number): number {
  const inside = Math.sqrt(1 - (1 - facing ** 2) / index ** 2);
  const half = Math.sin((2 * Math.PI * index * thickness * inside) / nm) ** 2;
  const amplitudes = [
    (facing - index * inside) / (facing + index * inside),
    (index * facing - inside) / (index * facing + inside),
  ];
  const shares = amplitudes.map((r) => (4 * r * r * half) / ((1 - r * r) ** 2 + 4 * r * r * half));
  return (shares[0] + shares[1]) / 2;
}

/**
 * The colour of a film of soap in white light, as red, green and blue of a screen, each in 0 … 1.
 * @param facing cosine of the angle at which it is seen   @param thickness in nanometres   @param index of refraction
 */
export function filmColor(facing: number, thickness: number, index: number): Triple {
  const sums = [0, 0, 0];
  for (const { nm, eye } of spectrum) {
    const share = reflected(nm, facing, thickness, index);
    eye.forEach((excited, at) => (sums[at] += (GAIN * share * excited) / white));
  }
  const [x, y, z] = sums;
  const linear = [
    3.2406 * x - 1.5372 * y - 0.4986 * z,
    -0.9689 * x + 1.8758 * y + 0.0415 * z,
    0.0557 * x - 0.204 * y + 1.057 * z,
  ];
  const [red, green, blue] = linear.map((light) => Math.min(1, Math.max(0, light)) ** (1 / GAMMA));
  return [red, green, blue];
}

/** f32[SIDE², 2] and f32[SIDE², 3]: how it is seen and how thick it is, both in 0 … 1, and its colour. */
export interface FilmTable {
  readonly side: number;
  readonly views: Float32Array;
  readonly colors: Float32Array;
}

/** All angles, to the right, at all thicknesses down to the thickest. @param thickest in nanometres */
export function filmTable(side: number, thickest: number, index: number): FilmTable {
  const views = new Float32Array(2 * side * side);
  const colors = new Float32Array(3 * side * side);
  for (let at = 0; at < side * side; at++) {
    const [facing, depth] = [((at % side) + 0.5) / side, (Math.floor(at / side) + 0.5) / side];
    views.set([facing, depth], 2 * at);
    colors.set(filmColor(facing, THINNEST + (thickest - THINNEST) * depth, index), 3 * at);
  }
  return { side, views, colors };
}

/** Shows a table as a picture. */
export function paintTable(canvas: HTMLCanvasElement, { side, colors }: FilmTable): void {
  Object.assign(canvas, { width: side, height: side });
  const image = new ImageData(side, side);
  for (let at = 0; at < side * side; at++) {
    image.data.set(
      [...colors.subarray(3 * at, 3 * at + 3)].map((color) => 255 * color),
      4 * at,
    );
    image.data[4 * at + 3] = 255;
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}
