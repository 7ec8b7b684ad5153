import type { Dtype } from '../../core/shape.ts';
import { apply, type Op, type State, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { POSITION, STEP } from '../training/control.ts';
import currentTokenKernel from '../../../shaders/generation/currentToken.wgsl?raw';

type Attrs = { readonly dtype: Exclude<Dtype, 'u8'> };

const currentTokenOp: Op<Attrs> = {
  name: 'currentToken',
  infer: (_, { dtype }) => [
    { shape: [1, 1], dtype },
    { shape: [1], dtype: 'u32' },
    { shape: [1], dtype: 'u32' },
  ],
  cpu([control, tokens], [token, position, length]) {
    token[0] = tokens[control[STEP] % tokens.length];
    position[0] = control[POSITION];
    length[0] = control[POSITION] + 1;
  },
  gpu: ({ inputs: [, tokens], attrs: { dtype } }) => [
    {
      kernel: { name: 'currentToken', source: currentTokenKernel, constants: { TOKEN: dtype } },
      uniform: [tokens.spec.shape[0]],
      grid: [1, 1, 1],
    },
  ],
  flops: () => 0,
  bytes: () => 24,
};

/** The token that a generation reads, and where it stands. */
export interface CurrentToken {
  /** `[1, 1]` */
  readonly token: Value;
  /** In its context, from 0: `[1]`. */
  readonly position: Value<'u32'>;
  /** Tokens of the context up to it, itself among them: `[1]`. */
  readonly length: Value<'u32'>;
}

/** @param control of `generationControl`   @param tokens u32, a ring of the text's last tokens   @param dtype of the token */
export function currentToken(control: State, tokens: State, dtype: Attrs['dtype']): CurrentToken {
  const [token, position, length] = apply(currentTokenOp, [read(control), read(tokens)], { dtype });
  return { token, position: position as Value<'u32'>, length: length as Value<'u32'> };
}
