// What a visitor chooses, and how a link says it. No choice is out of reach of a link, and no link breaks the page.

export const models = ['dense', 'convolutional'] as const;
export const activations = ['relu', 'leakyRelu', 'gelu', 'silu', 'tanh', 'sigmoid'] as const;
export const initials = ['he', 'glorot', 'torch'] as const;
export const schedules = ['constant', 'cosine', 'halving', 'warmUp'] as const;

/** Each optimizer with the learning rate that it is usually begun with. */
export const usualRates = {
  sgd: 0.1,
  momentum: 0.03,
  nesterov: 0.03,
  adam: 0.003,
  adamw: 0.003,
  rmsprop: 0.001,
  adagrad: 0.03,
  lion: 0.0003,
} as const;

export type OptimizerName = keyof typeof usualRates;

export interface Settings {
  readonly model: (typeof models)[number];
  /** Neurons of each hidden dense layer, or features of each convolution. */
  readonly layers: readonly number[];
  readonly activation: (typeof activations)[number];
  /** The law of the first weights. */
  readonly initial: (typeof initials)[number];
  readonly optimizer: OptimizerName;
  readonly rate: number;
  readonly schedule: (typeof schedules)[number];
  readonly batch: number;
  readonly seed: number;
  /** The one whose way through the network is shown. */
  readonly digit: number;
}

export const usualSettings: Settings = {
  model: 'dense',
  layers: [32, 16],
  activation: 'relu',
  initial: 'he',
  optimizer: 'adam',
  rate: usualRates.adam,
  schedule: 'constant',
  batch: 128,
  seed: 1,
  digit: 5,
};

/** Networks worth a look, each with what is to be seen. */
export const presets: readonly { readonly name: string; readonly text: string; readonly settings: Settings }[] = [
  {
    name: 'Small enough to see',
    text: 'Two hidden layers of 32 and 16 neurons: every neuron and edge is drawn.',
    settings: usualSettings,
  },
  {
    name: 'No hidden layer',
    text: 'Each digit has one image of weights, which comes to look like the digit.',
    settings: { ...usualSettings, layers: [] },
  },
  {
    name: 'One wide layer',
    text: '128 neurons between the pixels and the digits, the classic.',
    settings: { ...usualSettings, layers: [128] },
  },
  {
    name: 'Convolutional',
    text: 'Two convolutions with pooling: small filters look for strokes everywhere.',
    settings: { ...usualSettings, model: 'convolutional', layers: [8, 16], batch: 64 },
  },
  {
    name: 'Vanishing gradients',
    text: 'Ten layers of sigmoids: the error fades on its way back, and the first layers hardly learn.',
    settings: {
      ...usualSettings,
      layers: Array<number>(10).fill(32),
      activation: 'sigmoid',
      initial: 'glorot',
      optimizer: 'sgd',
      rate: usualRates.sgd,
    },
  },
  {
    name: 'Vanishing gradients, mended',
    text: 'The same ten layers with ReLU and the first weights of He: all layers learn.',
    settings: { ...usualSettings, layers: Array<number>(10).fill(32), optimizer: 'sgd', rate: usualRates.sgd },
  },
];

/** How one setting stands in a link. */
interface Field<T> {
  /** Undefined where the text says nothing allowed. */
  readonly parse: (text: string) => T | undefined;
  readonly allowed: string;
}

const choice = <T extends string>(names: readonly T[]): Field<T> => ({
  parse: (text) => names.find((name) => name === text),
  allowed: `one of ${names.join(', ')}`,
});

const DIGITS_OF_A_NUMBER = /^\d+$/;

const whole = (least: number, most: number): Field<number> => ({
  parse: (text) => {
    const value = Number(text);
    return DIGITS_OF_A_NUMBER.test(text) && value >= least && value <= most ? value : undefined;
  },
  allowed: `a whole number from ${least} to ${most}`,
});

export const LARGEST_RATE = 10;

const rate: Field<number> = {
  parse: (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    return value > 0 && value <= LARGEST_RATE ? value : undefined;
  },
  allowed: `a number above 0 and up to ${LARGEST_RATE}`,
};

/** How many layers of each kind a page can show, and how wide they may be. */
export const bounds = {
  dense: { layers: [0, 12], widths: [1, 1024] },
  convolutional: { layers: [1, 3], widths: [1, 64] },
} as const;

/** Widths between spaces or commas; undefined where one is none. */
export function parseLayers(text: string, model: Settings['model']): readonly number[] | undefined {
  const { layers, widths } = bounds[model];
  const width = whole(widths[0], widths[1]);
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const found = words.flatMap((word) => width.parse(word) ?? []);
  return found.length === words.length && found.length >= layers[0] && found.length <= layers[1] ? found : undefined;
}

export const allowedLayers = (model: Settings['model']): string => {
  const { layers, widths } = bounds[model];
  return `${layers[0]} to ${layers[1]} whole numbers from ${widths[0]} to ${widths[1]}`;
};

/** All but the layers, which the model bounds. */
const fields = {
  model: choice(models),
  activation: choice(activations),
  initial: choice(initials),
  optimizer: choice(Object.keys(usualRates) as OptimizerName[]),
  rate,
  schedule: choice(schedules),
  batch: whole(1, 1024),
  seed: whole(0, 999_999),
  digit: whole(0, 9),
} as const;

/**
 * The settings of a link, as in `layers=128,64&rate=0.003`; what it leaves out is usual.
 * @returns a problem for each value that was not taken
 */
export function parseSettings(search: string): { readonly settings: Settings; readonly problems: readonly string[] } {
  const given = new URLSearchParams(search);
  const problems: string[] = [];
  const found: Record<string, unknown> = {};
  const take = (key: string, text: string, value: unknown, allowed: string): void => {
    if (value === undefined)
      problems.push(`The link says ${key} is “${text}”, but it must be ${allowed}: it is left out.`);
    else found[key] = value;
  };
  for (const [key, { parse, allowed }] of Object.entries(fields)) {
    const text = given.get(key);
    if (text !== null) take(key, text, parse(text), allowed);
  }
  const { model } = { ...usualSettings, ...found };
  const layers = given.get('layers');
  if (layers !== null) take('layers', layers, parseLayers(layers, model), allowedLayers(model));
  else if (model === 'convolutional') found['layers'] = CONVOLUTIONAL_LAYERS;
  // A rate suits its optimizer.
  if (found['optimizer'] && !('rate' in found)) found['rate'] = usualRates[found['optimizer'] as OptimizerName];
  return { settings: { ...usualSettings, ...found }, problems };
}

/** What a convolutional network has where none are given. */
export const CONVOLUTIONAL_LAYERS: readonly number[] = [8, 16];

/** What a link says, all of it, so that it means the same when what is usual has changed. */
export function formatSettings(settings: Settings): string {
  const named = Object.keys(fields).map((key) => [key, String(settings[key as keyof typeof fields])]);
  return new URLSearchParams([...named, ['layers', settings.layers.join(' ')]]).toString();
}

/** Under which a checkpoint keeps the settings, as a link says them. */
export const SETTINGS_KEY = 'millrace.demo';
