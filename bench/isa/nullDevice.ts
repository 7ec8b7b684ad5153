import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/* A card that is not there: RADV's null device, under a layer that runs nothing (nullDevice.c). */

/** By RADV's names: one card of each architecture. */
export const FAMILIES: Readonly<Record<string, string>> = {
  gcn: 'vega10',
  rdna2: 'navi21',
  rdna3: 'navi31',
  rdna4: 'gfx1201',
};

const MANIFESTS = ['/usr/share/vulkan/icd.d/radeon_icd.x86_64.json', '/usr/share/vulkan/icd.d/radeon_icd.json'];

function manifest(): string {
  const found = [process.env['RADV_MANIFEST'] ?? '', ...MANIFESTS].find((path) => existsSync(path));
  if (found) return found;
  throw new Error(
    `there is no RADV: install mesa-vulkan-drivers, or set RADV_MANIFEST to its manifest (looked at ${MANIFESTS.join(', ')})`,
  );
}

/** The folder with the layer, which is compiled anew. */
function layerFolder(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'millrace', 'nullDevice');
  mkdirSync(folder, { recursive: true });
  const library = join(folder, 'nullDevice.so');
  const source = join(import.meta.dirname, '../bench/isa/nullDevice.c');
  const { status, stderr } = spawnSync('gcc', ['-O1', '-shared', '-fPIC', '-o', library, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the layer does not compile: install gcc and libvulkan-dev\n${stderr}`);
  const layer = {
    name: 'VK_LAYER_millrace_null_device',
    type: 'INSTANCE',
    library_path: library,
    api_version: '1.3.0',
    implementation_version: '1',
    description: 'compiles, and runs nothing',
  };
  writeFileSync(join(folder, 'nullDevice.json'), JSON.stringify({ file_format_version: '1.2.0', layer }));
  return folder;
}

/** What a process needs to see a card of a family, and no other. */
export function environmentOf(family: string): NodeJS.ProcessEnv {
  const driver = manifest();
  return {
    ...process.env,
    VK_LAYER_PATH: layerFolder(),
    VK_INSTANCE_LAYERS: 'VK_LAYER_millrace_null_device',
    VK_ICD_FILENAMES: driver,
    VK_DRIVER_FILES: driver,
    RADV_FORCE_FAMILY: family,
  };
}
