/** The bits of a half's numbers that are neither infinite nor NaN are below. Source: IEEE 754-2019, 3.6 */
const [HALF_INFINITY, HALF_SIGN, F32_INFINITY] = [0x7c00, 0x8000, 0x7f800000];
/** Between the powers that a half and an f32 mean by the same bits. */
const HALF_POWERS = 2 ** (127 - 15);

/** What numbers of 16 bits mean, of which f32 has each. */
export function fromHalves(halves: Uint16Array): Float32Array {
  const numbers = new Float32Array(halves.length);
  const bits = new Uint32Array(numbers.buffer);
  for (let at = 0; at < halves.length; at++) {
    const size = halves[at] & (HALF_SIGN - 1);
    bits[at] = size << 13;
    numbers[at] *= HALF_POWERS;
    if (size >= HALF_INFINITY) bits[at] |= F32_INFINITY;
    bits[at] |= (halves[at] & HALF_SIGN) << 16;
  }
  return numbers;
}
