import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import type { CommandEncoder, Device, DeviceBuffer, DeviceTexture, ExternalTexture } from '../../core/globalTypes.ts';
import { sizeOf, type Shape } from '../../core/shape.ts';
import { bufferUsage, TEXTURE_BINDING } from '../../core/webgpuFlags.ts';
import { requireEncoder } from '../../gpu/encoder.ts';
import type { BufferInput } from '../hostField.ts';
import { pictureKernel } from './pictureKernel.ts';

/** What pictures are to become. */
export interface PictureBufferOptions {
  /** Of one: `[height, width, channels]`, of 1, brightness, or 3, red, green and blue, each 0 … 1. */
  readonly shape: Shape;
  /** How many there is room for: 1 */
  readonly samples?: number;
}

/** WebGPU's default alignment of a uniform's offset. */
const UNIFORM_ALIGNMENT = 256;
const SIDE = 8;

type Kind = 'texture' | 'external';

/**
 * Textures as samples, on the device: a canvas, a rendering, a frame of a camera or of a video by `importExternalTexture`. Its
 * `field` goes into a `dataset`; `encode` records one launch that puts a texture in a sample's place, where the steps that are
 * encoded or submitted behind it read it.
 */
export class PictureBuffer {
  /** As `dataset` takes it. */
  readonly field: BufferInput;
  readonly #device: GPUDevice;
  readonly #buffer: GPUBuffer;
  readonly #sizes: GPUBuffer;
  readonly #sampler: GPUSampler;
  readonly #pipelines: Readonly<Record<Kind, GPUComputePipeline>>;
  readonly #shape: Shape;
  readonly #samples: number;

  /** Use `pictureBuffer`. */
  constructor(given: Device, pipelines: Readonly<Record<Kind, object>>, shape: Shape, samples: number) {
    const device = given;
    const { storage, copySource, copyDestination, uniform } = bufferUsage;
    this.#device = device;
    this.#pipelines = pipelines as Readonly<Record<Kind, GPUComputePipeline>>;
    this.#shape = shape;
    this.#samples = samples;
    this.#buffer = device.createBuffer({
      label: 'millrace pictures',
      size: Float32Array.BYTES_PER_ELEMENT * samples * sizeOf(shape),
      usage: storage | copySource | copyDestination,
    });
    const words = new Uint32Array((samples * UNIFORM_ALIGNMENT) / 4);
    for (let at = 0; at < samples; at++) words.set([...shape, at * sizeOf(shape)], (at * UNIFORM_ALIGNMENT) / 4);
    this.#sizes = device.createBuffer({
      label: 'millrace pictures',
      size: words.byteLength,
      usage: uniform | copyDestination,
    });
    device.queue.writeBuffer(this.#sizes, 0, words);
    this.#sampler = device.createSampler({ label: 'millrace pictures', magFilter: 'linear', minFilter: 'linear' });
    this.field = { buffer: this.#buffer, shape, samples };
  }

  /** Where the samples lie, one behind the other. */
  get buffer(): DeviceBuffer {
    return this.#buffer;
  }

  /**
   * Records how a texture becomes a sample: what of its middle has the shape's proportions, scaled to it, each pixel the mean
   * of what it covers. Nothing is submitted, uploaded or awaited.
   * @param source a texture of the device, of the usage TEXTURE_BINDING, or a frame by `importExternalTexture` of this task
   * @throws DataError for what is none, and a sample that there is not
   */
  encode(encoder: CommandEncoder, source: DeviceTexture | ExternalTexture, sample = 0): void {
    requireEncoder('pictureBuffer', encoder);
    const is = Number.isInteger(sample) && sample >= 0 && sample < this.#samples;
    requireKind('pictureBuffer', 'sample', sample, is, `a whole number from 0 to ${this.#samples - 1}`);
    const kind: Kind = 'createView' in Object(source) ? 'texture' : 'external';
    const picture = kind === 'texture' ? viewOf(source as GPUTexture) : (source as GPUExternalTexture);
    requireKind(
      'pictureBuffer',
      'the texture',
      source,
      Object(source) === source,
      'a GPUTexture or GPUExternalTexture',
    );
    const pipeline = this.#pipelines[kind];
    const bindGroup = this.#device.createBindGroup({
      label: 'millrace picture',
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: picture },
        { binding: 1, resource: this.#sampler },
        { binding: 2, resource: { buffer: this.#buffer } },
        { binding: 3, resource: { buffer: this.#sizes, offset: sample * UNIFORM_ALIGNMENT, size: 16 } },
      ],
    });
    const pass = encoder.beginComputePass({ label: 'millrace picture' });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(Math.ceil(this.#shape[1] / SIDE), Math.ceil(this.#shape[0] / SIDE));
    pass.end();
  }

  /** Frees its buffers. */
  destroy(): void {
    this.#buffer.destroy();
    this.#sizes.destroy();
  }
}

const isCount = (count: unknown): boolean => Number.isSafeInteger(count) && (count as number) > 0;

const FILTERABLE = /unorm(-srgb)?$|16float$|ufloat$/;

function viewOf(texture: GPUTexture): GPUTextureView {
  const { usage, format, dimension, sampleCount } = texture;
  if (!(usage & TEXTURE_BINDING)) {
    throw new DataError(
      '[pictureBuffer] the texture has not the usage TEXTURE_BINDING: create it, or configure its canvas, with it',
    );
  }
  if (FILTERABLE.test(format) && dimension === '2d' && sampleCount === 1) return texture.createView();
  throw new DataError(
    `[pictureBuffer] the texture is ${dimension} of ${format}, with ${sampleCount} samples a pixel, but a picture is 2d of colours that can be filtered, with one: copy it into one of rgba8unorm`,
  );
}

/**
 * Room for pictures that come as textures, and what puts them there. Its buffers are its own until `destroy`.
 * @throws DataError for what is no device or no shape of pictures
 */
export async function pictureBuffer(given: Device, options: PictureBufferOptions): Promise<PictureBuffer> {
  requireKind('pictureBuffer', 'the device', given, 'createBuffer' in Object(given), 'a GPUDevice');
  const { shape, samples } = optionsOf<PictureBufferOptions, { readonly shape: undefined; readonly samples: 1 }>(
    'pictureBuffer',
    options,
    { shape: undefined, samples: 1 },
  );
  const isShape = Array.isArray(shape) && shape.length === 3 && shape.every(isCount) && [1, 3].includes(shape[2]);
  requireKind('pictureBuffer', 'shape', shape, isShape, '[height, width, 1] or [height, width, 3]');
  requireKind('pictureBuffer', 'samples', samples, isCount(samples), 'a whole number above 0');
  const device = given;
  const pipelineOf = (kind: Kind): Promise<GPUComputePipeline> =>
    device.createComputePipelineAsync({
      label: `millrace picture ${kind}`,
      layout: 'auto',
      compute: { module: device.createShaderModule({ label: 'millrace picture', code: pictureKernel(kind) }) },
    });
  const [texture, external] = await Promise.all([pipelineOf('texture'), pipelineOf('external')]);
  return new PictureBuffer(device, { texture, external }, shape, samples);
}
