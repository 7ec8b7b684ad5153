// `npm run isa`: what AMD's compiler makes of all kernels, without a card. Linux; see bench/README.md.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { version as dawn } from 'webgpu/package.json' with { type: 'json' };
import { cardHere, compileHere } from './card.ts';
import { judge, outputOf, type Figures } from './judge.ts';
import { environmentOf, FAMILIES } from './nullDevice.ts';
import { textsHere, type Text } from './texts.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    families: { type: 'string', default: Object.keys(FAMILIES).join(',') },
    only: { type: 'string', default: '' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const help = `Usage: npm run isa -- [options]
  --families A,B   of ${Object.keys(FAMILIES).join(', ')}, or any name of RADV's: all of these
  --only TEXT      kernels whose "model kernel" contains it
  --out FILE       keeps all figures as JSON`;

/** What a process of its own does for the one that prints: it sees another driver, or may die of it. */
const errands: Readonly<Record<string, (...args: string[]) => Promise<void>>> = {
  card: cardHere,
  compile: compileHere,
  texts: textsHere,
};

/** Of the whole kernel; then of its hot block. */
const COLUMNS = [
  'registers',
  'spills',
  'scratch',
  'shared',
  'waves',
  'instr.',
  'fma',
  'of vector',
  'scalar',
  'lds',
  'memory',
];
const NAME_WIDTH = 60;
const HEAD = `${''.padEnd(NAME_WIDTH)} ${COLUMNS.join('  ')}`;

const [errand = '', ...args] = positionals;
if (options.help) console.log(help);
else if (Object.hasOwn(errands, errand)) await errands[errand](...args);
else await report();
process.exit();

async function report(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-isa-'));
  const results = [];
  for (const family of options.families.split(',')) {
    const env = environmentOf(FAMILIES[family] ?? family);
    const card = await outputOf(['card'], env);
    const { description } = (JSON.parse(card) as { info: GPUAdapterInfo }).info;
    const collected = join(folder, 'texts.json');
    await outputOf(['texts', card, collected], process.env);
    const texts = JSON.parse(readFileSync(collected, 'utf8')) as Text[];
    console.log(`\n${family}: ${description}, Dawn ${dawn}\n${HEAD}`);
    for (const { of, kernel, entry, code } of texts.filter((text) => nameOf(text).includes(options.only))) {
      const file = join(folder, 'kernel.wgsl');
      writeFileSync(file, code);
      const figures = await judge(env, file, entry);
      console.log(rowOf(nameOf({ of, kernel, entry }), figures));
      results.push({ family, of, kernel, entry, ...figures });
    }
    if (options.out) writeFileSync(options.out, `${JSON.stringify({ dawn, driver: description, results }, null, 1)}\n`);
  }
  rmSync(folder, { recursive: true });
}

/** Whose it is, and its entry point where a file has several. */
function nameOf({ of, kernel, entry }: Omit<Text, 'code'>): string {
  return `${of} ${kernel}${entry === 'main' ? '' : ` (${entry})`}`;
}

function rowOf(name: string, figures: Figures | null): string {
  const title = name.padEnd(NAME_WIDTH);
  if (!figures) return `${title} does not compile`;
  const { hot, registers, spills, scratch, workgroupMemory, waves, instructions } = figures;
  const share = hot.vector > 0 ? `${Math.round((100 * hot.multiplyAdds) / hot.vector)} %` : '-';
  const ofHot = [hot.multiplyAdds, share, hot.scalar, hot.workgroupLoads, hot.memoryLoads];
  const cells = [registers, spills, scratch, workgroupMemory, waves, instructions, ...ofHot];
  return `${title} ${cells.map((cell, at) => String(cell).padStart(COLUMNS[at].length)).join('  ')}`;
}
