// Sounds for tests: noise by a seed, and WAV files of them.

import { Random } from '../../src/core/random.ts';

/** Normal noise, its loudness rising and falling. */
export function noise(seed: number, length: number): Float32Array {
  const random = new Random(seed, 'sound');
  return Float32Array.from({ length }, (_, at) => 0.2 * random.bell() * (1 + Math.sin(at / 100)));
}

export interface WavOptions {
  readonly sampleRate?: number;
  readonly bits?: 8 | 16 | 24 | 32 | 64;
  readonly float?: boolean;
  /** Whether the format stands in an extensible header. */
  readonly extensible?: boolean;
  readonly channels?: number;
}

/** All ways in which samples may lie. */
export const wavForms: readonly WavOptions[] = [
  { bits: 8 },
  { bits: 16 },
  { bits: 24 },
  { bits: 32 },
  { bits: 32, float: true },
  { bits: 64, float: true },
];

const chunk = (kind: string, bytes: Uint8Array): Buffer => {
  const head = Buffer.alloc(8);
  head.write(kind, 'latin1');
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes, Buffer.alloc(bytes.length % 2)]);
};

/** A WAV file of chunks. */
export const riff = (...chunks: readonly (readonly [kind: string, bytes: Uint8Array])[]): Buffer => {
  const body = Buffer.concat(chunks.map(([kind, bytes]) => chunk(kind, bytes)));
  return chunk('RIFF', Buffer.concat([Buffer.from('WAVE'), body]));
};

const GUID = Buffer.from('000000001000800000aa00389b71', 'hex');

/** What a chunk `fmt ` says. */
export function formatChunk(
  { sampleRate = 8000, bits = 16, channels = 1, ...said }: WavOptions = {},
  tag = said.float ? 3 : 1,
): Buffer {
  const frame = (channels * bits) / 8;
  const bytes = Buffer.alloc(said.extensible ? 40 : 16);
  bytes.writeUInt16LE(said.extensible ? 0xfffe : tag, 0);
  bytes.writeUInt16LE(channels, 2);
  bytes.writeUInt32LE(sampleRate, 4);
  bytes.writeUInt32LE(sampleRate * frame, 8);
  bytes.writeUInt16LE(frame, 12);
  bytes.writeUInt16LE(bits, 14);
  if (!said.extensible) return bytes;
  bytes.writeUInt16LE(22, 16);
  bytes.writeUInt16LE(bits, 18);
  bytes.writeUInt16LE(tag, 24);
  GUID.copy(bytes, 26);
  return bytes;
}

/** Puts a sample into a buffer, at the place of its number. */
function put(bytes: Buffer, sample: number, at: number, { bits = 16, float = false }: WavOptions): void {
  const full = 2 ** (bits - 1);
  const whole = Math.max(-full, Math.min(full - 1, Math.round(sample * full)));
  if (float && bits === 64) bytes.writeDoubleLE(sample, 8 * at);
  else if (float) bytes.writeFloatLE(sample, 4 * at);
  else if (bits === 8) bytes.writeUInt8(whole + full, at);
  else bytes.writeIntLE(whole, (at * bits) / 8, bits / 8);
}

/** Samples, those of all channels side by side, as a chunk `data` has them. */
export function dataChunk(samples: readonly number[] | Float32Array, form: WavOptions = {}): Buffer {
  const bytes = Buffer.alloc((samples.length * (form.bits ?? 16)) / 8);
  samples.forEach((sample, at) => put(bytes, sample, at, form));
  return bytes;
}

/** A WAV file of samples, those of all channels side by side. */
export const wavOf = (samples: readonly number[] | Float32Array, options: WavOptions = {}): Buffer =>
  riff(['fmt ', formatChunk(options)], ['data', dataChunk(samples, options)]);
