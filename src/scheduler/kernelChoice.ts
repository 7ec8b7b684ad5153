import type { ComputePass, Device } from '../core/globalTypes.ts';
import { summarize, traitsOf } from '../gpu/device.ts';
import type { Forms, Node } from '../graph/graph.ts';

/** Which form each kind of kernel takes on an adapter: plain data, to be kept and given again. */
export interface KernelChoice {
  /** The adapter's name: on another, the choice says nothing. */
  readonly adapter: string;
  /** By kind, as in `matmul AᵀB 1024×128×128`; `*` stands for those not named. */
  readonly forms: Readonly<Record<string, string>>;
}

/** Where what was measured is kept from one visit to the next, by adapter: a page's `localStorage`, or two functions. */
export interface KernelStorage {
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
}

/**
 * How kernels are chosen among their forms: by a guess from the adapter's traits, by timing them once on it, or as they
 * were chosen before. `auto` guesses where a CPU plays the GPU, and measures on cards; a storage does so too, and spares
 * what was measured on an earlier visit.
 */
export type Kernels = 'auto' | 'guess' | 'measure' | KernelChoice | KernelStorage;

export const isStorage = (given: unknown): given is KernelStorage =>
  typeof given === 'object' && given !== null && 'getItem' in given && 'setItem' in given;

function isChoice(given: unknown): given is KernelChoice {
  if (typeof given !== 'object' || given === null) return false;
  const { adapter, forms } = given as { readonly [member in keyof KernelChoice]?: unknown };
  if (typeof adapter !== 'string' || typeof forms !== 'object' || forms === null) return false;
  return Object.values(forms).every((form) => typeof form === 'string');
}

/** Whether what a caller gave, perhaps read from a file, is one of these. */
export const isKernels = (given: unknown): given is Kernels =>
  isStorage(given) || isChoice(given) || ['auto', 'guess', 'measure'].includes(given as string);

const keyOf = (adapter: string): string => `millrace kernels, ${adapter}`;

/** What a storage holds of an adapter: nothing where it is closed to us, or holds something else. */
function keptIn(storage: KernelStorage, adapter: string): KernelChoice['forms'] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(keyOf(adapter)) ?? 'null');
    return isChoice(kept) && kept.adapter === adapter ? kept.forms : {};
  } catch {
    return {};
  }
}

function keepIn(storage: KernelStorage, choice: KernelChoice): void {
  try {
    storage.setItem(keyOf(choice.adapter), JSON.stringify(choice));
  } catch {
    // It is full, or closed to us: the next visit measures again.
  }
}

/** A node's launches in one of its forms, on the buffers of its program. */
export interface Candidate {
  record(pass: ComputePass): void;
  destroy(): void;
}

/** What was measured on each device: its programs share it, so that what a process does twice it does alike. */
const measured = new WeakMap<Device, Map<string, string>>();

/** Long enough for a timer, short enough to wait for. */
const SAMPLE_MS = 2;
const ROUNDS = 3;
/** A form so many times slower at first sight than another is out. */
const HOPELESS = 3;
/** A form must be so much faster than a likelier one: within it, noise would choose. */
const CLEARLY = 0.95;

/** Chooses between the forms of kernels on one device. */
export class Choice {
  readonly #device: Device;
  readonly #adapter: string;
  readonly #measures: boolean;
  readonly #storage: KernelStorage | undefined;
  readonly #chosen: Map<string, string>;
  /** What was asked for so far, the guesses too. */
  readonly #taken = new Map<string, string>();

