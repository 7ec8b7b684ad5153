// How much of a frame's share training takes: a host that draws 60 times a second, and `trainer.run` with some budgets.
// `npm run test:frames`; its times are of this machine, so it is no test of `npm test`.

const built = new URL('../dist/index.js', import.meta.url);
/** @type {typeof import('../src/index.ts')} */
const millrace = await import(built.href);
const { createTrainer, crossEntropy, dataset, linear, relu, requestDevice, sequential, adam } = millrace;

const FRAME_MS = 1000 / 60;
const [FRAMES, WARM] = [240, 60];
const device = await requestDevice();
/** @type {string[]} */
const faults = [];
device.addEventListener('uncapturederror', ({ error }) => void faults.push(error.message));

/** @param {readonly number[]} numbers */
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const data = dataset({
  x: { data: Float32Array.from({ length: 512 * 16 }, (_, i) => Math.sin(i * i)), shape: [16] },
  label: Uint8Array.from({ length: 512 }, (_, i) => i % 4),
});
const picture = device.createTexture({ size: [256, 256], format: 'rgba8unorm', usage: 0x10 });

/** The host's own frame: a small one, waited for. */
async function draw() {
  const encoder = device.createCommandEncoder();
  const view = picture.createView();
  encoder.beginRenderPass({ colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }] }).end();
  device.queue.submit([encoder.finish()]);
}

for (const budgetMs of [3, 6, 10]) {
  const trainer = await createTrainer({
    model: sequential(linear(16, 32), relu, linear(32, 4)),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: 64,
    device,
    data,
  });
  /** @type {number[]} */
  const took = [];
  /** @type {Promise<unknown>} */
  let idle = Promise.resolve();
  let due = performance.now();
  const frame = async () => {
    await idle;
    due = Math.max(due + FRAME_MS, performance.now());
    await new Promise((resolve) => void setTimeout(resolve, due - performance.now()));
    await draw();
    await device.queue.onSubmittedWorkDone();
    const begun = performance.now();
    // The guest submits as this frame begins; until then and from there on the queue is idle.
    idle = new Promise((resolve) => {
      setTimeout(() => {
        void device.queue.onSubmittedWorkDone().then(() => {
          took.push(performance.now() - begun);
          resolve(undefined);
        });
      });
    });
  };
  let steps = 0;
  for await (const { step } of trainer.run(data, { budgetMs, frame })) {
    steps = step;
    if (took.length >= FRAMES) await trainer.stop();
  }
  const own = took.slice(WARM);
  console.log(
    `budget ${budgetMs} ms: median ${median(own).toFixed(2)} ms of a frame, ${(median(own) / budgetMs).toFixed(2)} of the budget; ${steps} steps in ${took.length} frames`,
  );
  trainer.destroy();
}
console.log(faults.length === 0 ? 'no validation errors' : faults.join('\n'));
device.destroy();
process.exit(0);
