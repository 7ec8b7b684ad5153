import type { ProxyOptions } from 'vite';

/** Where a SuperLink listens that nobody told otherwise. */
const USUAL = 'http://127.0.0.1:8000';
const BAD_GATEWAY = 502;
const PATH = '/flower';
/** Calls of nodes, and what tells the SuperLink's version. */
const NODES = `^${PATH}/(v1/fleet/[a-z-]+|openapi\\.json)$`;

/**
 * Hands on what nodes in pages ask /flower/… for, of their own origin, to a SuperLink of Flower's: it sends no headers by which
 * a browser would let them ask it themselves. At the same port it takes whoever asks for one who may start runs, and so programs,
 * of which nothing is handed on.
 * @param superlink its address; that of MILLRACE_SUPERLINK in the environment if left out
 */
export function flowerProxy(
  superlink = process.env['MILLRACE_SUPERLINK'] || USUAL,
): Readonly<Record<string, ProxyOptions>> {
  const missing = (why: string): string =>
    `No SuperLink answers at ${superlink} (${why}): start one by flower-superlink --insecure, or say by MILLRACE_SUPERLINK where it is\n`;
  return {
    [NODES]: {
      target: superlink,
      changeOrigin: true,
      rewrite: (path) => path.slice(PATH.length),
      configure(proxy) {
        // Else whoever asked would wait for the rest of an answer whose connection was cut.
        proxy.on('proxyRes', (answer, _, response) => {
          answer.on('close', () => answer.complete || response.destroy());
        });
        proxy.on('error', (error, _, response) => {
          if (!('writeHead' in response) || response.headersSent) return response.destroy();
          const { code, message } = error as NodeJS.ErrnoException;
          response.writeHead(BAD_GATEWAY, { 'content-type': 'text/plain' }).end(missing(code ?? message));
        });
      },
    },
  };
}
