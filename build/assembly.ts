import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import type { Plugin, Rolldown, UserConfig } from 'vite';

const QUERY = '?wasm';

const MODULES = join(import.meta.dirname, '../node_modules');

/** What was compiled before, by what it was made of. */
const CACHE = join(MODULES, '.cache/assembly');

const run = promisify(execFile);

/** A module's bytes, compiled from AssemblyScript as a configuration beside its sources says. */
async function compiled(config: string): Promise<Uint8Array> {
  const folder = dirname(config);
  const sum = createHash('sha256').update(readFileSync(join(MODULES, 'assemblyscript/package.json')));
  for (const name of readdirSync(folder).sort()) sum.update(`\n${name}\n`).update(readFileSync(join(folder, name)));
  const kept = join(CACHE, `${sum.update(basename(config)).digest('hex')}.wasm`);
  try {
    return readFileSync(kept);
  } catch {
    mkdirSync(CACHE, { recursive: true });
  }
  // Whole or not at all: another build may make it meanwhile, a worker's in this process too.
  const made = `${kept}.${randomUUID()}`;
  const { entries } = JSON.parse(readFileSync(config, 'utf8')) as { readonly entries: readonly string[] };
  const from = entries.map((entry) => join(folder, entry));
  const options = ['--config', config, '--baseDir', folder, '--outFile', made];
  await run(process.execPath, [join(MODULES, 'assemblyscript/bin/asc.js'), ...from, ...options]);
  renameSync(made, kept);
  return readFileSync(kept);
}

/** What `import.meta.url` is meanwhile, so that Vite does not know it. */
const UNSEEN = '__thread_base__';
const THREAD = "new URL('./thread.mjs', import.meta.url)";

/**
 * Leaves the file that a thread begins with a file, beside the chunk that names it: so whoever bundles the library finds it
 * as bundlers find workers. Vite itself would put it into the library's text, where a page's policy forbids it.
 */
export function threadFile() {
  let folder = '';
  return {
    name: 'thread-file',
    apply: ({ build }: UserConfig) => Boolean(build?.lib ?? build?.ssr),
    configResolved({ build }) {
      folder = build.lib ? 'chunks/' : '';
    },
    enforce: 'pre' as const,
    transform: {
      filter: { id: /\/src\/wasm\/machine\.ts$/ },
      handler(this: Rolldown.PluginContext, code: string, id: string) {
        const source = readFileSync(join(dirname(id), 'thread.mjs'), 'utf8');
        this.emitFile({ type: 'asset', fileName: `${folder}thread.mjs`, source });
        return code.replaceAll(THREAD, THREAD.replace('import.meta.url', UNSEEN));
      },
    },
    renderChunk: (code: string) => (code.includes(UNSEEN) ? code.replaceAll(UNSEEN, 'import.meta.url') : null),
  } satisfies Plugin;
}

/** Imports of `….json?wasm`, a configuration of AssemblyScript's compiler, give a WebAssembly module, deflated, in base64. */
export function assembly(): Plugin {
  return {
    name: 'assembly',
    enforce: 'pre' as const,
    async load(id: string) {
      if (!id.endsWith(QUERY)) return undefined;
      const config = id.slice(0, -QUERY.length);
      for (const name of readdirSync(dirname(config))) {
        this.addWatchFile(join(dirname(config), name));
      }
      return `export default ${JSON.stringify(deflateRawSync(await compiled(config), { level: 9 }).toString('base64'))};`;
    },
  };
}
