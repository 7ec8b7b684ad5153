// The demo in a real browser, as a visitor uses it: on WebGPU, and without it.

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { syntheticDigits } from '../src/data/digits/syntheticDigits.ts';
import { readSafetensors, type Tensor } from '../src/data/safetensors.ts';
import { take } from '../src/data/samples.ts';
import { tablesOf } from '../src/demo/cycle/numbers.ts';
import { stages, type Glance } from '../src/demo/protocol.ts';
import {
  affine,
  crossEntropyRows,
  differentiate,
  input,
  interpret,
  sigmoid,
  softmax,
  type Value,
} from '../src/index.ts';
import { parseSettings } from '../src/demo/settings.ts';
import { barFiles } from './support/barFiles.ts';
import { servePages } from './support/builtPages.ts';
import { killGpuProcess, openPage } from './support/chromium.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(servePages);

const RATE = 0.5;
/** Gradient descent, whose update follows from the gradient alone. */
const SMALL = `?layers=16&activation=sigmoid&initial=glorot&optimizer=sgd&rate=${RATE}&batch=64&seed=7`;

/** What the worker finds changed before it begins: an init script would reach the page alone. */
const WITHOUT_WEBGPU = `Object.defineProperty(navigator, 'gpu', { value: undefined });`;

describe.each([
  ['on WebGPU', '', /^Trains by WebGPU on /],
  [
    'on the CPU',
    WITHOUT_WEBGPU,
    /^This browser gives the page no WebGPU.*it trains on the CPU, by WebAssembly \(1 thread\)\.$/,
  ],
] as const)('%s', (_, before, where) => {
  test('a visitor trains past 80 %, steps once, and reads of each stage what f64 makes of the saved weights', async () => {
    const { page, problems } = await openDemo(SMALL, before);
    expect(await page.locator('#device').innerText()).toMatch(where);
    await button(page, 'Start').click();
    await expect.poll(() => figure(page, 'Test accuracy')).toBeGreaterThan(80);
    await button(page, 'Pause').click();
    await status(page, /^Paused at step/);
    const paused = await figure(page, 'Step');
    // What it is judged by is of the same step.
    await page.getByText(`After ${paused.toLocaleString('en')} steps, `).waitFor();
    await button(page, 'One step').click();
    await expect.poll(() => figure(page, 'Step')).toBe(paused + 1);

    const file = await saved(page);
    const expected = await glanceFrom(readSafetensors('saved', file).tensors, 5);
    for (const stage of stages) {
      await page.getByRole('button', { name: new RegExp(`^\\d ${stage}`, 'i') }).click();
      const cells = tablesOf(expected, stage).flatMap(({ rows }) => rows.flatMap((row) => row.cells));
      const numbers = cells.filter((cell) => typeof cell === 'number');
      await expect.poll(() => shownNumbers(page)).toEqual(numbers.map((value) => expect.closeTo(value, 4) as number));
    }
    await button(page, 'Next').click();
    await expect.poll(() => figure(page, 'Step')).toBe(paused + 2);

    await button(page, 'Read all test images').click();
    await status(page, /^Read 1,000 test images: [789]\d\.\d % right\.$/);
    const mistakes = page.getByRole('table', { name: /^Rows: what an image is/ });
    expect(await mistakes.getByRole('row').count()).toBe(11);

    await button(page, 'Time each launch').click();
    const times = page.getByRole('table', { name: /^A step takes [\d.]+ ms as training runs it/ });
    await times.waitFor();
    const launches = await figure(page, 'Launches of a step');
    const rows = await times.getByRole('row').count();
    if (before) expect(rows).toBeGreaterThan(8);
    else expect(rows).toBe(1 + launches);

    await page.close();
    expect(problems).toEqual([]);
  });

  test('a drawn 1 is read as 1, and another visit goes on from a checkpoint to the same bits', async () => {
    const { page, problems } = await openDemo('?layers=24&seed=3', before);
    await button(page, 'Start').click();
    await expect.poll(() => figure(page, 'Test accuracy')).toBeGreaterThan(80);
    await button(page, 'Pause').click();
    await status(page, /^Paused at step/);
    await drawOne(page);
    await page.getByText(/^Reads 1 with/).waitFor();
    const [step, file] = [await figure(page, 'Step'), await saved(page)];
    const goOn = async (at: Page): Promise<Buffer> => {
      for (let taken = 1; taken <= 2; taken++) {
        await button(at, 'One step').click();
        await expect.poll(() => figure(at, 'Step')).toBe(step + taken);
      }
      return saved(at);
    };
    const unbroken = await goOn(page);
    const [address, epoch] = [page.url(), await figure(page, 'Epoch')];
    await page.close();

    const { page: other, problems: others } = await openDemo('', before);
    await other.getByLabel(/a checkpoint/).setInputFiles({ name: 'kept.safetensors', buffer: file, mimeType: '' });
    const from = `Goes on from step ${step.toLocaleString('en')}, where kept.safetensors was saved, in the same bits.`;
    await status(other, from);
    expect(await figure(other, 'Step')).toBe(step);
    expect(parseSettings(new URL(other.url()).search)).toEqual(parseSettings(new URL(address).search));
    await drawOne(other);
    await other.getByText(/^Reads 1 with/).waitFor();
    // Weights, moments, the stream of samples, and what stands beside them.
    expect((await goOn(other)).equals(unbroken)).toBe(true);
    expect(await figure(other, 'Epoch')).toBe(epoch);
    await other.close();
    expect([...problems, ...others]).toEqual([]);
  });
});

