import type { AdapterTraits, Kernel, Launch } from '../../core/launch.ts';
import type { Forms } from '../../graph/graph.ts';
import { hasLanes, heldByLanes, LANES, laneOf } from '../products/subgroupLanes.ts';
import type { Extents } from './recurrentNode.ts';

/** How a loop is laid out: invocations of a workgroup, samples of it, units that its memory has room for. */
export interface Layout {
  readonly width: number;
  readonly samples: number;
  /** Whether each step is a launch of its own, in which the units are many workgroups'. */
  readonly launches: boolean;
  readonly kernel: Required<Pick<Kernel, 'constants' | 'functions' | 'enables'>>;
}

/** What a workgroup's memory has of each unit for four samples, and how much its kernel computes at a time. */
export interface Held {
  readonly binding: string;
  readonly vectors: number;
  /** Samples of a workgroup. */
  readonly mostSamples: number;
  /** Units of an invocation that share what it loads of the others. */
  readonly mostUnits: number;
}

/** Units whose numbers are held at a time where a step is a launch. */
const HELD_AT_A_TIME = 64;
/** On a card, units of which one workgroup does all; more of them want the whole card at each step. */
const MOST_IN_A_LOOP = 256;

const nextPower = (count: number): number => 2 ** Math.max(5, Math.ceil(Math.log2(count)));

/** Workgroups that keep a processor's cores busy. */
const MANY_GROUPS = 4;

/** Samples of a workgroup that does all units: as many as there is room for. */
function samplesInLoop({ samples, units }: Extents, { vectors, mostSamples }: Held, adapter: AdapterTraits) {
  const bytes = (count: number): number => 2 * nextPower(units) * vectors * (count / 4) * 16;
  const busy = samples >= 16 * MANY_GROUPS ? 16 : 8;
  const counts = adapter.software ? [16, 8, 4].filter((count) => count <= Math.min(mostSamples, busy)) : [4];
  return counts.find((count) => bytes(count) <= adapter.maxComputeWorkgroupStorageSize);
}

/** All steps in one launch, or each in its own: whichever is likely the faster first. */
export function formsOf(name: string, extents: Extents, held: Held, adapter: AdapterTraits): Forms {
  const { samples, steps, units } = extents;
  const fits = samplesInLoop(extents, held, adapter) !== undefined;
  const likely = adapter.software || units <= MOST_IN_A_LOOP ? ['loop', 'steps'] : ['steps', 'loop'];
  return { kind: `${name} ${samples}×${steps}×${units}`, names: fits ? likely : ['steps'] };
}

/**
 * Where a CPU plays the GPU a barrier of few invocations is cheap, and a load is dear: eight of them, which hand each other
 * what each has loaded, and many samples. On a card a unit for each invocation, and four samples, so that there are
 * workgroups enough.
 */
export function layoutOf(form: string, extents: Extents, held: Held, adapter: AdapterTraits): Layout {
  const { units } = extents;
  const { software, maxComputeInvocationsPerWorkgroup } = adapter;
  const launches = form === 'steps';
  const samples = launches ? (software ? 8 : 4) : samplesInLoop(extents, held, adapter)!;
  const most = launches ? HELD_AT_A_TIME : nextPower(units);
  const onCard = launches ? 64 : Math.min(Math.ceil(units / 64) * 64, MOST_IN_A_LOOP);
  const width = software ? LANES : Math.min(onCard, maxComputeInvocationsPerWorkgroup);
  const unitsAtATime = software && !launches ? Math.min(held.mostUnits, Math.ceil(units / LANES)) : 1;
  const hand = software && hasLanes(adapter);
  const eight = `fn eight_from(at: u32, lane: u32) -> array<vec4f, 8> {\n  let own = ${held.binding}[at + lane];\n  return array(${heldByLanes('own', 0, LANES)});\n}`;
  return {
    width,
    samples,
    launches,
    kernel: {
      constants: {
        WIDTH: `${width}u`,
        SAMPLES: `${samples}u`,
        ...(held.mostUnits > 1 && { UNITS: `${unitsAtATime}u` }),
        MOST: `${most}u`,
        A_LAUNCH_EACH: String(launches),
      },
      functions: hand ? { lane_of: laneOf, eight_from: eight } : {},
      enables: hand ? ['subgroups'] : [],
    },
  };
}

/** What WebGPU binds as a uniform everywhere. */
const MOST_UNIFORM_BYTES = 65_536;

/**
 * How many vectors the weights are, where they are read as a uniform: if a CPU plays the GPU, they are few, and a unit's
 * gates fill a vector. One number of a vector would cost as much as all four.
 */
export function uniformVectors({ units }: Extents, gates: number, { software }: AdapterTraits): number | undefined {
  const vectors = units * units;
  return software && gates === 4 && vectors * 16 <= MOST_UNIFORM_BYTES ? vectors : undefined;
}

/** The launches of a kernel, for all of its turns or for each one. */
export function launchesOf(
  launch: Pick<Launch, 'kernel' | 'bindings'>,
  { samples, steps, units }: Extents,
  { width, samples: each, launches }: Layout,
  reverse: boolean,
  turns: number,
): Launch[] {
  const groups = launches ? Math.ceil(units / width) : 1;
  return Array.from({ length: launches ? turns : 1 }, (_, at) => ({
    ...launch,
    uniform: [samples, steps, units, Number(reverse), at, launches ? at + 1 : turns],
    grid: [Math.ceil(samples / each), groups, 1] as const,
  }));
}

/** Each unit's h; and the slopes of its four gates. */
export const CARRIED: Held = { binding: 'carried', vectors: 1, mostSamples: 16, mostUnits: 1 };
export const SLOPES: Held = { binding: 'slopes', vectors: 4, mostSamples: 16, mostUnits: 4 };
