// The views of the cycle in a real page, given a digit's step from plain loops.

import { beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { tablesOf } from '../../../src/demo/cycle/numbers.ts';
import { stages, type Stage } from '../../../src/demo/protocol.ts';
import { openEmptyPage, serveSources } from '../../support/chromium.ts';
import { openBrowser } from '../../support/openBrowser.ts';
import { PlainNetwork } from '../../support/plainNetwork.ts';

const WIDTHS = [784, 16, 12, 10];
const LABEL = 5;
const RATE = 0.05;

const served = openBrowser(serveSources);
let page: Page;

beforeAll(async () => {
  page = await openEmptyPage(served.browser, served.url);
  // As text, since Node's types know no DOM.
  await page.evaluate(`(async () => {
    const [{ Cycle }, { NetworkView }, { FirstWeights }, { PlainNetwork }] = await Promise.all(
      ['/src/demo/cycle/cycle.ts', '/src/demo/picture/networkView.ts', '/src/demo/picture/firstWeights.ts', '/test/support/plainNetwork.ts']
        .map((path) => import(path)));
    document.documentElement.style = '--ink: #222222; --one: 0 0 255; --two: 255 128 0';
    const [cycleHost, networkHost, weightsHost] = [0, 1, 2].map(() => document.body.appendChild(document.createElement('div')));
    const pixels = Float32Array.from({ length: 784 }, (_, i) => (i % 5) / 5);
    const glance = new PlainNetwork(${JSON.stringify(WIDTHS)}, 'relu').glance(pixels, ${LABEL}, ${RATE});
    const [network, weights] = [new NetworkView(networkHost), new FirstWeights(weightsHost)];
    window.told = [];
    const cycle = new Cycle(cycleHost, (stage) => {
      window.told.push(stage);
      network.show(glance, stage);
      weights.show(glance, stage);
    });
    cycle.show(glance, { optimizer: 'sgd', learningRate: ${RATE} });
    network.show(glance, 'forward');
    weights.show(glance, 'forward');
  })()`);
});

const button = (name: string) => page.getByRole('button', { name });
const current = () => page.locator('button[aria-current]').allInnerTexts();

test('a visitor goes through the four stages and around, and each shows the numbers of plain loops', async () => {
  const pixels = Float32Array.from({ length: 784 }, (_, i) => (i % 5) / 5);
  const glance = new PlainNetwork(WIDTHS, 'relu').glance(pixels, LABEL, RATE);
  for (const stage of stages) {
    expect((await current())[0].toLowerCase()).toContain(stage);
    const shown = await page
      .locator('td[data-value]')
      .evaluateAll((cells) =>
        cells.map((cell) => Number((cell as unknown as { dataset: { value: string } }).dataset.value)),
      );
    const expected = tablesOf(glance, stage).flatMap(({ rows }) => rows.flatMap(({ cells }) => cells));
    expect(shown).toEqual(expected.filter((cell) => typeof cell === 'number'));
    await button('Next').click();
  }
  expect(await current()).toEqual(['1 Forward']);
  expect(await page.evaluate('window.told')).toEqual(['loss', 'backward', 'update', 'forward'] satisfies Stage[]);
});

test('arrow keys go on and back among the stages, and what is reached is said', async () => {
  await button('1 Forward').focus();
  await page.keyboard.press('ArrowLeft');
  expect(await current()).toEqual(['4 Update']);
  expect(await page.getByRole('status').innerText()).toMatch(/^Update: each weight moves/);
  await page.keyboard.press('ArrowRight');
  expect(await current()).toEqual(['1 Forward']);
  expect(await page.evaluate('document.activeElement.textContent')).toBe('1 Forward');
});

test('arrow keys on the picture read the numbers of a layer and of its neurons', async () => {
  const picture = page.getByRole('img', { name: /^The network at work on a 5/ });
  await picture.focus();
  for (const key of ['ArrowRight', 'ArrowRight']) await page.keyboard.press(key);
  await page.getByText(/^Layer 1: dense and ReLU, 16: mean /).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.getByText(/^Layer 1, neuron 1 of 16: a /).waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('Point at a layer or a neuron').waitFor();
});

test('the picture and the weights are drawn in the colours of what is above and below 0', async () => {
  const counts = (await page.evaluate(`[...document.querySelectorAll('canvas')].map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const found = { above: 0, below: 0 };
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 50) continue;
      if (data[i + 2] > data[i] + 100) found.above++;
      if (data[i] > data[i + 2] + 100) found.below++;
    }
    return found;
  })`)) as { readonly above: number; readonly below: number }[];
  expect(counts).toHaveLength(2);
  for (const { above, below } of counts) {
    expect(above).toBeGreaterThan(MANY);
    expect(below).toBeGreaterThan(MANY);
  }
});

/** Pixels that no stray line has. */
const MANY = 500;
