// The lesson as a page: its text is there without a script, and its live parts compute what the text says.

import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { FIRST_MATRICES, turnOfHead } from '../src/demo/lesson/workedHead.ts';
import { FIRST_PARAMETERS, turn, updated } from '../src/demo/lesson/workedNetwork.ts';
import { UPDATED_MATRICES } from './support/attentionLesson.ts';
import { openPage, serveSources } from './support/chromium.ts';
import { openBrowser } from './support/openBrowser.ts';
import { printed, RATE } from './support/lesson.ts';

const served = openBrowser(serveSources);

/** As narrow as a small phone. */
const NARROW = { width: 360, height: 740 };

const before = turn(FIRST_PARAMETERS);
const after = turn(updated(FIRST_PARAMETERS, before, RATE));

test('a reader on a phone goes through the worked network, and finds the loss that the text gives', async () => {
  const { page, problems } = await openLesson();
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const figure = page.getByRole('img', { name: 'The network of two inputs' });
  const numbers = () => figure.getAttribute('aria-label');

  expect(await numbers()).not.toContain(printed(before.values.y));
  await press('Forward');
  expect(await numbers()).toContain(`answers ${printed(before.values.y)}`);
  expect(await numbers()).not.toContain('loss');
  await press('Loss');
  expect(await numbers()).toContain(`= ${printed(before.values.loss)}`);
  expect(await numbers()).not.toContain('∂');
  await press('Backward');
  expect(await numbers()).toContain(`∂ ${printed(before.gradients.v1).replace('-', '−')}`);
  // By keyboard too: the button that was pressed still has the focus.
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  expect(await numbers()).toContain(`= ${printed(after.values.loss)}`);
  await page.getByText(`Loss of each turn: ${printed(before.values.loss)} → ${printed(after.values.loss)}`).waitFor();
  await page
    .getByText(`The loss has fallen from ${printed(before.values.loss)} to ${printed(after.values.loss)}.`)
    .waitFor();

  expect(await widthOf(page)).toBe(NARROW.width);
  await page.close();
  expect(problems).toEqual([]);
});

test('the head of attention is updated, and its shares and its loss are those of the text', async () => {
  const { page, problems } = await openLesson();
  const figure = page.getByRole('img', { name: 'What each word looks at' });
  const [first, second] = [FIRST_MATRICES, UPDATED_MATRICES].map((matrices) => turnOfHead(matrices).values);
  expect(await figure.getAttribute('aria-label')).toContain(`it looks at cat ${printed(first.a[6])}`);
  await page.getByRole('button', { name: 'Update the head', exact: true }).click();
  expect(await figure.getAttribute('aria-label')).toContain(`it looks at cat ${printed(second.a[6])}`);
  await page.getByText(`Loss of each turn: ${printed(first.loss[0])} → ${printed(second.loss[0])}`).waitFor();
  await page.close();
  expect(problems).toEqual([]);
});

test('the learning rates are tried in the page, the reader’s own among them', async () => {
  const { page, problems } = await openLesson();
  await page.getByLabel('Your learning rate').fill('0.2');
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await page
    .getByText('The loss after 200 steps: 0.39 at 0.003, 0.04 at 0.2, not a number at 0.5, 0.04 at 0.2.')
    .waitFor();
  await page.close();
  expect(problems).toEqual([]);
});

test('with text of twice the size the formulas move within their paragraphs, not the page', async () => {
  const { page, problems } = await openLesson();
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  expect(await widthOf(page)).toBe(NARROW.width);
  await page.close();
  expect(problems).toEqual([]);
});

test('the slider reads activation and slope off the curves', async () => {
  const { page, problems } = await openLesson();
  await page.getByLabel('Read the curves at z').fill('0');
  await page.getByRole('row', { name: 'sigmoid 0.5000 0.2500' }).waitFor();
  await page.close();
  expect(problems).toEqual([]);
});

test('a link to a source leads to the line that it names, on a page of this site', async () => {
  const { page, problems } = await openLesson();
  await page.getByRole('link', { name: 'sigmoidOp in ops/pointwise/activations.ts' }).first().click();
  await page.getByRole('heading', { name: 'src/ops/pointwise/activations.ts' }).waitFor();
  expect(await page.locator(':target').innerText()).toContain('const sigmoidOp = ');
  expect(await widthOf(page)).toBe(NARROW.width);
  await page.close();
  expect(problems).toEqual([]);
});

const widthOf = (page: Page): Promise<number> => page.evaluate('document.documentElement.scrollWidth');

/** The lesson, and all that a quiet page would not do: errors, and requests to other hosts. */
async function openLesson(): Promise<{ page: Page; problems: string[] }> {
  // A process without a language calls itself en-US@posix, which is none.
  const page = await openPage(served.browser, { viewport: NARROW, locale: 'en-US' });
  const problems: string[] = [];
  const { host } = new URL(served.url);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => new URL(request.url()).host !== host && problems.push(request.url()));
  await page.goto(`${served.url}docs/backpropagation.html`);
  await page.getByRole('button', { name: 'Train', exact: true }).waitFor();
  return { page, problems };
}
