/** What belongs together, as the reference has it. */
export interface Family {
  readonly id: string;
  readonly title: string;
  /** By the file's path, without `.ts`. */
  has(path: string, name: string): boolean;
}

const within = (pattern: RegExp) => (path: string) => pattern.test(path);

/** In the reference's order; the first that has an export takes it. */
export const families: readonly Family[] = [
  {
    id: 'training',
    title: 'Training',
    has: within(/^train\/(?!emission|evaluation|generation|inspection|checkpoints|predictor)/),
  },
  { id: 'asking', title: 'Asking a model', has: within(/^train\/(predictor|generation|emission|evaluation)/) },
  { id: 'checkpoints', title: 'Checkpoints', has: within(/^(train|node)\/checkpoints/) },
  { id: 'elsewhere', title: 'Models from elsewhere, and for elsewhere', has: within(/^interop\//) },
  { id: 'together', title: 'Several machines', has: within(/^flower\//) },
  { id: 'looking-on', title: 'Looking on', has: within(/^train\/inspection/) },
  { id: 'layers', title: 'Layers', has: within(/^nn\/(layers?|convolution|pooling|normalization|frozen|lora)$/) },
  {
    id: 'sequences',
    title: 'Sequences and attention',
    has: within(/^nn\/(recurrent|unrolled|sequences|multiHead|transformer|positions|embedding|generation|fourier)/),
  },
  {
    id: 'changes',
    title: 'Changes at random, and sound',
    has: within(/^nn\/(augment|logMel)|^ops\/data|^data\/audio\/features/),
  },
  { id: 'initializers', title: 'First weights', has: within(/^nn\/initializers/) },
  { id: 'models', title: 'Models', has: within(/^models\//) },
  { id: 'losses', title: 'Losses', has: within(/^nn\/(losses|fieldRoles)/) },
  {
    id: 'metrics',
    title: 'Metrics and scores',
    has: within(/^nn\/(scores|metric|classScores|errorRates|bleu|beamSearch|ctcBeamSearch)/),
  },
  { id: 'optimizers', title: 'Optimizers', has: within(/^optim\/(?!schedules|index)/) },
  { id: 'schedules', title: 'Schedules', has: within(/^optim\//) },
  { id: 'elements', title: 'Ops, element by element', has: within(/^ops\/pointwise/) },
  { id: 'ops', title: 'Ops', has: within(/^ops\//) },
  { id: 'graphs', title: 'Graphs, and ops of your own', has: within(/^(graph|transform|cpu|check)\/|^core\/launch/) },
  {
    id: 'devices',
    title: 'Devices',
    has: within(/^(gpu|scheduler)\/|^core\/globalTypes|^node\/(kernelFiles|quietWaits)/),
  },
  { id: 'errors', title: 'Errors', has: within(/^core\/errors/) },
  { id: 'numbers', title: 'Numbers and shapes', has: within(/^core\//) },
  { id: 'tables', title: 'Tables and series', has: within(/^data\/(table|series)/) },
  { id: 'texts', title: 'Texts', has: within(/^data\/text|^node\/textFiles/) },
  { id: 'sounds', title: 'Sound', has: within(/^data\/audio|^node\/recordings/) },
  { id: 'sets', title: 'Data sets', has: within(/^data\/|^node\//) },
];
