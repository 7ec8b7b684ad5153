import { described } from '../../core/argumentChecks.ts';
import type { KerasLayer } from './kerasLayer.ts';
import { isRecord } from '../../data/safetensorsHeader.ts';
import { refuse } from './refusal.ts';

/** Who wrote a file, where that makes a difference. */
export type Writer = 'keras 3' | 'keras 2' | 'tensorflow.js';

/** What a config says of a layer, or of a part of it. */
export type Config = Readonly<Record<string, unknown>>;

/** A layer's options, each to be asked for: what nobody asked for is refused by `end`. */
export interface LayerOptions {
  /** For messages: the layer's name, its class. */
  readonly where: string;
  readonly writer: Writer;
  /** @throws FormatError unless it is a finite number */
  number(name: string, usual?: number): number;
  /** A number, or null. */
  numberOrNone(name: string): number | null;
  count(name: string, usual?: number): number;
  flag(name: string, usual: boolean): boolean;
  choice<const C extends string>(name: string, choices: readonly C[], usual: C): C;
  /** So many counts; a single number stands for all. */
  counts(name: string, length: number, usual?: number): readonly number[];
  /** Whole numbers, any number of them; a single one is a list. */
  integers(name: string, usual?: readonly number[]): readonly number[];
  /** What is there, to be looked at by who asks. */
  raw(name: string): unknown;
  /** Fails unless an option is left out, null, or one of these. @param way what can be done */
  only(name: string, usual: readonly unknown[], way: string): void;
  /** Is of no consequence to what the layer computes. */
  pass(...names: readonly string[]): void;
  /** The same of what is within an option, as another layer's config. */
  within(place: string, config: Config): LayerOptions;
  /** A layer within this one. */
  layer(name: string): KerasLayer;
  /** Says what training here does not do; the model computes what it should. */
  note(text: string): void;
  /** @throws FormatError naming an option that nobody asked for */
  end(): void;
}

/** Options that any layer may have, and that say nothing of what it computes. */
const OF_ALL = ['name', 'trainable', 'dynamic', 'batch_input_shape', 'batch_shape', 'input_shape', 'input_dtype'];
const SAID = /_(?:regularizer|constraint)$/;
const FIRST = /_initializer$/;

/** What stands in a config, for messages and comparisons. */
function short(given: unknown): string {
  try {
    return (JSON.stringify(given) ?? 'nothing').slice(0, 60);
  } catch {
    // Nested deeper than an engine can tell.
    return described(given);
  }
}

/** What is known where options are read. */
export interface OptionsReading {
  readonly writer: Writer;
  /** Where is put what training will not do. */
  readonly notes: string[];
  /** A layer's config, at a place that messages name. */
  read(place: string, given: unknown): KerasLayer;
}

/** Options of a layer's config. */
export function layerOptions(where: string, config: Config, reading: OptionsReading): LayerOptions {
  const { writer, notes, read } = reading;
  const asked = new Set(OF_ALL);
  const fails = (name: string, wanted: string): never =>
    refuse(where, `has ${name} ${short(config[name])}`, `it is read with ${wanted}`);
  const raw = (name: string): unknown => {
    asked.add(name);
    return Object.hasOwn(config, name) ? config[name] : undefined;
  };
  const note = (text: string): void => {
    notes.push(`${where}: ${text}`);
  };
  const numbers = (name: string, is: (each: unknown) => boolean, wanted: string, usual?: number): number => {
    const given = raw(name) ?? usual;
    if (!is(given)) return fails(name, wanted);
    return given as number;
  };
  const list = (name: string, least: number): readonly number[] | undefined => {
    const given = raw(name);
    if (given === undefined || given === null) return undefined;
    const all: unknown[] = [given].flat();
    if (!all.every((each) => Number.isSafeInteger(each) && (each as number) >= least)) {
      return fails(name, `whole numbers${least > -Infinity ? ` of at least ${least}` : ''}`);
    }
    return all as number[];
  };
  return {
    where,
    writer,
    raw,
    note,
    layer: (name) => read(`${where}, ${name}`, raw(name)),
    within: (place, inner) => layerOptions(`${where}, ${place}`, inner, reading),
    number: (name, usual) => numbers(name, Number.isFinite, 'a finite number', usual),
    numberOrNone: (name) =>
      raw(name) === null || raw(name) === undefined ? null : numbers(name, Number.isFinite, 'a finite number or null'),
    count: (name, usual) =>
      numbers(name, (each) => Number.isSafeInteger(each) && (each as number) > 0, 'a whole number above 0', usual),
    flag(name, usual) {
      const given = raw(name) ?? usual;
      if (typeof given !== 'boolean') return fails(name, 'true or false');
      return given;
    },
    choice(name, choices, usual) {
      const given = raw(name) ?? usual;
      const found = choices.find((each) => each === given);
      if (found === undefined) return fails(name, choices.map((each) => `"${each}"`).join(' or '));
      return found;
    },
    counts(name, length, usual) {
      const given = list(name, 1) ?? (usual === undefined ? undefined : [usual]);
      if (given?.length === 1) return Array.from({ length }, () => given[0]);
      if (given?.length !== length) return fails(name, `one whole number, or ${length}`);
      return given;
    },
    integers(name, usual) {
      const given = list(name, -Infinity) ?? usual;
      if (given === undefined) return fails(name, 'a whole number, or a list of them');
      return given;
    },
    only(name, usual, way) {
      const given = raw(name);
      const is = given === undefined || given === null || usual.some((each) => short(each) === short(given));
      if (!is) return fails(name, `${usual.map(short).join(' or ') || 'none'} only: ${way}`);
    },
    pass: (...names) => {
      for (const name of names) asked.add(name);
    },
    end() {
      requireFloats(where, raw('dtype'), note);
      for (const name of Object.keys(config)) {
        if (asked.has(name) || FIRST.test(name)) continue;
        if (!SAID.test(name)) {
          refuse(
            where,
            `has the option ${name} ${short(config[name])}, of which nothing is known here`,
            'save the model without it',
          );
        }
        if (config[name] !== null) note(`${name} ${nameOf(config[name])} is no part of training here`);
      }
    },
  };
}

const nameOf = (given: unknown): string => {
  const { class_name: named } = Object(given) as Config;
  return typeof named === 'string' ? named : short(given);
};

const REDUCED = ['float16', 'bfloat16', 'mixed_float16', 'mixed_bfloat16', 'float64'];

/** What a layer computes in: f32 here. @throws FormatError for integers or what is no dtype */
function requireFloats(where: string, given: unknown, note: (text: string) => void): void {
  const dtype = dtypeOf(given);
  if (dtype === undefined || dtype === 'float32') return;
  if (!REDUCED.includes(dtype)) {
    refuse(where, `has dtype ${described(dtype)}`, 'layers compute in float32 here');
  }
  note(`computes in ${dtype} there, in float32 here`);
}

/** The name of a dtype, alone or in a policy. */
export function dtypeOf(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  const { config } = Object(given) as Config;
  const named = isRecord(config) ? config['name'] : given;
  return typeof named === 'string' ? named : short(named);
}
