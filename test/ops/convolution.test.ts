import { describe } from 'vitest';
import type { Shape } from '../../src/core/shape.ts';
import { summarize, traitsOf } from '../../src/gpu/device.ts';
import { convolve, convolveTransposed, type ConvolveOptions } from '../../src/ops/convolution/convolution.ts';
import { productForms } from '../../src/ops/products/matmulForms.ts';
import { shapeOf } from '../../src/ops/convolution/patches.ts';
import { slide } from '../../src/ops/convolution/spatial.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';

const adapter = summarize(await sharedDevice()).name;
const inForm = (form: string): CheckOptions => ({ kernels: { adapter, forms: { '*': form } } });

type Convolving = typeof convolve | typeof convolveTransposed;

/** Of x, weight and, where there is one, bias. */
const check =
  (name: string, convolving: Convolving) =>
  (options: ConvolveOptions, cases: readonly (readonly Shape[])[], how: CheckOptions = {}): void =>
    checkOp(
      `${name} ${JSON.stringify(options)}`,
      ([x, weight, bias]) => convolving(x, weight, bias ? { ...options, bias } : options),
      cases,
      how,
    );

const conv = check('conv2d', convolve);
const transposed = check('convTranspose2d', convolveTransposed);

describe('conv2d', () => {
  conv({}, [
    [[2, 5, 6, 3], [3, 3, 3, 5], [5]],
    [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    [[2, 9, 7, 4], [3, 2, 4, 8], [8]],
  ]);
  conv({ padding: 'same' }, [
    [[2, 5, 7, 1], [3, 3, 1, 8], [8]],
    [[3, 6, 6, 8], [3, 3, 8, 16], [16]],
    [
      [1, 4, 4, 7],
      [5, 2, 7, 3],
    ],
  ]);
  conv({ stride: 2, padding: 1 }, [
    [[2, 7, 8, 3], [3, 3, 3, 5], [5]],
    [
      [2, 8, 8, 4],
      [3, 3, 4, 4],
    ],
    [
      [1, 3, 3, 1],
      [2, 3, 1, 1],
    ],
  ]);
  // As many rows of taps as have bits of their own, and one more.
  conv({ padding: 'same' }, [
    [
      [2, 9, 3, 1],
      [16, 1, 1, 3],
    ],
    [
      [2, 9, 3, 1],
      [17, 1, 1, 3],
    ],
  ]);
  conv({ stride: [3, 2], padding: 'same' }, [
    [
      [2, 7, 9, 4],
      [3, 5, 4, 3],
    ],
  ]);
  conv({ dilation: 2, padding: 'same', stride: 2 }, [
    [
      [1, 9, 8, 3],
      [3, 3, 3, 2],
    ],
  ]);
  conv(
    {
      dilation: [2, 3],
      stride: [1, 3],
      padding: [
        [1, 0],
        [4, 2],
      ],
    },
    [
      [
        [2, 6, 9, 4],
        [3, 3, 4, 4],
      ],
    ],
  );
  conv({ groups: 2, padding: 'same' }, [
    [[2, 4, 5, 6], [3, 3, 3, 4], [4]],
    [[1, 5, 4, 8], [3, 3, 4, 8], [8]],
  ]);
  conv({ groups: 3, stride: 2 }, [[[1, 7, 7, 3], [3, 3, 1, 6], [6]]]);
  // A stride past the window leaves pixels without any.
  conv({ stride: 3 }, [
    [
      [1, 8, 8, 2],
      [2, 1, 2, 3],
    ],
  ]);
});

describe('convTranspose2d', () => {
  transposed({ stride: 2 }, [
    [[2, 3, 4, 5], [3, 3, 3, 5], [3]],
    [[1, 4, 4, 8], [2, 2, 4, 8], [4]],
  ]);
  transposed({ stride: 2, padding: 'same' }, [
    [
      [2, 3, 4, 3],
      [3, 3, 2, 3],
    ],
  ]);
  transposed({ stride: [3, 2], padding: 1, outputPadding: 1, dilation: 2, groups: 2 } as ConvolveOptions, [
    [[1, 3, 2, 4], [3, 2, 3, 4], [6]],
  ]);
});

describe('past what is laid out at once in WebAssembly', () => {
  const large = { kinked: true, special: false } as const;
  // Terms and channels; an image's places, and a row's; features; a thread's room.
  conv(
    { padding: 'same' },
    [
      [[2, 5, 7, 60], [3, 3, 60, 20], [20]],
      [
        [1, 18, 17, 3],
        [3, 3, 3, 9],
      ],
      [[2, 1, 300, 2], [1, 5, 2, 3], [3]],
      [
        [1, 3, 3, 4],
        [2, 2, 4, 140],
      ],
      [
        [1, 1, 70, 4000],
        [1, 3, 4000, 1],
      ],
    ],
    large,
  );
  conv({ padding: 1, stride: 2 }, [[[2, 6, 7, 4], [3, 3, 4, 140], [140]]], large);
  // Several chunks of places in a part.
  conv({ padding: 1 }, [[[17, 17, 17, 1], [3, 3, 1, 2], [2]]], large);
});

/** Past a tile of 64, in channels and places; whole vectors, and none. */
const large: Shape[][] = [[[2, 9, 8, 20], [3, 3, 20, 68], [68]]];
const odd: Shape[][] = [[[3, 7, 8, 3], [3, 3, 3, 33], [33]]];
const image = slide('conv2d', 'kernel', [8, 8], [3, 3], {});
const here = productForms(
  traitsOf(await sharedDevice()),
  shapeOf('forward', { images: 1, axes: image, channels: 1, features: 16, groups: 1 }),
).names;

describe.each(here)('in the form %s', (form) => {
  const cases =
    form.startsWith('tiles') || form === 'slices' ? [form === 'tiles32x64' ? odd : large].flat() : [...large, ...odd];
  conv({ padding: 1 }, cases, { ...inForm(form), kinked: true, special: false });
});
