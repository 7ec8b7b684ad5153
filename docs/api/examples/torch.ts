// Examples of PyTorch's state dicts.

import { readSafetensors } from '../../../src/data/index.ts';
import { createPredictor, linear, relu, sequential } from '../../../src/index.ts';
import { fromTorch, toTorch } from '../../../src/interop/index.ts';
import { lineTrainer, type Examples } from './stage.ts';

export const torch: Examples = {
  async fromTorch() {
    const data = { x: { shape: [2], dtype: 'f32', scale: null } } as const;
    const model = sequential(linear(2, 3), relu, linear(3, 1));
    const trained = await createPredictor({ model, data, backend: 'cpu' });
    // As torch.save_file(model.state_dict(), 'model.safetensors') of safetensors writes nn.Linear's fc1 and fc2.
    const file = await toTorch(trained, { names: { layer0: 'fc1', layer2: 'fc2' } });
    const { weights, names } = await fromTorch(trained, file);
    console.log(names); // { layer0: 'fc1', layer2: 'fc2' }
    await trained.loadWeights(weights);
  },
  async toTorch() {
    const trainer = await lineTrainer();
    // In Python: model.load_state_dict(safetensors.torch.load_file('line.safetensors'))
    const bytes = await toTorch(trainer, { names: { '': 'fc' } });
    console.log(Object.keys(readSafetensors('line.safetensors', bytes).tensors)); // ['fc.weight', 'fc.bias']
    trainer.destroy();
  },
};
