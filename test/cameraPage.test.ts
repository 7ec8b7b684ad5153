import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { encodePng } from '../src/cli/pictures/png.ts';
import { serveSources } from './support/chromium.ts';
import { button, figure, openLesson, status } from './support/lessonVisit.ts';
import { openBrowser } from './support/openBrowser.ts';

// In the place of a camera a green picture that moves, which every page is allowed to see.
const camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const served = openBrowser(serveSources, camera);

const text = (page: Page, id: string): Promise<string> => page.locator(`#${id}`).innerText();
const countOf = async (page: Page, name: string): Promise<number> => Number(await text(page, `count-${name}`));
const showing = (page: Page, name: string) => button(page, `Hold: this is ${name}`);
const told = (page: Page, name: string) => page.locator('#told', { hasText: `This looks like ${name}.` }).waitFor();

/** Holds a class's button, by the keyboard, until so many pictures were taken. */
async function hold(page: Page, name: string, pictures: number): Promise<void> {
  await showing(page, name).focus();
  await page.keyboard.down(' ');
  await expect.poll(() => countOf(page, name)).toBeGreaterThanOrEqual(pictures);
  await page.keyboard.up(' ');
}

/** A picture of two colours, side by side. */
const pictureOf = (name: string, ...colors: readonly [readonly number[], readonly number[]]) => ({
  name,
  mimeType: 'image/png',
  buffer: Buffer.from(encodePng({ width: 2, height: 1, pixels: Uint8Array.from(colors.flat()) })),
});
const warm = pictureOf('warm.png', [220, 40, 30], [250, 200, 60]);
const cold = pictureOf('cold.png', [20, 60, 200], [20, 20, 40]);

/** Red, green and blue in the middle of a canvas. As text, since Node's types know no documents. */
const middleOf = (page: Page, id: string): Promise<number[]> =>
  page.evaluate(`(() => {
    const { width, height } = document.getElementById('${id}');
    return [...document.getElementById('${id}').getContext('2d').getImageData(width / 2, height / 2, 1, 1).data];
  })()`);

test('what a camera sees is told from what is drawn, after a second of each', async () => {
  const { page, close } = await openLesson(served, 'camera');
  await status(page, /^Ready/);
  expect(await text(page, 'told')).toBe('Show it two classes at least.');
  await button(page, 'Use the camera').click();
  await page.locator('#eye', { hasText: 'What the camera sees stays in this page.' }).waitFor();
  await expect.poll(async () => (await middleOf(page, 'seen'))[1]).toBeGreaterThan(100);
  const place = showing(page, 'A');
  await place.scrollIntoViewIfNeeded();
  const { x, y } = (await place.boundingBox())!;
  await page.mouse.move(x + 9, y + 9);
  await page.mouse.down();
  expect(await place.getAttribute('aria-pressed')).toBe('true');
  await expect.poll(() => countOf(page, 'A')).toBeGreaterThanOrEqual(6);
  await page.mouse.up();
  expect(await text(page, 'told')).toBe('Show it two classes at least.');

  await button(page, 'Clear sheet').click();
  await button(page, 'Use the camera').waitFor();
  await page.locator('#sheet').focus();
  for (const way of ['ArrowRight', 'ArrowDown', 'ArrowLeft']) await page.keyboard.press(way);
  const [red, , blue] = await middleOf(page, 'sheet');
  expect(blue).toBeGreaterThan(red);
  await hold(page, 'B', 6);
  await told(page, 'B');
  await button(page, 'Use the camera').click();
  await told(page, 'A');
  await expect.poll(() => figure(page, 'Held out, told right')).toMatch(/^100 % of \d+$/);
  await button(page, 'Stop the camera').click();
  await button(page, 'Use the camera').waitFor();
  await close();
});

test('says that the camera is not allowed, and learns from pictures, without WebGPU too', async () => {
  const { page, close } = await openLesson(served, 'camera', {
    before: () => {
      Object.defineProperty(navigator, 'gpu', { value: undefined });
      const getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
      Object.assign(Reflect.get(navigator, 'mediaDevices'), { getUserMedia });
    },
  });
  await status(page, /^Ready/);
  expect(await text(page, 'device')).toContain('gives the page no GPU');
  await button(page, 'Use the camera').click();
  await page.locator('#eye.wrong', { hasText: 'The camera is not allowed here' }).waitFor();
  await button(page, 'Use the camera').and(page.locator(':enabled')).waitFor();

  const files = page.getByLabel(/^A picture/);
  await files.setInputFiles(warm);
  await page.locator('#eye:not(.wrong)', { hasText: 'Sees warm.png.' }).waitFor();
  await hold(page, 'A', 6);
  await files.setInputFiles({ name: 'words.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await page.locator('#eye.wrong', { hasText: 'words.png is no picture' }).waitFor();
  await files.setInputFiles(cold);
  await hold(page, 'C', 6);
  await told(page, 'C');
  await files.setInputFiles(warm);
  await told(page, 'A');

  await button(page, 'Forget all').click();
  await expect.poll(() => countOf(page, 'A')).toBe(0);
  expect(await figure(page, 'Step')).toBe('–');
  expect(await text(page, 'told')).toBe('Show it two classes at least.');
  await close();
});

test('takes one picture where a button is tapped, and none while nobody sees the page', async () => {
  const { page, close } = await openLesson(served, 'camera');
  await status(page, /^Ready/);
  await showing(page, 'B').dispatchEvent('click');
  await expect.poll(() => countOf(page, 'B')).toBe(1);
  await page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })");
  await page.waitForTimeout(500);
  await showing(page, 'B').focus();
  await page.keyboard.down(' ');
  await page.waitForTimeout(500);
  expect(await countOf(page, 'B')).toBe(1);
  await page.evaluate('delete document.hidden');
  await expect.poll(() => countOf(page, 'B')).toBeGreaterThan(2);
  await page.keyboard.up(' ');
  const last = await countOf(page, 'B');
  await page.waitForTimeout(500);
  expect(await countOf(page, 'B')).toBeLessThanOrEqual(last + 1);
  await close();
});