test('what is changed stands in the address, which makes the same run again', async () => {
  const { page, problems } = await openDemo();
  await page.getByText(/^Settings:/).click();
  await page.getByLabel('Neurons of each hidden layer').fill('12, 8');
  await page.getByLabel('Activation').selectOption('tanh');
  await page.getByLabel('Seed').fill('42');
  await page.getByLabel('Seed').press('Enter');
  await expect.poll(() => new URL(page.url()).searchParams.get('seed')).toBe('42');
  const run = async (at: Page): Promise<number[]> => {
    await status(at, 'Ready: press Start.');
    const losses: number[] = [];
    for (let step = 1; step <= 2; step++) {
      await button(at, 'One step').click();
      await expect.poll(() => figure(at, 'Step')).toBe(step);
      losses.push(await figure(at, 'Loss'));
    }
    return losses;
  };
  const first = await run(page);
  await page.reload();
  expect(await run(page)).toEqual(first);
  await page.getByText(/^Settings:/).click();
  expect(await page.getByLabel('Neurons of each hidden layer').inputValue()).toBe('12 8');

  // A change under way keeps what was learned.
  await page.getByLabel('Optimizer').selectOption('sgd');
  await status(page, 'Ready: press Start.');
  expect(await figure(page, 'Step')).toBe(2);
  // An epoch is as many images as there are, whatever the batches were.
  await page.getByLabel('Batch size').fill('600');
  await page.getByLabel('Batch size').press('Enter');
  await expect.poll(() => figure(page, 'Epoch')).toBeNaN();
  await button(page, 'One step').click();
  await expect.poll(() => figure(page, 'Step')).toBe(3);
  expect(await figure(page, 'Epoch')).toBe(Number(((2 * 128 + 600) / 6000).toFixed(2)));
  await page.close();
  expect(problems).toEqual([]);
});

