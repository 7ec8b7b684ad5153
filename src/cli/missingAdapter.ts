import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { adaptersHere } from '../gpu/device.ts';

/** Why WebGPU has nothing to offer here: what was looked for and not found, and what brings it. */
export interface Lack {
  readonly found: string;
  readonly remedy: string;
}

/** Where Linux keeps the loader of Vulkan drivers. */
const LIBRARY_FOLDERS = [
  '/usr/lib',
  '/usr/lib64',
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/local/lib',
];

/** Where it looks for their descriptions. Source: Vulkan-Loader, LoaderDriverInterface.md */
const DRIVER_FOLDERS = ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];

const MESA =
  'install one: `apt-get install mesa-vulkan-drivers` (Debian, Ubuntu) has those of AMD, Intel and a software one';

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** Why the package `webgpu`, which brings Dawn to Node, cannot be loaded; null if it can. */
async function lackOfDawn(): Promise<Lack | null> {
  const peer = 'webgpu';
  try {
    await import(/* @vite-ignore */ peer);
    return null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND') {
      return { found: 'the package webgpu, which brings WebGPU to Node, is missing', remedy: '`npm install webgpu`' };
    }
    return {
      found: `the package webgpu does not load (${message.split('\n')[0]})`,
      remedy: 'it needs glibc 2.34 or newer on Linux, on x64 or arm64; or use another system',
    };
  }
}

/** What keeps Dawn from an adapter, as far as files tell. */
export async function lackOfAdapter(): Promise<Lack> {
  const lack = await lackOfDawn();
  if (lack) return lack;
  if (process.platform !== 'linux') {
    return { found: 'the system offers no GPU', remedy: "install the GPU's driver" };
  }
  const chosen = process.env['VK_DRIVER_FILES'] || process.env['VK_ICD_FILENAMES'] || undefined;
  const missing = chosen?.split(':').find((file) => !existsSync(file));
  if (missing !== undefined) {
    return {
      found: `VK_DRIVER_FILES or VK_ICD_FILENAMES names ${missing}, which is not there`,
      remedy: 'unset it, or name a file of a driver',
    };
  }
  const loaderFolders = [...(process.env['LD_LIBRARY_PATH']?.split(':') ?? []), ...LIBRARY_FOLDERS];
  if (!loaderFolders.some((folder) => existsSync(join(folder, 'libvulkan.so.1')))) {
    return { found: 'there is no Vulkan (libvulkan.so.1), and so no driver', remedy: MESA };
  }
  const drivers = DRIVER_FOLDERS.flatMap(namesIn);
  if (drivers.length === 0 && chosen === undefined) return { found: 'there is Vulkan, but no driver', remedy: MESA };
  const cards = namesIn('/dev/dri').filter((name) => name.startsWith('render'));
  if (cards.length === 0 && !existsSync('/dev/nvidia0')) {
    return {
      found: `no GPU (/dev/dri is empty), and none of the Vulkan drivers ${drivers.join(', ') || chosen} offers one`,
      remedy: MESA,
    };
  }
  return {
    found: `there is a GPU, but none of the Vulkan drivers ${drivers.join(', ') || chosen} offers it`,
    remedy: "install the GPU's own driver, or look at `vulkaninfo --summary` (package vulkan-tools)",
  };
}

/** Why no GPU trains, in one line. */
export async function whyNoGpu(): Promise<string> {
  const [adapter] = await adaptersHere();
  if (adapter) return `No GPU to be had: a CPU plays the only adapter, ${adapter.name}.`;
  const { found, remedy } = await lackOfAdapter();
  return `No GPU to be had: ${found}; ${remedy}.`;
}
