// Attention: kernels against the reference, and the reference against difference quotients.

import { spec, type Shape, type Spec } from '../../src/core/shape.ts';
import { slice } from '../../src/ops/shaping/sliceAndPad.ts';
import { reshape } from '../../src/ops/shaping/views.ts';
import type { Value } from '../../src/graph/graph.ts';
import { attention, type AttentionOptions } from '../../src/ops/attention/attention.ts';
import { controlState } from '../../src/ops/training/control.ts';
import { summarize } from '../../src/gpu/device.ts';
import { sharedDevice } from '../support/device.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';

interface Case {
  readonly N: number;
  readonly T: number;
  readonly S?: number;
  readonly H: number;
  readonly keyHeads?: number;
  readonly D: number;
}

interface Kind extends Omit<AttentionOptions, 'lengths' | 'mask' | 'dropout'> {
  readonly lengths?: true;
  /** Its shape. */
  readonly mask?: Shape;
  readonly dropout?: number;
}

const draws = { control: controlState('control', 7), stream: 'attention', partCount: 0 };

/** Every third query sees no key at all by its mask. */
const make =
  ({ S, T }: { readonly S: number; readonly T: number }) =>
  (_: number, { dtype, shape }: Spec) => {
    if (dtype === 'f32') return (random: { normal(): number }) => random.normal();
    if (shape.length === 1)
      return (random: { uniform(low: number, high: number): number }, at: number) =>
        at === 0 ? 0 : Math.floor(random.uniform(0, S + 1));
    return (random: { uniform(): number }, at: number) =>
      Math.floor(at / S) % Math.min(T, 3) === 2 || random.uniform() < 0.4 ? 0 : 1;
  };

const adapter = summarize(await sharedDevice()).name;
const inForm = (form: string): CheckOptions => ({ kernels: { adapter, forms: { '*': form } } });

function check(name: string, of: Case, kind: Kind = {}, also: CheckOptions = {}): void {
  const { N, T, S = T, H, keyHeads = H, D } = of;
  const { lengths, mask, dropout, ...options } = kind;
  const keys = [N, S, keyHeads, D];
  const specs = [[N, T, H, D], keys, keys, ...(lengths ? [spec([N], 'i32')] : []), ...(mask ? [spec(mask, 'u8')] : [])];
  checkOp(
    name,
    ([q, k, v, ...others]) =>
      attention(q, k, v, {
        ...options,
        ...(lengths && { lengths: others[0] }),
        ...(mask && { mask: others.at(-1)! }),
        ...(dropout !== undefined && { dropout: { rate: dropout, draws } }),
      }),
    [specs],
    { special: false, make: make({ S, T }), ...also },
  );
}

check('plain', { N: 2, T: 5, H: 2, D: 8 });
check('causal', { N: 2, T: 64, H: 2, D: 32 }, { causal: true });
check('of odd heads', { N: 1, T: 7, S: 13, H: 4, keyHeads: 2, D: 6 }, { window: 3 });
check('ragged', { N: 3, T: 9, H: 2, D: 8 }, { lengths: true, causal: true, window: 4 });
check('masked', { N: 2, T: 9, S: 21, H: 2, D: 8 }, { mask: [2, 1, 9, 21] });
check('dropped', { N: 2, T: 9, S: 21, H: 4, keyHeads: 2, D: 8 }, { mask: [9, 21], dropout: 0.3, lengths: true });

/** q, k and v side by side, as one product makes them. */
checkOp(
  'cut from one value',
  ([x]) => {
    const cut = (start: number, end: number): Value =>
      reshape(slice(x, [null, null, { start: 8 * start, end: 8 * end }]), [2, 5, end - start, 8]);
    return attention(cut(0, 4), cut(4, 6), cut(6, 8), { causal: true });
  },
  [[[2, 5, 64]]],
  { special: false },
);

for (const form of ['tiles32', 'tiles64']) {
  check(`plain ${form}`, { N: 2, T: 5, H: 2, D: 8 }, {}, inForm(form));
  check(`causal ${form}`, { N: 2, T: 64, H: 2, D: 32 }, { causal: true }, inForm(form));
  check(`of odd heads ${form}`, { N: 1, T: 7, S: 73, H: 4, keyHeads: 2, D: 6 }, { window: 3 }, inForm(form));
  check(
    `all ${form}`,
    { N: 2, T: 70, S: 81, H: 4, keyHeads: 2, D: 40 },
    { mask: [70, 81], dropout: 0.3, lengths: true },
    inForm(form),
  );
}
