import { expect, test } from 'vitest';
import { english, german } from '../examples/stage/numberWords.ts';
import { serveSources } from './support/chromium.ts';
import { button, figure, openLesson, status } from './support/lessonVisit.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources);

test('numbers that were never learned are translated, and the ones and tens are looked for where German has them', async () => {
  const { page, close } = await openLesson(served, 'translation', { reducedMotion: 'reduce' });
  await status(page, /^Ready: press Start\.$/);
  await button(page, 'Start').click();
  await expect.poll(async () => parseFloat(await figure(page, 'Unseen numbers, right'))).toBeGreaterThan(90);
  await button(page, 'Pause').click();
  await status(page, /^Paused at step \d+\.$/);
  await page.getByLabel('Number', { exact: true }).fill('7364');
  await page.keyboard.press('Tab');
  await page.locator('#own', { hasText: 'seven thousand three hundred and sixty four: right.' }).waitFor();
  const heads = await page.locator('#read th').allInnerTexts();
  expect(heads.slice(1)).toEqual(['sieben', 'tausend', 'drei', 'hundert', 'vier', 'und', 'sechzig']);
  /** In percent: how much a written word has looked at one that is read. */
  const share = async (written: string, read: string): Promise<number> => {
    const row = page.getByRole('row', { name: new RegExp(`^${written} `) });
    return Number(
      await row
        .locator('td')
        .nth(heads.indexOf(read) - 1)
        .innerText(),
    );
  };
  expect(await share('four', 'vier')).toBeGreaterThan(50);
  expect(await share('sixty', 'sechzig')).toBeGreaterThan(50);
  await button(page, 'Another number').click();
  await page.locator('#own', { hasNotText: 'sixty four' }).waitFor();
  await close();
});

test('a number is translated without WebGPU too, by a net that has learned nothing yet', async () => {
  const { page, close } = await openLesson(served, 'translation', {
    reducedMotion: 'reduce',
    before: () => Object.defineProperty(navigator, 'gpu', { value: undefined }),
  });
  await status(page, /^Ready: press Start\.$/);
  await page.locator('#own', { hasText: 'it is eight thousand seven hundred and twenty three' }).waitFor();
  await button(page, 'Step').click();
  await status(page, /^Paused at step 1\.$/);
  await close();
});

test.each([
  [1, 'eins', 'one'],
  [12, 'zwölf', 'twelve'],
  [20, 'zwanzig', 'twenty'],
  [21, 'ein und zwanzig', 'twenty one'],
  [101, 'ein hundert eins', 'one hundred and one'],
  [1000, 'ein tausend', 'one thousand'],
  [1016, 'ein tausend sechzehn', 'one thousand and sixteen'],
  [9999, 'neun tausend neun hundert neun und neunzig', 'nine thousand nine hundred and ninety nine'],
])('%d is "%s" and "%s"', (number, inGerman, inEnglish) => {
  expect([german(number).join(' '), english(number).join(' ')]).toEqual([inGerman, inEnglish]);
});
