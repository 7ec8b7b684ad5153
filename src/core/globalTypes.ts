/*
 * Types that an engine brings, as the declarations name them. A program that uses the library may be compiled with the DOM's
 * types, with Node's, with @webgpu/types or with none of these, and by a TypeScript that has other ones: it must compile.
 */

/** The instances of a global class, where the program knows it. */
type Known<Name extends string, Otherwise> = typeof globalThis extends {
  readonly [name in Name]: { readonly prototype: infer Instance };
}
  ? Instance
  : Otherwise;

/** A GPUDevice: known to the DOM of TypeScript 7, and to @webgpu/types. */
export type Device = Known<'GPUDevice', { destroy(): void }>;

/** A GPUAdapter. */
export type Adapter = Known<'GPUAdapter', object>;

/** A GPUBuffer. */
export type DeviceBuffer = Known<'GPUBuffer', { destroy(): void }>;

/** A GPUTexture. */
export type DeviceTexture = Known<'GPUTexture', object>;

/** A GPUExternalTexture. */
export type ExternalTexture = Known<'GPUExternalTexture', object>;

/** A GPUCommandEncoder. */
export type CommandEncoder = Known<'GPUCommandEncoder', object>;

/** A GPUComputePassEncoder. */
export type ComputePass = Known<'GPUComputePassEncoder', object>;

/** An AbortSignal: known to the DOM and to Node's types. */
export type Signal = Known<'AbortSignal', { readonly aborted: boolean; readonly reason: unknown }>;

/** A Uint8Array<ArrayBuffer>, which has no parameter before TypeScript 5.7. */
export type Bytes = ReturnType<Uint8ArrayConstructor['of']>;
