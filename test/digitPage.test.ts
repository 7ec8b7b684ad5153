import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spokenDigits } from '../examples/stage/digitWords.ts';
import { serveSources } from './support/chromium.ts';
import { button, openLesson, status } from './support/lessonVisit.ts';
import { openBrowser } from './support/openBrowser.ts';
import { wavOf } from './support/sounds.ts';

// In the place of a microphone a beep each second, which every page is allowed to hear.
const microphone = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const served = openBrowser(serveSources, microphone);

type Lesson = Awaited<ReturnType<typeof openLesson>>;

const cell = (page: Lesson['page'], id: string): Promise<string> => page.locator(`#${id}`).innerText();

/** A file of a word that is not among those of the page. */
const fileOf = (name: string, digit: number) => ({
  name,
  mimeType: 'audio/wav',
  buffer: wavOf(spokenDigits(10, 3)[digit].samples),
});

/** The share of a strip's pixels that something is painted on. As text, since Node's types know no documents. */
const painted = (page: Lesson['page'], id: string): Promise<number> =>
  page.evaluate(`(() => {
    const { width, height } = document.getElementById('${id}');
    const { data } = document.getElementById('${id}').getContext('2d').getImageData(0, 0, width, height);
    return data.filter((byte, at) => at % 4 === 3 && byte > 0).length / (width * height);
  })()`);

describe('the page on spoken digits, when it has learned', () => {
  const visit: { lesson?: Lesson } = {};
  beforeAll(async () => {
    visit.lesson = await openLesson(served, 'digit', {
      reducedMotion: 'reduce',
      before: () => {
        const getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
        Object.assign(Reflect.get(navigator, 'mediaDevices'), { getUserMedia });
      },
    });
    const { page } = visit.lesson;
    await status(page, /^Ready: press Start\.$/);
    await button(page, 'Start').click();
    await page.locator('#accuracy', { hasText: /^(9\d|100)\./ }).waitFor();
    await button(page, 'Pause').click();
    await status(page, /^Paused at step \d+\.$/);
  });
  afterAll(() => visit.lesson?.close());

  test('the error comes back to the first frame in the LSTM, and vanishes in the plain net', async () => {
    const { page } = visit.lesson!;
    expect(Number(await cell(page, 'left'))).toBeGreaterThan(1e-3);
    expect(Number(await cell(page, 'plain-left'))).toBeLessThan(1e-4);
  });

  test('hears nearly all of ten words that come along, and shows what it makes of them', async () => {
    const { page } = visit.lesson!;
    let right = 0;
    for (const word of ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'zero']) {
      await button(page, 'Next word').click();
      await page.locator('#heard', { hasText: `The page’s “${word}”` }).waitFor();
      right += Number((await cell(page, 'heard')).includes(`the LSTM hears “${word}”`));
    }
    expect(right).toBeGreaterThanOrEqual(8);
    for (const strip of ['loudness', 'probabilities', 'hidden', 'errors']) {
      expect([strip, (await painted(page, strip)) > 0.05]).toEqual([strip, true]);
    }
  });

  test('hears a WAV file, and tells one that was cut short by what the reader says', async () => {
    const { page } = visit.lesson!;
    const chooser = page.getByLabel('WAV files');
    await chooser.setInputFiles(fileOf('7_nobody_0.wav', 7));
    await page.locator('#heard', { hasText: '7_nobody_0.wav: the LSTM hears “seven”' }).waitFor();
    const whole = fileOf('cut.wav', 7);
    await chooser.setInputFiles({ ...whole, buffer: whole.buffer.subarray(0, 1000) });
    await page.locator('#desk.wrong', { hasText: '[wav] cut.wav ends inside its chunk "data"' }).waitFor();
    expect(await cell(page, 'heard')).toContain('7_nobody_0.wav');
  });

  test('says that the microphone is not allowed, and goes on', async () => {
    const { page } = visit.lesson!;
    await button(page, 'Record').click();
    await page.locator('#desk.wrong', { hasText: 'The microphone is not allowed here' }).waitFor();
    await button(page, 'Record').waitFor();
    await button(page, 'Next word').click();
    await page.locator('#heard', { hasText: 'The page’s' }).waitFor();
  });

  test('learns anew from several files, by the digits in their names, and from no others', async () => {
    const { page } = visit.lesson!;
    const chooser = page.getByLabel('WAV files');
    await chooser.setInputFiles([fileOf('seven.wav', 7), fileOf('eight.wav', 8)]);
    await page.locator('#desk.wrong', { hasText: 'Of 2 files 0 are named as 7_theo_12.wav' }).waitFor();
    const named = [...Array(10).keys()].map((digit) => fileOf(`${digit}_nobody_0.wav`, digit));
    await chooser.setInputFiles(named);
    await page.locator('#origin', { hasText: 'Learns from 8 of your recordings; 2 are held out.' }).waitFor();
    await page.locator('#heard', { hasText: '0_nobody_0.wav: the LSTM hears' }).waitFor();
    // Reset begins anew with them, and goes on.
    await status(page, /^Training\.$/);
    await button(page, 'Pause').click();
    await status(page, /^Paused at step \d+\.$/);
  });
});

test('a digit that is said into the microphone is drawn and heard, without WebGPU too', async () => {
  const { page, close } = await openLesson(served, 'digit', {
    reducedMotion: 'reduce',
    before: () => Object.defineProperty(navigator, 'gpu', { value: undefined }),
  });
  await status(page, /^Ready: press Start\.$/);
  await button(page, 'Record').click();
  await page.locator('#heard', { hasText: 'Your voice: the LSTM hears' }).waitFor();
  await button(page, 'Stop').waitFor();
  await button(page, 'Record').waitFor();
  expect(await cell(page, 'desk')).toBe('');
  expect(await painted(page, 'loudness')).toBeGreaterThan(0.01);
  await button(page, 'Step').click();
  await status(page, /^Paused at step 1\.$/);
  await close();
});
