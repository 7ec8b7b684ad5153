import { output, type AdapterTraits, type Kernel, type Launch } from '../../core/launch.ts';
import { allocate, sizeOf, type Numbers, type Spec } from '../../core/shape.ts';
import { boundsOf, runReference, UNIT } from '../../graph/accuracy.ts';
import type { Accuracy, Node, Op, Tail, Value } from '../../graph/graph.ts';
import { bytesOf, workOf } from '../../graph/work.ts';

/*
 * Several nodes as one launch: a head whose kernel has an epilogue, and pointwise ops that are appended there, each to
 * what the one before left in a register.
 */

/** An appended node, and where each of its operands comes from: the register, or one of the extra inputs. */
export interface Step {
  readonly node: Node;
  readonly tail: Tail;
  readonly operands: readonly ('register' | number)[];
}

export interface Parts {
  readonly head: Node;
  readonly steps: readonly Step[];
  /** Values, beside the head's inputs, that the steps read. */
  readonly extras: readonly Value[];
  /** What else is wanted than the last step's value: of the head (0) or of step i (i + 1), the last one left out. */
  readonly kept: readonly number[];
}

/** The place, in WGSL, of an extra's element that belongs to place `at` of the output; undefined if it is none of these. */
export function placeIn(extra: Spec, whole: Spec): 'at' | '0u' | 'cycle' | undefined {
  const [size, count] = [sizeOf(extra.shape), sizeOf(whole.shape)];
  if (size === 1) return '0u';
  const trimmed = extra.shape.slice(extra.shape.findIndex((extent) => extent > 1));
  const ends = whole.shape.slice(whole.shape.length - trimmed.length);
  if (trimmed.length > whole.shape.length || trimmed.some((extent, axis) => extent !== ends[axis])) return undefined;
  return size === count ? 'at' : 'cycle';
}

/** What a step calls its operands: a, b, c, as pointwise ops do. */
const letterOf = (operand: number): string => 'abcdefgh'[operand];

/** What the steps make of the head's value, in a function for each of them and one that calls them all. */
function epilogueOf({ steps, extras, kept }: Parts, own: string | undefined): string {
  const functions = own ? [own.replace('fn epilogue(', 'fn head_epilogue(')] : [];
  const lines = [`  let v0 = ${own ? 'head_epilogue(value, at)' : 'value'};`];
  const store = (at: number): void => {
    if (kept.includes(at)) lines.push(`  kept${kept.indexOf(at)}[at] = v${at};`);
  };
  store(0);
  steps.forEach(({ node, tail: { expression, arrays = [] }, operands }, at) => {
    const names = operands.map((operand, i) => (arrays.includes(i) ? `extra${operand}` : letterOf(i)));
    const elements = operands.map((_, i) => i).filter((i) => !arrays.includes(i));
    const parameters = [...elements.map((i) => `${letterOf(i)}: f32`), 'at: u32'];
    functions.push(`fn step${at}(${parameters.join(', ')}) -> f32 {\n  return ${expression(names)};\n}`);
    const read = (operand: 'register' | number): string => {
      if (operand === 'register') return `v${at}`;
      const place = placeIn(extras[operand].spec, node.outputs[0].spec);
      return `extra${operand}[${place === 'cycle' ? `at % arrayLength(&extra${operand})` : place}]`;
    };
    lines.push(`  let v${at + 1} = step${at}(${[...elements.map((i) => read(operands[i])), 'at'].join(', ')});`);
    if (at < steps.length - 1) store(at + 1);
  });
  lines.push(`  return v${steps.length};`);
  return [...functions, `fn epilogue(value: f32, at: u32) -> f32 {\n${lines.join('\n')}\n}`].join('\n\n');
}

function launchOf(parts: Parts, name: string, { kernel, bindings, ...others }: Launch): Launch {
  const { head, steps, extras, kept } = parts;
  const includes = steps.flatMap(({ tail }) => tail.includes);
  const functions = { ...kernel.functions, epilogue: epilogueOf(parts, kernel.functions?.['epilogue']) };
  const fused: Kernel = {
    ...kernel,
    name,
    functions,
    includes: [...(kernel.includes ?? []), ...includes],
    reads: { ...kernel.reads, ...Object.fromEntries(extras.map(({ spec }, at) => [`extra${at}`, spec.dtype])) },
    writes: { ...kernel.writes, ...Object.fromEntries(kept.map((_, at) => [`kept${at}`, 'f32'])) },
  };
  // The head's own writes come after all reads.
  const own = bindings ?? [...head.inputs.map((_, at) => at), output(0)];
  const rest = head.outputs.length - 1;
  const writes = Object.keys(kernel.writes ?? {}).length;
  const [reading, writing] = [own.slice(0, own.length - writes), own.slice(own.length - writes)];
  const extraInputs = extras.map((_, at) => head.inputs.length + at);
  return {
    ...others,
    kernel: fused,
    bindings: [...reading, ...extraInputs, ...writing, ...kept.map((_, at) => output(1 + rest + at))],
  };
}

