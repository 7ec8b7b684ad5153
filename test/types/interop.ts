// Models of other frameworks go wherever models go, and losses know what they give.

import { adamw, createPredictor, createTrainer, crossEntropy, frozen, linear, sequential, type Value } from 'millrace';
import { fromOnnx, readNpy, toOnnx, type OnnxPort } from 'millrace/interop';

const bytes: Uint8Array = new Uint8Array(0);
const { model, weights, inputs } = await fromOnnx(bytes, { channelsLast: true });
const ports: readonly OnnxPort[] = inputs;
const trainer = await createTrainer({
  model: sequential(frozen(model), linear(10, 3)),
  loss: crossEntropy,
  optimizer: adamw(),
  batchSize: 8 + ports.length,
});
const onnx: Uint8Array = await toOnnx(trainer, { opset: 17 });
const whole = await createTrainer({ model, loss: crossEntropy, optimizer: adamw(), batchSize: 8 });
await whole.loadWeights(weights);

// Of several outputs, by name.
const heads = await fromOnnx<Readonly<Record<'score' | 'box', Value<'f32'>>>>(onnx);
const data = { x: { shape: [4], dtype: 'f32', scale: null } } as const;
const predictor = await createPredictor({ model: heads.model, data });
const { outputs } = await predictor.predict({ x: Float32Array.from(readNpy('x.npy', bytes).data) });
export const first: number = outputs.score.data[0]!;
// @ts-expect-error: there is no such output
void heads.model.apply({} as Value, {}, {} as never).mask;
