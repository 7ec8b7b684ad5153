export { dataset, take, type Dataset, type Field, type FieldInput, type FieldSpec } from './dataset.ts';
export { readIdx, type IdxArray } from './idx.ts';
export { files, mnist, type Source } from './mnist.ts';
