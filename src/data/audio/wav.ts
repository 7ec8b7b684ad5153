import { FormatError } from '../../core/errors.ts';
import { bytesOf } from '../bytes.ts';

/** Sound as a file has it: as many channels of equal length as there are, of numbers in −1 … 1. */
export interface Wav {
  /** Samples a second. */
  readonly sampleRate: number;
  readonly channels: readonly Float32Array[];
}

/** The group, its length, its kind; and what each chunk has in front. Source: Microsoft and IBM 1991, RIFF. */
const [GROUP, CHUNK] = [12, 8];
/** A length that whoever wrote into a pipe could not go back to fill in. */
const UNKNOWN = 0xffffffff;

/** What `fmt ` says. Extensible: the tag itself stands in its 16 bytes' worth of GUID. */
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const [SHORTEST_FORMAT, EXTENSIBLE_FORMAT, SUBFORMAT] = [16, 40, 24];

/** Those that are met in the wild; the list has 250 more. Source: RFC 2361 */
const compressed: Readonly<Record<number, string>> = {
  0x02: 'Microsoft ADPCM',
  0x06: 'A-law',
  0x07: 'μ-law',
  0x11: 'IMA ADPCM',
  0x31: 'GSM 6.10',
  0x50: 'MPEG',
  0x55: 'MP3',
  0xff: 'AAC',
  0x161: 'Windows Media Audio',
};

const fails = (file: string, what: string): FormatError => new FormatError(`[wav] ${file} ${what}`);

/** How samples lie in `data`. */
interface Format {
  readonly sampleRate: number;
  readonly channels: number;
  /** Bytes of a sample; one of fewer bits is aligned with the upper end. */
  readonly width: number;
  readonly float: boolean;
}

const letters = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/**
 * Reads a WAV file: integers of 8, 16, 24 or 32 bits, or floats of 32 or 64, of any number of channels, its chunks in any
 * order. Others than `fmt ` and `data` are passed over.
 * @param name the file's, for messages
 * @returns integers divided by the largest of their negatives, so that they lie in −1 … 1; floats as they are
 * @throws FormatError naming what is wrong with the file, and where
 */
export function readWav(name: string, file: Uint8Array | ArrayBuffer): Wav {
  const bytes = bytesOf('wav', name, file);
  requireRiff(bytes, name);
  const chunks = chunksOf(bytes, name);
  const format = formatIn(chunks.get('fmt '), name);
  const data = chunks.get('data');
  if (!data?.length) {
    throw fails(name, `holds no samples, as its chunk "data" is ${data ? 'empty' : 'missing'}: record it again`);
  }
  const frame = format.width * format.channels;
  if (data.length % frame !== 0) {
    throw fails(
      name,
      `has ${data.length} bytes of samples, which are not a multiple of ${frame}, all channels' once: it was cut short or damaged; get the file again`,
    );
  }
  const channels = channelsIn(data, format);
  if (format.float) requireFinite(channels, name);
  return { sampleRate: format.sampleRate, channels };
}

/** @throws FormatError at the first that is none */
function requireFinite(channels: readonly Float32Array[], name: string): void {
  for (const [channel, samples] of channels.entries()) {
    const at = samples.findIndex((sample) => !Number.isFinite(sample));
    if (at < 0) continue;
    throw fails(name, `has ${samples[at]} for sample ${at} of channel ${channel}: it was damaged; get the file again`);
  }
}

function requireRiff(bytes: Uint8Array, name: string): void {
  if (bytes.length < GROUP) {
    throw fails(name, `has ${bytes.length} bytes, too few for the header of a WAV file: get the file again`);
  }
  const [group, kind] = [letters(bytes, 0), letters(bytes, GROUP - 4)];
  if (group === 'RIFF' && kind === 'WAVE') return;
  const known = ['RIFX', 'RF64', 'BW64'].includes(group);
  throw fails(
    name,
    known
      ? `is of the kind ${group}, ${group === 'RIFX' ? 'whose numbers begin with their upper end' : 'for more than 4 GB'}: save it as a plain WAV file, as by ffmpeg`
      : `begins with ${JSON.stringify(group)} and not with "RIFF" and "WAVE": it is another kind of file; convert it, as by ffmpeg`,
  );
}

