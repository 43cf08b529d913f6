// One baseline on one data set: a model for every part that has none yet, and the score files of all test clips.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sample } from '../evaluation/datasets/types.ts';
import { sectionLabel } from '../evaluation/dcase/years.ts';
import { baseName } from '../evaluation/files/folder.ts';
import { groupBy } from '../evaluation/group-by.ts';
import type { ScoredClip } from '../evaluation/protocols/anomaly-result.ts';
import { clipOf } from '../evaluation/suites/detection.ts';
import { counted } from '../evaluation/text/words.ts';
import { InputError, inputMessage } from '../signal/errors.ts';
import { csvLine } from '../signal/readers/csv-write.ts';
import type { EpochOptions } from '../training/baselines/epochs.ts';
import { type BaselineKind, fileLabel, type OpenBaseline, type Part } from './baseline-kinds.ts';
import { scoreClips, sideOf } from './baseline-training.ts';
import { note, writeFileSafely } from './output.ts';

export type BaselineSettings = {
  kind: BaselineKind;
  root: string;
  samples: readonly Sample[];
  /** Folder of models and score files; it is there. */
  out: string;
  training: Pick<EpochOptions, 'epochs' | 'batch' | 'learningRate' | 'seed'>;
};

/** What was done for a section. */
export type ScoredSection = {
  machine: string;
  section: string;
  model: string;
  threshold: number;
  clips: number;
  /** Clips above the threshold. */
  anomalous: number;
  scores: string;
  decisions: string;
};

export type BaselineRun = {
  sections: ScoredSection[];
  scored: ScoredClip[];
  /** A line for each part or section that could not be trained or scored. */
  refused: string[];
  /** A line for each clip that could not be used. */
  leftOut: string[];
};

type Run = BaselineRun & BaselineSettings & { leaveOut(message: string): void };

/** The result of the work, or undefined and a line where the input is at fault. */
async function attempt<T>(run: Run, title: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const line = `${title}: ${inputMessage(error)}`;
    run.refused.push(line);
    note(`${line}; there are no scores of it`);
    return undefined;
  }
}

/** The bytes of a new model. */
async function trainPart(run: Run, { title, samples }: Part): Promise<Uint8Array> {
  const { kind, root, training, leaveOut } = run;
  const train = sideOf(samples, 'train');
  if (train.length === 0) {
    throw new InputError('expected normal training clips, found none; put them into the folder of the data set');
  }
  return kind.train({ title, root, samples: train, leaveOut }, training);
}

/** The two files of a section: `file,score` and `file,0|1`, in order of the names. */
function writeScores(run: Run, label: string, rows: readonly { name: string; score: number }[], threshold: number) {
  // As the challenge names them: in 2020 by machine id, without the word.
  const ending = /_id_\d+$/.test(label) ? '' : '_test';
  const files = {
    scores: join(run.out, `anomaly_score_${label}${ending}.csv`),
    decisions: join(run.out, `decision_result_${label}${ending}.csv`),
  };
  const sorted = [...rows].sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = (cellOf: (score: number) => number): string =>
    sorted.map(({ name, score }) => `${csvLine([name, cellOf(score)])}\n`).join('');
  writeFileSafely(
    files.scores,
    lines((score) => score),
  );
  writeFileSafely(
    files.decisions,
    lines((score) => Number(score > threshold)),
  );
  return files;
}

async function scoreSection(run: Run, opened: OpenBaseline, model: string, title: string, samples: readonly Sample[]) {
  const { machine, section } = samples[0].attributes;
  const clips = { title, root: run.root, samples, leaveOut: run.leaveOut };
  const found = await attempt(run, title, async () => {
    const rows = await scoreClips(clips, opened.scoreOf(section));
    if (rows.length === 0) throw new InputError(`none of ${counted(samples.length, 'test clip')} could be scored`);
    return rows;
  });
  if (!found) return;
  const { threshold } = opened;
  const rows = found.map(({ sample, scores: score }) => ({ name: baseName(sample.path), score }));
  const files = writeScores(run, fileLabel(machine, section), rows, threshold);
  const anomalous = rows.filter(({ score }) => score > threshold).length;
  run.sections.push({ machine, section, model, threshold, clips: rows.length, anomalous, ...files });
  run.scored.push(...found.map(({ sample, scores: score }) => ({ ...clipOf(sample), score })));
  note(`${title}: ${counted(rows.length, 'test clip')}, ${anomalous} above the threshold; ${files.scores}`);
}

async function runPart(run: Run, part: Part): Promise<void> {
  const model = join(run.out, part.file);
  if (existsSync(model)) note(`${part.title}: ${model} is there and not trained again`);
  else {
    const bytes = await attempt(run, part.title, () => trainPart(run, part));
    if (!bytes) return;
    writeFileSafely(model, bytes);
  }
  const opened = await attempt(run, part.title, () => run.kind.open(readFileSync(model), model));
  if (!opened) return;
  const tests = groupBy(sideOf(part.samples, 'test'), ({ attributes }) => attributes.section);
  if (tests.size === 0) note(`${part.title}: no test clips, nothing to score`);
  for (const [section, samples] of tests) {
    await scoreSection(run, opened, model, sectionLabel(samples[0].attributes.machine, section), samples);
  }
  await opened.release();
}

/**
 * Trains and scores part by part, and writes each file once it is complete: a run that was interrupted goes on with the
 * parts whose model is not there yet. Parts, sections and clips that cannot be used are named, and the others go on.
 * @throws InputError where a file cannot be written
 */
export async function runBaseline(settings: BaselineSettings): Promise<BaselineRun> {
  const result: BaselineRun = { sections: [], scored: [], refused: [], leftOut: [] };
  const leaveOut = (message: string): void => {
    result.leftOut.push(message);
    note(`${message}; it is left out`);
  };
  for (const part of settings.kind.parts(settings.samples)) await runPart({ ...settings, ...result, leaveOut }, part);
  return result;
}
