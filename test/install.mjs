// Packs the package, installs it wherever it says that it runs, and trains XOR in each place: `npm run test:install`. It
// installs public packages, each of one version.

import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

const vite = await createServer({ root, logLevel: 'error', server: { middlewareMode: true, hmr: false, watch: null } });
const { trainEverywhere } = await vite.ssrLoadModule('/test/support/places.ts');
const wrong = await trainEverywhere(process.argv.slice(2));
await vite.close();
process.exitCode = wrong > 0 ? 1 : 0;
