/** A WebAssembly module, deflated, in base64, compiled from AssemblyScript while building. */
declare module '*?wasm' {
  const base64: string;
  export default base64;
}
