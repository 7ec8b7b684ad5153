// How well words are told of a speaker of whom nothing was learned: each of FSDD's in turn is left out, as the command line
// does it, and the mean of the six.
// `npm run build`, then `node bench/speakers.mjs path/to/fsdd [--seed 1] [--cli dist/cli.js] [--out FILE]`

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    cli: { type: 'string', default: join(import.meta.dirname, '../dist/cli.js') },
    out: { type: 'string' },
  },
});
const [data] = positionals;
const speakers = ['george', 'jackson', 'lucas', 'nicolas', 'theo', 'yweweler'];
const run = promisify(execFile);

const percent = (share) => `${(100 * share).toFixed(2)} %`;

const load = loadavg();
const folder = await mkdtemp(join(tmpdir(), 'millrace-speakers-'));
const rows = [];
let settings;
try {
  for (const leftOut of speakers) {
    const file = join(folder, `${leftOut}.json`);
    const wishes = ['--data', data, '--leave-out', leftOut, '--seed', values.seed];
    await run(process.execPath, [values.cli, 'train', 'speech', ...wishes, '--quiet', '--report', file]);
    const { testAccuracy, testLoss, seconds, ...rest } = JSON.parse(await readFile(file, 'utf8'));
    const { adapter, model, augment, batch, steps, optimizer, learningRate, weightDecay, schedule } = rest;
    settings = { adapter, model, augment, batch, steps, optimizer, learningRate, weightDecay, schedule };
    console.log(`${leftOut.padEnd(8)} ${percent(testAccuracy)} in ${seconds.toFixed(0)} s`);
    rows.push({ leftOut, testAccuracy, testLoss, seconds });
  }
} finally {
  await rm(folder, { recursive: true });
}
const meanAccuracy = rows.reduce((sum, { testAccuracy }) => sum + testAccuracy, 0) / rows.length;
console.log(`mean     ${percent(meanAccuracy)}`);
if (values.out) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version, load };
  const file = { machine, seed: Number(values.seed), ...settings, rows, meanAccuracy };
  await writeFile(values.out, `${JSON.stringify(file, null, 1)}\n`);
}
