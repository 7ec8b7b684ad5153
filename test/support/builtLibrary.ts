import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds what Node runs, `index.js`, `node.js` and `cli.js`, in a folder: for processes of their own. */
export async function buildLibrary(folder: string): Promise<string> {
  const outDir = join(folder, 'dist');
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    mode: 'library',
    logLevel: 'error',
    build: { outDir, emptyOutDir: true },
  });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return outDir;
}
