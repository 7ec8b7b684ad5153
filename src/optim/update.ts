import { f32Literal, flatGrid, type Kernel, type Word } from '../core/launch.ts';
import { BLOCK } from '../core/parameterLayout.ts';
import { allocate, type Numbers } from '../core/shape.ts';
import type { WasmWork } from '../core/wasmLaunch.ts';
import { apply, type Node, type Op } from '../graph/graph.ts';
import { elementsOf } from '../graph/work.ts';
import { withRoom } from '../ops/launches/sharedLaunch.ts';
import { closeStep, isSpoilt } from '../ops/training/badStepLedger.ts';
import { clipFunctions, clippedTables, clipOf, limitOf, type Clip } from './clip.ts';
import { bytesOfUpdate, groupAt, requireUsualOptions, rowAt, type Optimizer, type Usual } from './optimizer.ts';
import updateKernel from '../../shaders/optim/update.wgsl?raw';

/** How one number is updated: what tells one optimizer from another. */
export interface Rule {
  readonly name: string;
  /** By name: what is kept beside each parameter, and what it is at first. */
  readonly moments: Readonly<Record<string, number>>;
  /** Whether decay is taken from the weight itself, by the rate, rather than added to its gradient. */
  readonly decoupled?: boolean;
  /** By name: up to eight numbers that the rule's WGSL uses. */
  readonly constants: Readonly<Record<string, number>>;
  /** Up to three numbers of a step, made in f64: the rate, which groups multiply, then `now.y` and `now.z`. */
  row(step: number, learningRate: number): readonly number[];
  /** What is subtracted from parameter i with gradient g; leaves `moments[…][i]` changed. */
  change(moments: readonly Numbers[], now: Numbers): (i: number, g: number, rate: number) => number;
  /** The same, as the body of a WGSL function of `i`, `g`, `rate` and `now`. */
  readonly wgsl: string;
  /** Texts of shaders/functions that it calls. */
  readonly includes?: readonly string[];
  /** The same in WebAssembly: a kernel of assembly/update.ts, which takes moments and constants in this order. */
  readonly wasm: string;
}

const MOST_CONSTANTS = 8;
const MOST_MOMENTS = 3;
/** Parameters that an invocation updates one after the other where a CPU plays the GPU. */
const SOFTWARE_SPAN = 32;
const FOUR = 4;
/** Blocks that a thread of WebAssembly updates at once. */
const WASM_GRAIN = 128;
const spanOn = (software: boolean): number => (software ? SOFTWARE_SPAN : FOUR);

/** Inputs of the op: parameters, gradients, groups, schedule, control, moments. */
const CONTROL = 4;
const FIRST_MOMENT = 5;

type Attrs = Readonly<Record<string, number>>;

/** Updates a rule's parameters and moments in place, and at last the control, if that is a ledger. */
export function updateOp(rule: Rule, clip?: Clip): Op<Attrs> {
  const moments = Object.keys(rule.moments);
  const { name, decoupled = false } = rule;
  const changed = [0, ...moments.map((_, at) => FIRST_MOMENT + at)];
  const inPlace = [...changed, CONTROL];
  const kernel: Kernel = {
    name,
    source: updateKernel,
    constants: { DECOUPLED: String(decoupled) },
    functions: {
      ...clipFunctions(clip),
      ...movesOf(moments),
      prepare: prepareFunction(rule),
      update: updateFunction(rule),
    },
    includes: rule.includes ?? [],
    writes: Object.fromEntries(moments.map((moment) => [`${moment}_fours`, 'vec4f'])),
  };
  const op: Op<Attrs> = {
    name,
    effect: true,
    inPlace,
    infer: (inputs) => inPlace.map((at) => inputs[at]),
    cpu([parameters, gradients, groups, schedule, control, ...before], [nextParameters, ...others]) {
      const [after, [nextControl]] = [others.slice(0, -1), others.slice(-1)];
      nextParameters.set(parameters);
      after.forEach((moment, at) => moment.set(before[at]));
      nextControl.set(control);
      closeStep(nextControl);
      if (isSpoilt(control)) return;
      const now = rowAt(schedule, control);
      const clipped = clipOf(clip);
      const isF32 = nextParameters instanceof Float32Array;
      const change = rule.change(after, now);
      for (let block = 0; block < parameters.length / BLOCK; block++) {
        const [factor, decay, trains, ofOne] = groupAt(groups, block);
        if (!trains) continue;
        const rate = now[0] * factor;
        for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
          const p = parameters[i];
          const gradient = clipped(gradients[i], now[3], ofOne);
          nextParameters[i] = decoupled
            ? p * (1 - rate * decay) - change(i, gradient, rate)
            : p - change(i, gradient + decay * p, rate);
          if (isF32) for (const moment of after) if (Math.abs(moment[i]) < SMALLEST_NORMAL) moment[i] = 0;
        }
      }
    },
    gpu({ inputs: [parameters, , , schedule] }, { software }) {
      const count = parameters.spec.shape[0];
      const span = spanOn(software);
      return [
        withRoom({
          kernel: { ...kernel, constants: { ...kernel.constants, SPAN: `${span}u` } },
          uniform: [count, schedule.spec.shape[0], { f32: limitOf(clip) }, 0, ...constantsOf(rule)],
          grid: flatGrid(count / span),
        }),
      ];
    },
    wasm: (node) => inWasm(rule, clip, node),
    hosts({ inputs: [parameters] }, { software }) {
      const [x, y] = flatGrid(parameters.spec.shape[0] / spanOn(software));
      return x * y * 64;
    },
    // Decay and its addition, and the change of the parameter itself.
    flops: ({ inputs: [parameters] }) => (operationsIn(rule.wgsl) + 3) * elementsOf([parameters]),
    bytes: bytesOfUpdate,
    accuracy: (node) => ({
      ulps: ULPS,
      magnitude: (inputs, expected) => sensitivities(node, changed, inputs, expected),
      absolute: 1e-37,
    }),
  };
  return op;
}

