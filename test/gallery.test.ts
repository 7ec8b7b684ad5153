import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import {
  adam,
  binaryCrossEntropy,
  createTrainer,
  dataset,
  linear,
  randomNormal,
  sequential,
  tanh,
} from '../src/index.ts';
import { decodePng } from '../src/cli/pictures/png.ts';
import { barFiles } from './support/barFiles.ts';
import { serveSources } from './support/chromium.ts';
import { button, figure, openLesson, status, type Visit } from './support/lessonVisit.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources);
const open = (name: string, visit?: Visit) => openLesson(served, name, visit);

test('the page on XOR learns all four cases, pauses, steps once, and is reset', async () => {
  const { page, close } = await open('xor');
  const answers = async () => {
    const cases = ['0 xor 0', '0 xor 1', '1 xor 0', '1 xor 1'];
    return Promise.all(cases.map(async (name) => Number(await figure(page, name)) > 0.5));
  };
  expect(await page.locator('#device').innerText()).toMatch(/^(Looking for WebGPU|Trains by WebGPU on )/);
  await expect.poll(answers).toEqual([false, true, true, false]);
  await button(page, 'Pause').click();
  await status(page, /^Paused at step \d+\.$/);
  const paused = Number(await figure(page, 'Step'));
  await button(page, 'Step').click();
  await expect.poll(() => figure(page, 'Step')).toBe(String(paused + 1));
  // Four hidden neurons and the output, under the table's head.
  expect(await page.getByRole('row').count()).toBe(6);
  expect(await page.locator('#device').innerText()).toMatch(/^Trains by WebGPU on /);

  await button(page, 'Reset').click();
  await status(page, /^Ready: press Start\.$/);
  expect([await figure(page, 'Step'), await figure(page, 'Loss')]).toEqual(['0', '–']);
  expect(await page.locator('#source').innerText()).toBe(sourceOf('xor'));
  await close();
});

test('the page on spirals gets past 90 %, and stands still while nobody sees it', async () => {
  const { page, close } = await open('spirals');
  await expect.poll(async () => parseFloat(await figure(page, 'Accuracy'))).toBeGreaterThan(90);
  await page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })");
  // What was under way when it was hidden still comes in, sooner or later.
  let hidden = '';
  const standsStill = async () => {
    hidden = await figure(page, 'Step');
    await page.waitForTimeout(500);
    return (await figure(page, 'Step')) === hidden;
  };
  await expect.poll(standsStill).toBe(true);
  await page.evaluate('delete document.hidden');
  await expect.poll(() => figure(page, 'Step')).not.toBe(hidden);
  await close();
});

/** How many pixels of a chart are coloured: axes and their numbers are grey. */
function coloured(png: Uint8Array): number {
  const { data, channels } = decodePng(png);
  const at = (pixel: number): Uint8Array | number[] => [0, 1, 2].map((color) => data[pixel * channels + color]);
  const pixels = Array.from({ length: data.length / channels }, (_, pixel) => at(pixel));
  return pixels.filter((colors) => Math.max(...colors) - Math.min(...colors) > 60).length;
}

test.each(['xor', 'race'])('the chart of %s shows one loss as a dot, and nothing of a run before', async (name) => {
  const { page, close } = await open(name, { reducedMotion: 'reduce' });
  const look = () => page.locator('#chart').screenshot();
  await status(page, /^Ready: press Start\.$/);
  const empty = await look();
  expect(coloured(empty)).toBe(0);
  await button(page, 'Step').click();
  await status(page, /^Paused at step 1\.$/);
  expect(coloured(await look())).toBeGreaterThan(20);
  await button(page, 'Start').click();
  await expect.poll(async () => Number(await figure(page, 'Step'))).toBeGreaterThan(20);
  await button(page, 'Reset').click();
  await status(page, /^Ready: press Start\.$/);
  expect((await look()).equals(empty)).toBe(true);
  await close();
});

/** Of the points that were learned, and of those held out; infinite before they are known. */
const bothLosses = async (page: Page): Promise<number[]> => {
  const texts = await Promise.all(['Training loss', 'Held-out loss'].map((term) => figure(page, term)));
  return texts.map((text) => (text === '–' ? Infinity : Number(text)));
};

