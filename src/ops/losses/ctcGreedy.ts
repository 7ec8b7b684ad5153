import { ShapeError } from '../../core/errors.ts';
import { optionsOf, requireKind, type ContextLike } from '../../core/argumentChecks.ts';
import { flatGrid } from '../../core/launch.ts';
import { formatSpec, requireDtype, sameShape, spec, type Numbers } from '../../core/shape.ts';
import { apply, specOf, type Node, type Op, type Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import { elementsOf } from '../../graph/work.ts';
import { integerDtypes, integerReader } from '../data/integerReader.ts';
import { uncast } from '../data/originalIntegers.ts';
import { exceeds } from '../reductions/argmax.ts';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import greedyKernel from '../../../shaders/losses/ctcGreedy.wgsl?raw';

interface Attrs {
  readonly blank: number;
}

/** Where a CPU plays the GPU, one vector's lanes; on a card, two of its own. */
const LANES_IN_SOFTWARE = 8;
const LANES_ON_CARD = 64;

/** Labels, and how many of them there are. */
const greedyOp: Op<Attrs, 'i32'> = {
  name: 'ctcGreedy',
  infer([logits, lengths]) {
    requireDtype('ctcGreedy', 'logits', logits, 'f32');
    requireDtype('ctcGreedy', 'lengths', lengths, ...integerDtypes);
    const [N, T, C] = logits.shape;
    if (logits.shape.length !== 3 || T === 0 || C === 0 || !sameShape(lengths.shape, [N])) {
      throw new ShapeError(
        `[ctcGreedy] logits are ${formatSpec(logits)} and lengths ${formatSpec(lengths)}: they must be f32[N, T, C], T and C above 0, and integers [N]`,
      );
    }
    return [spec([N, T], 'i32'), spec([N], 'i32')];
  },
  cpu([logits, inputLengths], [labels, lengths], node) {
    const [N, T, C] = node.inputs[0].spec.shape;
    const { blank } = node.attrs;
    labels.fill(-1);
    for (let n = 0; n < N; n++) {
      const given = inputLengths[n];
      const frames = given >= 0 && given <= T ? given : T;
      let before = blank;
      let found = 0;
      for (let t = 0; t < frames; t++) {
        const own = likeliestIn(logits.subarray((n * T + t) * C, (n * T + t + 1) * C));
        if (own !== blank && own !== before) labels[n * T + found++] = own;
        before = own;
      }
      lengths[n] = found;
    }
  },
  gpu({ inputs: [logits, lengths], attrs }, { software, maxComputeInvocationsPerWorkgroup }) {
    const width = Math.min(software ? LANES_IN_SOFTWARE : LANES_ON_CARD, maxComputeInvocationsPerWorkgroup);
    const functions = {
      is_nan: '',
      input_length_at: integerReader('input_length_at', 'input_lengths', lengths.spec.dtype, 'i32'),
    };
    const kernel = { name: 'ctcGreedy', source: greedyKernel, functions, includes: [nan] };
    const { shape } = logits.spec;
    return [
      {
        kernel: { ...kernel, constants: { WIDTH: `${width}u` } },
        uniform: [...shape, attrs.blank],
        grid: flatGrid(shape[0], 1),
      },
    ];
  },
  flops: ({ inputs: [logits] }: Node<Attrs>) => elementsOf([logits]),
  ranges: ({ inputs: [logits] }) => [
    null,
    { low: 1, high: logits.spec.shape[1], meaning: `lengths of inputs of ${logits.spec.shape[1]} frames` },
  ],
};

/** The first of equals; NaN counts as larger than all. */
function likeliestIn(row: Numbers): number {
  let best = 0;
  for (let c = 1; c < row.length; c++) if (exceeds(row[c], row[best])) best = c;
  return best;
}

/** What `ctcGreedy` may be told. */
export interface CtcGreedyOptions extends ContextLike {
  /** Frames of each sample, `[N]`; all T if left out. */
  readonly lengths?: Value;
  /** The class that stands for no label: 0. */
  readonly blank?: number;
}

/**
 * What a model that learned by `ctc` says, by the likeliest class of each frame: of neighbours that are alike one, and
 * without blanks. It is not always the likeliest text, for which see `ctcBeamSearch`.
 * @param logits `[N, T, C]`   @returns labels, i32 `[N, T]`, with −1 behind each sample's last, and lengths, i32 `[N]`
 * @throws ShapeError for logits of other axes     Source: Graves et al. 2006, 3.2, best path decoding
 */
export function ctcGreedy(
  logits: Value,
  options: CtcGreedyOptions = {},
): { readonly labels: Value<'i32'>; readonly lengths: Value<'i32'> } {
  const defaults = { lengths: undefined, blank: 0 };
  const { lengths, blank } = optionsOf<CtcGreedyOptions, typeof defaults>('ctcGreedy', options, defaults);
  const { shape } = specOf('ctcGreedy', 'logits', logits);
  const last = (shape.at(-1) ?? 0) - 1;
  const isClass = Number.isInteger(blank) && blank >= 0 && blank <= last;
  requireKind('ctcGreedy', 'blank', blank, isClass, `a class, 0 … ${last}`);
  const [N = 0, T = 0] = shape;
  const frames = lengths ?? constant(new Int32Array(N).fill(T), spec([N], 'i32'));
  const [labels, counts] = apply(greedyOp, [logits, uncast(frames)], { blank });
  return { labels, lengths: counts };
}
