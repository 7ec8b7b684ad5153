import { f32Literal, output, type AdapterTraits, type Kernel, type Launch } from '../../core/launch.ts';
import type { Node } from '../../graph/graph.ts';
import loopKernel from '../../../shaders/recurrent/loop.wgsl?raw';
import loopGradKernel from '../../../shaders/recurrent/loopGrad.wgsl?raw';
import { cells } from './cells.ts';
import { CARRIED, launchesOf, layoutOf, SLOPES, uniformVectors } from './recurrentLayout.ts';
import { extentsOf, gradExtentsOf, gradPlacesOf, placesOf, type Attrs, type GradAttrs } from './recurrentNode.ts';
import { LEAST } from './recurrentReference.ts';
import { gatesOf, lengthFunctions, linked, loadText, readText, storeText } from './recurrentTexts.ts';

export function forwardLaunches(node: Node<Attrs>, adapter: AdapterTraits, form: string): Launch[] {
  const { attrs, inputs } = node;
  const cell = cells[attrs.cell];
  const extents = extentsOf(node);
  const layout = layoutOf(form, extents, CARRIED, adapter);
  const places = placesOf(attrs);
  const vectors = uniformVectors(extents, cell.gates, adapter);
  const gates = gatesOf(cell.gates, ['x', 'weights']);
  const own = linked([
    ['bias', 'Gates', places['bias'], { gates_of_bias: loadText('gates_of_bias', 'bias', cell.gates) }],
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
    ...(vectors && { uniforms: { 1: vectors } }),
  };
  const bindings = [0, 1, output(0), output(1), output(2), ...own.bindings, ...(carriesMore ? [output(3)] : [])];
  return launchesOf({ kernel, bindings }, extents, layout, attrs.reverse, extents.steps);
}

export function backwardLaunches(node: Node<GradAttrs>, adapter: AdapterTraits, form: string): Launch[] {
  const { attrs, inputs } = node;
  const cell = cells[attrs.cell];
  const extents = gradExtentsOf(node);
  const layout = layoutOf(form, extents, SLOPES, adapter);
  const places = gradPlacesOf(attrs);
  const vectors = uniformVectors(extents, cell.gates, adapter);
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
    constants: {
      ...gates.constants,
      ...layout.kernel.constants,
      ACROSS: String(!attrs.transposed),
      LEAST: f32Literal(LEAST),
    },
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
    ...(vectors && { uniforms: { 0: vectors } }),
  };
  const bindings = [0, 1, output(0), output(cell.apart ? 2 : 1), ...own.bindings, ...(cell.apart ? [output(1)] : [])];
  return launchesOf({ kernel, bindings }, extents, layout, attrs.reverse, extents.steps + 1);
}
