import { swiglu } from '../../src/ops/index.ts';
import { checkOp } from '../support/checkOp.ts';

checkOp('swiglu', ([x]) => swiglu(x), [[[5, 6]], [[2, 33, 10]]], { tails: true });
