import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spec } from '../../src/core/shape.ts';
import { dataset, fsdd, readWav, statisticsOf, waveforms } from '../../src/data/index.ts';
import {
  differentiate,
  features,
  input,
  logMel,
  maskSequences,
  sum,
  type Context,
  type SequenceChanges,
} from '../../src/index.ts';
import { controlState } from '../../src/ops/training/control.ts';
import { recordings } from '../../src/node.ts';
import { dataChunk, formatChunk, riff, wavOf, type WavOptions } from '../support/sounds.ts';
import { inFolder, type Case } from '../support/provoke.ts';

/** A WAV file of two samples, a number of whose format is another. */
const wavWith =
  (value: number, at: number, form: WavOptions = {}) =>
  () => {
    const format = formatChunk(form);
    format.writeUInt16LE(value, at);
    return readWav('a.wav', riff(['fmt ', format], ['data', dataChunk([0, 1], form)]));
  };

const wav = (bytes: Uint8Array) => () => readWav('a.wav', bytes);

const changed = (shape: readonly number[], changes: SequenceChanges, x = input('x', spec(shape))) =>
  maskSequences({ control: controlState('control', 1), stream: 'mask', partCount: 0 }, x, changes);

const said = (sampleRate: number) => ({ name: 'a.wav', samples: new Float32Array(9), sampleRate, label: 0 });

/** A class whose folder has no file. */
const classless = (): Promise<unknown> =>
  inFolder(async (path) => {
    await mkdir(join(path, 'a'));
    return recordings(path);
  });

const fileAlone = (): Promise<unknown> =>
  inFolder(async (path) => {
    await writeFile(join(path, 'a.wav'), wavOf([0, 1]));
    return recordings(path);
  });

export const sounds: readonly Case[] = [
  ['[wav] <file> has <n> bytes, too few', wav(new Uint8Array(3))],
  ['[wav] <file> begins with', wav(new TextEncoder().encode('<html>no such'))],
  ['[wav] <file> is of the kind', wav(Buffer.from('RIFX\0\0\0\0WAVE', 'latin1'))],
  ['[wav] <file> ends inside', wav(wavOf([0, 1]).subarray(0, 46))],
  ['[wav] <file> does not say', wav(riff(['data', dataChunk([0, 1])]))],
  ['[wav] <file> is compressed', wavWith(0x55, 0)],
  ['[wav] <file> says that it has', wavWith(0, 2)],
  ['[wav] <file> has samples of', wavWith(40, 14)],
  ['[wav] <file> holds no samples', wav(wavOf([]))],
  ['[wav] <file> has <n> bytes of samples', wav(riff(['fmt ', formatChunk()], ['data', new Uint8Array(3)]))],
  ['[wav] <file> has <number> for', wav(wavOf([0, Infinity], { bits: 32, float: true }))],
  ['[fsdd] it is not downloaded', () => fsdd()],
  ['[fsdd] there is no', () => fsdd(async () => null)],
  ['[fsdd] there are', () => fsdd(async (name) => (name === '0_george_0.wav' ? wavOf([0, 1]) : null))],
  ['[recordings] <path> is no folder', () => recordings('/nowhere')],
  ['[recordings] <path> holds no folders', fileAlone],
  ['[recordings] <path> holds no WAV', classless],
  ['[<call>] sound 0 has', () => waveforms([said(8000), said(16_000)])],
  ['[features] the sounds', () => features([said(8000)], logMel({ sampleRate: 16_000 }))],
  ['[<call>] the set has', () => statisticsOf(dataset({ x: [1, 2], length: [1, 1] }))],
  ['[augmentSequences] x is', () => changed([5], { shift: 1 })],
  ['[augmentSequences] there are', () => changed([2, 5], { timeMasks: { count: 9, longest: 1 } })],
  ['[augmentSequences] <option> reaches', () => changed([2, 5], { shift: 5 })],
  [
    '[augmentSequences] x depends',
    () => {
      const x = input('x', spec([2, 5]));
      differentiate(sum(changed([2, 5], { shift: 1 }, x)), [x]);
    },
  ],
  ['[logMel] filter', () => logMel({ sampleRate: 8000, mels: 200 })],
  ['[logMel] x is', () => logMel({ sampleRate: 8000 }).apply(input('x', spec([2, 100, 2])), {}, {} as Context)],
];
