import { expect, test } from 'vitest';
import {
  createPredictor,
  createTrainer,
  crossEntropy,
  dataset,
  formatGraph,
  linear,
  relu,
  sequential,
  sgd,
} from '../../src/index.ts';

const data = dataset({ x: { data: new Float32Array(12), shape: [3] }, label: new Uint8Array(4) });
const model = () => sequential(linear(3, 2), relu, linear(2, 2));
const shared = { backend: 'cpu', data } as const;

test('trainers and predictors tell of the same forward pass', async () => {
  const trainer = await createTrainer({
    ...shared,
    model: model(),
    loss: crossEntropy,
    optimizer: sgd(),
    batchSize: 4,
  });
  const predictor = await createPredictor({ ...shared, model: model(), weights: await trainer.saveWeights() });
  const [trained, asked] = await Promise.all([trainer.forward(), predictor.forward()]);
  const own = ({ path }: { readonly path: string }): boolean => path !== '';
  expect(trained.layers.filter(own)).toEqual([
    { path: 'layer0', kind: 'linear' },
    { path: 'layer1', kind: 'relu' },
    { path: 'layer2', kind: 'linear' },
  ]);
  expect(asked.layers.filter(own)).toEqual(trained.layers.filter(own));
  expect(asked.tensors).toEqual(trained.tensors);
  expect(asked.fields).toEqual(trained.fields);
  const places = (text: string): string => text.replace(/^.* = (?:view|state)\(.*\n/gm, '');
  expect(places(formatGraph(asked.graph(2)))).toBe(places(formatGraph(trained.graph(2))));
  trainer.destroy();
  predictor.destroy();
});

test('tensors are the averages of weights, or what training goes on from', async () => {
  const trainer = await createTrainer({
    ...shared,
    model: model(),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.5 }),
    batchSize: 4,
    averageWeights: { decay: 0.9 },
  });
  await trainer.step({ x: Float32Array.from({ length: 12 }, (_, at) => at), label: Uint8Array.of(0, 1, 1, 0) });
  const of = async (averages: boolean) => {
    const { tensors } = await trainer.forward({ averages });
    return Object.fromEntries(Object.entries(tensors).map(([name, { data: numbers }]) => [name, numbers]));
  };
  expect(await of(false)).toEqual(await trainer.readParameters());
  expect(await of(true)).not.toEqual(await of(false));
  expect((await trainer.forward()).tensors['layer2.bias'].data).toEqual((await of(true))['layer2.bias']);
  await expect(trainer.forward({ average: false } as never)).rejects.toThrow(/average/);
  trainer.destroy();
});

test('what no node computes is a field, or something learned', async () => {
  const predictor = await createPredictor({ ...shared, model: model() });
  const forward = await predictor.forward();
  const { output } = forward.graph(forward.samples).outputs;
  const [x, weight] = output.node.inputs;
  expect(forward.leafOf(weight)).toEqual({ tensor: 'layer2.weight' });
  expect(forward.leafOf(x)).toBeUndefined();
  expect(forward.leafOf(x.node.inputs[0].node.inputs[0])).toEqual({ field: 'x' });
  predictor.destroy();
});
