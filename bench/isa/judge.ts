import { execFile } from 'node:child_process';

/** What a card's compiler makes of a kernel. */
export interface Figures {
  readonly registers: number;
  readonly spills: number;
  /** Bytes of each invocation, and of a workgroup. */
  readonly scratch: number;
  readonly workgroupMemory: number;
  /** How many a SIMD holds at once: by registers and workgroup memory. */
  readonly waves: number;
  readonly instructions: number;
  readonly hot: HotBlock;
}

/** The basic block with the most multiply-adds: where a product spends its time. By instructions. */
export interface HotBlock {
  readonly multiplyAdds: number;
  readonly vector: number;
  readonly scalar: number;
  readonly workgroupLoads: number;
  readonly memoryLoads: number;
}

/** Runs an errand of this program in a process of its own. @returns what it prints, also where it fails: of its errors */
function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ stdout: string; stderr: string; ok: boolean }> {
  return new Promise((resolve) => {
    const options = { env, maxBuffer: 2 ** 28 };
    execFile(process.execPath, [process.argv[1], ...args], options, (error, stdout, stderr) =>
      resolve({ stdout, stderr, ok: error === null }),
    );
  });
}

/** @throws Error with what it says where it fails */
export async function outputOf(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout, stderr, ok } = await run(args, env);
  if (!ok) throw new Error(`${args[0]} failed:\n${stderr}`);
  return stdout;
}

/**
 * The instructions of a block, by name: of a disassembly, where RDNA3's pairs stand in one line, or, where the driver cannot
 * disassemble for a card, of its own last form, in which what an instruction makes stands in front of it.
 */
const instructionsOf = (block: string): string[] =>
  block
    .split('\n')
    .filter((line) => line.startsWith('\t'))
    .flatMap((line) => line.replace(/^.* = /, '').split('::'))
    .map((text) => text.trim().split(/\s/)[0]);

const count = (names: readonly string[], pattern: RegExp): number => names.filter((name) => pattern.test(name)).length;
const multiplyAddsIn = (names: readonly string[]): number => count(names, /^v_\w*(?:fma|mac_f32)/);

/** Of what the driver prints of a kernel: its last listing is the one that counts. */
export function hotBlock(printed: string): HotBlock {
  const blocks = printed
    .slice(printed.lastIndexOf('\ndisasm:'))
    .split(/\nBB\d+/)
    .map(instructionsOf);
  const hot = blocks.reduce((best, block) => (multiplyAddsIn(block) > multiplyAddsIn(best) ? block : best));
  return {
    multiplyAdds: multiplyAddsIn(hot),
    vector: count(hot, /^v_/),
    // What waits or hints is no work.
    scalar: count(hot, /^s_(?!wait|delay|barrier|nop|clause|sethalt)/),
    workgroupLoads: count(hot, /^ds_(?:load|read)/),
    memoryLoads: count(hot, /^(?:global|buffer)_load/),
  };
}

/** Null where the compiler does not take the text. */
export async function judge(env: NodeJS.ProcessEnv, file: string, entry: string): Promise<Figures | null> {
  const printed = async (what: string): Promise<string> =>
    (await run(['compile', file, entry], { ...env, RADV_DEBUG: `${what},nocache` })).stderr;
  const [stats, assembly] = await Promise.all([printed('shaderstats'), printed('shaders')]);
  const figure = (label: string): number => Number(new RegExp(`\\n${label}: (\\d+)`).exec(stats)?.[1] ?? NaN);
  if (Number.isNaN(figure('VGPRs'))) return null;
  return {
    registers: figure('VGPRs'),
    spills: figure('Spilled VGPRs') + figure('Spilled SGPRs'),
    scratch: figure('Scratch size'),
    workgroupMemory: figure('LDS size'),
    waves: figure('Subgroups per SIMD'),
    instructions: figure('Instructions'),
    hot: hotBlock(assembly),
  };
}
