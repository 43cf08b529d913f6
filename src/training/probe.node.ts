// How well the encoder of a run tells labelled recordings apart while it is trained: a look, never a part of the training.
import { nearestNeighbours } from '../detection/knn.ts';
import { labelsFromFolders, type Naming } from '../detection/labels.node.ts';
import { fromRows } from '../detection/matrix.ts';
import { buildEncoder } from '../encoders/build.ts';
import type { Architecture } from '../encoders/family.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { InputError } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import type { Recording } from '../signal/recording.ts';
import { encoderTensors } from './export-encoder.node.ts';
import type { TrainingState } from './step.ts';

export type Probe = (state: TrainingState) => Promise<{ knnAccuracy: number }>;

type Labelled = { label: string; recording: Recording };

/** Of a long recording, its beginning is heard. */
const SECONDS = 10;
/** Recordings embedded together. */
const BATCH = 16;

function labelsOf(folder: string, files: readonly string[]): Naming {
  try {
    return labelsFromFolders(files);
  } catch {
    throw new InputError(
      `probe: expected a folder for every label in ${folder}, found all recordings in one; sort them into folders`,
    );
  }
}

async function readLabelled(folder: string): Promise<Labelled[]> {
  const files = collectFiles([folder]);
  const labelOf = labelsOf(folder, files);
  const labelled: Labelled[] = [];
  for (const file of files) {
    const label = labelOf(file);
    if (label === undefined) continue;
    const [{ channels, sampleRate, name }] = await readRecordingFile(file, {});
    const samples = channels[0].slice(0, Math.round(SECONDS * sampleRate));
    labelled.push({ label, recording: { channels: [samples], sampleRate, name } });
  }
  return labelled;
}

/** Whether the nearest other recording of the same rate bears the same label; none where there is no other. */
async function nearestAgree(labels: readonly string[], vectors: readonly Float32Array[]): Promise<boolean[]> {
  if (vectors.length < 2) return [];
  const matrix = fromRows(vectors);
  const groups = labels.map((_, i) => i);
  const found = await nearestNeighbours(matrix, matrix, {
    k: 1,
    metric: 'cosine',
    bankGroups: groups,
    queryGroups: groups,
  });
  return found.map(({ indices: [nearest] }, i) => labels[nearest] === labels[i]);
}

/**
 * A probe on the recordings of a folder, one folder in it per label: the share whose nearest other recording (cosine
 * distance of the student's embeddings, first channel, first 10 s, same sampling rate) bears the same label.
 * @throws InputError for a folder without labels, or (when asked) recordings that the encoder cannot hear
 */
export async function createProbe(folder: string, architecture: Architecture): Promise<Probe> {
  const labelled = await readLabelled(folder);
  const known = [...new Set(labelled.map(({ recording }) => recording.sampleRate))];
  const rates = known.map((rate) => labelled.filter(({ recording }) => recording.sampleRate === rate));
  if (rates.every((group) => group.length < 2)) {
    throw new InputError(`probe: expected at least two labelled recordings of one rate in ${folder}, found none`);
  }
  return async (state) => {
    const encoder = await buildEncoder('probe', architecture, encoderTensors(state, architecture, 'student').tensors);
    try {
      const agreed: boolean[] = [];
      for (const group of rates) {
        const vectors: Float32Array[] = [];
        for (let i = 0; i < group.length; i += BATCH) {
          const part = group.slice(i, i + BATCH).map(({ recording }) => recording);
          vectors.push(...(await encoder.embedMany(part)).map(({ vector }) => vector));
        }
        const labels = group.map(({ label }) => label);
        agreed.push(...(await nearestAgree(labels, vectors)));
      }
      return { knnAccuracy: agreed.filter(Boolean).length / agreed.length };
    } finally {
      await encoder.release();
    }
  };
}
