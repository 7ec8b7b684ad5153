/** Headers with which a page may share memory with its workers: WebAssembly has threads then. */
export const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};
