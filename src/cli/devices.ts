import { cpus, totalmem } from 'node:os';
import { tableOf, thousands } from '../core/textFormat.ts';
import { adaptersHere, type AdapterReport } from '../gpu/device.ts';
import { lackOfAdapter } from './missingAdapter.ts';
import { Terminal } from './terminal.ts';

/** What each is good for. */
const features: readonly (readonly [string, string])[] = [
  ['timestamp-query', 'times of single kernels'],
  ['shader-f16', 'half precision'],
  ['subgroups', 'sums without barriers'],
];

const limits: readonly (readonly [string, string])[] = [
  ['maxBufferSize', 'largest buffer'],
  ['maxStorageBufferBindingSize', 'largest binding: all parameters must fit in one'],
  ['maxStorageBuffersPerShaderStage', 'buffers a kernel'],
  ['maxComputeWorkgroupStorageSize', 'memory of a workgroup'],
  ['maxComputeInvocationsPerWorkgroup', 'invocations of a workgroup'],
];

const MIB = 2 ** 20;

const size = (name: string, value: number): string => {
  if (!name.endsWith('Size')) return thousands(value);
  return value >= MIB ? `${thousands(Math.floor(value / MIB))} MiB` : `${(value / 1024).toFixed(0)} KiB`;
};

/** Prints the adapters of this machine, what they have and lack; returns 1 where there is none. */
export async function devices(): Promise<number> {
  const terminal = new Terminal(process.stdout);
  const adapters = await adaptersHere();
  adapters.forEach((adapter, at) => show(adapter, at, terminal));
  const [cpu] = cpus();
  terminal.line(
    `CPU       ${cpu?.model.trim() ?? 'unknown'}, ${cpus().length} threads, ${Math.round(totalmem() / 2 ** 30)} GiB: --backend wasm trains on all of them, by vectors; cpu on one, by the references`,
  );
  if (adapters.some(({ software }) => !software)) return 0;
  if (adapters.length > 0) {
    terminal.line(
      'Missing   a GPU: a software adapter runs the same kernels, correctly and slowly. Left to choose, millrace takes wasm.',
    );
    return 0;
  }
  const { found, remedy } = await lackOfAdapter();
  terminal.line(`Missing   an adapter: ${found}`);
  terminal.line(`Remedy    ${remedy}`);
  return 1;
}

function show(adapter: AdapterReport, at: number, terminal: Terminal): void {
  const kind = adapter.software ? 'software' : 'hardware';
  terminal.line(
    `${terminal.paint('bold', `Adapter ${at + 1}`)} ${adapter.name} (${kind}${adapter.isDefault ? ', used by millrace' : ''})`,
  );
  const has = features.map(([name, what]) => [adapter.features.includes(name) ? 'yes' : 'no', name, what]);
  terminal.line(indented(tableOf(['has', 'feature', 'for'], has, new Set())));
  const of = limits.map(([name, what]) => [size(name, adapter.limits[name]), name, what]);
  terminal.line(`${indented(tableOf(['limit', 'name', 'that is'], of, new Set([0])))}\n`);
}

const indented = (text: string): string => text.replace(/^/gm, '          ');
