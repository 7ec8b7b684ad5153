// The suite in Node: `npm run bench`, or, once built, `node dist/bench.js` wherever the package webgpu is found.

import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { parseArgs } from 'node:util';
import { requestDevice, summarize } from '../src/gpu/device.ts';
import { waitQuietly } from '../src/node/quietWaits.ts';
import { ladder, peers as all } from './peers/index.ts';
import { SUBJECT } from './peers/sides.ts';
import { pytorchPeers } from './pytorch.ts';
import { callLines, formatReport, headLine, notesOf, reportOf, resultLine, type Environment } from './report.ts';
import { openPeers, runCase, type Result } from './run.ts';
import { suite, type Scale } from './suite.ts';
import { installWebgpu } from './webgpu.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    peers: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    milliseconds: { type: 'string', default: '50' },
    quick: { type: 'boolean', default: false },
    toggles: { type: 'string', multiple: true, default: [] },
    ladder: { type: 'boolean', default: false },
    pytorch: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const help = `Usage: npm run bench -- [options], or node dist/bench.js [options]
  --only TEXT        cases whose GROUP/NAME contains it; may be given more than once
  --peers A,B        peers whose name contains one of these, beside millrace
  --rounds N         samples of each peer in each case: ${options.rounds}
  --milliseconds N   that a sample takes at least, ten times as long for training steps: ${options.milliseconds}
  --quick            the smallest cases, to see that all of it works
  --toggles OPTION   for Dawn, enable-dawn-features=… or disable-dawn-features=…; may be given more than once
  --ladder           every kernel that a product has, beside the one that is chosen
  --pytorch PYTHON   times PyTorch beside the others, in a process of this Python
  --out FILE         keeps the run as JSON, written anew after each case`;

if (options.help) console.log(help);
else {
  // For all peers alike: else their waits take a core that a driver in software computes on.
  waitQuietly();
  letIteratorsMap();
  process.exitCode = await main();
}
// Libraries leave workers and handles behind that would keep the process alive.
process.exit();

/** jax-js' attention maps and filters an iterator, which engines let one do from Node 22 on. */
function letIteratorsMap(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf(''.matchAll(/./g))) as Record<string, unknown>;
  prototype['map'] ??= function* <T, U>(this: Iterable<T>, of: (each: T) => U) {
    for (const each of this) yield of(each);
  };
  prototype['filter'] ??= function* <T>(this: Iterable<T>, is: (each: T) => boolean) {
    for (const each of this) if (is(each)) yield each;
  };
}

async function main(): Promise<number> {
  installWebgpu(options.toggles);
  const device = await requestDevice().catch((error: Error) => {
    console.error(error.message);
    return undefined;
  });
  const adapter = device ? summarize(device) : null;
  device?.addEventListener('uncapturederror', ({ error }) => console.error(error.message));
  const scale: Scale = options.quick ? 'quick' : adapter && !adapter.software ? 'hardware' : 'software';
  const cases = suite(scale).filter(({ group, name }) =>
    options.only.some((text) => `${group}/${name}`.includes(text)),
  );
  const patience = { rounds: Number(options.rounds), seconds: Number(options.milliseconds) / 1000 };

  const wanted = options.peers?.split(',');
  const entries = [
    ...all,
    ...(options.ladder ? ladder : []),
    ...(options.pytorch ? pytorchPeers(options.pytorch) : []),
  ];
  const chosen = entries.filter(
    ({ name }) => name === SUBJECT || (wanted?.some((part) => name.includes(part)) ?? true),
  );
  const peers = await openPeers(chosen, { device });

  const environment = environmentOf(adapter);
  console.log(`${environment.runtime}, ${adapter?.name ?? 'no WebGPU'}, ${environment.machine.cpu}, ${scale} suite`);
  console.log(headLine(peers));
  const results: Result[] = [];
  let failures = 0;
  for (const one of cases) {
    try {
      const result = await runCase(one, peers, { device }, patience, SUBJECT);
      results.push(result);
      console.log(resultLine(result, peers));
      const report = reportOf(environment, scale, patience, peers, results);
      if (options.out) await writeFile(options.out, formatReport(report));
    } catch (error) {
      failures++;
      console.error(`${one.group}/${one.name} failed:`, error);
    }
  }
  for (const text of ['', ...callLines(results), '', ...notesOf(results)]) console.log(text);
  return failures > 0 || results.length === 0 ? 1 : 0;
}

function environmentOf(adapter: Environment['adapter']): Environment {
  const [{ model }] = cpus();
  return {
    runtime: `Node ${process.version}`,
    machine: {
      cpu: model,
      cores: cpus().length,
      gigabytes: Math.round(totalmem() / 2 ** 30),
      system: `${type()} ${release()}`,
      load: loadavg(),
    },
    adapter,
    toggles: options.toggles,
  };
}
