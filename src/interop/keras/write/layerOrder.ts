import { resultsIn, type Result, type WrittenLayer } from './kerasWriter.ts';

/*
 * Keras counts the layers of a class in an order of its own, by which it finds their numbers again: those furthest from the
 * outputs first, and of one depth in the order in which a walk from the outputs comes to them. Source: keras.src.ops.function,
 * map_graph, Keras 3.15
 */

/** A use of a layer. */
interface Use {
  readonly layer: WrittenLayer;
  readonly call: number;
}

const usesIn = ({ layer, call }: Use): readonly Use[] => {
  const used = layer.calls.at(call);
  return used ? [...used.args, ...Object.values(used.named)].flatMap(resultsIn) : [];
};

const keyOf = ({ layer, call }: Use): string => `${call} ${layer.name}`;

/** Which layers each layer needs in all of its uses, directly or by others between. */
export function neededBy(outputs: readonly Result[]): ReadonlyMap<WrittenLayer, ReadonlySet<WrittenLayer>> {
  const ofUses = new Map<string, Set<WrittenLayer>>();
  const ofLayers = new Map<WrittenLayer, Set<WrittenLayer>>();
  for (const use of finishedUses(outputs, new Map())) {
    const needed = new Set<WrittenLayer>();
    for (const before of usesIn(use)) {
      needed.add(before.layer);
      for (const layer of ofUses.get(keyOf(before))!) needed.add(layer);
    }
    ofUses.set(keyOf(use), needed);
    const others = ofLayers.get(use.layer);
    ofLayers.set(use.layer, others ? new Set([...needed].filter((layer) => others.has(layer))) : needed);
  }
  return ofLayers;
}

/** Layers that outputs need, in the order in which Keras has them; then inputs that nobody reads. */
export function layerOrder(outputs: readonly Result[], inputs: readonly Result[]): readonly WrittenLayer[] {
  const firstSeen = new Map<WrittenLayer, number>();
  const finished = finishedUses(outputs, firstSeen);
  const depths = new Map<WrittenLayer, number>();
  const useDepths = new Map<string, number>();
  for (const use of finished.toReversed()) {
    const depth = Math.max(useDepths.get(keyOf(use)) ?? 0, depths.get(use.layer) ?? 0);
    depths.set(use.layer, depth);
    useDepths.set(keyOf(use), depth);
    for (const before of usesIn(use)) {
      useDepths.set(keyOf(before), Math.max(depth + 1, useDepths.get(keyOf(before)) ?? 0));
    }
  }
  for (const { layer } of inputs) {
    if (depths.has(layer)) continue;
    depths.set(layer, 0);
    firstSeen.set(layer, -1);
  }
  return [...depths]
    .toSorted(([a, depthOfA], [b, depthOfB]) => depthOfB - depthOfA || firstSeen.get(a)! - firstSeen.get(b)!)
    .map(([layer]) => layer);
}

/** All uses, each behind those that it needs, as a walk from the outputs leaves them. */
function finishedUses(outputs: readonly Use[], firstSeen: Map<WrittenLayer, number>): readonly Use[] {
  const [finished, done]: [Use[], Set<string>] = [[], new Set()];
  const stack = outputs.map((use) => ({ use, isReady: false })).reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { use, isReady } = next;
    if (done.has(keyOf(use))) continue;
    if (isReady) {
      done.add(keyOf(use));
      finished.push(use);
      continue;
    }
    if (!firstSeen.has(use.layer)) firstSeen.set(use.layer, firstSeen.size);
    stack.push({ use, isReady: true });
    stack.push(
      ...usesIn(use)
        .map((before) => ({ use: before, isReady: false }))
        .reverse(),
    );
  }
  return finished;
}
