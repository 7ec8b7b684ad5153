import { DeviceError } from '../core/errors.ts';
import { writeWord, type Launch, type Word } from '../core/launch.ts';
import { byteLength, sizeOf, type Numbers, type Spec } from '../core/shape.ts';
import { traitsOf } from '../gpu/device.ts';
import { pipelineOf, type Access, type Pipeline } from '../gpu/pipelines.ts';
import type { Region } from '../gpu/readback.ts';
import type { Recorder } from '../gpu/timing.ts';
import { orderOf } from '../graph/executionOrder.ts';
import type { Graph, Node, State, Value } from '../graph/graph.ts';
import { fieldsIn } from '../graph/leaf.ts';
import { statesOf } from '../graph/states.ts';
import { hostOf } from '../ops/launches/sharedLaunch.ts';
import { watchedIn } from '../ops/training/badStepLedger.ts';
import { expand } from '../transform/expand.ts';
import { fuse } from '../transform/fuse.ts';
import type { Executable } from './backend.ts';
import type { Choice } from './kernelChoice.ts';
import { isLent, planMemory, type MemoryPlan, type Place, type Slot } from './memory.ts';
import { upload, type Needs, type Storage } from './storage.ts';
import { extraCount, watching, type Binding } from './watchedStores.ts';

/** WebGPU's default alignment of a uniform's offset. */
const UNIFORM_ALIGNMENT = 256;

/** A launch with all that its dispatch needs. */
interface Recorded {
  readonly node: Node;
  readonly launch: Launch;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
}

/** A launch before its pipeline exists. */
interface Planned {
  readonly node: Node;
  readonly launch: Launch;
  readonly bindings: readonly Binding[];
  readonly access: readonly Access[];
}

/** Launches in order, recorded once and replayed: no buffer, bind group or pipeline is made after compiling. */
export class Program implements Executable {
  readonly graph: Graph;
  readonly order: readonly Node[];
  readonly #storage: Storage;
  readonly #launches: readonly Recorded[];
  readonly #launchesOf = new Map<Node, readonly Recorded[]>();
  /** Those that nobody shares. */
  readonly #buffers: readonly GPUBuffer[];
  readonly #scratch: readonly GPUBuffer[];
  readonly #regionOf: (value: Value) => Region;
  readonly #fields: ReadonlyMap<string, Value>;
  /** That lie with a host. */
  readonly #hosted: readonly State[];

  constructor(parts: {
    readonly graph: Graph;
    readonly order: readonly Node[];
    readonly storage: Storage;
    readonly launches: readonly Recorded[];
    readonly buffers: readonly GPUBuffer[];
    /** Those of the buffers that hold nothing from one run to the next. */
    readonly scratch: readonly GPUBuffer[];
    readonly regionOf: (value: Value) => Region;
  }) {
    this.graph = parts.graph;
    this.order = parts.order;
    this.#storage = parts.storage;
    this.#launches = parts.launches;
    for (const launch of parts.launches) {
      this.#launchesOf.set(launch.node, [...(this.#launchesOf.get(launch.node) ?? []), launch]);
    }
    this.#buffers = parts.buffers;
    this.#scratch = parts.scratch;
    this.#regionOf = parts.regionOf;
    this.#fields = fieldsIn(parts.order);
    this.#hosted = [...statesOf(parts.graph)].filter(({ host }) => host !== undefined);
  }

  /** Names of the kernels, in the order of their launches. */
  get launches(): readonly string[] {
    return this.#launches.map(({ launch }) => launch.kernel.name);
  }

