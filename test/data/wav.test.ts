import { describe, expect, test } from 'vitest';
import { readWav } from '../../src/data/index.ts';
import { dataChunk, formatChunk, riff, wavForms, wavOf } from '../support/sounds.ts';

/** All of them fit into eight bits. */
const SAMPLES = [0, 0.5, -0.5, 0.9921875, -1, 0.0078125];

describe.each([false, true])('extensible: %s', (extensible) => {
  test.each(wavForms)('samples of %j are read as they were written', (form) => {
    const { sampleRate, channels } = readWav('f.wav', wavOf(SAMPLES, { ...form, extensible, sampleRate: 44_100 }));
    expect(sampleRate).toBe(44_100);
    expect(channels).toEqual([Float32Array.from(SAMPLES)]);
  });
});

test('the least of 24 and of 32 bits are told apart from 0', () => {
  for (const bits of [24, 32] as const) {
    const { channels } = readWav('f.wav', wavOf([2 ** (1 - bits), -(2 ** (1 - bits))], { bits }));
    expect([...channels[0]]).toEqual([2 ** (1 - bits), -(2 ** (1 - bits))]);
  }
});

test('channels that lie side by side come apart', () => {
  for (const form of wavForms) {
    const { channels } = readWav('f.wav', wavOf(SAMPLES, { ...form, channels: 3 }));
    expect(channels.map((channel) => [...channel])).toEqual([
      [0, 0.9921875],
      [0.5, -1],
      [-0.5, 0.0078125],
    ]);
  }
});

test('20 bits in three bytes are aligned with the upper end', () => {
  const format = formatChunk({ bits: 24 });
  format.writeUInt16LE(20, 14);
  const { channels } = readWav('f.wav', riff(['fmt ', format], ['data', dataChunk([0.5, -1], { bits: 24 })]));
  expect([...channels[0]]).toEqual([0.5, -1]);
});

describe('chunks', () => {
  const format = ['fmt ', formatChunk()] as const;
  const data = ['data', dataChunk(SAMPLES)] as const;
  const again = ['data', dataChunk([1])] as const;
  // Of an odd length: a byte follows that does not count.
  const list = ['LIST', Buffer.from('INFOx')] as const;
  const fact = ['fact', Buffer.alloc(4)] as const;

  test.each([
    ['as usual', [format, data]],
    ['with others before, between and behind', [list, format, fact, list, data, list]],
    ['with the samples first', [data, list, format]],
    ['with other samples behind', [format, data, again]],
  ])('%s give the same', (_, chunks) => {
    expect(readWav('f.wav', riff(...chunks))).toEqual(readWav('g.wav', riff(format, data)));
  });

  test('in a group that says another length give the same', () => {
    for (const length of [0, 7, 0xffffffff]) {
      const file = riff(format, data);
      file.writeUInt32LE(length, 4);
      expect(readWav('f.wav', file)).toEqual(readWav('g.wav', riff(format, data)));
    }
  });

  test('of samples whose length nobody filled in go to the end of the file', () => {
    const file = riff(format, data);
    file.writeUInt32LE(0xffffffff, file.length - data[1].length - 4);
    expect(readWav('f.wav', file)).toEqual(readWav('g.wav', riff(format, data)));
  });

  test('and what is behind the last one is passed over', () => {
    expect(readWav('f.wav', Buffer.concat([riff(format, data), Buffer.from('TAGs')]))).toEqual(
      readWav('g.wav', riff(format, data)),
    );
  });
});

test('a file at an odd byte of its buffer is read', () => {
  const file = wavOf(SAMPLES);
  const shifted = new Uint8Array(file.length + 1);
  shifted.set(file, 1);
  expect(readWav('f.wav', shifted.subarray(1))).toEqual(readWav('g.wav', file));
});

const formatOf = (change: (format: Buffer) => void): Buffer => {
  const format = formatChunk();
  change(format);
  return riff(['fmt ', format], ['data', dataChunk(SAMPLES)]);
};

