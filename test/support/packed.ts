// The package as npm would install it.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const run = promisify(execFile);

/** The compiler of one of the TypeScripts that are installed, by the name of its package. */
export const compilerIn = (name: string): string => join(root, 'node_modules', name, 'bin/tsc');

/** Builds and packs the package into a folder. @returns the path of its archive */
export async function packInto(folder: string): Promise<string> {
  const stage = await mkdtemp(join(tmpdir(), 'millrace-packed-'));
  const outDir = join(stage, 'dist');
  for (const name of ['package.json', 'README.md', 'ARCHITECTURE.md', 'LICENSE', 'shaders', 'docs']) {
    await cp(join(root, name), join(stage, name), { recursive: true });
  }
  await Promise.all([
    build({ root, configFile: join(root, 'vite.config.ts'), mode: 'library', logLevel: 'error', build: { outDir } }),
    run(process.execPath, [
      compilerIn('typescript'),
      '-p',
      join(root, 'tsconfig.types.json'),
      '--outDir',
      `${outDir}/types`,
    ]),
  ]);
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: stage });
  await rm(stage, { recursive: true });
  return join(
    folder,
    (await readdir(folder)).find((name) => name.endsWith('.tgz'))!,
  );
}

/** Unpacks the packed package where a program in that folder finds it as `millrace`. @returns the path of its archive */
export async function installPacked(folder: string): Promise<string> {
  const archive = await packInto(folder);
  const target = join(folder, 'node_modules/millrace');
  await mkdir(target, { recursive: true });
  await run('tar', ['-xzf', archive, '--strip-components=1', '-C', target]);
  return archive;
}
