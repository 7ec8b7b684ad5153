import { readSafetensors } from '../../data/index.ts';
import type { Trainer } from '../../index.ts';
import { confusionPicture } from './confusionPicture.ts';
import { filtersPicture, firstFilters } from './filters.ts';
import type { Classified } from '../evaluationReport.ts';
import { pictureFiles, write } from '../outputPaths.ts';
import { encodePng, type Raster } from './png.ts';
import type { LearningTask } from '../tasks/task.ts';
import type { Terminal } from '../terminal.ts';

interface Learned {
  readonly learningTask: LearningTask;
  readonly trainer: Trainer;
  /** Null says nothing. */
  readonly terminal: Terminal | null;
}

/** Draws what can be drawn of a model, and says what it is. @param said undefined where it tells numbers */
export async function drawPictures(folder: string, learned: Learned, said: Classified | undefined): Promise<void> {
  const files = pictureFiles(folder);
  const keep = async (file: string, picture: Raster | null, text: string): Promise<void> => {
    if (picture) await write('train', file, encodePng(picture));
    learned.terminal?.line(picture ? `${file}: ${text}` : `No ${file}: there is nothing to draw.`);
  };
  await keep(
    files.filters,
    await filtersOf(learned),
    "the first layer's weights, a square for each of the first 256 units; grey is 0.",
  );
  await keep(
    files.confusion,
    said ? confusionPicture(said) : null,
    'rows are what the samples are, columns what they are taken for, in percent; blue is right.',
  );
}

async function filtersOf({ learningTask: { input }, trainer }: Learned): Promise<Raster | null> {
  if (input.kind !== 'image') return null;
  const { tensors } = readSafetensors('the weights', await trainer.saveWeights());
  const filters = firstFilters(tensors, input.shape);
  return filters && filtersPicture(filters);
}
