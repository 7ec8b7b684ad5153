/** What a kernel may count on; the choice between kernels depends on nothing else. */
export interface AdapterTraits {
  /** A CPU plays the GPU: barriers are slow, registers and vector loads win. */
  readonly software: boolean;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  /** Invocations of a subgroup; 0 where there are none, or not always as many. */
  readonly subgroupSize: number;
}

/** WGSL text before it is linked: a file that is valid on its own, and what is put in its place. */
export interface Kernel {
  /** Names the pipeline, and the launch in profiles and errors. */
  readonly name: string;
  readonly source: string;
  /** Which of the file's entry points; `main` if left out. */
  readonly entry?: string;
  /** Language features that the replaced functions need: `subgroups`. */
  readonly enables?: readonly string[];
  /** By name: the full text of a function that replaces the file's own. */
  readonly functions?: Readonly<Record<string, string>>;
  /** By name: the value of a `const`, or the type of an `alias`. */
  readonly constants?: Readonly<Record<string, string | number>>;
  /** Texts of functions only, from shaders/functions, that the replaced ones call. */
  readonly includes?: readonly string[];
  /** Storage bindings that only the replaced functions use, `name: element type`, after the file's own. */
  readonly reads?: Readonly<Record<string, string>>;
  readonly writes?: Readonly<Record<string, string>>;
  /** By number of binding: an input of so many vectors that is read as a uniform, a quarter of a load where a CPU plays the GPU. */
  readonly uniforms?: Readonly<Record<number, number>>;
  /**
   * Numbers of bindings: what is stored there passes through `looked_at`, or `looked_at_four`, and the kernel ends by
   * `count_bad`. None of them: a replaced function looks at numbers itself.
   */
  readonly watched?: readonly number[];
}

/** A word of a kernel's uniform. */
export type Word = number | { readonly f32: number };

/** One dispatch: a kernel, what it binds, its sizes, its grid. */
export interface Launch {
  readonly kernel: Kernel;
  /**
   * Which values are bound, in the order of the kernel's bindings, with those of `reads` and `writes` last:
   * input i is i, output i is −1 − i. Left out: all inputs, then all outputs that do not live in an input's place.
   */
  readonly bindings?: readonly number[];
  /** The words of the uniform, which the kernel file declares as its last binding. Left out: it has none. */
  readonly uniform?: readonly Word[];
  /** Workgroups. */
  readonly grid: readonly [number, number, number];
}

export const output = (index: number): number => -1 - index;

const MAX_GROUPS = 65_535;

/** A grid of at least `count` invocations, folded into two dimensions past WebGPU's 65,535 groups. */
export function flatGrid(count: number, workgroupSize = 64): readonly [number, number, number] {
  const groups = Math.max(1, Math.ceil(count / workgroupSize));
  if (groups <= MAX_GROUPS) return [groups, 1, 1];
  const rows = Math.ceil(groups / MAX_GROUPS);
  return [Math.ceil(groups / rows), rows, 1];
}

/** A number as WGSL reads it back to the same f32. */
export function f32Literal(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** Puts a word where a kernel reads it. @param at in bytes */
export function writeWord(words: DataView, at: number, word: Word): void {
  if (typeof word === 'number') words.setUint32(at, word, true);
  else words.setFloat32(at, word.f32, true);
}
