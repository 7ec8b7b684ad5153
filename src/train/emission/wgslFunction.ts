import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { ShapeError } from '../../core/errors.ts';
import { f32Literal } from '../../core/launch.ts';
import { sizeOf, type Spec } from '../../core/shape.ts';
import { orderOf } from '../../graph/executionOrder.ts';
import type { Access, Graph, Node, State, Value } from '../../graph/graph.ts';
import { asUseOf, constantOp, inputOp, stateOp } from '../../graph/leaf.ts';

import { predictionGraph } from '../graphs/evaluationGraphs.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';
import { weightsOf } from './buffers.ts';

/*
 * A model as a WGSL function: what it makes of one sample, by one invocation, so that a shader of somebody else's can ask it
 * at each pixel or vertex. Each op has its own text, `inline`, beside its kernel.
 */

/** What `wgsl` may be told. */
export interface WgslOptions {
  /** What the function is called: `evaluate`. */
  readonly entry?: string | undefined;
  /** Where the weights are bound: group 0. */
  readonly group?: number | undefined;
  /** binding 0 */
  readonly binding?: number | undefined;
}

/** A function in WGSL, and what it reads. */
export interface WgslFunction {
  /**
   * A binding of the weights, `<entry>_weights`, and the function, from an array for each field of a sample to the model's
   * output, another one: `array<f32, n>`, or of `i32` or `u32` where a field has integers or bytes. All that it declares begins with the function's name.
   */
  readonly code: string;
  /** Numbers of each field that it takes, in the order of its parameters. */
  readonly inputs: Readonly<Record<string, number>>;
  /** Numbers that it gives. */
  readonly outputs: number;
}

const NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;

function wgslOptionsOf(
  options: WgslOptions,
): Required<{ [name in keyof WgslOptions]: NonNullable<WgslOptions[name]> }> {
  const usual = { entry: 'evaluate', group: 0, binding: 0 };
  const given = optionsOf<WgslOptions, typeof usual>('wgsl', options, usual);
  const isName = typeof given.entry === 'string' && NAME.test(given.entry);
  requireKind('wgsl', 'entry', given.entry, isName, 'a name of letters, digits and _, as evaluate');
  for (const [name, at] of Object.entries({ group: given.group, binding: given.binding })) {
    requireKind('wgsl', name, at, Number.isInteger(at) && at >= 0, 'a whole number from 0');
  }
  return given;
}

/** Statements that fill `name`, element by element. */
const storeInto =
  (name: string) =>
  (place: string, value: string): string =>
    `${name}[${place}] = ${value};`;

/** WGSL has no bytes: each is a number by itself. */
const typeOf = ({ dtype }: Spec): string => (dtype === 'u8' ? 'u32' : dtype);

const arrayOf = (spec: Spec): string => `array<${typeOf(spec)}, ${sizeOf(spec.shape)}>`;

/** Every function of a text, by a name that begins with the entry's. */
function prefixed(text: string, names: readonly string[], entry: string): string {
  return names.reduce((all, name) => all.replace(new RegExp(`\\b${name}\\b`, 'g'), `${entry}_${name}`), text);
}

const declaredIn = (text: string): string[] =>
  [...text.matchAll(/\b(?:fn|const|alias|struct)\s+(\w+)/g)].map(([, name]) => name);

/** A traced model as a function. */
export function wgslFunctionOf(traced: TracedModel, options: WgslOptions): WgslFunction {
  return wgslFunction(predictionGraph(traced, 1, 0), weightsOf(traced), options);
}

/** Writes a graph of one sample as a function. @param weights the state that its parameters lie in */
function wgslFunction(graph: Graph, weights: State, options: WgslOptions): WgslFunction {
  const { entry, group, binding } = wgslOptionsOf(options);
  const results = Object.entries(graph.outputs);
  if (results.length !== 1) {
    throw new ShapeError(
      `[wgsl] the model gives ${results.length} outputs, by name: a function gives one; join them by concat`,
    );
  }
  const [[, result]] = results;
  const accesses = new Map<Value, Access>();
  const inputs: Record<string, number> = {};
  const [parameters, lines, includes]: [string[], string[], Set<string>] = [[], [], new Set()];
  const accessOf = (value: Value): Access => accesses.get(value)!;

  const leafAccess = (node: Node): Access | undefined => {
    const field = asUseOf(inputOp, node);
    if (field) {
      const name = `x${parameters.length}_${field.label.replace(/\W/g, '_')}`;
      inputs[field.label] = sizeOf(field.spec.shape);
      parameters.push(`${name}: ${arrayOf(field.spec)}`);
      return (place) => `${name}[${place}]`;
    }
    const kept = asUseOf(stateOp, node);
    if (kept) {
      if (kept.state === weights) return (place) => `${entry}_weights[${place}]`;
      throw new ShapeError(
        `[wgsl] the model reads "${kept.state.name}" beside its weights: a function has the weights of one buffer only, so leave out what keeps a state, as batch norm does, and what is frozen`,
      );
    }
    const fixed = asUseOf(constantOp, node);
    if (!fixed) return undefined;
    const { numbers, spec } = fixed;
    const literal = (number: number): string =>
      spec.dtype === 'f32' ? f32Literal(number) : `${typeOf(spec)}(${number})`;
    if (numbers.length === 1) return () => literal(numbers[0]);
    const name = `c${lines.length}`;
    lines.push(`var ${name} = ${arrayOf(spec)}(${Array.from(numbers, literal).join(', ')});`);
    return (place) => `${name}[${place}]`;
  };

  const write = (node: Node): void => {
    const leaf = leafAccess(node);
    const [value] = node.outputs;
    const start = node.op.view?.(node.attrs);
    if (leaf) accesses.set(value, leaf);
    else if (start !== undefined) {
      const of = accessOf(node.inputs[0]);
      accesses.set(value, start === 0 ? of : (place) => of(`${start}u + ${place}`));
    } else {
      const name = `v${lines.length}`;
      const text = node.op.inline?.(node, node.inputs.map(accessOf), storeInto(name));
      if (!text) {
        throw new ShapeError(
          `[wgsl] the model uses ${node.op.name}, which has no text for one invocation: products, pointwise ops, reshape, concat and slice have; ask predict`,
        );
      }
      for (const included of text.includes ?? []) includes.add(included);
      lines.push(`var ${name}: ${arrayOf(value.spec)};\n  ${text.statements}`);
      accesses.set(value, (place) => `${name}[${place}]`);
    }
  };
  for (const node of orderOf(graph)) write(node);

  const outputs = sizeOf(result.spec.shape);
  const access = accessOf(result);
  const functions = [...includes].join('\n\n');
  const body = prefixed(lines.join('\n  '), declaredIn(functions), entry);
  const code = [
    `@group(${group}) @binding(${binding}) var<storage, read> ${entry}_weights: array<f32>;`,
    ...(functions ? [prefixed(functions, declaredIn(functions), entry)] : []),
    `fn ${entry}(${parameters.join(', ')}) -> ${arrayOf(result.spec)} {
  ${body}
  var y: ${arrayOf(result.spec)};
  for (var i = 0u; i < ${outputs}u; i++) {
    ${storeInto('y')('i', access('i'))}
  }
  return y;
}
`,
  ].join('\n\n');
  return { code, inputs, outputs };
}
