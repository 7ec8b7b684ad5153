/*
 * DEFLATE, as RFC 1951 has it. Engines have a faster one, but theirs do not say where in the bytes a stream ends, and
 * that is where a gzip file's next member begins.
 */

/** A prefix code: a table for short ones, for others how many there are of each length. */
interface PrefixCode {
  /** What the next `width` bits stand for, `symbol << 4 | length`, or 0 if no short code begins so. */
  readonly entries: Uint16Array;
  readonly width: number;
  /** By length. */
  readonly counts: readonly number[];
  /** In the order of their codes. */
  readonly symbols: Uint16Array;
}

const broken = (): Error => new Error('the compressed bytes are broken or end early');

/** More comes out than is wanted. */
export class TooMuch extends Error {}

/** Bits from a byte on, the lowest of each byte first. */
class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The place of the next whole byte; bits of the current one are passed over. */
  align(): number {
    this.#at -= this.#count >> 3;
    [this.#held, this.#count] = [0, 0];
    return this.#at;
  }

  /** Bytes as they are, at a whole byte. */
  slice(length: number): Uint8Array {
    const start = this.align();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw broken();
    return this.#bytes.subarray(start, this.#at);
  }

  #fill(count: number): void {
    while (this.#count < count && this.#at < this.#bytes.length) {
      this.#held |= this.#bytes[this.#at++] << this.#count;
      this.#count += 8;
    }
  }

  #drop(count: number): void {
    if (count > this.#count) throw broken();
    this.#held >>>= count;
    this.#count -= count;
  }

  /** @param count at most 16 */
  take(count: number): number {
    this.#fill(count);
    const bits = this.#held & ((1 << count) - 1);
    this.#drop(count);
    return bits;
  }

  symbol(code: PrefixCode): number {
    const { entries, width } = code;
    this.#fill(width);
    const entry = entries[this.#held & ((1 << width) - 1)];
    if (entry === 0) return this.#longSymbol(code);
    this.#drop(entry & 15);
    return entry >> 4;
  }

  /** Codes of one length are numbers in a row. Source: RFC 1951, 3.2.2 */
  #longSymbol({ counts, symbols }: PrefixCode): number {
    this.#fill(LONGEST_CODE);
    let [code, first, place] = [0, 0, 0];
    for (let length = 1; length <= LONGEST_CODE; length++) {
      code = (code << 1) | ((this.#held >> (length - 1)) & 1);
      first <<= 1;
      if (code < first + counts[length]) {
        this.#drop(length);
        return symbols[place + code - first];
      }
      first += counts[length];
      place += counts[length];
    }
    throw broken();
  }
}

/** Bytes that come to be, in room that grows with them, of one stream behind the other. */
export class Output {
  readonly #most: number;
  #bytes = new Uint8Array(1 << 10);
  #length = 0;
  #begin = 0;

  /** @param most bytes that are wanted */
  constructor(most = Infinity) {
    this.#most = most;
  }

  get all(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What came of the last stream. */
  get last(): Uint8Array {
    return this.#bytes.subarray(this.#begin, this.#length);
  }

  /** A stream begins, which does not repeat what came before. */
  begin(): void {
    this.#begin = this.#length;
  }

  #reserve(more: number): void {
    const wanted = this.#length + more;
    if (wanted <= this.#bytes.length) return;
    if (wanted > this.#most) throw new TooMuch();
    const larger = new Uint8Array(Math.min(Math.max(2 * this.#bytes.length, wanted), this.#most));
    larger.set(this.all);
    this.#bytes = larger;
  }

  push(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Says again what came before. A length beyond the distance repeats what it has just said. */
  repeat(length: number, distance: number): void {
    if (distance > this.#length - this.#begin) throw broken();
    this.#reserve(length);
    const bytes = this.#bytes;
    for (let at = this.#length, end = at + length; at < end; at++) bytes[at] = bytes[at - distance];
    this.#length += length;
  }
}

const LONGEST_CODE = 15;
/** Codes up to so long are looked up; a block that brings codes of its own should not fill large tables. */
const LOOKED_UP = 9;

/**
 * The canonical code of lengths, 0 where a symbol has none. Source: RFC 1951, 3.2.2
 * @param alone whether it may be that of one symbol, which leaves some bits without a meaning   Source: RFC 1951, 3.2.7
 */
function codeOf(lengths: readonly number[], alone = true): PrefixCode {
  const counts = repeated(LONGEST_CODE + 1, 0);
  for (const length of lengths) if (length > 0) counts[length]++;
  const [codes, places] = [[0], [0]];
  for (let length = 1; length <= LONGEST_CODE; length++) {
    codes.push((codes[length - 1] + counts[length - 1]) << 1);
    places.push(places[length - 1] + counts[length - 1]);
    if (codes[length] + counts[length] > 1 << length) throw broken();
  }
  const longest = Math.max(1, ...lengths);
  const isWhole = codes[LONGEST_CODE] + counts[LONGEST_CODE] === 1 << LONGEST_CODE;
  if (!isWhole && !(alone && longest === 1)) throw broken();
  const width = Math.min(LOOKED_UP, longest);
  const entries = new Uint16Array(1 << width);
  const symbols = new Uint16Array(lengths.length);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    const code = codes[length]++;
    symbols[places[length]++] = symbol;
    if (length > width) continue;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
    for (let at = reversed; at < entries.length; at += 1 << length) entries[at] = (symbol << 4) | length;
  }
  return { entries, width, counts, symbols };
}

interface Codes {
  /** Of bytes, the end, and lengths. */
  readonly literals: PrefixCode;
  readonly distances: PrefixCode;
}

const repeated = (count: number, length: number): number[] => Array.from({ length: count }, () => length);

/** Source: RFC 1951, 3.2.6 */
const fixedCodes = (): Codes => ({
  literals: codeOf([...repeated(144, 8), ...repeated(112, 9), ...repeated(24, 7), ...repeated(8, 8)]),
  // The last two never occur.
  distances: codeOf(repeated(32, 5)),
});

/** The order in which the lengths of the lengths' own code come. Source: RFC 1951, 3.2.7 */
const LENGTHS_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, LONGEST_CODE];
const [AGAIN, FEW_ZEROS] = [16, 17];
/** The symbols that have a meaning. */
const [MOST_LITERALS, MOST_DISTANCES] = [286, 30];

/** Codes that a block brings along. */
function ownCodes(bits: BitReader): Codes {
  const [literals, distances, given] = [257 + bits.take(5), 1 + bits.take(5), 4 + bits.take(4)];
  if (literals > MOST_LITERALS || distances > MOST_DISTANCES) throw broken();
  const ofLengths = repeated(19, 0);
  for (const symbol of LENGTHS_ORDER.slice(0, given)) ofLengths[symbol] = bits.take(3);
  const code = codeOf(ofLengths, false);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    const symbol = bits.symbol(code);
    if (symbol < AGAIN) lengths.push(symbol);
    else if (symbol > AGAIN) lengths.push(...repeated(symbol === FEW_ZEROS ? 3 + bits.take(3) : 11 + bits.take(7), 0));
    else {
      const last = lengths.at(-1);
      if (last === undefined) throw broken();
      lengths.push(...repeated(3 + bits.take(2), last));
    }
  }
  if (lengths.length > literals + distances || lengths[END] === 0) throw broken();
  return { literals: codeOf(lengths.slice(0, literals)), distances: codeOf(lengths.slice(literals)) };
}

/** What symbols stand for: the least number, and how many bits are added. */
function steps(first: number, perWidth: number, symbols: number): readonly (readonly [least: number, bits: number])[] {
  const table: [number, number][] = [];
  for (let symbol = 0, least = first; symbol < symbols; symbol++) {
    const bits = Math.max(0, Math.floor(symbol / perWidth) - 1);
    table.push([least, bits]);
    least += 1 << bits;
  }
  return table;
}

/** Source: RFC 1951, 3.2.5 */
const LENGTHS = [...steps(3, 4, 28), [258, 0] as const];
const DISTANCES = steps(1, 2, 30);
const END = 256;

function readBlock(bits: BitReader, { literals, distances }: Codes, output: Output): void {
  for (let symbol = bits.symbol(literals); symbol !== END; symbol = bits.symbol(literals)) {
    if (symbol < END) {
      output.push(symbol);
      continue;
    }
    const length = LENGTHS[symbol - END - 1];
    if (!length) throw broken();
    const long = length[0] + bits.take(length[1]);
    const distance = DISTANCES[bits.symbol(distances)];
    if (!distance) throw broken();
    output.repeat(long, distance[0] + bits.take(distance[1]));
  }
}

/** A block of bytes as they are, with their number, and its complement, in front. */
function readStored(bits: BitReader, output: Output): void {
  const [low, high, notLow, notHigh] = bits.slice(4);
  if (low + notLow !== 255 || high + notHigh !== 255) throw broken();
  output.append(bits.slice(low | (high << 8)));
}

/**
 * Unpacks a stream that begins at a byte.
 * @param output where it goes, behind what is there
 * @returns what was packed, and the place behind the stream's last byte
 * @throws Error if it is broken or ends early; TooMuch if the output is not to have so much
 */
export function inflate(
  bytes: Uint8Array,
  start: number,
  output = new Output(),
): { readonly data: Uint8Array; readonly end: number } {
  const bits = new BitReader(bytes, start);
  output.begin();
  let fixed: Codes | undefined;
  let last = 0;
  while (last === 0) {
    last = bits.take(1);
    const kind = bits.take(2);
    if (kind === 3) throw broken();
    if (kind === 0) readStored(bits, output);
    else readBlock(bits, kind === 1 ? (fixed ??= fixedCodes()) : ownCodes(bits), output);
  }
  return { data: output.last, end: bits.align() };
}
