// What a checkpoint says of where its training was: it may be damaged, or another's.

import { describe, expect, test } from 'vitest';
import { progressIn } from '../../src/train/checkpoints/checkpoint.ts';
import { fromJson, toJson } from '../../src/train/checkpoints/progress.ts';
import { progress } from '../support/checkpointed.ts';

const { run } = progress;
const others: readonly (readonly [string, unknown])[] = [
  ['no object', 7],
  ['a list', [progress]],
  ['nothing', null],
  ['a step that is no count', { ...progress, step: -1 }],
  ['a step beyond all counts', { ...progress, step: 2 ** 60 }],
  ['a factor as a text', { ...progress, rateFactor: '1' }],
  ['a stream without a length', { ...progress, stream: { epoch: 1, position: 3 } }],
  ['no stream, not even null', { ...progress, stream: undefined }],
  ['half a position', { ...progress, stream: { epoch: 0, position: 0.5, length: 9 } }],
  ['a run over something else', { ...progress, run: { ...run, over: 'sets' } }],
  ['unreported steps as a number', { ...progress, run: { ...run, unreported: 3 } }],
  ['an unreported step of no count', { ...progress, run: { ...run, unreported: [-4] } }],
  ['a run without decisions', { ...progress, run: { ...run, heard: undefined } }],
  ['a decision that was asked nothing', { ...progress, run: { ...run, heard: { asked: [null] } } }],
  ['a metric as a text', { ...progress, run: { ...run, heard: { asked: [{ metrics: { loss: 'low' }, at: [] }] } } }],
  ['a moment without a rate', { ...progress, run: { ...run, heard: { asked: [{ metrics: {}, at: [{ step: 1 }] }] } } }],
  ['figures as texts', { ...progress, run: { ...run, heard: { asked: [], since: [{ samples: 1, numbers: ['1'] }] } } }],
  ['a flag that is a number', { ...progress, run: { ...run, stopped: 0 } }],
  ['kernels without forms', { ...progress, kernels: { adapter: 'a' } }],
  ['an adapter that is a list', { ...progress, adapter: ['a'] }],
  ['a digest that is a number', { ...progress, graph: 123 }],
];

describe('what a checkpoint says', () => {
  test('is read as it was written', () => {
    expect(fromJson(toJson(progress))).toEqual(progress);
    const fresh = { ...progress, stream: null, run: null, kernels: null };
    expect(fromJson(toJson(fresh))).toEqual(fresh);
    const batches = { ...progress, run: { ...run!, over: 'batches' as const, heard: { asked: [], since: undefined } } };
    expect(fromJson(toJson(batches))).toEqual(batches);
  });

  test.each([
    ...others.map(([what, given]) => [what, JSON.stringify(given)]),
    ['no JSON', '{"step":7'],
    ['no text', ''],
  ])('is refused if it is %s', (_, text) => {
    const metadata = { ['__millrace__']: text, '__millrace__.format': '1' };
    expect(() => progressIn('a.safetensors', metadata)).toThrow(
      '[checkpoint] a.safetensors does not say where its training was: it was damaged; load another one',
    );
  });
});
