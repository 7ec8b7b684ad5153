import type { NodeProto } from '../onnx_pb.ts';

/** Why operators are not read, and what to do: families of those that somebody may well meet. */
const families: readonly { readonly names: readonly string[]; readonly why: string; readonly way: string }[] = [
  {
    names: [
      'ConvInteger',
      'DequantizeLinear',
      'DynamicQuantizeLinear',
      'MatMulInteger',
      'QLinearConv',
      'QLinearMatMul',
      'QuantizeLinear',
    ],
    why: 'computes with quantised numbers, which are not read',
    way: 'export the model in float32, before it was quantised',
  },
  {
    names: ['Bernoulli', 'Multinomial', 'RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike'],
    why: 'draws random numbers, which are not read',
    way: 'give what is drawn as an input, or export the model without',
  },
  {
    names: ['Loop', 'Scan', 'SequenceMap'],
    why: 'repeats a graph, which is not read',
    way: 'export the model for a fixed number of steps, which unrolls its loops',
  },
  {
    names: [
      'ConcatFromSequence',
      'Optional',
      'OptionalGetElement',
      'OptionalHasElement',
      'SequenceAt',
      'SequenceConstruct',
      'SequenceEmpty',
      'SequenceErase',
      'SequenceInsert',
      'SequenceLength',
      'SplitToSequence',
    ],
    why: 'works on a list of tensors, or on one that may be missing, which is not read',
    way: 'export the model with tensors alone',
  },
  {
    names: ['ImageDecoder', 'RegexFullMatch', 'StringConcat', 'StringNormalizer', 'StringSplit', 'TfIdfVectorizer'],
    why: 'reads texts or files, which are no numbers',
    way: 'do it before the model, and ask for what is behind it by fromOnnx(bytes, { outputs })',
  },
  {
    names: ['BitCast', 'BitShift', 'BitwiseAnd', 'BitwiseNot', 'BitwiseOr', 'BitwiseXor'],
    why: 'works on the bits of numbers, which is not read',
    way: 'leave it out of the model, or ask for what comes before it by fromOnnx(bytes, { outputs })',
  },
  {
    names: ['NonMaxSuppression', 'Unique'],
    why: 'gives as many numbers as its data have it, where every extent must be known',
    way: 'ask for what comes before it by fromOnnx(bytes, { outputs }), and do it behind the model',
  },
];

/** Why a node is not read, and the way out. */
export function whyNotRead({ domain, opType }: NodeProto): readonly [why: string, way: string] {
  const way =
    'docs/interop.md lists what is; leave it out of the model, or ask for what comes before it by fromOnnx(bytes, { outputs })';
  if (domain !== '' && domain !== 'ai.onnx') return [`is of the domain "${domain}", which is not read`, way];
  const family = families.find(({ names }) => names.includes(opType));
  return family ? [family.why, family.way] : ['is of a kind that is not read', way];
}