/** The noise has a deviation of 0.2: on average, the law itself misses its points by so much. */
const LOSS_OF_THE_LAW = 0.2 ** 2;

test('the page on regression fits its points better than their law does, and those held out ever worse, without WebGPU', async () => {
  const { page, close } = await open('regression', {
    before: () => Object.defineProperty(navigator, 'gpu', { value: undefined }),
  });
  let least = Infinity;
  const worse = async () => {
    const [training, heldOut] = await bothLosses(page);
    least = Math.min(least, heldOut);
    return training < LOSS_OF_THE_LAW ? heldOut / least : 0;
  };
  await expect.poll(worse).toBeGreaterThan(1.5);
  expect((await bothLosses(page))[1]).toBeGreaterThan(2 * LOSS_OF_THE_LAW);
  expect(await page.locator('#device').innerText()).toContain('gives the page no GPU');
  await button(page, 'Pause').click();
  await page.getByRole('spinbutton', { name: 'Points' }).fill('30');
  await page.keyboard.press('Tab');
  await status(page, /^Ready: press Start\.$/);
  await close();
});

test('the page on MNIST reads 80 % of the synthetic digits, and asks for the real ones only when it is told to', async () => {
  const { page, problems, close } = await open('mnist');
  await expect.poll(async () => parseFloat(await figure(page, 'Test accuracy'))).toBeGreaterThan(80);
  expect(await page.getByRole('img', { name: /^A handwritten \d$/ }).count()).toBe(18);
  await button(page, 'Pause').click();
  expect(problems).toEqual([]);

  const mirror = 'https://raw.githubusercontent.com/**';
  await page.route(mirror, () => {});
  const [request] = await Promise.all([page.waitForRequest(mirror), button(page, 'Load MNIST (11.6 MB)').click()]);
  expect(problems.splice(0)).toContain(request.url());
  await close();
});

test('the page on MNIST takes its files, and says what is wrong where it cannot have it', async () => {
  const { page, problems, close } = await open('mnist', { reducedMotion: 'reduce' });
  const origin = (hasText: string) => page.locator('#origin', { hasText }).waitFor();
  await page.route('https://raw.githubusercontent.com/**', (route) => route.abort());
  await button(page, 'Load MNIST (11.6 MB)').click();
  await origin('MNIST could not be loaded: choose its four files instead.');
  expect(problems.splice(0).join()).toContain('raw.githubusercontent.com');
  const chooser = page.getByLabel('MNIST’s four files');
  const files = barFiles(1024, 200);
  await chooser.setInputFiles(files.slice(0, 3));
  await origin('[mnist] there is no t10k-labels-idx1-ubyte');
  await chooser.setInputFiles(files);
  await origin('Learns from 1,024 images of MNIST: the files given.');
  await expect.poll(async () => parseFloat(await figure(page, 'Test accuracy'))).toBeGreaterThan(95);
  await close();
});

test('the lesson on MNIST has forty lines beside its comments', () => {
  const lines = sourceOf('mnist').split('\n');
  expect(lines.filter((line) => line.trim() !== '' && !line.trim().startsWith('//'))).toHaveLength(40);
});

/** What the lesson on optimizers says that its surface is. */
const valley = (x: number, y: number): number => (1 - x) ** 2 + 10 * (y - x * x) ** 2;

test('the optimizers race from where they are told to, on the surface that is drawn, and Adam comes near the star', async () => {
  const { page, close } = await open('race', { reducedMotion: 'reduce' });
  await status(page, /^Ready: press Start\.$/);
  await page.getByLabel('Start x').fill('-1.5');
  await page.getByLabel('Start y').fill('2');
  await button(page, 'Step').click();
  await expect.poll(() => figure(page, 'Lowest so far')).toBe(valley(-1.5, 2).toFixed(3));
  const drawn = (await page.evaluate(heightsOfTheLesson)) as number[];
  const places = [-1, 1, 3].flatMap((y) => [-2, 0, 2].map((x) => valley(x, y)));
  drawn.forEach((height, i) => expect(height).toBeCloseTo(places[i], 4));

  const distances = async () =>
    (await page.locator('#tracks td:last-child').allInnerTexts()).map((text) => parseFloat(text));
  const first = await distances();
  expect(first).toHaveLength(5);
  await button(page, 'Start').click();
  await expect.poll(async () => (await distances())[4]).toBeLessThan(0.2);
  const last = await distances();
  expect(last.filter((distance, i) => distance !== first[i])).toHaveLength(5);

  await page.locator('#surface').click({ position: { x: 10, y: 10 } });
  await expect.poll(async () => (await distances())[4]).toBeGreaterThan(2.5);
  expect(parseFloat(await page.getByLabel('Start x').inputValue())).toBeLessThan(-1.8);
  await button(page, 'Pause').click();
  await close();
});

