// Where labelled recordings are compared with each other.
import type { Matrix } from './matrix.ts';
import { learnTransform, type Transform, transformRows } from './transform.ts';

/**
 * The space in which labelled recordings are compared: centred on the labelled bank, by cosine. On the bank's mean
 * all kinds of fault look alike; what tells them apart is the direction in which each one leaves it.
 */
export type LabelledSpace = { transform: Transform; bank: Matrix };

export const LABELLED_METRIC = 'cosine';

/** @param labelled raw embeddings of the labelled entries */
export function labelledSpace(labelled: Matrix): LabelledSpace {
  const transform = learnTransform('centre', labelled);
  return { transform, bank: transformRows(transform, labelled) };
}
