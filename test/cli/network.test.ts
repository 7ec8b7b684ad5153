import { describe, expect, test } from 'vitest';
import type { ImageForm } from '../../src/cli/tasks/images.ts';
import type { Changes, InputForm, LearningTask, ModelForm } from '../../src/cli/tasks/task.ts';
import { taskOf } from '../../src/cli/tasks/tasks.ts';
import { modelNames, recurrentNames, type TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { settingsOf } from '../../src/cli/settings.ts';
import { spec } from '../../src/core/shape.ts';
import { dataset, type SeriesForm } from '../../src/data/index.ts';
import { input } from '../../src/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';

const classes = ['a', 'b', 'c'];
const grey: ImageForm = { kind: 'image', shape: [28, 28], classes };
const colours: ImageForm = { kind: 'image', shape: [32, 32, 3], classes };

/** The names of what a form's model learns, and the shape of what it gives out. */
function traced(form: ModelForm, changes: Changes | null = null) {
  if (form.input.kind !== 'image') expect.unreachable();
  const registry = new Registry(1);
  const images = input('image', spec([2, ...form.input.shape]));
  const logits = new Tracer(registry, 'train', null).apply(
    taskOf<InputForm>(form.input).network(form, changes),
    images,
    '',
  );
  return { names: registry.parameters.map(({ name }) => name), shape: logits.spec.shape };
}

describe('the model of a form', () => {
  test.each(modelNames.flatMap((model) => [grey, colours].map((images) => [model, images.shape, images] as const)))(
    '%s takes images [%s], and gives a logit for each class',
    (model, _, images) => {
      expect(traced({ input: images, model, hidden: [] }).shape).toEqual([2, 3]);
    },
  );

  test.each(recurrentNames)('%s reads windows of a series step by step', (model) => {
    const columns = ['a', 'b'].map((name) => ({ name, mean: 0, deviation: 1 }));
    const series = { length: 5, horizon: 3, columns, target: 'b' } as unknown as SeriesForm;
    const form: ModelForm = { input: { kind: 'series', series, season: 1 }, model, hidden: [] };
    const registry = new Registry(1);
    const windows = input('x', spec([4, 5, 2]));
    const told = new Tracer(registry, 'train', null).apply(taskOf(form.input).network(form, null), windows, '');
    expect(told.spec.shape).toEqual([4, 3, 1]);
    expect(registry.parameters.map(({ name }) => name)).toContain('layer0.layer0Reverse.hiddenWeight');
    expect(taskOf(form.input).layersOf(form)).toEqual([model, 'linear']);
  });

  test('is an mlp where the form names none', () => {
    const { names } = traced({ input: grey, hidden: [5] });
    expect(names).toEqual(['layer1.weight', 'layer1.bias', 'layer3.weight', 'layer3.bias']);
    expect(taskOf(grey).layersOf({ input: grey, hidden: [5] })).toEqual(['flatten', 'linear 5', 'relu', 'linear 3']);
  });

  test('has the same names of parameters whether or not images are changed in front', () => {
    const form = { input: colours, model: 'resnet8', hidden: [] } as const;
    expect(traced(form, { shift: 1 }).names).toEqual(traced(form).names);
  });
});

/** What a command comes to with so many images. */
function settings(line: string, images: ImageForm) {
  const train = dataset({
    image: { data: new Uint8Array(200 * images.shape.reduce((a, b) => a * b)), shape: images.shape },
    label: new Uint8Array(200),
  });
  const learningTask = { input: images, train } as unknown as LearningTask;
  return settingsOf(parseCommand(line.split(' ')) as TrainCommand, learningTask);
}

describe('settings', () => {
  test('change images as suits what they show, for convolutional models, unless they are told otherwise', () => {
    const writing = { shift: 2, rotate: 10, scale: 0.1 };
    expect(settings('train mnist', grey).augment).toBeNull();
    expect(settings('train mnist --augment yes', grey).augment).toEqual(writing);
    expect(settings('train digits --model lenet --augment auto', grey).augment).toEqual(writing);
    expect(settings('train mnist --augment auto', grey).augment).toBeNull();
    // Clothes are mirrored, and not turned; so they are where they come from a folder of one's own.
    for (const line of ['--model cnn', '--augment yes', '--model resnet8 --augment auto --data mine']) {
      expect(settings(`train fashion-mnist ${line}`, grey).augment).toEqual({ shift: 1, flip: true });
    }
    expect(settings('train cifar10 --model resnet8', colours).augment).toEqual({ shift: 4, flip: true });
    expect(settings('train cifar10 --model resnet8 --augment no', colours).augment).toBeNull();
  });

  test('go by the model, as far as the command leaves them open', () => {
    expect(settings('train mnist --model cnn', grey)).toMatchObject({ optimizer: 'adamw', batch: 64, steps: 38 });
    const residual = settings('train cifar10 --model resnet14 --epochs 1 --lr 0.5', colours);
    expect(residual).toMatchObject({ optimizer: 'sgd', learningRate: 0.5, weightDecay: 5e-4, batch: 128, steps: 2 });
    expect(settings('train cifar10 --model resnet8 --optimizer adamw', colours)).toMatchObject({ weightDecay: 0.01 });
  });
});
