// What `millrace/data` is in Node: the same, but that the sets know folders and the user's cache.

export * from '../data/index.ts';
export { cifar10 } from './cifar10.ts';
export { fsdd } from './fsdd.ts';
export { fashionMnist, mnist } from './mnist.ts';
