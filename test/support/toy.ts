import { Random } from '../../src/core/random.ts';
import { dataset, type Dataset } from '../../src/data/dataset.ts';

/** Points of noisy clusters, one for each class, on a circle: easy to learn, the same for a seed. */
export function clusters(length: number, classes: number, seed = 1, features = 2): Dataset {
  const random = new Random(seed, 'clusters');
  const point = new Float32Array(length * features);
  const label = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    label[i] = Math.floor(random.uniform(0, classes));
    for (let j = 0; j < features; j++) {
      const angle = (2 * Math.PI * label[i]) / classes + j * (Math.PI / 2);
      point[i * features + j] = Math.cos(angle) + random.normal(0, 0.25);
    }
  }
  return dataset({ point: { data: point, shape: [features] }, label });
}
