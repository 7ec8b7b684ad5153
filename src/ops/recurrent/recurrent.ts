import { flatGrid, output, type AdapterTraits, type Kernel, type Launch } from '../../core/launch.ts';
import { sizeOf, type Numbers, type Spec } from '../../core/shape.ts';
import { UNIT } from '../../graph/accuracy.ts';
import { apply, applyOne, type Accuracy, type Forms, type Node, type Op, type Value } from '../../graph/graph.ts';
import { integerReader } from '../data/integerReader.ts';
import { uncast } from '../data/uncast.ts';
import { add } from '../pointwise/arithmetic.ts';
import { productWithSums } from '../products/matmul.ts';
import { hasLanes, LANES, laneOf } from '../products/subgroupLanes.ts';
import { transpose } from '../shaping/transpose.ts';
import { reshape } from '../shaping/views.ts';
import loopKernel from '../../../shaders/recurrent/loop.wgsl?raw';
import loopGradKernel from '../../../shaders/recurrent/loopGrad.wgsl?raw';
import previousKernel from '../../../shaders/recurrent/previous.wgsl?raw';
import { cells, type Cell, type CellName } from './cells.ts';

/*
 * A recurrent layer's loop over time: all steps in one launch. A workgroup has some samples and runs all of their steps,
 * with every unit's h in workgroup memory: h · weights needs all of a sample's units and no other sample, so nobody waits
 * for another workgroup. What comes from x is there before, for all steps, as one product. The way back is the same loop
 * from the last step to the first; what the weights learn is a product over all steps behind it.
 */

// Legend: x `[N, T, H · gates]`, weights `[H, H · gates]`, h `[N, T, H]`; a unit's gates lie side by side.

interface Attrs {
  readonly cell: CellName;
  /** From each sample's last step to its first. */
  readonly reverse: boolean;
  readonly lengths: boolean;
  readonly initial: boolean;
}

interface GradAttrs extends Attrs {
  /** Which of y, h and c at last have a gradient. */
  readonly from: readonly ('y' | 'hidden' | 'c')[];
  /** Whether the weights are `[other, unit, gates]`, so that neighbouring invocations read neighbours. */
  readonly transposed: boolean;
}

interface Extents {
  readonly samples: number;
  readonly steps: number;
  readonly units: number;
}

/** Whether there is no binding left for a bias: WebGPU grants eight. */
const isFull = ({ lengths, initial, cell }: Pick<Attrs, 'lengths' | 'initial' | 'cell'>): boolean =>
  lengths && initial && cells[cell].carried > 1;

// Multiply-adds of a step, by gate and pair of units; and some for the gates themselves.
const flopsOf = ({ samples, steps, units }: Extents, { gates }: Cell): number =>
  2 * samples * steps * units * gates * (units + 8);

/** A source of small errors, the same at every call: what arithmetic in f32 may do to each sum. */
type Noise = (size: number) => number;
const exact: Noise = () => 0;

/** Each sample's steps, in the order in which they are taken. */
function forEachStep(
  { samples, steps }: Extents,
  reverse: boolean,
  lengths: Numbers | undefined,
  visit: (n: number, t: number, isFirst: boolean) => void,
): void {
  for (let n = 0; n < samples; n++) {
    const length = lengths ? Math.min(lengths[n], steps) : steps;
    for (let s = 0; s < length; s++) visit(n, reverse ? length - 1 - s : s, s === 0);
  }
}

