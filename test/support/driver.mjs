// WebGPU for a machine that has only Node. The Chromium that npm brings for the browser tests carries SwiftShader,
// a Vulkan driver in software, and Dawn takes it too. A driver is found through the environment that a process starts
// with, so this module answers with variables for a child process and changes nothing in its own.

import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

const require = createRequire(import.meta.url);

/** Where files live that are costly to make and cheap to lose. */
export const cacheFolder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'millrace');

/** Whether npm's Chromium, and with it SwiftShader, runs on this machine. */
export const hasBundledChromium = process.platform === 'linux' && process.arch === 'x64';

/**
 * The environment variables that give Dawn an adapter in a child process: none where it has one already.
 * @returns {Promise<Record<string, string>>}
 */
export async function softwareDriver() {
  if (process.env['VK_ICD_FILENAMES'] || process.env['VK_DRIVER_FILES']) return {};
  if (!hasBundledChromium || (await hasAdapter())) return {};
  const folder = await unpack('swiftshader', ['swiftshader.tar.br']);
  return {
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    LD_LIBRARY_PATH: [folder, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
  };
}

/**
 * The folder of npm's Chromium: `chromium`, the drivers beside it, its libraries in `lib`, its letters in `fonts`.
 * @returns {Promise<string>}
 */
export async function chromiumFolder() {
  const folder = await unpack('chromium', ['chromium.br', 'swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br']);
  // The one that is packed looks for letters where a cloud function has them.
  await writeFile(join(folder, 'fonts.conf'), `<fontconfig><dir>${join(folder, 'fonts')}</dir></fontconfig>`);
  return folder;
}

/**
 * Whether Dawn finds an adapter here. Asked in a child process: a driver that crashes takes only that one along.
 * @returns {Promise<boolean>}
 */
async function hasAdapter() {
  const ask = `
    import { create } from ${JSON.stringify(import.meta.resolve('webgpu'))};
    const gpu = create([]);
    process.exitCode = (await gpu.requestAdapter()) ? 0 : 1;`;
  return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', ask]).then(
    () => true,
    () => false,
  );
}

/**
 * Unpacks archives of @sparticuz/chromium into one folder of the cache, once for each version of the package.
 * @param {string} name
 * @param {readonly string[]} archives
 */
async function unpack(name, archives) {
  const home = dirname(dirname(dirname(require.resolve('@sparticuz/chromium'))));
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  const folder = join(cacheFolder, `${name}-${version}`);
  if (await exists(folder)) return folder;

  await mkdir(cacheFolder, { recursive: true });
  // Renamed when whole, so that a broken or a concurrent run leaves no half of a browser behind.
  const unfinished = await mkdtemp(`${folder}-`);
  try {
    await Promise.all(archives.map((archive) => unpackOne(join(home, 'bin', archive), unfinished)));
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(folder))) throw error;
  }
  return folder;
}

/**
 * @param {string} archive a `.tar.br`, or one compressed program
 * @param {string} folder
 */
async function unpackOne(archive, folder) {
  const content = await promisify(brotliDecompress)(await readFile(archive));
  if (archive.endsWith('.tar.br')) return untar(content, folder);
  return writeFile(join(folder, basename(archive, '.br')), content, { mode: 0o755 });
}

/**
 * As much of the format as these archives use: files and folders with short names.
 * @param {Buffer} tar
 * @param {string} folder
 */
async function untar(tar, folder) {
  const block = 512;
  for (let at = 0; tar[at] > 0;) {
    /** @param {number} start @param {number} length */
    const field = (start, length) => tar.toString('latin1', at + start, at + start + length).replace(/\0.*$/s, '');
    const path = join(folder, field(0, 100));
    const mode = Number.parseInt(field(100, 8), 8);
    const size = Number.parseInt(field(124, 12), 8);
    const kind = field(156, 1) || '0';
    if (kind !== '0' && kind !== '5') throw new Error(`[driver] ${path} is of kind ${kind} in its archive`);
    await mkdir(kind === '5' ? path : dirname(path), { recursive: true });
    if (kind === '0') await writeFile(path, tar.subarray(at + block, at + block + size), { mode });
    at += block * (1 + Math.ceil(size / block));
  }
}

/** @param {string} path */
const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );
