/*
 * MNIST's makers scaled each digit to fit a box of 20 × 20, keeping its aspect ratio, and moved it in a field of 28 × 28
 * until its centre of mass lay in the middle. They moved it by whole pixels: in 69,998 of the 70,000 images the centre of
 * mass lies in pixel 14 of 0 … 27, both across and down. Source: LeCun et al. 1998, "Gradient-based learning applied to
 * document recognition", III A; the rest from the images themselves.
 */

const FIELD = 28;
const BOX = 20;
const MIDDLE = 14;

/** More than sums are off by, where an edge or the centre of mass lies just between two pixels. */
const ROUNDING = 1e-6;

/** Ink 0 … 1 in rows of equal length. */
interface Picture {
  readonly rows: number;
  readonly columns: number;
  readonly ink: Float64Array;
}

/**
 * A drawing as an image of MNIST: cut out, scaled by the mean over areas, and centred by its mass.
 * @param ink `[height, width]`, 0 for paper … 1 for ink   @returns f32[28, 28], or null if there is no ink
 */
export function asMnist(ink: ArrayLike<number>, width: number, height: number): Float32Array | null {
  const drawing = cutOut(ink, width, height);
  if (!drawing) return null;
  const scale = BOX / Math.max(drawing.rows, drawing.columns);
  const digit = scaleRows(scaleRows(drawing, scale), scale);
  const left = placeOf(massCentre(digit), digit.columns);
  const top = placeOf(massCentre(transpose(digit)), digit.rows);
  const pixels = new Float32Array(FIELD * FIELD);
  for (let row = 0; row < digit.rows; row++) {
    const start = row * digit.columns;
    pixels.set(digit.ink.subarray(start, start + digit.columns), (top + row) * FIELD + left);
  }
  return pixels;
}

/** The smallest part of a drawing that has all ink. */
function cutOut(ink: ArrayLike<number>, width: number, height: number): Picture | null {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let at = 0; at < width * height; at++) {
    if (!(ink[at] > 0)) continue;
    const column = at % width;
    left = Math.min(left, column);
    right = Math.max(right, column);
    bottom = Math.floor(at / width);
    top = Math.min(top, bottom);
  }
  if (right < 0) return null;
  const [rows, columns] = [bottom - top + 1, right - left + 1];
  const part = new Float64Array(rows * columns);
  for (let at = 0; at < part.length; at++) {
    part[at] = ink[(top + Math.floor(at / columns)) * width + left + (at % columns)];
  }
  return { rows, columns, ink: part };
}

/** Scales each row, and makes it a column: done twice, it scales a picture. What a new pixel covers in part, counts in part. */
function scaleRows({ rows, columns, ink }: Picture, scale: number): Picture {
  const length = Math.ceil(columns * scale - ROUNDING);
  const scaled = new Float64Array(length * rows);
  for (let column = 0; column < columns; column++) {
    const [start, end] = [column * scale, Math.min(length, (column + 1) * scale)];
    for (let cell = Math.floor(start); cell < end; cell++) {
      const share = Math.min(end, cell + 1) - Math.max(start, cell);
      for (let row = 0; row < rows; row++) scaled[cell * rows + row] += share * ink[row * columns + column];
    }
  }
  return { rows: length, columns: rows, ink: scaled };
}

function transpose({ rows, columns, ink }: Picture): Picture {
  const turned = ink.map((_, at) => ink[(at % rows) * columns + Math.floor(at / rows)]);
  return { rows: columns, columns: rows, ink: turned };
}

/** Where along its rows a picture would balance, pixel 0 having its middle at 0. */
function massCentre({ columns, ink }: Picture): number {
  let [mass, moment] = [0, 0];
  ink.forEach((part, at) => {
    mass += part;
    moment += part * (at % columns);
  });
  return moment / mass;
}

/** Where a digit of some length begins, if its centre of mass is to be the middle. None of it leaves the field. */
const placeOf = (centre: number, length: number): number =>
  Math.min(FIELD - length, Math.max(0, MIDDLE - Math.round(centre + ROUNDING)));