test('a run that is hurried goes on at the pace that was chosen, with all that was changed', async () => {
  const { page, problems } = await openDemo('?layers=16&batch=32');
  await page.getByLabel('Speed').selectOption('a step in two seconds');
  await button(page, 'Start').click();
  for (let times = 0; times < 3; times++) {
    await button(page, 'Pause').click();
    await button(page, 'Start').click();
  }
  await expect.poll(() => figure(page, 'Step')).toBeGreaterThan(0);
  // Each of the first presses may have begun a step; those that come after are of one run, two seconds apart.
  const [begun, at] = [await figure(page, 'Step'), performance.now()];
  const [presses, paced] = [3, 4];
  await expect.poll(() => figure(page, 'Step')).toBeGreaterThanOrEqual(begun + presses + paced);
  // Three pauses, nearly; four runs side by side would have brought as many steps in one or two.
  expect(performance.now() - at).toBeGreaterThan(5000);

  await page.getByLabel('Speed').selectOption('as fast as it can');
  await page.getByText(/^Settings:/).click();
  await page.getByLabel('Optimizer').selectOption('sgd');
  await page.getByLabel('Schedule').selectOption('halved every 500 steps');
  await page.getByLabel('Activation').selectOption('tanh');
  await status(page, 'Training.');
  await expect.poll(() => figure(page, 'Step')).toBeGreaterThan(2);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  // Which is not overwritten by what was still being prepared.
  await status(page, /^Paused at step/);
  await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
  await page.close();
  expect(problems).toEqual([]);
});