function runForward(
  inputs: readonly Numbers[],
  [y, tape, hidden, c]: readonly Numbers[],
  node: Node<Attrs>,
  noise: Noise = exact,
): void {
  const { attrs } = node;
  const cell = cells[attrs.cell];
  const { gates } = cell;
  const extents = extentsOf(node);
  const { samples, units } = extents;
  const places = placesOf(attrs);
  const given = (name: string): Numbers | undefined => inputs[places[name] ?? -1];
  const [x, weights] = inputs;
  const [bias, initial] = [given('bias'), given('initial')];
  for (const all of [y, tape]) all.fill(0);
  for (const [plane, all] of [hidden, c].entries()) {
    if (all) for (let i = 0; i < all.length; i++) all[i] = initial ? initial[plane * samples * units + i] : 0;
  }
  const carried = [0, 0];
  const now: number[] = [];
  const [fromX, fromH] = [new Float64Array(gates), new Float64Array(gates)];
  const before = new Float64Array(units);
  forEachStep(extents, attrs.reverse, given('lengths'), (n, t) => {
    before.set(hidden.subarray(n * units, (n + 1) * units));
    for (let u = 0; u < units; u++) {
      const place = (n * extents.steps + t) * units + u;
      for (let gate = 0; gate < gates; gate++) {
        let total = bias ? bias[u * gates + gate] : 0;
        let size = Math.abs(total);
        for (let k = 0; k < units; k++) {
          const term = before[k] * weights[(k * units + u) * gates + gate];
          total += term;
          size += Math.abs(term);
        }
        fromX[gate] = x[place * gates + gate];
        fromH[gate] = total + noise(size + Math.abs(fromX[gate]));
      }
      carried[0] = before[u];
      if (c) carried[1] = c[n * units + u];
      cell.forward({ fromX, fromH, carried, tape: now });
      for (let which = 0; which < cell.tape; which++) tape[place * cell.tape + which] = now[which];
      y[place] = hidden[n * units + u] = carried[0];
      if (c) c[n * units + u] = carried[1];
    }
  });
}

function runBackward(
  inputs: readonly Numbers[],
  outputs: readonly Numbers[],
  node: Node<GradAttrs>,
  noise: Noise = exact,
): void {
  const { attrs } = node;
  const cell = cells[attrs.cell];
  const { gates } = cell;
  const extents = gradExtentsOf(node);
  const { samples, steps, units } = extents;
  const [weights, tape] = inputs;
  const places = gradPlacesOf(attrs);
  const given = (name: string): Numbers | undefined => inputs[places[name] ?? -1];
  const [lengths, dY, dHidden, dC] = ['lengths', 'y', 'hidden', 'c'].map(given);
  const dX = outputs[0];
  const dH = cell.apart ? outputs[1] : undefined;
  const dInitial = outputs.at(-1)!;
  for (const all of outputs) all.fill(0);
  const [own, ofH]: [number[], number[]] = [[], []];
  const carried = [0, 0];
  const slopes = new Float64Array(units * gates);
  for (let n = 0; n < samples; n++) {
    for (let u = 0; u < units; u++) {
      dInitial[n * units + u] = dHidden ? dHidden[n * units + u] : 0;
      if (cell.carried > 1) dInitial[(samples + n) * units + u] = dC ? dC[n * units + u] : 0;
    }
    const length = lengths ? Math.min(lengths[n], steps) : steps;
    slopes.fill(0);
    for (let s = length - 1; s >= -1; s--) {
      const t = attrs.reverse ? length - 1 - s : s;
      const before = slopes.slice();
      for (let k = 0; k < units; k++) {
        let total = dInitial[n * units + k];
        let size = Math.abs(total);
        for (let u = 0; u < units; u++) {
          const row = (attrs.transposed ? u * units + k : k * units + u) * gates;
          for (let gate = 0; gate < gates; gate++) {
            const term = before[u * gates + gate] * weights[row + gate];
            total += term;
            size += Math.abs(term);
          }
        }
        dInitial[n * units + k] = total + noise(size);
        if (s < 0) continue;
        const place = (n * steps + t) * units + k;
        carried[0] = dInitial[n * units + k] + (dY ? dY[place] : 0);
        if (cell.carried > 1) carried[1] = dInitial[(samples + n) * units + k];
        cell.backward({ tape: tapeOf(tape, place * cell.tape, cell.tape), carried, dX: own, dH: ofH });
        dInitial[n * units + k] = carried[0];
        if (cell.carried > 1) dInitial[(samples + n) * units + k] = carried[1];
        for (let gate = 0; gate < gates; gate++) {
          dX[place * gates + gate] = own[gate];
          if (dH) dH[place * gates + gate] = ofH[gate];
          slopes[k * gates + gate] = ofH[gate];
        }
      }
    }
  }
}

const tapeOf = (tape: Numbers, first: number, count: number) => tape.subarray(first, first + count) as Float64Array;

/** Errors that runs with small errors in all of their sums have shown, times this, are not to be exceeded. */
const MARGIN = 16;