/** Every value of the chain, from the head's to the last step's; and the head's further outputs. */
function valuesOf({ head, steps }: Parts, inputs: readonly Numbers[], like: Numbers): [Numbers[], Numbers[]] {
  const precision = like instanceof Float64Array ? 'f64' : 'f32';
  const made = head.outputs.map(({ spec }) => allocate(spec, precision));
  head.op.cpu(inputs.slice(0, head.inputs.length), made, head);
  const chain = steps.reduce<Numbers[]>(
    (values, step) => [
      ...values,
      after(step, rounded(values[values.length - 1]), inputs.slice(head.inputs.length), precision),
    ],
    [made[0]],
  );
  return [chain, made.slice(1)];
}

/** What a step reads is what f32 holds of it: overflow is infinite, and what underflows is 0. */
const rounded = (numbers: Numbers): Numbers => (numbers instanceof Float64Array ? numbers.map(Math.fround) : numbers);

const operandsOf = ({ operands }: Step, register: Numbers, extras: readonly Numbers[]): Numbers[] =>
  operands.map((operand) => (operand === 'register' ? register : extras[operand]));

function after(step: Step, register: Numbers, extras: readonly Numbers[], precision: 'f32' | 'f64'): Numbers {
  const result = allocate(step.node.outputs[0].spec, precision);
  step.node.op.cpu(operandsOf(step, register, extras), [result], step.node);
  return result;
}

/** A number beyond a function's domain says nothing of how far the function moves. */
const distance = (x: number, y: number): number => {
  const far = Math.abs(x - y);
  return Number.isNaN(far) ? 0 : far;
};

/** The errors that are allowed in the chain's values: each step's own, and what it makes of those before. */
function chainBounds(parts: Parts, inputs: readonly Numbers[]): [Numbers[], Numbers[]] {
  const { head, steps } = parts;
  const own = inputs.slice(0, head.inputs.length);
  const extras = inputs.slice(head.inputs.length);
  const made = runReference(head, own);
  const ofHead = boundsOf(head, own, made);
  let [register] = made;
  let [bound] = ofHead;
  const bounds = [bound];
  for (const step of steps) {
    register = rounded(register);
    const exact = after(step, register, extras, 'f64');
    const [self] = boundsOf(step.node, operandsOf(step, register, extras), [exact]);
    const moved = [1, -1].map((sign) => {
      return after(
        step,
        Float64Array.from(register, (x, i) => x + sign * bound[i]),
        extras,
        'f64',
      );
    });
    bound = Float64Array.from(exact, (y, i) => self[i] + 2 * Math.max(...moved.map((other) => distance(other[i], y))));
    register = exact;
    bounds.push(bound);
  }
  return [bounds, ofHead.slice(1)];
}

/** The op that does all of it in one launch: its inputs are the head's, then the extras; its outputs the last, the head's further ones, then the kept. */
export function fusedOp(parts: Parts): Op<null> {
  const { head, steps, extras, kept } = parts;
  const last = steps[steps.length - 1].node.outputs[0].spec;
  const name = [head, ...steps.map(({ node }) => node)].map(({ op }) => op.name).join('+');
  const valueAt = (at: number): Value => (at === 0 ? head : steps[at - 1].node).outputs[0];
  const pick = ([chain, further]: readonly [readonly Numbers[], readonly Numbers[]]): Numbers[] => [
    chain[chain.length - 1],
    ...further,
    ...kept.map((at) => chain[at]),
  ];
  return {
    name,
    infer: () => [last, ...head.outputs.slice(1).map(({ spec }) => spec), ...kept.map((at) => valueAt(at).spec)],
    cpu(inputs, outputs) {
      pick(valuesOf(parts, inputs, outputs[0])).forEach((numbers, at) => outputs[at].set(numbers));
    },
    ...(head.op.forms && { forms: (_: Node<null>, adapter: AdapterTraits) => head.op.forms!(head, adapter) }),
    ...(head.op.hosts && { hosts: (_: Node<null>, adapter: AdapterTraits) => head.op.hosts!(head, adapter) }),
    gpu(_, adapter, form) {
      const launches = head.op.gpu(head, adapter, form);
      return [...launches.slice(0, -1), launchOf(parts, name, launches[launches.length - 1])];
    },
    flops: () => [head, ...steps.map(({ node }) => node)].reduce((total, node) => total + workOf(node).flops, 0),
    // What passes from one to the next stays in a register: the last value takes the place of the head's.
    bytes() {
      const others = extras.filter((extra) => !head.inputs.includes(extra));
      return workOf(head).bytes + bytesOf([...others, ...kept.map(valueAt)]);
    },
    accuracy: (): Accuracy => ({
      ulps: 1,
      magnitude: (inputs) => pick(chainBounds(parts, inputs)).map((bounds) => bounds.map((bound) => bound / UNIT)),
    }),
  };
}
