/** Letters of 5 × 7 dots: seven rows from above, two hexadecimal digits each, of which the lowest five bits are dots. */
const glyphs: Readonly<Record<string, string>> = {
  A: '0e11111f111111',
  B: '1e11111e11111e',
  C: '0e11101010110e',
  D: '1e11111111111e',
  E: '1f10101e10101f',
  F: '1f10101e101010',
  G: '0e11101711110f',
  H: '1111111f111111',
  I: '0e04040404040e',
  J: '0702020202120c',
  K: '11121418141211',
  L: '1010101010101f',
  M: '111b1515111111',
  N: '11191915131311',
  O: '0e11111111110e',
  P: '1e11111e101010',
  Q: '0e11111115120d',
  R: '1e11111e141211',
  S: '0f10100e01011e',
  T: '1f040404040404',
  U: '1111111111110e',
  V: '11111111110a04',
  W: '11111115151b11',
  X: '11110a040a1111',
  Y: '11110a04040404',
  Z: '1f01020408101f',
  0: '0e11131519110e',
  1: '040c040404040e',
  2: '0e11010204081f',
  3: '1f02040201110e',
  4: '02060a121f0202',
  5: '1f101e0101110e',
  6: '0608101e11110e',
  7: '1f010204080808',
  8: '0e11110e11110e',
  9: '0e11110f01020c',
  ' ': '00000000000000',
  '-': '0000001f000000',
  '.': '00000000000c0c',
  _: '0000000000001f',
};
/** Stands for a letter that is not here. */
const UNKNOWN = '1f11111111111f';

const COLUMNS = 5;
export const LETTER_HEIGHT = 7;
/** From one letter to the next. */
const ADVANCE = COLUMNS + 1;

/** Small letters are drawn as capitals. */
const lettersOf = (text: string): readonly string[] => Array.from(text.toUpperCase());

/** Dots from the first letter's left to the last one's right. */
export const textWidth = (text: string): number => Math.max(0, lettersOf(text).length * ADVANCE - 1);

/** Calls with each dot of a line of text: how far to the right, and how far down. */
export function eachDot(text: string, draw: (right: number, down: number) => void): void {
  for (const [at, letter] of lettersOf(text).entries()) {
    const glyph = glyphs[letter] ?? UNKNOWN;
    for (let row = 0; row < LETTER_HEIGHT; row++) {
      const dots = Number.parseInt(glyph.slice(2 * row, 2 * row + 2), 16);
      for (let column = 0; column < COLUMNS; column++) {
        if (dots & (1 << (COLUMNS - 1 - column))) draw(at * ADVANCE + column, row);
      }
    }
  }
}
