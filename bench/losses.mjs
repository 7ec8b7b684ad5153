// Whether a run survives its devices in another runtime than the tests', and by which signs it learns of a loss there:
// `npm run build`, then
//
//     deno run -A bench/losses.mjs [--runs 40] [--out FILE]      or node
//
// Each run's devices are destroyed at random calls, by a seed: of a buffer, a pipeline, a submit, a map. All must end in
// the bits and the reports of one that was not disturbed.

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    dist: { type: 'string', default: 'dist' },
    runs: { type: 'string', default: '40' },
    out: { type: 'string' },
  },
});
const library = await import(pathToFileURL(resolve(values.dist, 'index.js')).href);
const { adamw, createTrainer, crossEntropy, dataset, dropout, linear, relu, requestDevice, sequential } = library;

/** How many devices of a run die, and at which of their calls at the latest. */
const DYING = 3;
const LAST_CALL = 400;

/** Numbers from 0 up to 1, by Marsaglia's xorshift. */
function randomFrom(seed) {
  let state = 2463534242 ^ Math.imul(seed + 1, 2654435769);
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** How calls of devices that are lost end, and how often. */
const signs = {};

function note(call, end) {
  const sign = `${call} ${end}`;
  signs[sign] = (signs[sign] ?? 0) + 1;
}

/** A device that is destroyed at its n-th call. */
async function mortalDevice(calls) {
  const device = await requestDevice();
  let left = calls;
  // Plain calls that pretend success are no sign; promises are, whichever way they settle.
  const call = (of, name, given) => {
    try {
      const result = Reflect.get(of, name).apply(of, given);
      if (!(result instanceof Promise)) return result;
      const settled = (end) => void (left < 0 && note(name, end));
      result.then(
        () => settled('resolves'),
        (error) => settled(`rejects: ${error.name}`),
      );
      return result;
    } catch (error) {
      note(name, `throws: ${error.name}`);
      throw error;
    }
  };
  const counted = (target) =>
    new Proxy(target, {
      get(of, name) {
        const value = Reflect.get(of, name);
        if (name === 'queue') return queue;
        if (typeof value !== 'function') return value;
        return (...given) => {
          if (left-- === 0) device.destroy();
          const result = call(of, name, given);
          if (name === 'createBuffer') {
            const map = result.mapAsync;
            result.mapAsync = (...range) => call({ mapAsync: map.bind(result) }, 'mapAsync', range);
          }
          return result;
        };
      },
    });
  const queue = counted(device.queue);
  return counted(device);
}

const noise = (length) =>
  dataset({
    point: { data: Float32Array.from({ length: length * 16 }, (_, at) => Math.sin(at * at)), shape: [16] },
    label: Uint8Array.from({ length }, (_, at) => at % 10),
  });
const [learned, judged] = [noise(512), noise(100)];

/** A run whose first devices die, as many as `dying` says. */
async function run(seed, dying) {
  const random = randomFrom(seed);
  let lost = 0;
  const open = () => mortalDevice(lost < dying ? 1 + Math.floor(LAST_CALL * random()) : Infinity);
  const trainer = await createTrainer({
    model: sequential(linear(16, 16), relu, dropout(0.1), linear(16, 10)),
    loss: crossEntropy,
    optimizer: adamw(),
    batchSize: 16,
    seed: 1,
    device: await open(),
    onDeviceLost: () => {
      lost++;
      return open();
    },
  });
  const reports = createHash('sha256');
  for await (const { step, loss, metrics, validation } of trainer.fit(learned, {
    epochs: 6,
    stepsPerSubmit: 4,
    validation: judged,
  })) {
    reports.update(JSON.stringify([step, loss, metrics, validation]));
    if (step === 50) reports.update(JSON.stringify(await trainer.evaluate(judged)));
  }
  const weights = createHash('sha256');
  for (const numbers of Object.values(await trainer.readParameters())) weights.update(numbers);
  trainer.destroy();
  return { lost, weights: weights.digest('hex'), reports: reports.digest('hex') };
}

const device = await requestDevice();
const adapter = device.adapterInfo.description;
device.destroy();
const calm = await run(0, 0);
const runs = [];
for (let seed = 1; seed <= Number(values.runs); seed++) {
  const { lost, weights, reports } = await run(seed, DYING);
  runs.push({ seed, lost, sameWeights: weights === calm.weights, sameReports: reports === calm.reports });
}
const lost = runs.reduce((sum, each) => sum + each.lost, 0);
const strayed = runs.filter(({ sameWeights, sameReports }) => !sameWeights || !sameReports);
console.log(
  `${runs.length} runs lost ${lost} devices; ${strayed.length} ended in other weights or reports than the undisturbed one`,
);
console.table(signs);
if (values.out) {
  const { deno, node } = process.versions;
  const runtime = deno === undefined ? `Node ${node}` : `Deno ${deno}`;
  const machine = { cpu: cpus()[0].model, cores: cpus().length, runtime };
  await writeFile(values.out, `${JSON.stringify({ machine, adapter, calm, lost, signs, runs }, null, 2)}\n`);
}
process.exit(strayed.length > 0 || lost === 0 ? 1 : 0);
