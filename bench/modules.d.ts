declare module '*.wasm?url&inline' {
  const url: string;
  export default url;
}

/** All of gpu.js in one file that needs nothing of Node: the class, with the rest of the library as its statics. */
declare module 'gpu.js/dist/gpu-browser.js' {
  import { GPU } from 'gpu.js';
  export default GPU;
}

declare module '*.py?raw' {
  const text: string;
  export default text;
}
