// Examples of training on several machines.

import { createNodeKey, FlowerError, joinFlower, readNodeKey } from '../../../src/flower/index.ts';
import { line, lineTrainer, type Examples } from './stage.ts';

export const flower: Examples = {
  async joinFlower() {
    const leaving = new AbortController(); // leaving.abort() has it leave, here at once
    leaving.abort();
    const { signal } = leaving;
    const trainer = await lineTrainer();
    const joined = joinFlower({ superlink: 'http://127.0.0.1:8000', trainer, train: line, signal });
    console.log((await joined).rounds); // []
  },
  async createNodeKey() {
    // Kept in a file, it is known again; the public half goes to `flwr supernode register`.
    const { publicKey } = await createNodeKey();
    console.log(publicKey.slice(0, 26)); // '-----BEGIN PUBLIC KEY-----'
  },
  async readNodeKey() {
    const { privateKey, publicKey } = await createNodeKey();
    const again = await readNodeKey('node.pem', privateKey);
    console.log(again.publicKey === publicKey); // true
  },
  FlowerError() {
    const error: unknown = new FlowerError('the SuperLink does not answer', { status: 503 });
    console.log(error instanceof FlowerError && error.status); // 503
  },
};
