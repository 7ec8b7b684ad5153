// A browser's own DecompressionStream, which unpacks at once all of a piece that it is given.

import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openEmptyPage, serveSources } from '../support/chromium.ts';
import { openBrowser } from '../support/openBrowser.ts';

const served = openBrowser(serveSources);

test('a page stops a bomb while it unpacks', async () => {
  const page = await openEmptyPage(served.browser, served.url);
  const bomb = gzipSync(new Uint8Array(2 ** 28));
  const { message, taken } = await page.evaluate<{ message: string; taken: number }>(`(async () => {
    const { unpacked } = await import('/src/data/gzip.ts');
    const Own = DecompressionStream;
    let taken = 0;
    globalThis.DecompressionStream = class {
      constructor(format) {
        const { readable, writable } = new Own(format);
        const counter = new TransformStream({
          transform(piece, controller) {
            taken += piece.length;
            controller.enqueue(piece);
          },
        });
        counter.readable.pipeTo(writable).catch(() => undefined);
        return { readable, writable: counter.writable };
      }
    };
    const bytes = Uint8Array.from(atob('${bomb.toString('base64')}'), (letter) => letter.charCodeAt(0));
    const message = await unpacked('table', 'rows.csv.gz', bytes).then(() => 'read', (error) => error.message);
    return { message, taken };
  })()`);
  expect(message).toContain(`rows.csv.gz has ${bomb.length} bytes and becomes more than 67108864`);
  // A quarter of the file is too much; some pieces more are on their way.
  expect(taken).toBeLessThan(0.75 * bomb.length);
  await page.close();
});
