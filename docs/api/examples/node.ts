// Examples of what is in Node alone.

import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mnist } from '../../../src/data/index.ts';
import {
  checkpoints,
  folder,
  kernelFiles,
  recordings,
  requestDevice,
  textFiles,
  waitQuietly,
} from '../../../src/node.ts';
import { line, lineTrainer, type Examples } from './stage.ts';

/** A folder that is empty. */
const emptyFolder = (): string => mkdtempSync(join(tmpdir(), 'millrace-example-'));

export const inNode: Examples = {
  async checkpoints() {
    const saved = checkpoints({ folder: emptyFolder(), every: { steps: 2 }, keep: 3 });
    const trainer = await lineTrainer();
    await trainer.fit(line, { steps: 5, checkpoints: saved });
    const newest = await saved.newest(); // whole, whatever ended the process
    console.log(newest !== null); // true
    trainer.destroy();
  },
  async folder() {
    const source = folder(emptyFolder()); // with train-images-idx3-ubyte and its like in it
    console.log(await mnist(source).catch(({ name }: Error) => name)); // 'FormatError'
  },
  kernelFiles() {
    const kernels = kernelFiles(emptyFolder()); // createTrainer({ kernels, … })
    console.log('getItem' in kernels); // true
  },
  waitQuietly() {
    waitQuietly(); // once, where a program begins
  },
  async recordings() {
    console.log(await recordings(emptyFolder()).catch(({ name }: Error) => name)); // 'FormatError'
  },
  async textFiles() {
    const path = emptyFolder();
    mkdirSync(join(path, 'reviews'));
    writeFileSync(join(path, 'reviews', 'film.good'), 'a fine film\n');
    console.log((await textFiles(join(path, 'reviews'))).map(({ name }) => name)); // ['film.good']
  },
  async requestDevice() {
    const device = await requestDevice({ dawn: ['disable-dawn-features=timestamp_quantization'] }).catch(() => null);
    console.log(device?.limits.maxBufferSize); // bytes, where there is a GPU
    device?.destroy();
  },
};
