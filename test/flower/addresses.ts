/** What no SuperLink can be at, for whoever is not a page. */
export const notAddresses = [
  '127.0.0.1:8000',
  '/flower',
  'ftp://127.0.0.1',
  'http://',
  'http://127.0.0.1:99999',
  'http://user:word@127.0.0.1:1',
  'http://127.0.0.1:1/?x',
  'http://127.0.0.1:1#x',
] as const;
