import type { BufferRange } from '../../src/index.ts';
import { Affordable } from './affordable.ts';

/** Pixels. */
const SIDES = [32, 64, 128, 256, 512];

/** Each invocation is a pixel, and asks the network there. One triangle covers the canvas. */
const frame = (answer: string, code: string): string => `${code}
struct Corner {
  @builtin(position) at: vec4f,
  @location(0) place: vec2f,
}

@vertex fn corner(@builtin(vertex_index) index: u32) -> Corner {
  let place = 2.0 * vec2f(f32(index & 1u), f32(index >> 1u));
  return Corner(vec4f(2.0 * place.x - 1.0, 1.0 - 2.0 * place.y, 0.0, 1.0), place);
}

@fragment fn pixel(corner: Corner) -> @location(0) vec4f {
  ${answer}
}
`;

/** A square canvas whose pixels a network colours, by the weights where they are: nothing is read from the GPU. */
export class PixelShader {
  readonly #device: GPUDevice;
  readonly #canvas: HTMLCanvasElement;
  readonly #context: GPUCanvasContext;
  readonly #pipeline: GPURenderPipeline;
  readonly #weights: GPUBindGroup;
  readonly #side = new Affordable(SIDES);

  private constructor(canvas: HTMLCanvasElement, device: GPUDevice, pipeline: GPURenderPipeline, weights: BufferRange) {
    this.#device = device;
    this.#canvas = canvas;
    this.#context = canvas.getContext('webgpu')!;
    this.#pipeline = pipeline;
    const { buffer, offset, size } = weights;
    this.#weights = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer, offset, size } }],
    });
  }

  /**
   * @param code of the network, as `trainer.wgsl` gives it, bound in group 0   @param answer statements that return the
   * vec4f of `corner.place`, whose x and y go from 0 to 1, to the right and down
   */
  static async open(
    canvas: HTMLCanvasElement,
    device: GPUDevice,
    code: string,
    answer: string,
    weights: BufferRange,
  ): Promise<PixelShader> {
    const format = navigator.gpu.getPreferredCanvasFormat();
    const module = device.createShaderModule({ code: frame(answer, code) });
    const pipeline = await device.createRenderPipelineAsync({
      layout: 'auto',
      vertex: { module },
      fragment: { module, targets: [{ format }] },
    });
    const shader = new PixelShader(canvas, device, pipeline, weights);
    shader.#context.configure({ device, format, alphaMode: 'opaque' });
    return shader;
  }

  /** @returns pixels along a side */
  async draw(): Promise<number> {
    return this.#side.draw(this.#device, (side) => this.#submit(side));
  }

  #submit(side: number): void {
    if (this.#canvas.width !== side) Object.assign(this.#canvas, { width: side, height: side });
    const encoder = this.#device.createCommandEncoder();
    const view = this.#context.getCurrentTexture().createView();
    const pass = encoder.beginRenderPass({ colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }] });
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#weights);
    pass.draw(3);
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }
}
