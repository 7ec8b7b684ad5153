// A proxy that cuts connections, to a plan: what a slow or faulty line does, on every kind of request.

import { createServer, request } from 'node:http';

/**
 * How a request is cut: before it is passed on, behind that and before an answer is, or in the middle of the answer.
 * @typedef {'unsent' | 'unanswered' | 'broken off'} Cut
 */

/** @type {readonly Cut[]} */
const cuts = ['unsent', 'unanswered', 'broken off'];

/**
 * Passes requests on to a port, and cuts one of so many, in all ways in turn.
 * @param {number} port
 * @param {number} oneOf
 */
export async function cuttingProxy(port, oneOf) {
  let count = 0;
  /** How often each path was cut in each way. @type {Record<string, number>} */
  const done = {};
  const server = createServer((asked, answer) => {
    /** @type {Cut | undefined} */
    const cut = ++count % oneOf === 0 ? cuts[(count / oneOf) % cuts.length] : undefined;
    if (cut) done[`${asked.url} ${cut}`] = (done[`${asked.url} ${cut}`] ?? 0) + 1;
    if (cut === 'unsent') {
      asked.socket.destroy();
      return;
    }
    const { method, url, headers } = asked;
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (response) => {
      if (cut === 'unanswered') {
        response.resume().once('end', () => asked.socket.destroy());
        return;
      }
      answer.writeHead(response.statusCode ?? 500, response.headers);
      if (cut === undefined) {
        response.pipe(answer);
        return;
      }
      // Half of what was promised.
      const [half] = [Number(response.headers['content-length'] ?? 0) >> 1];
      let passed = 0;
      response.on('data', (/** @type {Buffer} */ bytes) => {
        answer.write(bytes.subarray(0, Math.max(0, half - passed)));
        passed += bytes.length;
      });
      response.once('end', () => setImmediate(() => asked.socket.destroy()));
    });
    onward.once('error', () => asked.socket.destroy());
    asked.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port: own } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${own}`,
    done,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
