import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveSources } from './support/chromium.ts';
import { button, figure, openLesson, status } from './support/lessonVisit.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources);

type Lesson = Awaited<ReturnType<typeof openLesson>>;

describe('the page on a sentence that is judged, when it has learned', () => {
  const visit: { lesson?: Lesson } = {};
  beforeAll(async () => {
    visit.lesson = await openLesson(served, 'sentence', { reducedMotion: 'reduce' });
    const { page } = visit.lesson;
    await status(page, /^Ready: press Start\.$/);
    await button(page, 'Start').click();
    await status(page, /^Ended at step 100\.$/);
  });
  afterAll(() => visit.lesson?.close());

  /** Types a sentence, and waits until it is judged. @returns the verdict */
  const typed = async ({ page }: Lesson, sentence: string): Promise<string> => {
    await page.getByLabel('Your sentence').fill(sentence);
    const words = sentence.split(' ').at(-1)!;
    await page.locator('#words', { hasText: words }).waitFor();
    return page.locator('#verdict').innerText();
  };

  test('it tells most of the sentences that were held out', async () => {
    const { page } = visit.lesson!;
    expect(parseFloat(await figure(page, 'Held-out accuracy'))).toBeGreaterThanOrEqual(80);
    expect(await page.locator('#judged li').count()).toBe(30);
    const wrong = await page.locator('#judged li', { hasText: 'but it is' }).count();
    expect(100 * (1 - wrong / 30)).toBeCloseTo(parseFloat(await figure(page, 'Held-out accuracy')), 0);
  });

  test('a typed sentence is judged, by the word that decides, and its shares add up to the answer', async () => {
    const { page } = visit.lesson!;
    expect(await typed(visit.lesson!, 'The bread was delicious')).toMatch(/^good /);
    expect(await page.locator('#words .for', { hasText: 'delicious' }).count()).toBe(1);
    expect(await typed(visit.lesson!, 'The bread was horrible')).toMatch(/^bad /);
    expect(await page.locator('#words .against', { hasText: 'horrible' }).count()).toBe(1);
    const said = (await page.locator('#sum').innerText()).replaceAll('−', '-');
    const numbers = [...said.matchAll(/[+-]\d+\.\d+/g)].map(Number);
    expect(numbers).toHaveLength(5);
    const total = numbers.pop()!;
    expect(Math.abs(numbers.reduce((sum, share) => sum + share, 0) - total)).toBeLessThan(0.03);
  });

  test('a word that was never read is marked, and says next to nothing', async () => {
    const { page } = visit.lesson!;
    await typed(visit.lesson!, 'wonderful zebras');
    expect(await page.locator('#words .unknown').allInnerTexts()).toEqual(['zebras']);
    const share = async (word: string) =>
      Math.abs(
        Number((await page.locator('#words .word', { hasText: word }).getAttribute('title'))!.replace('−', '-')),
      );
    expect(await share('zebras')).toBeLessThan((await share('wonderful')) / 3);
    await page.getByLabel('Your sentence').fill('');
    await page.locator('#verdict', { hasText: /^(good|bad) 50 %$/ }).waitFor();
  });

  test('it learns other lines by their own labels, and says what is wrong with some', async () => {
    const { page } = visit.lesson!;
    const learn = async (lines: readonly string[]) => {
      await page.locator('#lines').fill(lines.join('\n'));
      await button(page, 'Learn these lines').click();
    };
    await learn(['ham hello you', 'spam buy now', 'ham']);
    await page.locator('#status.wrong', { hasText: '[lines] your lines: line 3 is "ham"' }).waitFor();
    await learn(['ham hello you', 'spam buy now']);
    await page.locator('#status.wrong', { hasText: 'give 5 lines at least' }).waitFor();
    await learn(['a one', 'b two', 'c three', 'a four', 'b five']);
    await page.locator('#status.wrong', { hasText: 'Of the labels a, b, c leave two' }).waitFor();
    const day = ['ham see you at lunch', 'spam buy cheap pills now', 'ham lunch was good', 'spam cheap cheap pills'];
    await learn([...day, 'ham lunch']);
    await status(page, /^Ended at step 100\.$/);
    expect(await typed(visit.lesson!, 'cheap pills')).toMatch(/^spam /);
    expect(await page.locator('#first').innerText()).toBe('ham');
  });
});

test('a sentence is judged without WebGPU too', async () => {
  const { page, close } = await openLesson(served, 'sentence', {
    reducedMotion: 'reduce',
    before: () => Object.defineProperty(navigator, 'gpu', { value: undefined }),
  });
  await status(page, /^Ready: press Start\.$/);
  await button(page, 'Step').click();
  await status(page, /^Paused at step 1\.$/);
  expect(await page.locator('#judged li').count()).toBe(30);
  await close();
});
