// What is used of jsfive, which comes without types.
declare module 'jsfive' {
  export interface Dataset {
    readonly shape: readonly number[];
    readonly value: ArrayLike<number>;
  }
  export class File {
    constructor(buffer: ArrayBufferLike, name: string);
    get(path: string): Dataset;
  }
}
