import { quotedList, thousands } from '../core/textFormat.ts';
import { sizeOf } from '../core/shape.ts';
import { rows, take, type Dataset } from '../data/index.ts';
import { Random } from '../index.ts';
import type { FoldWish, NodeCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import type { LearningTask } from './tasks/task.ts';
import { taskOf } from './tasks/tasks.ts';

/* What a node learns from of a set that it shares with others. */

/** A part of the training samples, and of it those of some classes. What is held out stays whole. */
export function shareOf(learningTask: LearningTask, { part, labels, learning }: NodeCommand): LearningTask {
  if (!part && !labels) return learningTask;
  const { batches: _, ...task } = learningTask;
  const own = part ? partOf(task.train, part, learning.seed) : task.train;
  const classes = labels && classesIn(labels, taskOf(task.input).classes?.(task.input), learning.dataset);
  const train = classes ? ofClasses(own, classes) : own;
  const said = [
    ...(part ? [`part ${part.at + 1} of ${part.of}`] : []),
    ...(labels ? [`the classes ${labels.join(', ')}`] : []),
  ].join(', and of it ');
  const note = `Learns from ${thousands(train.length)} of ${thousands(task.train.length)}: ${said}`;
  return { ...task, train, notes: [...task.notes, note] };
}

/**
 * Every so manyth sample of an order by chance; or, where samples overlap as windows of a text do, a stretch of them, as
 * others would see most of the same text.
 */
function partOf(set: Dataset, { at, of }: FoldWish, seed: number): Dataset {
  const { length } = set;
  if (of > length) throw new UsageError(`--part is one of ${of}, but there are only ${length} samples: make it fewer`);
  const overlap = Object.values(set.fields).some(({ shape, stride = sizeOf(shape) }) => stride < sizeOf(shape));
  if (overlap) return take(set, Math.round((at * length) / of), Math.round(((at + 1) * length) / of));
  const places = Array.from({ length }, (_, place) => place);
  return rows(
    set,
    new Random(seed, 'parts').shuffled(places).filter((_, rank) => rank % of === at),
  );
}

function ofClasses(set: Dataset, classes: ReadonlySet<number>): Dataset {
  const { data } = set.fields['label'];
  const places = Array.from(data.keys()).filter((place) => classes.has(data[place]));
  if (places.length > 0) return rows(set, places);
  throw new UsageError('--labels names classes of which there is no sample here: name others');
}

/** Which classes are meant by `0-4`, `cat` or, where no class is called so, a number from 0. */
function classesIn(labels: readonly string[], classes: readonly string[] | undefined, dataset: string): Set<number> {
  if (!classes) throw new UsageError(`--labels are of classes, and ${dataset} has none: leave it out`);
  const one = (text: string): number => {
    const at = classes.indexOf(text);
    return at < 0 && /^\d+$/.test(text) && Number(text) < classes.length ? Number(text) : at;
  };
  const all = labels.map((text) => {
    const ends = (classes.includes(text) ? [text] : text.split('-')).map((end) => one(end.trim()));
    const [first, last = first] = ends;
    if (ends.length <= 2 && first >= 0 && last >= first) return [first, last] as const;
    throw new UsageError(`--labels has "${text}", but the classes are ${quotedList(classes)}: name some, or from-to`);
  });
  return new Set(all.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at)));
}
