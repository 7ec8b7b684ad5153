// What a thread runs, and the kernels, by the names by which ops ask for them.
export { dissolve, enter, run, serve } from './team';
export { countBad } from './pointwise';
export { columnPanels, columnSums, product } from './product';
