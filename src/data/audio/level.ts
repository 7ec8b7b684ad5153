import { requireKind } from '../../core/argumentChecks.ts';
import { requireSamples, resample } from './resample.ts';
import type { Wav } from './wav.ts';

/** The root of the mean square that sounds are brought to: 20 dB below full scale, so that speech's peaks have room. */
export const LOUDNESS = 0.1;
/** 120 dB below full scale, a thirtieth of the last of 16 bits: what is quieter was not recorded. */
const SILENCE = 1e-6;

/** All channels as one, their mean. @throws DataError for channels that are none, or of different lengths */
export function mono(channels: readonly Float32Array[]): Float32Array {
  const are = Array.isArray(channels) && channels.length > 0 && channels.every((one) => one instanceof Float32Array);
  requireKind('mono', 'the channels', channels, are, 'a list of Float32Array, as readWav gives them');
  const lengths = channels.map(({ length }) => length);
  const isOne = lengths.every((length) => length === lengths[0]);
  requireKind('mono', 'the channels’ lengths', lengths.join(', '), isOne, 'one and the same');
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, at) => channels.reduce((sum, channel) => sum + channel[at], 0) / channels.length);
}

/**
 * A recording without its offset, at one loudness: the root of its mean square becomes 0.1. Speakers and microphones differ
 * by a factor of sixteen and more in what they give, and none of it is what was said. Silence stays silence.
 */
export function levelled(samples: Float32Array): Float32Array {
  requireSamples('levelled', samples);
  const { length } = samples;
  const offset = samples.reduce((sum, sample) => sum + sample, 0) / Math.max(1, length);
  const power = samples.reduce((sum, sample) => sum + (sample - offset) ** 2, 0) / Math.max(1, length);
  const gain = Math.sqrt(power) > SILENCE ? LOUDNESS / Math.sqrt(power) : 1;
  return samples.map((sample) => (sample - offset) * gain);
}

/** A file's sound as models see it: its channels' mean, at one rate and loudness. @param sampleRate its own if left out */
export function soundOf(wav: Wav, sampleRate?: number): Float32Array {
  const isWav = typeof wav === 'object' && wav !== null && 'sampleRate' in wav && 'channels' in wav;
  requireKind('soundOf', 'the sound', wav, isWav, 'what readWav gives');
  return levelled(resample(mono(wav.channels), wav.sampleRate, sampleRate ?? wav.sampleRate));
}
