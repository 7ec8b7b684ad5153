import {
  Mesh,
  MeshBasicNodeMaterial,
  PerspectiveCamera,
  Scene,
  StorageBufferAttribute,
  TorusKnotGeometry,
  WebGPURenderer,
} from 'three/webgpu';
import { normalView, positionLocal, positionViewDirection, storage, wgsl, wgslFn } from 'three/tsl';
import type { BufferRange } from '../../src/index.ts';
import { Affordable } from './affordable.ts';

/** Pixels. */
const SIDES = [64, 128, 256, 512, 1024];
/** Turns a second. */
const SPEED = 0.04;
const WEIGHTS = 'film_weights';

/** How the material is lit: by the film's colour of what is seen so slantwise where it is so thick, and a sky that is brighter above. */
const MATERIAL = `
fn film_at(normal: vec3f, view: vec3f, place: vec3f, first_weight: f32) -> vec3f {
  let facing = clamp(dot(normal, view), 0.0, 1.0);
  let thickness = 0.5 + 0.5 * sin(2.5 * place.y + 1.5 * sin(2.0 * place.x) + 1.5 * place.z);
  let told = film_color(array<f32, 2>(facing, thickness));
  let sky = 0.55 + 0.45 * reflect(-view, normal).y;
  return sky * pow(vec3f(told[0], told[1], told[2]), vec3f(2.2));
}
`;

/** A knot in a scene of three.js, of a material whose colour is what a network answers, on the network's own device. */
export class FilmScene {
  readonly #device: GPUDevice;
  readonly #renderer: WebGPURenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(35, 1, 0.1, 20);
  readonly #geometry = new TorusKnotGeometry(1, 0.38, 200, 24);
  readonly #material = new MeshBasicNodeMaterial();
  readonly #knot = new Mesh(this.#geometry, this.#material);
  readonly #side = new Affordable(SIDES);

  private constructor(device: GPUDevice, renderer: WebGPURenderer) {
    [this.#device, this.#renderer] = [device, renderer];
    this.#camera.position.set(0, 0, 6.8);
    this.#scene.add(this.#knot);
  }

  /** @param code of the network, a function `film_color`, as `trainer.wgsl` gives it */
  static async open(
    canvas: HTMLCanvasElement,
    device: GPUDevice,
    code: string,
    weights: BufferRange,
  ): Promise<FilmScene> {
    const renderer = new WebGPURenderer({ canvas, device, antialias: false, alpha: true });
    await renderer.init();
    const film = new FilmScene(device, renderer);
    film.#bind(code, weights);
    return film;
  }

  /**
   * three binds storage by attributes, each of which has a buffer of three's own: unless it finds one there. And it writes
   * the binding itself, by a name that is given to it, as a member `value` of a structure.
   */
  #bind(code: string, { buffer, offset, size }: BufferRange): void {
    const count = size / Float32Array.BYTES_PER_ELEMENT;
    const attribute = new StorageBufferAttribute(new Float32Array(count), 1);
    this.#renderer.backend.get(attribute).buffer = buffer;
    const weights = storage(attribute, 'float', count).setName(WEIGHTS).toReadOnly();
    const first = offset / Float32Array.BYTES_PER_ELEMENT;
    const network = code.replace(/^@group.*;$/m, '').replaceAll('film_color_weights[', `${WEIGHTS}.value[${first}u + `);
    const film = wgslFn(MATERIAL.trim(), [wgsl(network)]);
    this.#material.colorNode = film({
      normal: normalView,
      view: positionViewDirection,
      place: positionLocal,
      first_weight: weights.element(0),
    });
  }

  /** @returns pixels along a side */
  async draw(): Promise<number> {
    this.#knot.rotation.set(0.4, 2 * Math.PI * SPEED * (performance.now() / 1000), 0);
    return this.#side.draw(this.#device, (side) => {
      this.#renderer.setSize(side, side, false);
      this.#renderer.render(this.#scene, this.#camera);
    });
  }

  end(): void {
    this.#geometry.dispose();
    this.#material.dispose();
    this.#renderer.dispose();
  }
}
