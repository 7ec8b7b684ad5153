// Examples of trainers and predictors.

import {
  adam,
  checkpoints,
  createPredictor,
  createTrainer,
  crossEntropy,
  dataset,
  embedding,
  formatGraph,
  formatProfile,
  linear,
  meanSquaredError,
  pictureBuffer,
  requestDevice,
  sequential,
  take,
  type CheckpointStore,
} from '../../../src/index.ts';
import { line, lineTrainer, type Examples } from './stage.ts';

/** A trainer of a model that tells the token behind each of a text. */
const textTrainer = () =>
  createTrainer({
    model: sequential(embedding(4, 8), linear(8, 4)),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.1 }),
    batchSize: 2,
    seed: 1,
    backend: 'cpu',
    data: dataset({
      tokens: { data: Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3), shape: [4] },
      target: { data: Int32Array.of(1, 2, 3, 0, 1, 2, 3, 0), shape: [4] },
    }),
  });

export const trainers: Examples = {
  async createTrainer() {
    const trainer = await createTrainer({
      model: linear(1, 1),
      loss: meanSquaredError,
      optimizer: adam({ learningRate: 0.1 }),
      batchSize: 16,
      seed: 1,
      backend: 'auto', // the CPU where there is no GPU
    });
    const report = await trainer.fit(line, { epochs: 30 });
    console.log(report.loss < 0.01); // true
    trainer.destroy();
  },
  async dataset() {
    const set = dataset({
      image: { data: new Uint8Array(2 * 784), shape: [28, 28] },
      label: Uint8Array.of(3, 5),
    });
    console.log(set.length, set.fields.image.shape); // 2 [28, 28]
  },
  take() {
    console.log(take(line, 0, 10).length, take(line, 60).length); // 10 4
  },
  async Trainer() {
    const trainer = await lineTrainer(); // createTrainer({ … })
    console.log(trainer.backend, trainer.batchSize); // 'cpu' 16
    trainer.destroy();
  },
  async 'Trainer.fit'() {
    const trainer = await lineTrainer();
    const steps: number[] = [];
    for await (const { step } of trainer.fit(line, { epochs: 2, every: 3 })) steps.push(step);
    console.log(steps); // [3, 6, 8]
    trainer.destroy();
  },
  async 'Trainer.stop'() {
    const trainer = await lineTrainer();
    const run = trainer.fit(line, { steps: 1_000_000 });
    setTimeout(() => void trainer.stop(), 20);
    const report = await run;
    console.log(report.step < 1_000_000); // true
    trainer.destroy();
  },
  async 'Trainer.step'() {
    const trainer = await lineTrainer();
    const { step } = await trainer.step(take(line, 0, 16));
    console.log(step); // 1
    trainer.destroy();
  },
  async 'Trainer.evaluate'() {
    const trainer = await lineTrainer();
    const before = (await trainer.evaluate(line)).loss;
    await trainer.fit(line, { epochs: 10 });
    console.log((await trainer.evaluate(line)).loss < before); // true
    trainer.destroy();
  },
  async 'Trainer.predict'() {
    const trainer = await lineTrainer();
    const { data, shape } = await trainer.predict(Float32Array.of(0, 0.5, 1));
    console.log(data.length, shape); // 3 [3, 1]
    trainer.destroy();
  },
  async 'Trainer.predictOnGpu'() {
    const device = await requestDevice();
    const trainer = await createTrainer({
      model: linear(1, 1),
      loss: meanSquaredError,
      optimizer: adam(),
      batchSize: 16,
      device, // the host's, whose shaders may bind what comes
      data: line,
    });
    const { buffer, offset, size, shape } = await trainer.predictOnGpu(Float32Array.of(0, 0.5, 1));
    console.log('mapState' in buffer, offset % 256, size, shape); // true 0 12 [3, 1]
    trainer.destroy();
    device.destroy();
  },
  async 'Trainer.prepare'() {
    const trainer = await lineTrainer();
    await trainer.prepare(line, { evaluate: line, predict: 3 }); // compiled beside whatever runs
    trainer.destroy();
  },
  async 'Trainer.generate'() {
    const trainer = await textTrainer();
    const tokens: number[] = [];
    for await (const token of trainer.generate([0], { tokens: 3, temperature: 0.8, seed: 1 })) tokens.push(token);
    console.log(tokens.length); // 3
    trainer.destroy();
  },
  async 'Trainer.refresh'() {
    const trainer = await lineTrainer();
    await trainer.fit(line, { steps: 1 });
    line.fields.target.data.fill(0); // the trainer keeps the set as it was
    await trainer.refresh(line);
    line.fields.target.data.set(Float32Array.from({ length: 64 }, (_, i) => 1 + i / 32));
    trainer.destroy();
  },
  async 'Trainer.readParameters'() {
    const trainer = await lineTrainer();
    console.log(Object.keys(await trainer.readParameters())); // ['weight', 'bias']
    trainer.destroy();
  },
  async 'Trainer.writeParameters'() {
    const trainer = await lineTrainer();
    await trainer.prepare(line);
    await trainer.writeParameters({ weight: [2], bias: [1] });
    console.log((await trainer.evaluate(line)).loss); // 0
    trainer.destroy();
  },
  async 'Trainer.resetOptimizer'() {
    const trainer = await lineTrainer();
    await trainer.fit(line, { steps: 3 });
    await trainer.resetOptimizer({ learningRate: 0.02 }); // the weights stay, Adam's moments begin at 0 again
    console.log((await trainer.fit(line, { steps: 2 })).step); // 5
    trainer.destroy();
  },
  async 'Trainer.save'() {
    const trainer = await lineTrainer();
    await trainer.fit(line, { steps: 3 });
    const bytes = await trainer.save({ of: 'the line' });
    console.log(bytes instanceof Uint8Array); // true
    trainer.destroy();
  },
  async 'Trainer.load'() {
    const [trainer, other] = [await lineTrainer(), await lineTrainer()];
    await trainer.fit(line, { steps: 3 });
    await other.load(await trainer.save());
    const report = await other.fit(line, { steps: 2 });
    console.log(report.step); // 5
    trainer.destroy();
    other.destroy();
  },
  async 'Trainer.saveWeights'() {
    const trainer = await lineTrainer();
    await trainer.prepare(line);
    const bytes = await trainer.saveWeights(); // a safetensors file
    console.log(bytes.length > 0); // true
    trainer.destroy();
  },
  async 'Trainer.loadWeights'() {
    const [trainer, other] = [await lineTrainer(), await lineTrainer()];
    await trainer.fit(line, { steps: 3 });
    await other.prepare(line);
    await other.loadWeights(await trainer.saveWeights(), 'line.safetensors');
    trainer.destroy();
    other.destroy();
  },
  async 'Trainer.verify'() {
    const trainer = await lineTrainer();
    const { ok, fault } = await trainer.verify(take(line, 0, 16));
    console.log(ok, fault); // true null
    trainer.destroy();
  },
  async 'Trainer.inspect'() {
    const trainer = await lineTrainer();
    const { layers, lossAfter, loss } = await trainer.inspect(take(line, 0, 4), { update: true });
    console.log(layers.length, lossAfter! < loss); // 1 true
    trainer.destroy();
  },
  async 'Trainer.profile'() {
    const trainer = await lineTrainer();
    const { launches } = await trainer.profile(2, { data: line });
    console.log(launches.length > 0); // true
    trainer.destroy();
  },
  async formatProfile() {
    const trainer = await lineTrainer();
    console.log(formatProfile(await trainer.profile(2, { data: line }))); // a table
    trainer.destroy();
  },
  async 'Trainer.summary'() {
    const trainer = await lineTrainer();
    await trainer.prepare(line);
    console.log(await trainer.summary()); // layers, shapes, parameters, bytes
    trainer.destroy();
  },
  async 'Trainer.graph'() {
    const trainer = await lineTrainer();
    await trainer.prepare(line);
    console.log((await trainer.graph()).includes('matmul')); // true
    trainer.destroy();
  },
  async 'Trainer.encodeStep'() {
    const device = await requestDevice();
    const trainer = await createTrainer({
      model: linear(1, 1),
      loss: meanSquaredError,
      optimizer: adam({ learningRate: 0.1 }),
      batchSize: 16,
      device, // the host's, which draws with it as well
    });
    await trainer.prepare(line, { encodeStep: true });
    const encoder = device.createCommandEncoder();
    for (let n = 0; n < 3; n++) trainer.encodeStep(encoder);
    device.queue.submit([encoder.finish()]);
    const reports = await trainer.readReports();
    console.log(reports.map(({ step }) => step)); // [1, 2, 3]
    trainer.destroy();
    device.destroy();
  },
  async 'Trainer.encodePredict'() {
    const device = await requestDevice();
    const trainer = await createTrainer({
      model: linear(1, 1),
      loss: meanSquaredError,
      optimizer: adam(),
      batchSize: 16,
      device,
    });
    const questions = dataset({ x: { data: [0, 0.5, 1], shape: [1] } });
    await trainer.prepare(line, { encodePredict: questions });
    const encoder = device.createCommandEncoder();
    const { shape, size } = trainer.encodePredict(encoder, questions); // where it will lie
    device.queue.submit([encoder.finish()]);
    console.log(shape, size); // [3, 1] 12
    trainer.destroy();
    device.destroy();
  },
  async pictureBuffer() {
    const device = await requestDevice();
    const pictures = await pictureBuffer(device, { shape: [32, 32, 3], samples: 8 });
    const set = dataset({ image: pictures.field, label: new Uint8Array(8) });
    console.log(set.length); // 8
    pictures.destroy();
    device.destroy();
  },
  async PictureBuffer() {
    const device = await requestDevice();
    const pictures = await pictureBuffer(device, { shape: [28, 28, 1] });
    console.log(pictures.buffer.size); // 3136
    pictures.destroy();
    device.destroy();
  },
  async 'PictureBuffer.encode'() {
    const device = await requestDevice();
    const pictures = await pictureBuffer(device, { shape: [32, 32, 3], samples: 8 });
    const usage = 0x04; // GPUTextureUsage.TEXTURE_BINDING
    const texture = device.createTexture({ size: [640, 480], format: 'rgba8unorm', usage });
    const encoder = device.createCommandEncoder();
    pictures.encode(encoder, texture, 3); // the sample behind three others
    device.queue.submit([encoder.finish()]);
    pictures.destroy();
    device.destroy();
  },
  async 'PictureBuffer.destroy'() {
    const device = await requestDevice();
    const pictures = await pictureBuffer(device, { shape: [28, 28, 1] });
    pictures.destroy();
    device.destroy();
  },
  async 'Trainer.run'() {
    const trainer = await lineTrainer();
    for await (const { step } of trainer.run(line, { budgetMs: 4 })) {
      if (step === 10) await trainer.stop();
    }
    trainer.destroy();
  },
  async 'Trainer.readReports'() {
    const device = await requestDevice();
    const trainer = await createTrainer({
      model: linear(1, 1),
      loss: meanSquaredError,
      optimizer: adam(),
      batchSize: 16,
      device,
    });
    await trainer.prepare(line, { encodeStep: true });
    console.log(await trainer.readReports()); // []
    trainer.destroy();
    device.destroy();
  },
  async 'Trainer.wgsl'() {
    const trainer = await lineTrainer();
    const { code, outputs } = await trainer.wgsl({ entry: 'classify', group: 1 });
    console.log(code.includes('fn classify('), outputs); // true 1
    trainer.destroy();
  },
  async 'Trainer.forward'() {
    const trainer = await lineTrainer();
    const { graph, layers, parameters } = await trainer.forward();
    console.log(layers, parameters); // [{ path: '', kind: 'linear' }] ['weight', 'bias']
    console.log(formatGraph(graph(2))); // the product, of two samples
    trainer.destroy();
  },
  async 'Trainer.destroy'() {
    const trainer = await lineTrainer();
    trainer.destroy();
    console.log(await trainer.evaluate(line).catch(({ name }: Error) => name)); // 'DeviceError'
  },
  async createPredictor() {
    const trainer = await lineTrainer();
    await trainer.fit(line, { epochs: 100 });
    const reader = await createPredictor({
      model: linear(1, 1),
      weights: await trainer.saveWeights(),
      data: line,
      backend: 'cpu',
    });
    const { data } = await reader.predict(Float32Array.of(0.5));
    console.log(Math.round(data[0])); // 2
    trainer.destroy();
    reader.destroy();
  },
  async Predictor() {
    const data = { x: { shape: [3], dtype: 'f32', scale: null } } as const;
    const reader = await createPredictor({ model: linear(3, 2), data, backend: 'cpu' });
    console.log((await reader.predict(new Float32Array(12))).shape); // [4, 2]
    reader.destroy();
  },
  async 'Predictor.predict'() {
    const reader = await createPredictor({ model: linear(1, 1), data: line, backend: 'cpu' });
    console.log((await reader.predict(take(line, 0, 3))).shape); // [3, 1]
    reader.destroy();
  },
  async 'Predictor.prepare'() {
    const device = await requestDevice();
    const reader = await createPredictor({ model: linear(1, 1), data: line, device });
    await reader.prepare(line);
    reader.destroy();
    device.destroy();
  },
  async 'Predictor.encodePredict'() {
    const device = await requestDevice();
    const reader = await createPredictor({ model: linear(1, 1), data: line, device });
    await reader.prepare(line);
    const encoder = device.createCommandEncoder();
    const { shape } = reader.encodePredict(encoder, line);
    device.queue.submit([encoder.finish()]);
    console.log(shape); // [64, 1]
    reader.destroy();
    device.destroy();
  },
  async 'Predictor.predictOnGpu'() {
    const device = await requestDevice();
    const reader = await createPredictor({ model: linear(1, 1), data: line, device });
    const { shape, dtype } = await reader.predictOnGpu(Float32Array.of(0, 0.5, 1));
    console.log(shape, dtype); // [3, 1] 'f32'
    reader.destroy();
    device.destroy();
  },
  async 'Predictor.loadWeights'() {
    const trainer = await lineTrainer();
    await trainer.prepare(line);
    const reader = await createPredictor({ model: linear(1, 1), data: line, backend: 'cpu' });
    await reader.loadWeights(await trainer.saveWeights());
    reader.destroy();
    trainer.destroy();
  },
  async 'Predictor.generate'() {
    const data = { tokens: { shape: [4], dtype: 'i32', scale: null } } as const;
    const model = sequential(embedding(4, 8), linear(8, 4));
    const writer = await createPredictor({ model, data, backend: 'cpu' });
    const tokens: number[] = [];
    for await (const token of writer.generate([0], { tokens: 3 })) tokens.push(token);
    console.log(tokens.length); // 3
    writer.destroy();
  },
  async 'Predictor.wgsl'() {
    const reader = await createPredictor({ model: linear(1, 1), data: line, backend: 'cpu' });
    console.log((await reader.wgsl()).inputs); // { x: 1 }
    reader.destroy();
  },
  async 'Predictor.forward'() {
    const reader = await createPredictor({ model: linear(1, 1), data: line, backend: 'cpu' });
    console.log((await reader.forward()).parameters); // ['weight', 'bias']
    reader.destroy();
  },
  async 'Predictor.destroy'() {
    const reader = await createPredictor({ model: linear(1, 1), data: line, backend: 'cpu' });
    reader.destroy();
    console.log(reader.bytes); // 0
  },
  async checkpoints() {
    // In a page or a worker: files that the browser keeps for the origin.
    const store: CheckpointStore = checkpoints({ folder: 'run1', every: { seconds: 60 }, keep: 3 });
    console.log(store.every); // { seconds: 60 }
  },
};
