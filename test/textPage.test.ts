import { expect, test } from 'vitest';
import { sharesOf } from '../examples/stage/attentionShares.ts';
import { spec } from '../src/core/shape.ts';
import { attention, constant, interpret, Random } from '../src/index.ts';
import { serveSources } from './support/chromium.ts';
import { button, openLesson, status } from './support/lessonVisit.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources);

test('a text that a visitor gives is learned, and each character shows what it looks back at', async () => {
  const { page, close } = await openLesson(served, 'text', { reducedMotion: 'reduce' });
  await status(page, /^Ready: press Start\.$/);
  expect(await page.locator('#samples li').count()).toBe(1);
  await page.getByLabel('Begin with').fill('cabbages? abc');
  await page.locator('#text').fill('abcdefgh '.repeat(80));
  await button(page, 'Learn this text').click();
  const newest = page.locator('#samples li').first();
  await expect.poll(() => newest.innerText()).toContain('abcdefgh abcdefgh abcdefgh');
  await button(page, 'Pause').click();
  await status(page, /^Paused at step \d+\.$/);
  // What it has no characters for is left out of what it begins with.
  expect(await newest.locator('p').innerText()).toMatch(/^cabbage abc/);
  expect(await page.locator('#samples strong').allInnerTexts()).toContain('Step 0');

  const seen = page.locator('#seen');
  await page.locator('#characters span').nth(10).click();
  expect(await page.getByLabel('Chosen character').inputValue()).toBe('11');
  expect(await seen.innerText()).toMatch(/^“c”, character 11, looks at “.” .*Behind it the net expects “d” \d\d/);
  await page.getByLabel('Chosen character').press('ArrowLeft');
  expect(await seen.innerText()).toMatch(/^“b”, character 10, looks at .*Behind it the net expects “c” \d\d/);
  const average = await seen.innerText();
  await page.getByLabel('Head').selectOption('layer 2, head 3');
  expect(await seen.innerText()).not.toBe(average);
  await close();
});

test('a text that is too short is refused in words, without WebGPU too', async () => {
  const { page, close } = await openLesson(served, 'text', {
    reducedMotion: 'reduce',
    before: () => Object.defineProperty(navigator, 'gpu', { value: undefined }),
  });
  await status(page, /^Ready: press Start\.$/);
  await button(page, 'Step').click();
  await status(page, /^Paused at step 1\.$/);
  expect(await page.locator('#characters span').count()).toBe(48);
  await page.locator('#text').fill('too short');
  await button(page, 'Learn this text').click();
  await page.locator('#status.wrong', { hasText: '[textStream] the text has 9 tokens' }).waitFor();
  await close();
});

test('the shares that are shown are those by which attention adds up values', () => {
  const [T, heads] = [6, 2];
  const random = new Random(1, 'shares');
  const shape = [1, T, heads, T];
  const drawn = (): Float64Array => Float64Array.from({ length: T * heads * T }, () => random.normal(0, 2));
  const [queries, keys] = [drawn(), drawn()].map((data) => ({ data, shape }));
  // Of values that are 1 at their own place and 0 elsewhere the sums are the shares themselves.
  const ones = Float64Array.from({ length: T * heads * T }, (_, at) => Number(Math.floor(at / heads / T) === at % T));
  const [q, k, v] = [queries.data, keys.data, ones].map((data) => constant(data, spec(shape)));
  const { outputs } = interpret(
    { outputs: { y: attention(q, k, v, { causal: true }) }, writes: [] },
    { precision: 'f64' },
  );
  for (const [place, head] of [
    [0, 1],
    [3, 0],
    [5, 1],
  ]) {
    const told = outputs['y'].slice((place * heads + head) * T, (place * heads + head + 1) * T);
    sharesOf(queries, keys, place, head).forEach((share, at) => expect(share).toBeCloseTo(told[at], 12));
  }
});
