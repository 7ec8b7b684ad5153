/** WebGPU's flag values by the specification: Node and Deno's type libraries do not define the globals. */
export const bufferUsage = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyDestination: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  queryResolve: 0x0200,
} as const;

export const TEXTURE_BINDING = 0x04;
export const MAP_READ = 0x0001;
export const COMPUTE_STAGE = 0x4;
