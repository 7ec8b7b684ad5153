import type { Numbers } from './shape.ts';

/** Odd numbers whose bits are well mixed. Source: MurmurHash3, x86, 128 bits */
const FACTORS = [0x239b961b, 0xab0e9789 | 0, 0x38b34ae5, 0xa1e38b93 | 0] as const;

/** Every bit of a word in every bit of what comes out. Source: MurmurHash3, fmix32 */
function mixed(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * A number of 128 bits, as 32 hexadecimal digits, that tells whether numbers are still what they were: for accidents, not
 * against somebody who means to deceive.
 */
export function digestOf({ buffer, byteOffset, byteLength }: Numbers): string {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const whole = byteLength >> 2;
  // Words lie where an array of them may begin.
  const words =
    byteOffset % 4 === 0
      ? new Uint32Array(buffer, byteOffset, whole)
      : new Uint32Array(bytes.slice(0, 4 * whole).buffer);
  let [a, b, c, d] = FACTORS as readonly number[];
  let at = 0;
  for (; at + 4 <= whole; at += 4) {
    a = Math.imul((a ^ words[at]) + (a >>> 15), FACTORS[0]);
    b = Math.imul((b ^ words[at + 1]) + (b >>> 15), FACTORS[1]);
    c = Math.imul((c ^ words[at + 2]) + (c >>> 15), FACTORS[2]);
    d = Math.imul((d ^ words[at + 3]) + (d >>> 15), FACTORS[3]);
  }
  for (let rest = 4 * at; rest < byteLength; rest++) a = Math.imul((a ^ bytes[rest]) + (a >>> 15), FACTORS[0]);
  let sum = byteLength;
  return [a, b, c, d, a, b, c, d]
    .map((lane) => (sum = mixed(sum + lane)))
    .slice(4)
    .map((lane) => (lane >>> 0).toString(16).padStart(8, '0'))
    .join('');
}
