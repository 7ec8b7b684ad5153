import { writeFileSync } from 'node:fs';
import { requestDevice } from '../../src/gpu/device.ts';
import {
  adam,
  cnn,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  linear,
  mean,
  multiHeadAttention,
  relu,
  resnet,
  sequential,
  type Kernels,
  type Layer,
  type Value,
} from '../../src/index.ts';
import { installWebgpu } from '../webgpu.ts';
import type { Card } from './card.ts';
import { peersTexts } from './peers.ts';

/** A kernel's text, and whose it is. */
export interface Text {
  readonly of: string;
  readonly kernel: string;
  readonly entry: string;
  readonly code: string;
}

/**
 * The device that is there, in a card's name, so that kernels are chosen as for that card. It writes down what it is to
 * compile, and compiles nothing.
 */
function posing(
  device: GPUDevice,
  { info, limits, features }: Card,
  note: (text: Omit<Text, 'of'>) => void,
): GPUDevice {
  const codes = new WeakMap<object, string>();
  const own: Readonly<Record<string, unknown>> = {
    adapterInfo: info,
    limits,
    features: new Set(features),
    createShaderModule({ code }: GPUShaderModuleDescriptor) {
      const module = {};
      codes.set(module, code);
      return module;
    },
    createPipelineLayout: () => ({}),
    createComputePipelineAsync({ label = '', compute: { module, entryPoint = 'main' } }: GPUComputePipelineDescriptor) {
      note({ kernel: label.replace('millrace ', ''), entry: entryPoint, code: codes.get(module)! });
      return Promise.resolve({});
    },
  };
  return new Proxy(device, {
    get(target, name) {
      if (typeof name === 'string' && Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

/** Compiles a training step. */
async function step(model: Layer, shape: readonly number[], batchSize: number, kernels: Kernels, device: GPUDevice) {
  const size = shape.reduce((all, extent) => all * extent, 1);
  const image = { data: new Uint8Array(batchSize * size), shape };
  const data = dataset({ image, label: new Uint8Array(batchSize) });
  const options = { loss: crossEntropy, optimizer: adam(), batchSize, kernels, device, data };
  (await createTrainer({ ...options, model })).destroy();
}

const wide = (): Layer => sequential(flatten, linear(784, 2048), relu, linear(2048, 2048), relu, linear(2048, 10));

/** Four heads, each so wide, over 256 steps. */
const attending = (headWidth: number): Layer => {
  const looks = multiHeadAttention(4 * headWidth, 4, { causal: true });
  return sequential(looks, (x: Value) => mean(x, { axes: 1 }), linear(4 * headWidth, 10));
};

/** Each in a device of its own, since a device compiles a text once. */
const models: Readonly<Record<string, (kernels: Kernels, device: GPUDevice) => Promise<void>>> = {
  mlp: (kernels, device) => step(wide(), [28, 28], 1024, kernels, device),
  cnn: (kernels, device) => step(cnn(), [28, 28, 1], 128, kernels, device),
  attention64: (kernels, device) => step(attending(64), [256, 256], 8, kernels, device),
  attention128: (kernels, device) => step(attending(128), [256, 512], 8, kernels, device),
  resnet8: (kernels, device) => step(resnet(8), [32, 32, 3], 128, kernels, device),
};

/** Forms of products, by the names that kernels choose by. */
const forms = [
  'tiles128',
  'tiles64',
  'tiles32x64',
  'registers8x12',
  'registers8',
  'registers4',
  'subgroups',
  'slices',
  'naive',
];

/** Writes the texts of all kernels that models and products have on a card, each once, and of peers' products, into a file, as JSON. */
export async function textsHere(card: string, file: string): Promise<void> {
  installWebgpu([]);
  const device = await requestDevice();
  const about = JSON.parse(card) as Card;
  const texts = new Map<string, Text>();
  const collect = (of: string, model: string, kernels: Kernels, only = ''): Promise<void> => {
    const note = (text: Omit<Text, 'of'>): void => {
      const key = `${text.entry} ${text.code}`;
      if (text.kernel.includes(only) && !texts.has(key)) texts.set(key, { of, ...text });
    };
    // A card of its own for each, since a device compiles a text once.
    return models[model](kernels, posing(device, about, note));
  };
  for (const model of Object.keys(models)) await collect(model, model, 'guess');
  const adapter = about.info.description;
  for (const model of ['attention64', 'attention128']) {
    await collect(`${model} tiles64`, model, { adapter, forms: { '*': 'tiles64' } }, 'attention');
  }
  for (const form of forms) await collect(form, 'mlp', { adapter, forms: { '*': form } }, 'matmul');
  writeFileSync(file, JSON.stringify([...texts.values(), ...(await peersTexts(device))]));
}
