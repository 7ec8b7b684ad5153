// All examples, by the entry of the package that has what they are of.

import { heard, sets, sounds, tables, texts } from './data.ts';
import { flower } from './flower.ts';
import { graphs } from './graphs.ts';
import { initializers } from './initializers.ts';
import { interop } from './interop.ts';
import { layers } from './layers.ts';
import { losses } from './losses.ts';
import { inNode } from './node.ts';
import { ops } from './ops.ts';
import { optimizers } from './optimizers.ts';
import { pointwise } from './pointwise.ts';
import { torch } from './torch.ts';
import { trainers } from './trainers.ts';

export const examples = {
  millrace: [trainers, layers, heard, initializers, losses, optimizers, pointwise, ops, graphs],
  'millrace/data': [sets, tables, texts, sounds],
  'millrace/interop': [interop, torch],
  'millrace/flower': [flower],
  'millrace/node': [inNode],
} as const;
