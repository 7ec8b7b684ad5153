// cifar10() in a real browser, which decodes the pictures itself.

import { expect, test } from 'vitest';
import { openEmptyPage, serveSources } from '../support/chromium.ts';
import { openBrowser } from '../support/openBrowser.ts';
import { sprites, testPixels, trainPixels } from '../support/cifar10.ts';

const served = openBrowser(serveSources);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

test('a page reads the pixels of PNG pictures as they are', async () => {
  const page = await openEmptyPage(served.browser, served.url);
  const given = Object.entries(sprites).map(([name, bytes]) => [name, base64(bytes)]);
  const images = await page.evaluate(`(async () => {
    const { cifar10, files } = await import('/src/data/index.ts');
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const given = ${JSON.stringify(given)}.map(([name, text]) => new File([bytes(text)], name));
    const { train, test } = await cifar10(files(given));
    const text = ({ fields }) => btoa(Array.from(fields.image.data, (byte) => String.fromCharCode(byte)).join(''));
    return [text(train), text(test)];
  })().catch((error) => error.message)`);
  expect(images).toEqual([base64(trainPixels), base64(testPixels)]);
  await page.close();
});
