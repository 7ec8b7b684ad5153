// Opens the built pages as visitors would, and keeps what they saw in dist/screenshots: light, dark and on a phone. Prints
// how heavy the demo is, when it is there, and how long its script holds the main thread.
//
//     npm run screenshots [-- VIEW …]

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

const vite = await createServer({ root, logLevel: 'error', server: { middlewareMode: true, hmr: false, watch: null } });
const { takeScreenshots } = await vite.ssrLoadModule('/test/support/screenshots.ts');
const wrong = await takeScreenshots(join(root, 'dist/page'), join(root, 'dist/screenshots'), process.argv.slice(2));
await vite.close();
process.exitCode = wrong > 0 ? 1 : 0;