/**
 * How far f32 may lead a loop astray: what it does depends on its weights, from step to step less or more. So the reference
 * runs again with errors of f32's size in every sum, and tells how far that leads.
 */
function loopAccuracy<A extends Attrs>(
  run: (inputs: readonly Numbers[], outputs: readonly Numbers[], node: Node<A>, noise?: Noise) => void,
  node: Node<A>,
  terms: number,
): Accuracy {
  return {
    ulps: 1,
    magnitude(inputs, expected) {
      const strayed = expected.map(({ length }) => new Float64Array(length));
      for (const seed of [1, 2]) {
        let state = seed;
        const noise: Noise = (size) => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
          return size * UNIT * Math.sqrt(terms) * (state < 0 ? -1 : 1);
        };
        const outputs = expected.map(({ length }) => new Float64Array(length));
        run(inputs, outputs, node, noise);
        outputs.forEach((numbers, at) => {
          for (let i = 0; i < numbers.length; i++) {
            const distance = Math.abs(numbers[i] - expected[at][i]);
            if (distance > strayed[at][i]) strayed[at][i] = distance;
          }
        });
      }
      // Of all distances the largest, since one may be small by chance; and what the gates' functions may add.
      return strayed.map((distances, at) => {
        const bound = (MARGIN * largestOf(distances)) / UNIT + 16 * largestOf(expected[at]);
        return distances.map((_, i) => bound + 64 * Math.abs(expected[at][i]));
      });
    },
    absolute: 1e-36,
  };
}

const largestOf = (numbers: Numbers): number => {
  let most = 0;
  for (const number of numbers) if (Math.abs(number) > most && Math.abs(number) < Infinity) most = Math.abs(number);
  return most;
};

const extentsOf = ({ inputs: [x, weights] }: Node<Attrs>): Extents => {
  const [samples, steps] = x.spec.shape;
  return { samples, steps, units: weights.spec.shape[0] };
};

const gradExtentsOf = ({ inputs: [weights, tape] }: Node<GradAttrs>): Extents => {
  const [samples, steps] = tape.spec.shape;
  return { samples, steps, units: weights.spec.shape[0] };
};

/** Where the loop's inputs stand, x and the weights aside, that it may do without. */
const placesOf = (attrs: Attrs): Places =>
  placesFrom(2, { bias: !isFull(attrs), lengths: attrs.lengths, initial: attrs.initial });

/** The same behind weights and tape. */
const gradPlacesOf = ({ lengths, from }: GradAttrs): Places =>
  placesFrom(2, { lengths, y: from.includes('y'), hidden: from.includes('hidden'), c: from.includes('c') });

type Places = Readonly<Record<string, number | undefined>>;

function placesFrom(first: number, given: Readonly<Record<string, boolean>>): Places {
  let at = first;
  return Object.fromEntries(Object.entries(given).map(([name, is]) => [name, is ? at++ : undefined]));
}

/** How a kernel finds a unit's gates in its bindings: all four of a vector, or fewer numbers one by one. */
function gatesOf(gates: number, bindings: readonly string[]): Required<Pick<Kernel, 'functions' | 'constants'>> {
  if (gates === 4) return { functions: {}, constants: {} };
  const functions = bindings.map((binding) => [`gates_of_${binding}`, loadText(`gates_of_${binding}`, binding, gates)]);
  return { functions: Object.fromEntries(functions) as Record<string, string>, constants: { Gates: 'f32' } };
}

/** The function by which a kernel reads a unit's gates. */
function loadText(name: string, binding: string, gates: number): string {
  const numbers = Array.from({ length: 4 }, (_, gate) =>
    gate < gates ? `${binding}[${gates}u * at + ${gate}u]` : '0.0',
  );
  const all = gates === 4 ? `${binding}[at]` : `vec4f(${numbers.join(', ')})`;
  return `fn ${name}(at: u32) -> vec4f {\n  return ${all};\n}`;
}

/** The function by which a kernel stores a unit's gates. */
const storeText = (name: string, binding: string, gates: number): string => {
  const lines =
    gates === 4
      ? [`${binding}[at] = value;`]
      : Array.from({ length: gates }, (_, gate) => `${binding}[${gates}u * at + ${gate}u] = value[${gate}];`);
  return `fn ${name}(at: u32, value: vec4f) {\n  ${lines.join('\n  ')}\n}`;
};