test('the nets on a sequence forecast it, and the error vanishes in the plain one, in the LSTM unless its gates are open', async () => {
  const { page, close } = await open('sequence', { reducedMotion: 'reduce' });
  await status(page, /^Ready: press Start\.$/);
  const left = async (net: string) => Number(await figure(page, `Left at the first step, ${net}`));
  expect(await left('plain')).toBeLessThan(1e-6);
  expect(await left('LSTM')).toBeGreaterThan(0.01);
  await button(page, 'Start').click();
  // A series that is told to be flat misses by a half on average.
  const losses = async () => Promise.all(['plain', 'LSTM'].map(async (net) => figure(page, `Loss, ${net}`)));
  await expect.poll(async () => Math.max(...(await losses()).map(Number))).toBeLessThan(0.1);
  await button(page, 'Pause').click();
  await page.getByLabel('Forget bias').fill('0');
  await page.keyboard.press('Tab');
  await expect.poll(() => left('LSTM')).toBeLessThan(1e-6);
  await close();
});

test('a lesson says in words what a broken driver keeps it from', async () => {
  const { page, close } = await open('xor', {
    before: () => {
      GPUDevice.prototype.createShaderModule = () => {
        throw new Error('the driver takes no shaders');
      };
    },
  });
  await page.locator('#status.wrong', { hasText: 'the driver takes no shaders' }).waitFor();
  await close();
});

test('the gallery shows a picture of each lesson, and leads there', async () => {
  const { page, close } = await open('index');
  const links = page.getByRole('main').getByRole('link');
  const targets = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  expect(targets).toEqual(
    [
      'xor',
      'spirals',
      'regression',
      'mnist',
      'race',
      'sequence',
      'digit',
      'text',
      'sentence',
      'translation',
      'image',
      'flow',
      'material',
      'camera',
      'together',
    ].map((name) => `${name}.html`),
  );
  const widths = await page.locator('img').evaluateAll((all) => all.map((image) => Reflect.get(image, 'naturalWidth')));
  expect(widths).toEqual(targets.map(() => 480));
  await links.first().click();
  await page.getByRole('heading', { name: 'XOR', level: 1 }).waitFor();
  await close();
});

test('with four hidden neurons XOR is learned from each of eight seeds, with two from few of them', async () => {
  const learned = async (hidden: number) => {
    const losses = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((seed) => lossOfXor(hidden, seed)));
    return losses.filter((loss) => loss < 0.3).length;
  };
  expect(await learned(4)).toBe(8);
  expect(await learned(2)).toBeLessThan(4);
});

const sourceOf = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../examples/${name}.ts`, import.meta.url)), 'utf8');

/** As text, since Node's types know no such modules: heights of the drawn surface at nine places of its window. */
const heightsOfTheLesson = `(async () => {
  const { heightsOf } = await import('/examples/stage/surfacePicture.ts');
  const { valley } = await import('/examples/race.ts');
  return [...heightsOf(valley, { x: [-2, 2], y: [-1, 3] }, 3)];
})()`;

/** The lesson's network, on the CPU. */
async function lossOfXor(hidden: number, seed: number): Promise<number> {
  const xor = dataset({ bits: { data: [0, 0, 0, 1, 1, 0, 1, 1], shape: [2] }, label: [0, 1, 1, 0] });
  const drawn = { weightInitial: randomNormal(0, 1) };
  const trainer = await createTrainer({
    model: sequential(linear(2, hidden, drawn), tanh, linear(hidden, 1, drawn)),
    loss: binaryCrossEntropy,
    optimizer: adam({ learningRate: 0.05 }),
    batchSize: 4,
    seed,
    backend: 'cpu',
    data: xor,
  });
  let last = { loss: NaN };
  for await (last of trainer.fit(xor, { steps: 400, every: 400 }));
  trainer.destroy();
  return last.loss;
}