test.each<readonly [string, Buffer, string]>([
  ['of no bytes', Buffer.alloc(0), 'has 0 bytes, too few'],
  [
    'that ends in its samples',
    wavOf(SAMPLES).subarray(0, 50),
    'ends inside its chunk "data" at byte 36, of which it holds 6 of 12 bytes',
  ],
  [
    'that ends in its format',
    wavOf(SAMPLES).subarray(0, 30),
    'ends inside its chunk "fmt " at byte 12, of which it holds 10 of 16 bytes',
  ],
  ['that ends behind its format', wavOf(SAMPLES).subarray(0, 36), 'holds no samples, as its chunk "data" is missing'],
  ['without samples', wavOf([]), 'holds no samples, as its chunk "data" is empty'],
  [
    'with half a sample',
    riff(['fmt ', formatChunk()], ['data', Buffer.alloc(3)]),
    'has 3 bytes of samples, which are not a multiple of 2',
  ],
  [
    'without a format',
    riff(['data', dataChunk(SAMPLES)]),
    'does not say how its samples lie: its chunk "fmt " is missing',
  ],
  [
    'with half a format',
    riff(['fmt ', formatChunk().subarray(0, 14)], ['data', dataChunk(SAMPLES)]),
    'does not say how its samples lie: its chunk "fmt " is of 14 bytes, too short',
  ],
  [
    'that is compressed',
    formatOf((format) => format.writeUInt16LE(0x11, 0)),
    'is compressed: its format is 0x0011, IMA ADPCM; convert it to PCM',
  ],
  [
    'that is compressed in its own way',
    formatOf((format) => format.writeUInt16LE(0x1234, 0)),
    'is compressed: its format is 0x1234; convert',
  ],
  [
    'of no channels',
    formatOf((format) => format.writeUInt16LE(0, 2)),
    'says that it has 0 channels and 8000 samples a second',
  ],
  [
    'of no rate',
    formatOf((format) => format.writeUInt32LE(0, 4)),
    'says that it has 1 channels and 0 samples a second',
  ],
  [
    'of 12 bits in one byte',
    formatOf((format) => (format.writeUInt16LE(1, 12), format.writeUInt16LE(12, 14))),
    'has samples of 12 bits in 1 bytes for 1 channels, but integers have',
  ],
  [
    'of 64 bits without a point',
    wavOf(SAMPLES, { bits: 64, float: true }).fill(1, 20, 21),
    'has samples of 64 bits in 8 bytes for 1 channels, but integers have',
  ],
  [
    'of floats of 16 bits',
    formatOf((format) => format.writeUInt16LE(3, 0)),
    'has samples of 16 bits in 2 bytes for 1 channels, but floats have 32 or 64',
  ],
  [
    'whose numbers are none',
    wavOf([0, 0, 0, NaN], { bits: 32, float: true, channels: 2 }),
    'has NaN for sample 1 of channel 1',
  ],
  [
    'of the other byte order',
    Buffer.from('RIFX\0\0\0\0WAVE', 'latin1'),
    'is of the kind RIFX, whose numbers begin with their upper end',
  ],
  ['of more than 4 GB', Buffer.from('RF64\0\0\0\0WAVE', 'latin1'), 'is of the kind RF64, for more than 4 GB'],
  [
    'of another kind',
    Buffer.from('OggS\0\0\0\0\0\0\0\0', 'latin1'),
    'begins with "OggS" and not with "RIFF" and "WAVE"',
  ],
  ['that is a film', Buffer.from('RIFF\0\0\0\0AVI ', 'latin1'), 'begins with "RIFF" and not with "RIFF" and "WAVE"'],
])('a file %s is refused', (_, file, message) => {
  expect(() => readWav('f.wav', file)).toThrow(`[wav] f.wav ${message}`);
});