/** The first chunk of each kind, without copying. The group's own length, which many get wrong, is not asked. @throws FormatError where one ends behind the file */
function chunksOf(bytes: Uint8Array, name: string): ReadonlyMap<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks = new Map<string, Uint8Array>();
  for (let at = GROUP; at + CHUNK <= bytes.length;) {
    const [kind, said] = [letters(bytes, at), view.getUint32(at + 4, true)];
    const start = at + CHUNK;
    const length = kind === 'data' && said === UNKNOWN ? bytes.length - start : said;
    if (start + length > bytes.length) {
      throw fails(
        name,
        `ends inside its chunk ${JSON.stringify(kind)} at byte ${at}, of which it holds ${bytes.length - start} of ${length} bytes: it was cut short; get the file again`,
      );
    }
    if (!chunks.has(kind)) chunks.set(kind, bytes.subarray(start, start + length));
    // Behind an odd number of bytes stands one more.
    at = start + length + (length % 2);
  }
  return chunks;
}

/** @throws FormatError for what is missing, too short, compressed, or of no channels */
function formatIn(chunk: Uint8Array | undefined, name: string): Format {
  if (!chunk || chunk.length < SHORTEST_FORMAT) {
    throw fails(
      name,
      `does not say how its samples lie: its chunk "fmt " is ${chunk ? `of ${chunk.length} bytes, too short` : 'missing'}; get the file again`,
    );
  }
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const isExtensible = view.getUint16(0, true) === EXTENSIBLE && chunk.length >= EXTENSIBLE_FORMAT;
  const tag = view.getUint16(isExtensible ? SUBFORMAT : 0, true);
  const channels = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const [frame, bits] = [view.getUint16(12, true), view.getUint16(14, true)];
  if (tag !== PCM && tag !== FLOAT) {
    const known = compressed[tag] ? `, ${compressed[tag]}` : '';
    throw fails(
      name,
      `is compressed: its format is 0x${tag.toString(16).padStart(4, '0')}${known}; convert it to PCM, as by ffmpeg -i ${name} -c:a pcm_s16le out.wav`,
    );
  }
  if (channels === 0 || sampleRate === 0) {
    throw fails(
      name,
      `says that it has ${channels} channels and ${sampleRate} samples a second, where both must be positive: its header is damaged; get the file again`,
    );
  }
  const width = frame / channels;
  const widths = tag === FLOAT ? [4, 8] : [1, 2, 3, 4];
  if (!widths.includes(width) || bits > 8 * width || bits <= 8 * (tag === FLOAT ? width - 1 : 0)) {
    throw fails(
      name,
      `has samples of ${bits} bits in ${frame} bytes for ${channels} channels, but ${tag === FLOAT ? 'floats have 32 or 64' : 'integers have 8, 16, 24 or 32'}: convert it, as by ffmpeg`,
    );
  }
  return { sampleRate, channels, width, float: tag === FLOAT };
}

/** The number at a byte, by its width. Integers of one byte have no sign, others do. */
function sampleAt({ width, float }: Format): (view: DataView, at: number) => number {
  if (float) return width === 4 ? (view, at) => view.getFloat32(at, true) : (view, at) => view.getFloat64(at, true);
  switch (width) {
    case 1:
      return (view, at) => (view.getUint8(at) - 2 ** 7) / 2 ** 7;
    case 2:
      return (view, at) => view.getInt16(at, true) / 2 ** 15;
    case 3:
      return (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23;
    default:
      return (view, at) => view.getInt32(at, true) / 2 ** 31;
  }
}

function channelsIn(data: Uint8Array, format: Format): Float32Array[] {
  const { channels, width } = format;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const read = sampleAt(format);
  const length = data.length / (width * channels);
  return Array.from({ length: channels }, (_, channel) => {
    const samples = new Float32Array(length);
    for (let at = 0; at < length; at++) samples[at] = read(view, (at * channels + channel) * width);
    return samples;
  });
}
