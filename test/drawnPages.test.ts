// Lessons of the gallery that draw by WebGPU, on the trainer's device and from its weights.

import { expect, test } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { decodePng, encodePng } from '../src/cli/pictures/png.ts';
import { drawing, serveSources } from './support/chromium.ts';
import { button, figure, openLesson, status, type Visit } from './support/lessonVisit.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources, drawing);

/** Keeps what any device of the page complains of, and how often a picture is read from the GPU. */
function watchDevices(): void {
  const seen = { faults: [] as string[], picturesRead: 0 };
  Object.assign(globalThis, { seen });
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    device.addEventListener('uncapturederror', ({ error }) => seen.faults.push(error.message));
    return device;
  };
  const { copyTextureToBuffer } = GPUCommandEncoder.prototype;
  GPUCommandEncoder.prototype.copyTextureToBuffer = function (...given) {
    seen.picturesRead++;
    return copyTextureToBuffer.apply(this, given);
  };
}

const seenBy = (page: Page): Promise<{ faults: string[]; picturesRead: number }> => page.evaluate('seen');

/** A lesson whose devices complain of nothing, and whose pictures stay on the GPU. */
async function open(name: string, visit: Visit = {}) {
  const lesson = await openLesson(served, name, { before: watchDevices, ...visit });
  const close = async (): Promise<void> => {
    expect(await seenBy(lesson.page)).toEqual({ faults: [], picturesRead: 0 });
    await lesson.close();
  };
  return { ...lesson, close };
}

/** Whether a page has loaded anything of three.js. */
const hasThree = (page: Page): Promise<boolean> =>
  page.evaluate("performance.getEntriesByType('resource').some(({ name }) => name.includes('/three/'))");

const pixelsOf = async (place: Locator): Promise<number[]> => [...decodePng(await place.screenshot()).data];

/** How far what two places show is apart, on average over all pixels and colours, of 255. */
async function apart(one: Locator, other: Locator): Promise<number> {
  const [first, second] = await Promise.all([pixelsOf(one), pixelsOf(other)]);
  return first.reduce((sum, value, at) => sum + Math.abs(value - second[at]), 0) / first.length;
}

test('the neural image comes to look like its picture, and another one is learned from a file, but no text', async () => {
  const { page, close } = await open('image');
  const [given, learned] = ['#given', '#learned'].map((id) => page.locator(id));
  await expect.poll(async () => parseFloat(await figure(page, 'Likeness'))).toBeGreaterThan(20);
  await button(page, 'Pause').click();
  await status(page, /^Paused at step/);
  expect(await apart(given, learned)).toBeLessThan(20);
  expect(await hasThree(page)).toBe(false);
  const files = page.getByLabel(/^A picture of yours/);
  await files.setInputFiles({ name: 'words.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await page.locator('#origin.wrong', { hasText: 'words.png is no picture' }).waitFor();
  const red = encodePng({ width: 2, height: 1, pixels: Uint8Array.of(255, 0, 0, 255, 0, 0) });
  await files.setInputFiles({ name: 'red.png', mimeType: 'image/png', buffer: Buffer.from(red) });
  await page.locator('#origin:not(.wrong)', { hasText: 'Learns red.png' }).waitFor();
  await expect.poll(async () => parseFloat(await figure(page, 'Likeness'))).toBeGreaterThan(30);
  await button(page, 'Pause').click();
  await status(page, /^Paused at step/);
  expect(await apart(given, learned)).toBeLessThan(10);
  await close();
});

test('particles follow strokes that are drawn, by pointer and by arrow keys, and stand still while it is paused', async () => {
  const { page, close } = await open('flow');
  const [strokes, flow] = ['#strokes', '#flow'].map((id) => page.locator(id));
  const off = async (): Promise<number> => parseFloat(await figure(page, 'Off by'));
  const paused = async (): Promise<void> => {
    await button(page, 'Pause').click();
    await status(page, /^Paused at step/);
  };
  await expect.poll(off).toBeLessThan(0.1);
  await button(page, 'Clear strokes').click();
  const before = await pixelsOf(flow);
  expect(new Set(before).size).toBeGreaterThan(20);
  await expect.poll(async () => (await pixelsOf(flow)).some((value, at) => value !== before[at])).toBe(true);
  await paused();
  const still = await pixelsOf(flow);
  await page.waitForTimeout(300);
  expect(await pixelsOf(flow)).toEqual(still);

  await strokes.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await strokes.boundingBox())!;
  await page.mouse.move(x + 0.2 * width, y + 0.5 * height);
  await page.mouse.down();
  await page.mouse.move(x + 0.8 * width, y + 0.2 * height, { steps: 30 });
  await page.mouse.up();
  await button(page, 'Step').click();
  await expect.poll(off).toBeGreaterThan(0.3);
  await button(page, 'Start').click();
  await expect.poll(off).toBeLessThan(0.1);
  await paused();
  await strokes.focus();
  for (let press = 0; press < 10; press++) await page.keyboard.press('ArrowDown');
  await button(page, 'Step').click();
  await expect.poll(off).toBeGreaterThan(0.3);
  await close();
});

/** How far the colours of what a place shows are from grey, on average over all pixels, of 255. */
async function colourfulness(place: Locator): Promise<number> {
  const { data, channels } = decodePng(await place.screenshot());
  let sum = 0;
  for (let at = 0; at < data.length; at += channels) {
    const colors = [data[at], data[at + 1], data[at + 2]];
    sum += Math.max(...colors) - Math.min(...colors);
  }
  return (sum * channels) / data.length;
}

test('a material of three.js has the colours that the network has learned, and none when it begins anew', async () => {
  const { page, close } = await open('material');
  const [scene, formula, learned] = ['#scene', '#formula', '#learned'].map((id) => page.locator(id));
  await expect.poll(async () => parseFloat(await figure(page, 'Colours off by'))).toBeLessThan(15);
  await button(page, 'Pause').click();
  await status(page, /^Paused at step/);
  expect(await apart(formula, learned)).toBeLessThan(20);
  expect(await hasThree(page)).toBe(true);
  const trained = await colourfulness(scene);
  await button(page, 'Reset').click();
  await status(page, /^Ready: press Start\.$/);
  expect(await colourfulness(scene)).toBeLessThan(trained / 3);
  await close();
});

test('a lesson that draws says that it needs WebGPU, where there is none', async () => {
  const before = () => Object.defineProperty(navigator, 'gpu', { value: undefined });
  const { page, close } = await openLesson(served, 'image', { before });
  await page.locator('#status.wrong', { hasText: 'gives the page no WebGPU' }).waitFor();
  await close();
});
