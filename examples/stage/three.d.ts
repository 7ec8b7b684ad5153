// three brings no types of its own; these are of what stage/filmScene.ts uses.

declare module 'three/webgpu' {
  export class Object3D {
    readonly position: { set(x: number, y: number, z: number): void };
    readonly rotation: { set(x: number, y: number, z: number): void };
  }
  export class Scene extends Object3D {
    add(...objects: readonly Object3D[]): this;
  }
  export class PerspectiveCamera extends Object3D {
    constructor(fieldOfView: number, aspect: number, near: number, far: number);
  }
  export class TorusKnotGeometry {
    constructor(radius: number, tube: number, tubularSegments: number, radialSegments: number);
    dispose(): void;
  }
  export class MeshBasicNodeMaterial {
    colorNode: unknown;
    dispose(): void;
  }
  export class Mesh extends Object3D {
    constructor(geometry: TorusKnotGeometry, material: MeshBasicNodeMaterial);
  }
  export class StorageBufferAttribute {
    readonly itemSize: number;
    constructor(array: Float32Array, itemSize: number);
  }
  export class WebGPURenderer {
    constructor(options: {
      readonly canvas: HTMLCanvasElement;
      readonly device: GPUDevice;
      readonly antialias: boolean;
      readonly alpha: boolean;
    });
    readonly backend: { get(attribute: StorageBufferAttribute): { buffer?: GPUBuffer } };
    init(): Promise<this>;
    setSize(width: number, height: number, style: boolean): void;
    render(scene: Scene, camera: PerspectiveCamera): void;
    dispose(): void;
  }
}

declare module 'three/tsl' {
  import type { StorageBufferAttribute } from 'three/webgpu';

  interface StorageNode {
    setName(name: string): StorageNode;
    toReadOnly(): StorageNode;
    element(index: number): unknown;
  }
  export function storage(attribute: StorageBufferAttribute, type: string, count: number): StorageNode;
  export function wgsl(code: string): unknown;
  export function wgslFn(
    code: string,
    includes: readonly unknown[],
  ): (inputs: Readonly<Record<string, unknown>>) => unknown;
  export const normalView: unknown;
  export const positionViewDirection: unknown;
  export const positionLocal: unknown;
}
