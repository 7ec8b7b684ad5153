import type { BufferRange } from '../../src/index.ts';
import { Affordable } from './affordable.ts';

/** Particles. */
const COUNTS = [256, 1024, 4096, 16384, 65536];
const WORKGROUP = 64;
/** Of the square's side, in a frame, where the network says 1. */
const STRIDE = 0.006;
/** Frames until a particle begins anew elsewhere. */
const LIFE = 90;

/** One invocation moves a particle: x, y, and what the network told it there. It calls `velocity_at`, the network. */
const texts = (code: string): string => `${code}
@group(1) @binding(0) var<storage, read_write> particles: array<vec4f>;
@group(1) @binding(1) var<uniform> frame: vec4u;

fn scattered(seed: u32) -> u32 {
  var word = seed * 0x9e3779b1u;
  word = (word ^ (word >> 15u)) * 0x85ebca77u;
  word = (word ^ (word >> 13u)) * 0xc2b2ae3du;
  return word ^ (word >> 16u);
}

@compute @workgroup_size(${WORKGROUP}) fn carry(@builtin(global_invocation_id) id: vec3u) {
  var place = particles[id.x].xy;
  let outside = any(place < vec2f(0.0)) || any(place > vec2f(1.0));
  let age = (frame.x + scattered(id.x)) % ${LIFE}u;
  if (frame.x == 0u || outside || age == 0u) {
    let word = scattered(id.x ^ (frame.x << 16u));
    place = vec2f(f32(word & 0xffffu), f32(word >> 16u)) / 65536.0;
  }
  let told = velocity_at(array<f32, 2>(place.x, place.y));
  let velocity = vec2f(told[0], told[1]);
  particles[id.x] = vec4f(place + ${STRIDE} * velocity, velocity);
}
`;

/** A particle is a thin triangle that points where it goes. */
const DRAWN = `
@group(0) @binding(0) var<storage, read> particles: array<vec4f>;
@group(0) @binding(1) var<uniform> colors: array<vec4f, 2>;

struct Corner {
  @builtin(position) at: vec4f,
  @location(0) color: vec4f,
}

@vertex fn corner(@builtin(vertex_index) index: u32, @builtin(instance_index) which: u32) -> Corner {
  let particle = particles[which];
  let speed = length(particle.zw);
  let ahead = particle.zw / max(speed, 1e-6);
  let across = vec2f(-ahead.y, ahead.x);
  var place = particle.xy - ahead * (0.004 + 0.05 * min(speed, 1.5));
  if (index > 0u) { place = particle.xy + across * select(-0.0025, 0.0025, index == 1u); }
  let color = mix(colors[0], colors[1], clamp(speed, 0.0, 1.0));
  let strength = select(color.a, 0.0, index == 0u);
  return Corner(vec4f(2.0 * place.x - 1.0, 1.0 - 2.0 * place.y, 0.0, 1.0), vec4f(color.rgb * strength, strength));
}

@fragment fn pixel(corner: Corner) -> @location(0) vec4f {
  return corner.color;
}
`;

/** Particles that a network moves on the GPU: neither it nor they are ever read. */
export class Particles {
  readonly #device: GPUDevice;
  readonly #canvas: HTMLCanvasElement;
  readonly #context: GPUCanvasContext;
  readonly #move: GPUComputePipeline;
  readonly #draw: GPURenderPipeline;
  readonly #groups: readonly GPUBindGroup[];
  readonly #drawn: GPUBindGroup;
  readonly #particles: GPUBuffer;
  readonly #frame: GPUBuffer;
  readonly #colors: GPUBuffer;
  #frames = 0;
  readonly #count = new Affordable(COUNTS);

  private constructor(
    canvas: HTMLCanvasElement,
    device: GPUDevice,
    [move, draw]: readonly [GPUComputePipeline, GPURenderPipeline],
    weights: BufferRange,
  ) {
    [this.#device, this.#canvas, this.#move, this.#draw] = [device, canvas, move, draw];
    this.#context = canvas.getContext('webgpu')!;
    const { STORAGE, UNIFORM, COPY_DST } = GPUBufferUsage;
    this.#particles = device.createBuffer({ size: 16 * COUNTS.at(-1)!, usage: STORAGE });
    this.#frame = device.createBuffer({ size: 16, usage: UNIFORM | COPY_DST });
    this.#colors = device.createBuffer({ size: 32, usage: UNIFORM | COPY_DST });
    const groupOf = (pipeline: GPUComputePipeline | GPURenderPipeline, at: number, ...bound: GPUBufferBinding[]) =>
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(at),
        entries: bound.map((resource, binding) => ({ binding, resource })),
      });
    const { buffer, offset, size } = weights;
    const particles = { buffer: this.#particles };
    this.#groups = [groupOf(move, 0, { buffer, offset, size }), groupOf(move, 1, particles, { buffer: this.#frame })];
    this.#drawn = groupOf(draw, 0, particles, { buffer: this.#colors });
  }

  /** @param code of the network, a function `velocity_at`, as `trainer.wgsl` gives it */
  static async open(
    canvas: HTMLCanvasElement,
    device: GPUDevice,
    code: string,
    weights: BufferRange,
  ): Promise<Particles> {
    const format = navigator.gpu.getPreferredCanvasFormat();
    const drawn = device.createShaderModule({ code: DRAWN });
    const over = { srcFactor: 'one', dstFactor: 'one-minus-src-alpha' } as const;
    const pipelines = await Promise.all([
      device.createComputePipelineAsync({
        layout: 'auto',
        compute: { module: device.createShaderModule({ code: texts(code) }) },
      }),
      device.createRenderPipelineAsync({
        layout: 'auto',
        vertex: { module: drawn },
        fragment: { module: drawn, targets: [{ format, blend: { color: over, alpha: over } }] },
      }),
    ]);
    const particles = new Particles(canvas, device, pipelines, weights);
    particles.#context.configure({ device, format, alphaMode: 'premultiplied' });
    return particles;
  }

  /** Moves and draws them. @returns how many there are */
  async advance(): Promise<number> {
    return this.#count.draw(this.#device, (count) => this.#submit(count));
  }

  destroy(): void {
    for (const buffer of [this.#particles, this.#frame, this.#colors]) buffer.destroy();
  }

  #submit(count: number): void {
    const side = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    if (this.#canvas.width !== side) Object.assign(this.#canvas, { width: side, height: side });
    this.#device.queue.writeBuffer(this.#frame, 0, Uint32Array.of(this.#frames++, 0, 0, 0));
    this.#device.queue.writeBuffer(this.#colors, 0, this.#colorsNow());
    const encoder = this.#device.createCommandEncoder();
    const moves = encoder.beginComputePass();
    moves.setPipeline(this.#move);
    this.#groups.forEach((group, at) => moves.setBindGroup(at, group));
    moves.dispatchWorkgroups(count / WORKGROUP);
    moves.end();
    const view = this.#context.getCurrentTexture().createView();
    const draws = encoder.beginRenderPass({ colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }] });
    draws.setPipeline(this.#draw);
    draws.setBindGroup(0, this.#drawn);
    draws.draw(3, count);
    draws.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  /** Of the slow ones, and of the fast ones: the page's own, light or dark. */
  #colorsNow(): Float32Array<ArrayBuffer> {
    const style = getComputedStyle(this.#canvas);
    const numbers = ['--soft-rgb', '--one'].flatMap((token, at) => [
      ...style
        .getPropertyValue(token)
        .trim()
        .split(' ')
        .map((byte) => Number(byte) / 255),
      at === 0 ? 0.5 : 1,
    ]);
    return Float32Array.from(numbers);
  }
}