const readText = (name: string, binding: string): string => `fn ${name}(at: u32) -> f32 {\n  return ${binding}[at];\n}`;

/** No sample has more steps than there are, whatever its number says. */
const lengthText = (lengths: Value): string =>
  `${integerReader('stored_length', 'lengths', lengths.spec.dtype, 'u32')}\n\nfn length_of(n: u32) -> u32 {\n  return min(stored_length(n), sizes.steps);\n}`;

/** Bindings that the linked functions read, in the order of the inputs that they are. */
function linked(
  given: readonly (readonly [
    name: string,
    type: string,
    input: number | undefined,
    functions: Readonly<Record<string, string>>,
  ])[],
) {
  const present = given.filter(([, , input]) => input !== undefined);
  return {
    reads: Object.fromEntries(present.map(([name, type]) => [name, type])),
    functions: Object.assign({}, ...present.map(([, , , functions]) => functions)) as Record<string, string>,
    bindings: present.map(([, , input]) => input!),
  };
}

/** How a loop is laid out: invocations of a workgroup, samples of it, units that its memory has room for. */
interface Layout {
  readonly width: number;
  readonly samples: number;
  /** Whether each step is a launch of its own, in which the units are many workgroups'. */
  readonly launches: boolean;
  readonly kernel: Required<Pick<Kernel, 'constants' | 'functions' | 'enables'>>;
}

/** Units whose numbers are held at a time where a step is a launch. */
const HELD_AT_A_TIME = 64;
/** On a card, units of which one workgroup does all; more of them want the whole card at each step. */
const MOST_IN_A_LOOP = 256;

const nextPower = (count: number): number => 2 ** Math.max(5, Math.ceil(Math.log2(count)));

/** Samples of a workgroup that does all units: as many as there is room for. @param vectors in memory for a unit and four samples */
function samplesInLoop(units: number, vectors: number, adapter: AdapterTraits): number | undefined {
  const bytes = (samples: number): number => 2 * nextPower(units) * vectors * (samples / 4) * 16;
  return (adapter.software ? [8, 4] : [4]).find((count) => bytes(count) <= adapter.maxComputeWorkgroupStorageSize);
}

/** All steps in one launch, or each in its own: whichever is likely the faster first. */
function formsOf(name: string, { samples, steps, units }: Extents, vectors: number, adapter: AdapterTraits): Forms {
  const fits = samplesInLoop(units, vectors, adapter) !== undefined;
  const likely = adapter.software || units <= MOST_IN_A_LOOP ? ['loop', 'steps'] : ['steps', 'loop'];
  return { kind: `${name} ${samples}×${steps}×${units}`, names: fits ? likely : ['steps'] };
}

/**
 * Where a CPU plays the GPU a barrier of few invocations is cheap, and a load is dear: eight of them, which hand each other
 * what each has loaded, and eight samples. On a card a unit for each invocation, and four samples, so that there are
 * workgroups enough.
 * @param held what the workgroup's memory is called, and how many vectors of it a unit has for four samples
 */
function layoutOf(form: string, units: number, held: readonly [string, number], adapter: AdapterTraits): Layout {
  const { software, maxComputeInvocationsPerWorkgroup } = adapter;
  const [binding, vectors] = held;
  const launches = form === 'steps';
  const samples = launches ? (software ? 8 : 4) : samplesInLoop(units, vectors, adapter)!;
  const most = launches ? HELD_AT_A_TIME : nextPower(units);
  const aloft = launches ? 64 : Math.min(Math.ceil(units / 64) * 64, 256);
  const width = software ? LANES : Math.min(aloft, maxComputeInvocationsPerWorkgroup);
  const hand = software && hasLanes(adapter);
  const lanes = Array.from({ length: 8 }, (_, lane) => `subgroupBroadcast(own, ${lane}u)`).join(', ');
  const eight = `fn eight_from(at: u32, lane: u32) -> array<vec4f, 8> {\n  let own = ${binding}[at + lane];\n  return array(${lanes});\n}`;
  return {
    width,
    samples,
    launches,
    kernel: {
      constants: {
        WIDTH: `${width}u`,
        SAMPLES: `${samples}u`,
        MOST: `${most}u`,
        A_LAUNCH_EACH: String(launches),
      },
      functions: hand ? { lane_of: laneOf, eight_from: eight } : {},
      enables: hand ? ['subgroups'] : [],
    },
  };
}