  /** The fields of the batch that it reads. */
  get fields(): ReadonlyMap<string, Spec> {
    return new Map([...this.#fields].map(([name, value]) => [name, value.spec]));
  }

  /** Puts a field of the batch where the launches read it. */
  upload(field: string, numbers: Numbers): void {
    const value = this.#fields.get(field);
    if (!value) return;
    const { buffer, offset } = this.#regionOf(value);
    upload(this.#storage.device, buffer, offset, numbers);
  }

  /** Records what must be there before any launch. */
  bring(encoder: GPUCommandEncoder): void {
    this.#storage.copyHosted(encoder, this.#hosted);
  }

  /** Replays every launch, or those of one node. */
  record(pass: GPUComputePassEncoder, only?: Node): void {
    replay(pass, only ? (this.#launchesOf.get(only) ?? []) : this.#launches);
  }

  /** For each launch, the node that it is of, and what replays it alone. */
  get replays(): readonly { readonly node: Node; readonly record: Recorder }[] {
    return this.#launches.map((launch) => ({ node: launch.node, record: (pass) => replay(pass, [launch]) }));
  }

  /** Fills what the launches are to write with NaN, so that nothing left over passes for a result. */
  poison(): void {
    for (const buffer of this.#scratch) {
      this.#storage.device.queue.writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(0x7fc0dead));
    }
  }

  /** Where a value is after a run; one that is not an output may have been overwritten by then. */
  regionOf(value: Value): Region {
    return this.#regionOf(value);
  }

  destroy(): void {
    for (const buffer of this.#buffers) this.#storage.drop(buffer);
  }
}

interface Plan {
  readonly graph: Graph;
  readonly order: readonly Node[];
  readonly memory: MemoryPlan;
  /** What is looked at as it is stored, and the ledgers that count what is bad. */
  readonly watched: ReadonlyMap<Value, State>;
}

function planOf(given: Graph, device: GPUDevice, fuses: boolean): Plan {
  const traits = traitsOf(device);
  const expanded = expand(given, traits);
  const graph = fuses ? fuse(expanded, traits) : expanded;
  const order = orderOf(graph);
  return { graph, order, memory: planMemory(graph, order), watched: watchedIn(order) };
}

/** What a graph's program would need beside its states. Of several forms all have a uniform of the first one's size. */
export function needsOf(given: Graph, device: GPUDevice, fuses: boolean): Needs {
  const { order, memory, watched } = planOf(given, device, fuses);
  const planned = order.flatMap((node) => planNode(node, memory, watched, device, undefined));
  return { slots: memory.slots, uniforms: uniformPlaces(planned)[planned.length] };
}

/**
 * Turns a graph into a program: expanded nodes, fused launches, order, memory, launches, all pipelines at once, bind groups.
 * @throws DeviceError if a buffer is larger than the device allows, or all together are
 */
export async function compile(
  given: Graph,
  storage: Storage,
  { fuses, choice }: { readonly fuses: boolean; readonly choice: Choice },
): Promise<Program> {
  const { device } = storage;
  const { graph, order, memory: plan, watched } = planOf(given, device, fuses);
  for (const [state, value] of graph.writes) {
    if (plan.places.get(value)!.home !== state) {
      throw new Error(`[compile] what ${state.name} is to hold is not in its place: assign it, or compute it in place`);
    }
  }
  await storage.hold('the model', [...statesOf(graph)]);
  const buffers = await storage.lend(plan.slots);
  const made = plan.slots.filter((slot) => !isLent(slot)).map((slot) => buffers.get(slot)!);
  try {
    for (const [{ constant }, buffer] of buffers) if (constant) upload(device, buffer, 0, constant);
    const regionOf = (value: Value): Region => regionAt(plan.places.get(value)!, value, storage, buffers);
    // While forms are measured, the numbers mean nothing, and nobody looks at them.
    const unwatched = new Map<Value, State>();
    await choice.measure(
      order.map(hostOf).filter((node) => isHarmless(node, plan)),
      async (node, form) => {
        const { launches, uniforms } = await prepare(storage, planNode(node, plan, unwatched, device, form), regionOf);
        const recordAlive = (pass: GPUComputePassEncoder): void => {
          storage.requireAlive('a program');
          replay(pass, launches);
        };
        return { record: recordAlive, destroy: () => uniforms && storage.drop(uniforms) };
      },
    );
    const planned = order.flatMap((node) => planNode(node, plan, watched, device, choice.formOf(node)));
    const { launches, uniforms } = await prepare(storage, planned, regionOf);
    if (uniforms) made.push(uniforms);
    return new Program({
      graph,
      order,
      storage,
      launches,
      buffers: made,
      scratch: [...buffers].flatMap(([{ lasting }, buffer]) => (lasting ? [] : [buffer])),
      regionOf,
    });
  } catch (error) {
    for (const buffer of made) storage.drop(buffer);
    throw error;
  }
}

function regionAt(place: Place, value: Value, storage: Storage, buffers: ReadonlyMap<Slot, GPUBuffer>): Region {
  const { home, offset } = place;
  const size = byteLength(value.spec);
  if ('holds' in home) return { buffer: buffers.get(home)!, offset, size };
  const region = storage.regionOf(home);
  return { buffer: region.buffer, offset: region.offset + offset, size };
}

/** Whether a node may run before its program does: what it writes lasts no longer than a run. */
const isHarmless = ({ op, outputs }: Node, { places }: MemoryPlan): boolean =>
  !op.effect && !op.inPlace && outputs.every((value) => 'holds' in places.get(value)!.home);

/** The launches of a node, those that its place in memory spares it left out. */
function planNode(
  node: Node,
  plan: MemoryPlan,
  watched: ReadonlyMap<Value, State>,
  device: GPUDevice,
  form: string | undefined,
): Planned[] {
  // Nothing to compute: a value without elements.
  if (node.op.view || node.outputs.every(({ spec }) => sizeOf(spec.shape) === 0)) return [];
  const traits = traitsOf(device);
  const most = traits.maxStorageBuffersPerShaderStage;
  const copied = plan.copied.get(node);
  const launches = node.op.gpu(node, traits, form).filter((_, at) => !copied || copied.has(at));
  return launches.map((given) => {
    const { launch, bindings } = watching(node, given, watched);
    const own = bindings.length - extraCount(launch);
    const { uniforms = {} } = launch.kernel;
    const access: Access[] = bindings.map((binding, at) =>
      isInput(binding) ? (at in uniforms ? 'uniform' : 'read') : 'read_write',
    );
    if (launch.uniform) access.splice(own, 0, 'uniform');
    if (bindings.length > most) {
      throw new DeviceError(
        `[compile] ${node.op.name} binds ${bindings.length} buffers but this device has ${most} a stage: request it with requiredLimits(adapter), or split the op in two`,
      );
    }
    requireApart(node, bindings, plan);
    return { node, launch, bindings, access };
  });
}

const isInput = (binding: Binding): binding is number => typeof binding === 'number' && binding >= 0;

/** Compiles launches, all at once, and gives them what they bind: a buffer of uniforms comes with them. */
async function prepare(
  storage: Storage,
  planned: readonly Planned[],
  regionOf: (value: Value) => Region,
): Promise<{ launches: Recorded[]; uniforms: GPUBuffer | undefined }> {
  const { device } = storage;
  const pipelines = await Promise.all(planned.map(({ launch, access }) => pipelineOf(device, launch.kernel, access)));
  // Its owner may have been destroyed meanwhile.
  storage.requireAlive('a program');
  const places = uniformPlaces(planned);
  const uniforms = createUniforms(storage, planned, places);
  const launches = planned.map((each, at) => record(storage, each, pipelines[at], regionOf, uniforms, places[at]));
  return { launches, uniforms };
}

function replay(pass: GPUComputePassEncoder, launches: readonly Recorded[]): void {
  let last: GPUComputePipeline | undefined;
  for (const { pipeline, bindGroup, launch } of launches) {
    if (pipeline !== last) pass.setPipeline((last = pipeline));
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...launch.grid);
  }
}

/** WebGPU refuses a dispatch that reads and writes one buffer; its own error would come too late, and as zeros. */
function requireApart(node: Node, bindings: readonly Binding[], { places }: MemoryPlan): void {
  const homeOf = (binding: Binding): unknown =>
    typeof binding === 'object' ? binding : places.get(valueAt(node, binding))!.home;
  const writes = bindings.filter((binding) => !isInput(binding)).map(homeOf);
  if (bindings.filter(isInput).some((binding) => writes.includes(homeOf(binding)))) {
    throw new Error(`[compile] a launch of ${node.op.name} would read and write one buffer`);
  }
}

const valueAt = ({ inputs, outputs }: Node, binding: number): Value =>
  binding < 0 ? outputs[-1 - binding] : inputs[binding];

const aligned = (words: readonly Word[]): number =>
  Math.ceil((words.length * 4) / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT;

/** Where each launch's uniform begins, in bytes; last, where they all end. */
function uniformPlaces(planned: readonly Planned[]): number[] {
  const places = [0];
  for (const { launch } of planned) places.push(places[places.length - 1] + aligned(launch.uniform ?? []));
  return places;
}

/** The uniforms of launches in one buffer. */
function createUniforms(
  storage: Storage,
  planned: readonly Planned[],
  places: readonly number[],
): GPUBuffer | undefined {
  const bytes = places[planned.length];
  if (bytes === 0) return undefined;
  const words = new DataView(new ArrayBuffer(bytes));
  planned.forEach(({ launch }, at) => {
    launch.uniform?.forEach((word, i) => writeWord(words, places[at] + 4 * i, word));
  });
  return storage.createUniforms(words.buffer);
}

function record(
  storage: Storage,
  { node, launch, bindings }: Planned,
  { pipeline, layout }: Pipeline,
  regionOf: (value: Value) => Region,
  uniforms: GPUBuffer | undefined,
  uniformAt: number,
): Recorded {
  const resources: GPUBufferBinding[] = bindings.map((binding) =>
    typeof binding === 'object' ? storage.regionOf(binding) : regionOf(valueAt(node, binding)),
  );
  if (launch.uniform) {
    const size = Math.ceil((launch.uniform.length * 4) / 16) * 16;
    resources.splice(bindings.length - extraCount(launch), 0, { buffer: uniforms!, offset: uniformAt, size });
  }
  const bindGroup = storage.device.createBindGroup({
    label: `millrace ${launch.kernel.name}`,
    layout,
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
  return { node, launch, pipeline, bindGroup };
}
