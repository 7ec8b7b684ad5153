import { DeviceError } from '../../core/errors.ts';
import { flatGrid, type AdapterTraits, type Kernel, type Launch } from '../../core/launch.ts';
import type { Node } from '../../graph/graph.ts';
import { integerReader } from '../data/integerReader.ts';
import { guarded } from '../pointwise/nanSafeFunctions.ts';
import sampleText from '../../../shaders/functions/ctcSample.wgsl?raw';

/* What forward and backward of the connectionist temporal classification have in common. */

export interface Attrs {
  readonly blank: number;
  /** Whether each loss is divided by the number of its labels. */
  readonly perLabel: boolean;
  /** Whether a sample without a path counts nothing. */
  readonly zeroInfinity: boolean;
}

/** N samples, T frames, C classes, S labels; E states: the labels with blanks before, between and behind them. */
export interface Extents {
  readonly N: number;
  readonly T: number;
  readonly C: number;
  readonly S: number;
  readonly E: number;
}

export function extentsOf({ inputs: [logits, labels] }: Node): Extents {
  const [N, T, C] = logits.spec.shape;
  const [, S] = labels.spec.shape;
  return { N, T, C, S, E: 2 * S + 1 };
}

/** Where a CPU plays the GPU, one vector's lanes: a barrier among more costs more than they save. */
const LANES_IN_SOFTWARE = 8;
const LANES_ON_CARD = 128;

/** Of a state in workgroup memory: two frames' logarithms in two parts each, and its class. */
const STATE_BYTES = 20;
/** Of an invocation, its part of a sum; and what they find wrong. */
const LANE_BYTES = 8;
const FAULT_BYTES = 16;
/** Places in front of the states, or behind them, that stay empty. */
const MARGIN = 2;

/** A kernel over samples, a workgroup for each. @throws DeviceError if a sample's states do not fit its memory */
export function overSamples(
  node: Node<Attrs>,
  source: string,
  adapter: AdapterTraits,
): Pick<Launch, 'grid'> & { readonly kernel: Kernel; readonly sizes: readonly number[] } {
  const { N, T, C, S, E } = extentsOf(node);
  const { blank, perLabel, zeroInfinity } = node.attrs;
  const { software, maxComputeWorkgroupStorageSize: bytes, maxComputeInvocationsPerWorkgroup: lanes } = adapter;
  const width = Math.min(software ? LANES_IN_SOFTWARE : LANES_ON_CARD, lanes);
  const room = Math.floor((bytes - width * LANE_BYTES - FAULT_BYTES) / STATE_BYTES);
  if (E + MARGIN > room) {
    const most = Math.floor((room - MARGIN - 1) / 2);
    throw new DeviceError(
      `[ctc] there are up to ${S} labels for a sample, but this device's workgroups have memory for ${most}: cut the samples`,
    );
  }
  const kernel = guarded(node.op.name, source);
  const readers = ['label_at', 'input_length_at', 'label_length_at'].map((name, at) => {
    const binding = ['labels', 'input_lengths', 'label_lengths'][at];
    return [name, integerReader(name, binding, node.inputs[at + 1].spec.dtype, 'i32')];
  });
  const linked = ['frames_of', 'count_of', 'divisor_of', 'frame_total'].map((name) => [name, '']);
  return {
    grid: flatGrid(N, 1),
    kernel: {
      ...kernel,
      functions: { ...kernel.functions, ...Object.fromEntries([...readers, ...linked]) },
      includes: [...(kernel.includes ?? []), sampleText],
      constants: { WIDTH: `${width}u`, ROOM: `${room}u` },
    },
    sizes: [N, T, C, S, blank, Number(perLabel), Number(zeroInfinity)],
  };
}
