export { createNodeKey, readNodeKey, type NodeKey } from './nodeKey.ts';
export { FlowerError } from './flowerError.ts';
export { joinFlower } from './joinFlower.ts';
export type {
  ConfigValue,
  FlowerAnswer,
  FlowerEvent,
  FlowerLayout,
  FlowerOptions,
  FlowerRound,
  FlowerSummary,
  FlowerTask,
  NamedArrays,
} from './options.ts';