test('a window that is made narrow never has to be scrolled sideways', async () => {
  const { page, problems } = await openDemo('?layers=16');
  for (const width of [1280, 500, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  }
  await page.close();
  expect(problems).toEqual([]);
});

test('a paused page draws all its pictures anew when the colour scheme changes', async () => {
  const { page, problems } = await openDemo('?layers=16');
  await status(page, 'Ready: press Start.');
  const inks = (): Promise<string[]> =>
    page
      .locator('#cycle canvas, #weights canvas')
      .evaluateAll((canvases) => canvases.map((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL()));
  const light = await inks();
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(async () => (await inks()).map((ink, at) => ink === light[at])).toEqual(light.map(() => false));
  await page.close();
  expect(problems).toEqual([]);
});

test('settings that cannot be are refused where they are given, and a run goes on', async () => {
  const { page, problems } = await openDemo('?rate=fast&layers=16&batch=0');
  const said = await page.locator('#status').innerText();
  expect(said).toContain('The link says rate is “fast”, but it must be a number above 0');
  expect(said).toContain('The link says batch is “0”, but it must be a whole number from 1');
  await page.getByText(/^Settings:/).click();
  const layers = page.getByLabel('Neurons of each hidden layer');
  const before = page.url();
  await layers.fill('16 none');
  await layers.press('Enter');
  expect(
    await layers.evaluate((element) => (element as unknown as { validationMessage: string }).validationMessage),
  ).toMatch(/^Give 0 to 12 whole numbers/);
  expect(page.url()).toBe(before);
  await button(page, 'One step').click();
  await expect.poll(() => figure(page, 'Step')).toBe(1);
  await page.close();
  expect(problems).toEqual([]);
});

test('a visitor reads what is wrong with a file that was dropped, and trains on whole ones', async () => {
  const { page, problems } = await openDemo('?layers=16');
  await drop(page, 'train-images-idx3-ubyte', 'a letter, not digits');
  await status(page, '[idx] train-images-idx3-ubyte begins with 61 20 6c 65');
  await drop(page, 'broken.safetensors', 'not weights at all');
  await status(page, '[safetensors]');

  const files = barFiles(1024, 200);
  const chooser = page.getByLabel(/^Files of images/);
  await chooser.setInputFiles(files.slice(0, 2));
  await status(page, '[mnist] there is no t10k-images-idx3-ubyte');
  await chooser.setInputFiles(files);
  await page.getByText('Learns from 1,024 images and is judged by 200 others: your images.').waitFor();
  await status(page, 'Ready: press Start.');
  await button(page, 'Start').click();
  await expect.poll(() => figure(page, 'Test accuracy')).toBeGreaterThan(90);
  await page.close();
  expect(problems).toEqual([]);
});

test('a lost GPU is said, and training goes on where it was', async () => {
  const { page, problems } = await openDemo('?layers=16', LOSABLE);
  await button(page, 'Start').click();
  await expect.poll(() => figure(page, 'Test accuracy')).toBeGreaterThan(70);
  await page.evaluate('spawned.postMessage({ kind: "lose" })');
  await status(page, /^The GPU was lost \(unplugged\)\. Nothing of it is lost: it goes on from step [1-9]/);
  const kept = Number(/step (\d+)/.exec(await page.locator('#status').innerText())![1]);
  await expect.poll(() => figure(page, 'Step')).toBeGreaterThan(kept + 2);
  // A batch is few samples; a network that began anew would be at ten of a hundred.
  expect(await figure(page, 'Training accuracy')).toBeGreaterThan(30);
  await page.close();
  expect(problems).toEqual([]);
});

test("Chromium's GPU process dies while a page trains, which goes on with the same bits, and no step lost or taken twice", async () => {
  const { page, problems } = await openDemo('?layers=16');
  await recordLosses(page);
  await button(page, 'Start').click();
  await expect.poll(() => figure(page, 'Step')).toBeGreaterThan(20);
  await killGpuProcess(served.browser);
  await status(page, /^The GPU was lost \(.+\)\. Nothing of it is lost: it goes on from step [1-9]/);
  const kept = await figure(page, 'Step');
  await expect.poll(() => figure(page, 'Step')).toBeGreaterThan(kept + 20);
  await button(page, 'Pause').click();
  await button(page, 'Start').waitFor();
  const losses = await recordedLosses(page);
  expect(losses).toHaveLength(await figure(page, 'Step'));

  // As many steps, undisturbed.
  const { page: other, problems: others } = await openDemo('?layers=16');
  await recordLosses(other);
  await other.evaluate(`for (let step = 0; step < ${losses.length}; step++) spawned.postMessage({ kind: 'step' })`);
  await expect.poll(() => figure(other, 'Step')).toBe(losses.length);
  expect(await recordedLosses(other)).toEqual(losses);
  expect(await saved(other)).toEqual(await saved(page));
  await Promise.all([page.close(), other.close()]);
  expect([...problems, ...others]).toEqual([]);
});

/** Of each step, in the order in which they are told. */
const recordLosses = (page: Page): Promise<unknown> =>
  page.evaluate(`
    globalThis.losses = [];
    spawned.addEventListener('message', ({ data }) => data.kind === 'taken' && losses.push(...data.losses));`);

const recordedLosses = (page: Page): Promise<number[]> => page.evaluate('losses');

/** Devices that are gone when the worker is told so, as if their card had been pulled out. */
const LOSABLE = `
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await request.apply(this, given);
    const lost = new Promise((resolve) => addEventListener('message', ({ data }) => {
      if (data.kind !== 'lose') return;
      device.destroy();
      resolve({ reason: 'unknown', message: 'unplugged' });
    }, { once: false }));
    Object.defineProperty(device, 'lost', { value: lost });
    return device;
  };`;

/** The page once it is ready, and all that a quiet one would not do: errors, and requests to other hosts. */
async function openDemo(search = '', before = ''): Promise<{ page: Page; problems: string[] }> {
  const page = await openPage(served.browser);
  const problems: string[] = [];
  const { host } = new URL(served.url);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => new URL(request.url()).host !== host && problems.push(request.url()));
  // So that a test may speak with the worker as the page does.
  await page.addInitScript(
    'const Made = Worker; Worker = class extends Made { constructor(...given) { super(...given); globalThis.spawned = this; } };',
  );
  if (before) {
    await page.route(/\/worker-/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${before}\n${await response.text()}` });
    });
  }
  await page.goto(served.url + search);
  await button(page, 'Start').and(page.locator(':enabled')).waitFor();
  return { page, problems };
}

const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });

const status = (page: Page, text: string | RegExp): Promise<void> =>
  page.locator('#status').filter({ hasText: text }).waitFor();

/** The number under a name. */
async function figure(page: Page, name: string): Promise<number> {
  const entry = page.locator('dl.figures > div').filter({ has: page.getByText(name, { exact: true }) });
  return parseFloat((await entry.locator('dd').innerText()).replaceAll(',', ''));
}

const shownNumbers = (page: Page): Promise<number[]> =>
  page
    .locator('#cycle td[data-value]')
    .evaluateAll((cells) =>
      cells.map((cell) => Number((cell as unknown as { dataset: { value: string } }).dataset.value)),
    );

async function saved(page: Page): Promise<Buffer> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, 'Save a checkpoint (safetensors)').click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^millrace-step-\d+\.safetensors$/);
  return readFile(await download.path());
}

/** A stroke as people write a 1: downwards, leaning a little. */
async function drawOne(page: Page): Promise<void> {
  const pad = page.getByRole('img', { name: /^Pad to draw/ });
  await pad.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await pad.boundingBox())!;
  await page.mouse.move(x + 0.54 * width, y + 0.2 * height);
  await page.mouse.down();
  await page.mouse.move(x + 0.47 * width, y + 0.8 * height, { steps: 12 });
  await page.mouse.up();
}

/** As text, since Node's types know no drop. */
async function drop(page: Page, name: string, text: string): Promise<void> {
  const dataTransfer = await page.evaluateHandle(`
    const dropped = new DataTransfer();
    dropped.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}));
    dropped;`);
  await page.dispatchEvent('body', 'drop', { dataTransfer });
}

/** A step on the page's first test image of a digit by `interpret` in f64, and by gradient descent. */
async function glanceFrom(tensors: Readonly<Record<string, Tensor>>, digit: number): Promise<Glance> {
  const { test: set } = await syntheticDigits({ train: 6000, test: 1000, seed: 0 });
  const at = set.fields['label'].data.indexOf(digit);
  const { image } = take(set, at, at + 1).fields;
  const pixels = Float32Array.from(image.data, (value) => value / 255);
  const names = ['layer1.weight', 'layer1.bias', 'layer3.weight', 'layer3.bias'];
  const [weight1, bias1, weight2, bias2] = names.map((name) =>
    input(name, { shape: tensors[name].shape, dtype: 'f32' }),
  );
  const x = input('x', { shape: [1, 784], dtype: 'f32' });
  const hidden = affine(x, weight1, bias1);
  const active = sigmoid(hidden);
  const logits = affine(active, weight2, bias2);
  const { loss } = crossEntropyRows(logits, input('label', { shape: [1], dtype: 'u8' }));
  const layers: readonly (readonly [string, string, Value])[] = [
    ['layer1', 'linear', hidden],
    ['layer2', 'sigmoid', active],
    ['layer3', 'linear', logits],
  ];
  const targets = [weight1, bias1, weight2, bias2, ...layers.map(([, , value]) => value)];
  const gradients = differentiate(loss, targets).map((gradient) => gradient!);
  const outputs = Object.fromEntries(gradients.map((gradient, i) => [`gradient ${i}`, gradient]));
  const graph = { outputs: { loss, p: softmax(logits), hidden, active, logits, ...outputs }, writes: [] };
  const run = (values: Readonly<Record<string, ArrayLike<number>>>) =>
    interpret(graph, {
      batch: { x: pixels, label: Uint8Array.of(digit), ...(values as Record<string, Float32Array>) },
      precision: 'f64',
    }).outputs;
  const values = Object.fromEntries(names.map((name) => [name, tensors[name].data]));
  const found = run(values);
  const changed = names.map((name, i) => values[name].map((value, j) => value - RATE * found[`gradient ${i}`][j]));
  const after = run(Object.fromEntries(names.map((name, i) => [name, changed[i]])));
  const f32 = (numbers: ArrayLike<number>): Float32Array => Float32Array.from(numbers);
  return {
    step: 0,
    rate: RATE,
    label: digit,
    pixels,
    layers: layers.map(([path, kind, { spec }], i) => ({
      path,
      kind,
      shape: spec.shape.slice(1),
      output: f32([found['hidden'], found['active'], found['logits']][i]),
      gradient: f32(found[`gradient ${4 + i}`]),
    })),
    parameters: names.map((name, i) => ({
      name,
      shape: tensors[name].shape,
      value: f32(values[name]),
      gradient: f32(found[`gradient ${i}`]),
      change: f32(found[`gradient ${i}`]).map((d) => -RATE * d),
    })),
    probabilities: f32(found['p']),
    loss: found['loss'][0],
    lossAfter: after['loss'][0],
  };
}