  constructor(device: Device, kernels: Kernels) {
    this.#device = device;
    this.#adapter = summarize(device).name;
    const given = isChoice(kernels) && kernels.adapter === this.#adapter ? kernels.forms : undefined;
    this.#storage = isStorage(kernels) ? kernels : undefined;
    this.#measures = kernels === 'measure' || (kernels !== 'guess' && !given && !traitsOf(device).software);
    let shared = measured.get(device);
    if (!shared) measured.set(device, (shared = new Map()));
    this.#chosen = this.#measures ? shared : new Map(Object.entries(given ?? {}));
    if (!this.#storage || !this.#measures) return;
    // What this device has measured itself counts more.
    for (const [kind, form] of Object.entries(keptIn(this.#storage, this.#adapter))) {
      if (!shared.has(kind)) shared.set(kind, form);
    }
  }

  /** The forms that its programs' kernels have. */
  get made(): KernelChoice {
    return { adapter: this.#adapter, forms: Object.fromEntries([...this.#taken].sort(byKind)) };
  }

  /** A node's form; undefined where there is but one. */
  formOf(node: Node): string | undefined {
    const forms = formsOf(this.#device, node);
    if (!forms) return undefined;
    // The same for a whole kind, whose members may be guessed differently: what it says is made must make it again.
    const chosen = this.#taken.get(forms.kind) ?? this.#chosen.get(forms.kind) ?? this.#chosen.get('*');
    const form = chosen !== undefined && forms.names.includes(chosen) ? chosen : forms.names[0];
    this.#taken.set(forms.kind, form);
    return form;
  }

  /**
   * Times the forms of each kind that has not been timed, if it is to.
   * @param candidateOf makes one ready to run; to record it fails once its buffers are gone
   */
  async measure(nodes: readonly Node[], candidateOf: (node: Node, form: string) => Promise<Candidate>): Promise<void> {
    if (!this.#measures) return;
    let isNews = false;
    for (const node of nodes) {
      const forms = formsOf(this.#device, node);
      if (!forms || forms.names.length === 1 || this.#chosen.has(forms.kind)) continue;
      const ready = await Promise.allSettled(forms.names.map((name) => candidateOf(node, name)));
      // One that a driver cannot compile is out; if it is the only one, compiling says why.
      const candidates = ready.flatMap((result, at) =>
        result.status === 'fulfilled' ? [{ name: forms.names[at], candidate: result.value }] : [],
      );
      try {
        const times = await this.#times(candidates.map(({ candidate }) => candidate));
        const best = fastest(times);
        // Another may have timed it meanwhile, and programs have taken what it chose.
        if (best >= 0 && !this.#chosen.has(forms.kind)) this.#chosen.set(forms.kind, candidates[best].name);
        isNews = true;
      } finally {
        for (const { candidate } of candidates) candidate.destroy();
      }
    }
    if (!isNews || !this.#storage) return;
    // Others may have kept more meanwhile.
    const forms = { ...keptIn(this.#storage, this.#adapter), ...Object.fromEntries(this.#chosen) };
    keepIn(this.#storage, { adapter: this.#adapter, forms });
  }

  /** Milliseconds of each candidate; Infinity for those that were given up. */
  async #times(candidates: readonly Candidate[]): Promise<readonly number[]> {
    for (const candidate of candidates) await this.#run(candidate, 1);
    const first: number[] = [];
    for (const candidate of candidates) first.push(await this.#run(candidate, 1));
    const hopeless = HOPELESS * Math.min(...first);
    const times = first.map((ms) => (ms <= hopeless ? ms : Infinity));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, candidate] of candidates.entries()) {
        if (times[at] === Infinity) continue;
        const repeats = Math.ceil(SAMPLE_MS / Math.max(times[at], 1e-3));
        const ms = (await this.#run(candidate, repeats)) / repeats;
        times[at] = round === 0 ? ms : Math.min(times[at], ms);
      }
    }
    return times;
  }

  async #run(candidate: Candidate, repeats: number): Promise<number> {
    const encoder = this.#device.createCommandEncoder({ label: 'millrace choice' });
    const pass = encoder.beginComputePass({ label: 'millrace choice' });
    for (let i = 0; i < repeats; i++) candidate.record(pass);
    pass.end();
    const commands = encoder.finish();
    const start = performance.now();
    this.#device.queue.submit([commands]);
    await this.#device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  }
}

const byKind = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);

const formsOf = (device: Device, node: Node): Forms | undefined => node.op.forms?.(node, traitsOf(device));

/** The first that no later one clearly beats. */
function fastest(times: readonly number[]): number {
  let best = times.length ? 0 : -1;
  times.forEach((ms, at) => {
    if (ms < times[best] * CLEARLY) best = at;
  });
  return best;
}
