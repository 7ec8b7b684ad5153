// Which texts lead to a SuperLink.

import { afterEach, expect, test, vi } from 'vitest';
import { superLinkAddress } from '../../src/flower/superLinkAddress.ts';
import { notAddresses } from './addresses.ts';

afterEach(() => vi.unstubAllGlobals());

test('an address leads there, its last slashes aside', () => {
  expect(superLinkAddress('http://127.0.0.1:8000/')).toBe('http://127.0.0.1:8000');
  expect(superLinkAddress('HTTPS://link.example.org/flower//')).toBe('HTTPS://link.example.org/flower');
});

test.each([...notAddresses, 'http://127.0.0.1:1/a b', ' http://127.0.0.1:1', undefined, 8000])(
  '%s does not',
  (given) => {
    expect(superLinkAddress(given)).toBeUndefined();
  },
);

test.each([
  ['https://example.org/together.html', '/flower'],
  // A worker made of a text is nowhere, and nothing leads on from there.
  ['blob:https://example.org/1', undefined],
])('a path leads on from %s to %s', (href, address) => {
  vi.stubGlobal('location', { href });
  expect(superLinkAddress('/flower/')).toBe(address);
  expect(superLinkAddress('flower')).toBeUndefined();
});