/** An item is a block of parameters. */
function inWasm(rule: Rule, clip: Clip | undefined, { inputs }: Node<Attrs>): WasmWork {
  const [parameters, , , schedule, control] = inputs.map(({ spec: { shape } }) => shape[0]);
  const given = inputs.map((_, at) => at);
  const missing = Array.from({ length: MOST_MOMENTS + FIRST_MOMENT - given.length }, () => 'nothing' as const);
  return {
    launches: [
      {
        kernel: rule.wasm,
        operands: [...given, ...missing],
        words: [
          control,
          schedule,
          { named: `Clip.${clip ? Object.keys(clip)[0] : 'none'}` },
          { f32: limitOf(clip) },
          Number(rule.decoupled ?? false),
          ...constantsOf(rule),
        ],
        items: parameters / BLOCK,
        grain: WASM_GRAIN,
      },
    ],
  };
}

/**
 * A moment below it is 0. Where no gradient comes any more, a moment shrinks by a factor until f32 rounds the product back
 * to what it was: a number that is no longer normal, which stays for good and with which a processor reckons much longer.
 * Cards take it for 0 as they like.
 */
const SMALLEST_NORMAL = 2 ** -126;

/** Four of each moment as a variable of that name, and the functions that fill and store it. */
function movesOf(moments: readonly string[]): Record<'take' | 'put', string> {
  const declared = moments.map((moment) => `var<private> ${moment}: vec4f;\n`);
  const taken = moments.map((moment) => `  ${moment} = ${moment}_fours[at];\n`);
  const put = moments.map(
    (moment) =>
      `  ${moment}_fours[at] = select(${moment}, vec4f(), abs(${moment}) < vec4f(${f32Literal(SMALLEST_NORMAL)}));\n`,
  );
  return {
    take: `${declared.join('')}fn take(at: u32) {\n${taken.join('')}}`,
    put: `fn put(at: u32) {\n${put.join('')}}`,
  };
}

/** The rule's constants as kernels are handed them. */
function constantsOf({ constants }: Rule): Word[] {
  const words = Object.values(constants).map((f32) => ({ f32 }));
  return [...words, ...Array.from({ length: MOST_CONSTANTS - words.length }, () => 0)];
}

/** The rule's constants as variables of the whole invocation. */
function prepareFunction({ constants }: Rule): string {
  const names = Object.keys(constants);
  const declared = names.map((name) => `var<private> ${name}: f32;\n`);
  const read = names.map((name, at) => `  ${name} = sizes.constants[${at >> 2}][${at & 3}];\n`);
  return `${declared.join('')}fn prepare() {\n${read.join('')}}`;
}

function updateFunction({ wgsl }: Rule): string {
  const lines = wgsl
    .trim()
    .split('\n')
    .map((line) => `  ${line.trim()}`);
  return `fn update(i: u32, g: f32, rate: f32, now: vec4f) -> f32 {\n${lines.join('\n')}\n}`;
}

/** The operators and calls of a rule's text. */
const operationsIn = (wgsl: string): number => (wgsl.match(/ [-+*/]=? |\w\(/g) ?? []).length;

/** Roundings of an update, each good to a few units. */
const ULPS = 16;

/**
 * How far the outputs move when the numbers that go in do, by as much as is allowed: a rounding inside moves them no
 * further. Differences, not derivatives, because roots at 0 and signs have none.
 */
function sensitivities(
  node: Node<Attrs>,
  changed: readonly number[],
  inputs: readonly Numbers[],
  expected: readonly Numbers[],
): Float64Array[] {
  const unit = ULPS * 2 ** -24;
  const sizes = expected.map((numbers, at) =>
    node.outputs[at].spec.dtype === 'f32' ? Float64Array.from(numbers, Math.abs) : new Float64Array(numbers.length),
  );
  // The update may cancel the parameter.
  sizes[0].forEach((_, i) => (sizes[0][i] += Math.abs(inputs[0][i]) + Math.abs(expected[0][i] - inputs[0][i])));
  for (const at of new Set([...changed, 1])) {
    const moved = [1 - unit, 1 + unit].map((factor) => {
      const outputs = node.outputs.map(({ spec }) => allocate(spec, 'f64'));
      node.op.cpu(
        inputs.with(
          at,
          Float64Array.from(inputs[at], (x) => x * factor),
        ),
        outputs,
        node,
      );
      return outputs;
    });
    sizes.forEach((size, output) => {
      for (let i = 0; i < size.length; i++) {
        const [down, up] = moved.map((outputs) => Math.abs(outputs[output][i] - expected[output][i]));
        size[i] += Math.max(down, up) / unit;
      }
    });
  }
  return sizes;
}

/**
 * An optimizer of a rule: one launch for all parameters of a page, and two more if a norm of their gradients is clipped.
 * @throws DataError for a usual option out of its range
 */
export function optimizerOf(rule: Rule, options: Usual): Optimizer {
  const { name, decoupled = false } = rule;
  const { learningRate, weightDecay, groups, clip } = options;
  requireUsualOptions(name, options);
  const op = updateOp(rule, clip);
  return {
    name,
    learningRate,
    weightDecay,
    decaysEverything: !decoupled,
    moments: rule.moments,
    groups,
    row: (step, rate) => rule.row(step, rate),
    update(inputs) {
      const { parameters, gradients, moments, control, closed = control } = inputs;
      const tables = clippedTables(clip, inputs);
      return apply(op, [parameters, gradients, tables.groups, tables.schedule, closed, ...moments], rule.constants);
    },
  };
}