/** The launches of a kernel, for all of its turns or for each one. */
function launchesOf(
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

/** Vectors of four samples in a workgroup's memory for each unit: h; and four slopes. */
const CARRIED = ['carried', 1] as const;
const SLOPES = ['slopes', 4] as const;

const lengthFunctions = (lengths: Value | undefined): Record<string, string> =>
  lengths ? { length_of: lengthText(lengths) } : {};

function forwardLaunches(node: Node<Attrs>, adapter: AdapterTraits, form: string): Launch[] {
  const { attrs, inputs } = node;
  const cell = cells[attrs.cell];
  const extents = extentsOf(node);
  const layout = layoutOf(form, extents.units, CARRIED, adapter);
  const places = placesOf(attrs);
  const gates = gatesOf(cell.gates, ['x', 'weights', ...(places['bias'] ? ['bias'] : [])]);
  const own = linked([
    ['bias', 'Gates', places['bias'], { gates_of_bias: 'fn gates_of_bias(at: u32) -> vec4f {\n  return bias[at];\n}' }],
    ['lengths', 'u32', places['lengths'], lengthFunctions(inputs[places['lengths'] ?? -1])],
    ['initial', 'f32', places['initial'], { initial_at: readText('initial_at', 'initial') }],
  ]);
  const carriesMore = cell.carried > 1;
  const carryFirst = 'fn carry_first(at: u32) {\n  carried_c[at] = initial_at(sizes.samples * sizes.units + at);\n}';
  const kernel: Kernel = {
    name: node.op.name,
    source: loopKernel,
    enables: layout.kernel.enables,
    constants: { ...gates.constants, ...layout.kernel.constants, TAPE: `${cell.tape}u` },
    functions: {
      ...own.functions,
      ...gates.functions,
      ...layout.kernel.functions,
      cell: cell.forwardText,
      ...(carriesMore && { carry_first: carryFirst }),
    },
    includes: cell.includes,
    reads: own.reads,
    ...(carriesMore && { writes: { carried_c: 'f32' } }),
  };
  const bindings = [0, 1, output(0), output(1), output(2), ...own.bindings, ...(carriesMore ? [output(3)] : [])];
  return launchesOf({ kernel, bindings }, extents, layout, attrs.reverse, extents.steps);
}

function backwardLaunches(node: Node<GradAttrs>, adapter: AdapterTraits, form: string): Launch[] {
  const { attrs, inputs } = node;
  const cell = cells[attrs.cell];
  const extents = gradExtentsOf(node);
  const layout = layoutOf(form, extents.units, SLOPES, adapter);
  const places = gradPlacesOf(attrs);
  const gates = gatesOf(cell.gates, ['weights']);
  const carryLast = 'fn carry_last(at: u32) {\n  d_initial[sizes.samples * sizes.units + at] = ';
  const own = linked([
    ['lengths', 'u32', places['lengths'], lengthFunctions(inputs[places['lengths'] ?? -1])],
    ['dy', 'f32', places['y'], { from_y: readText('from_y', 'dy') }],
    ['d_hidden', 'f32', places['hidden'], { from_hidden: readText('from_hidden', 'd_hidden') }],
    ['dc', 'f32', places['c'], { carry_last: `${carryLast}dc[at];\n}` }],
  ]);
  const kernel: Kernel = {
    name: node.op.name,
    source: loopGradKernel,
    enables: layout.kernel.enables,
    constants: { ...gates.constants, ...layout.kernel.constants, ACROSS: String(!attrs.transposed) },
    functions: {
      ...(cell.carried > 1 && { carry_last: `${carryLast}0.0;\n}` }),
      ...own.functions,
      ...gates.functions,
      ...layout.kernel.functions,
      store_x: storeText('store_x', 'dx', cell.gates),
      ...(cell.apart && { store_h: storeText('store_h', 'dh', cell.gates) }),
      stored_slopes: loadText('stored_slopes', cell.apart ? 'dh' : 'dx', cell.gates),
      slopes_of: cell.backwardText,
    },
    includes: cell.includes,
    reads: own.reads,
    ...(cell.apart && { writes: { dh: 'f32' } }),
  };
  const bindings = [0, 1, output(0), output(cell.apart ? 2 : 1), ...own.bindings, ...(cell.apart ? [output(1)] : [])];
  return launchesOf({ kernel, bindings }, extents, layout, attrs.reverse, extents.steps + 1);
}

const recurrentGradOp: Op<GradAttrs, 'f32'> = {
  name: 'recurrentGrad',
  infer([weights, tape], { cell }) {
    const { gates, carried, apart } = cells[cell];
    const [samples, steps] = tape.shape;
    const units = weights.shape[0];
    const slopes: Spec<'f32'> = { shape: [samples, steps, units * gates], dtype: 'f32' };
    return [slopes, ...(apart ? [slopes] : []), { shape: [carried, samples, units], dtype: 'f32' }];
  },
  cpu: (inputs, outputs, node) => runBackward(inputs, outputs, node),
  forms: (node, adapter) => formsOf(node.op.name, gradExtentsOf(node), SLOPES[1], adapter),
  gpu: (node, adapter, form = formsOf(node.op.name, gradExtentsOf(node), SLOPES[1], adapter).names[0]) =>
    backwardLaunches(node, adapter, form),
  // On a card neighbouring invocations read neighbouring weights, if these are turned over before.
  expand(node, { software }) {
    const { inputs, attrs } = node;
    if (software || attrs.transposed) return undefined;
    const units = inputs[0].spec.shape[0];
    const turned = transpose(reshape(inputs[0], [units, units, -1]), [1, 0, 2]);
    const weights = reshape(turned, inputs[0].spec.shape);
    return apply(recurrentGradOp, [weights, ...inputs.slice(1)], { ...attrs, transposed: true });
  },
  flops: (node) => flopsOf(gradExtentsOf(node), cells[node.attrs.cell]),
  accuracy: (node) => loopAccuracy(runBackward, node, gradExtentsOf(node).units * cells[node.attrs.cell].gates),
};

const previousOp: Op<Pick<Attrs, 'reverse' | 'lengths' | 'initial'>, 'f32'> = {
  name: 'previousHidden',
  infer: ([h]) => [{ shape: h.shape, dtype: 'f32' }],
  cpu([h, ...others], [before], { inputs, attrs: { reverse, lengths, initial } }) {
    const [samples, steps, units] = inputs[0].spec.shape;
    const first = initial ? others.at(-1)! : undefined;
    before.fill(0);
    forEachStep({ samples, steps, units }, reverse, lengths ? others[0] : undefined, (n, t, isFirst) => {
      for (let u = 0; u < units; u++) {
        const at = (n * steps + t) * units + u;
        if (!isFirst) before[at] = h[reverse ? at + units : at - units];
        else if (first) before[at] = first[n * units + u];
      }
    });
  },
  gpu(node) {
    const { inputs, attrs } = node;
    const [, steps, units] = inputs[0].spec.shape;
    const own = linked([
      ['lengths', 'u32', attrs.lengths ? 1 : undefined, attrs.lengths ? { length_of: lengthText(inputs[1]) } : {}],
      [
        'initial',
        'f32',
        attrs.initial ? inputs.length - 1 : undefined,
        { initial_at: readText('initial_at', 'initial') },
      ],
    ]);
    const count = sizeOf(inputs[0].spec.shape);
    return [
      {
        kernel: { name: node.op.name, source: previousKernel, functions: own.functions, reads: own.reads },
        bindings: [0, output(0), ...own.bindings],
        uniform: [count, steps, units, Number(attrs.reverse)],
        grid: flatGrid(count),
      },
    ];
  },
  flops: () => 0,
};

const recurrentOp: Op<Attrs, 'f32'> = {
  name: 'recurrent',
  infer([x, weights], attrs) {
    const { tape, carried } = cells[attrs.cell];
    const [samples, steps] = x.shape;
    const units = weights.shape[0];
    const each: Spec<'f32'> = { shape: [samples, units], dtype: 'f32' };
    return [
      { shape: [samples, steps, units], dtype: 'f32' },
      { shape: [samples, steps, units * tape], dtype: 'f32' },
      ...Array.from({ length: carried }, () => each),
    ];
  },
  cpu: (inputs, outputs, node) => runForward(inputs, outputs, node),
  forms: (node, adapter) => formsOf(node.op.name, extentsOf(node), CARRIED[1], adapter),
  gpu: (node, adapter, form = formsOf(node.op.name, extentsOf(node), CARRIED[1], adapter).names[0]) =>
    forwardLaunches(node, adapter, form),
  flops: (node) => flopsOf(extentsOf(node), cells[node.attrs.cell]),
  accuracy: (node) => loopAccuracy(runForward, node, extentsOf(node).units),
  vjp([dY, , dHidden, dC], node) {
    const { inputs, outputs, attrs } = node;
    const [x, weights] = inputs;
    const { gates, apart } = cells[attrs.cell];
    const { units } = extentsOf(node);
    const places = placesOf(attrs);
    const optionalInputs = [places['lengths'], places['initial']].flatMap((at) => (at === undefined ? [] : inputs[at]));
    const lengths = optionalInputs.slice(0, attrs.lengths ? 1 : 0);
    const given = Object.entries({ y: dY, hidden: dHidden, c: dC }).filter(([, gradient]) => gradient);
    const from = given.map(([name]) => name) as GradAttrs['from'];
    const slopes = apply(
      recurrentGradOp,
      [weights, outputs[1], ...lengths, ...given.map(([, gradient]) => gradient!)],
      { ...attrs, from, transposed: false },
    );
    const [dX, dInitial] = [slopes[0], slopes.at(-1)!];
    const dH = reshape(apart ? slopes[1] : dX, [-1, units * gates]);
    const { reverse } = attrs;
    const before = applyOne(previousOp, [outputs[0], ...optionalInputs], {
      reverse,
      lengths: attrs.lengths,
      initial: attrs.initial,
    });
    const [dWeights, dBias] = productWithSums(reshape(before, [-1, units]), dH);
    const gradients: (Value | null)[] = inputs.map(() => null);
    [gradients[0], gradients[1]] = [reshape(dX, x.spec.shape), dWeights];
    if (places['bias'] !== undefined) gradients[places['bias']] = dBias;
    if (places['initial'] !== undefined) gradients[places['initial']] = dInitial;
    return gradients;
  },
  ranges(node) {
    const { attrs, inputs } = node;
    const { steps } = extentsOf(node);
    const at = placesOf(attrs)['lengths'];
    return inputs.map((_, input) =>
      input === at ? { low: 1, high: steps, meaning: `lengths of ${steps} steps` } : null,
    );
  },
};

/** What a loop over time is given beside x. */
export interface RecurrentOptions {
  readonly cell: CellName;
  /** From each sample's last step to its first. */
  readonly reverse?: boolean;
  /** `[N]` integers: the steps that each sample has. */
  readonly lengths?: Value | undefined;
  /** What is carried at first: h, and of an lstm c: `[1 or 2, N, H]`. */
  readonly initial?: Value | undefined;
}

/** What a loop over time gives. */
export interface Recurrence {
  /** h at each step, `[N, T, H]`; behind a sample's own steps 0. */
  readonly sequence: Value<'f32'>;
  /** h behind each sample's last step, `[N, H]`; and c of an lstm. */
  readonly hidden: Value<'f32'>;
  readonly c?: Value<'f32'>;
}

/**
 * A recurrent layer's steps, one behind the other, in one launch.
 * @param x what comes from the inputs, for all steps: `[N, T, H · gates]`, a unit's gates side by side
 * @param weights of h: `[H, H · gates]`   @param bias `[H · gates]`
 */
export function recurrentLoop(x: Value, weights: Value, bias: Value, options: RecurrentOptions): Recurrence {
  const { cell, reverse = false, lengths, initial } = options;
  const attrs = { cell, reverse, lengths: lengths !== undefined, initial: initial !== undefined };
  const full = isFull(attrs);
  const integers = lengths && uncast(lengths);
  const inputs = [full ? add(x, bias) : x, weights, ...(full ? [] : [bias])];
  const [sequence, , hidden, c] = apply(
    recurrentOp,
    [...inputs, ...(integers ? [integers] : []), ...(initial ? [initial] : [])],
    attrs,
  );
  return { sequence, hidden, ...(c && { c }) };
}
