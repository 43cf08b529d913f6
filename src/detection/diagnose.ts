// Diagnosis: the name of a fault, by the labelled recordings that are nearest.
import { InputError } from '../signal/errors.ts';
import { pValue } from './calibration.ts';
import { type BankEntry, type Detector, indicesWhere } from './detector.ts';
import { nearestNeighbours } from './knn.ts';
import { LABELLED_METRIC, labelledSpace } from './labelled-space.ts';
import { fromRows, selectRows } from './matrix.ts';
import { checkVector, withoutItself } from './score.ts';
import { applyTransform } from './transform.ts';

export type Diagnosis = {
  /** The label with the most weight, or `unknown` when nothing labelled is near. */
  label: string;
  /** Weight of the best label among all that voted, 0 to 1. */
  confidence: number;
  /** Every label that voted, best first. */
  votes: { label: string; weight: number }[];
  /** Probability that a recording of a known kind lies this far from its nearest neighbour. */
  pValue: number;
  nearest: BankEntry;
};

export const UNKNOWN = 'unknown';

export type DiagnoseOptions = {
  /** Neighbours that vote; 5 as in SIREN. */
  k?: number;
  /** Below this probability of being any known kind, the answer is `unknown`. */
  unknownRate?: number;
};

export type Diagnoser = (vectors: readonly Float32Array[], options?: DiagnoseOptions) => Promise<Diagnosis>;

/**
 * Prepares a detector for diagnosis: a function that names the fault of a recording from the embeddings of its
 * segments. The k nearest labelled entries vote, each with the inverse square of its distance, so that the nearest
 * counts most; votes of all segments add up.
 * @throws InputError if the detector has no labels.
 */
export function createDiagnoser(detector: Detector): Diagnoser {
  const { entries, labelledCalibration } = detector;
  const labelled = indicesWhere(entries, (entry) => entry.label !== undefined);
  if (labelled.length === 0 || !labelledCalibration) {
    throw new InputError('diagnose: this detector has no labels; fit it with --labels');
  }
  const space = labelledSpace(selectRows(detector.bank, labelled));
  const usual = labelledCalibration.scores[labelledCalibration.scores.length >> 1];
  return async (vectors, { k = 5, unknownRate = 1e-3 } = {}) => {
    if (vectors.length === 0) throw new InputError('diagnose: expected at least one segment, got none');
    for (const vector of vectors) checkVector(detector, vector);
    const queries = fromRows(vectors.map((vector) => applyTransform(space.transform, vector)));
    const found = await nearestNeighbours(space.bank, queries, { k: k + 1, metric: LABELLED_METRIC });
    const weights = new Map<string, number>();
    let nearest = { distance: Number.POSITIVE_INFINITY, entry: entries[labelled[0]] };
    let sum = 0;
    for (const neighbours of found) {
      const { distances, indices } = withoutItself(neighbours, k, usual);
      sum += distances[0];
      if (distances[0] < nearest.distance) nearest = { distance: distances[0], entry: entries[labelled[indices[0]]] };
      for (const [i, index] of indices.entries()) {
        const label = entries[labelled[index]].label as string;
        weights.set(label, (weights.get(label) ?? 0) + 1 / Math.max(distances[i] ** 2, 1e-12));
      }
    }
    const total = [...weights.values()].reduce((all, weight) => all + weight, 0);
    const votes = [...weights]
      .map(([label, weight]) => ({ label, weight: weight / total }))
      .sort((a, b) => b.weight - a.weight);
    const p = pValue(labelledCalibration, sum / found.length);
    const label = p < unknownRate ? UNKNOWN : votes[0].label;
    return { label, confidence: votes[0].weight, votes, pValue: p, nearest: nearest.entry };
  };
}
