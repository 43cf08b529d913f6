// What both kinds of fine-tuning share: the data of a run, and what its folder keeps.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError, inputMessage } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import { openLabelledStream } from '../training/data/labelled-stream.node.ts';
import type { LabelledCrop, LabelledItem, LabelledSpec } from '../training/data/labelled-types.ts';
import type { TunePlan } from '../training/tuned-plan.ts';
import type { FinetuneSettings } from './finetune-options.ts';
import type { StatusLine } from './training-run.ts';

export const encoderFile = (folder: string): string => join(folder, 'encoder.safetensors');

/** Hz of the first recording that can be read. */
export async function rateOfData(items: readonly LabelledItem[]): Promise<number> {
  let reason = 'no recordings';
  for (const { path, read } of items) {
    try {
      return (await readRecordingFile(path, read))[0].sampleRate;
    } catch (error) {
      reason = inputMessage(error);
    }
  }
  throw new InputError(`finetune: none of ${items.length} recordings can be read; the last one: ${reason}`);
}

/** What a run learned from, for the check on resuming. */
export const dataHash = (items: readonly LabelledItem[]): string =>
  createHash('sha256')
    .update(JSON.stringify(items.map(({ path, record, label }) => [basename(path), record, label])))
    .digest('hex')
    .slice(0, 16);

/** Batches of crops from worker threads; warnings go past the progress line. */
export async function* labelledBatches(
  spec: LabelledSpec,
  { seed, workers = 1 }: Pick<FinetuneSettings, 'seed' | 'workers'>,
  place: { from: number; batch: number; stride: number },
  status: StatusLine,
): AsyncGenerator<{ clips: readonly LabelledCrop[] }> {
  const stream = await openLabelledStream(spec, { seed, ...place, workers });
  let told = 0;
  for await (const next of stream) {
    for (const warning of stream.warnings.slice(told)) status.note(warning);
    told = stream.warnings.length;
    yield next;
  }
}

/** Settings of a run as its folder keeps them. */
export const runConfigOf = (
  kind: string,
  settings: FinetuneSettings,
  plan: TunePlan,
  items: readonly LabelledItem[],
) => ({
  recipe: `finetune ${kind}`,
  encoder: settings.encoder,
  seed: settings.seed,
  accumulate: settings.accumulate,
  saveEvery: settings.saveEvery,
  // The steps stand beside the recipe's settings, as they may grow; so may a warm-up that follows them.
  settings: { ...settings.options, steps: undefined, warmUpSteps: settings.warmUpSteps },
  crops: settings.crops,
  architecture: plan.config,
  data: { path: settings.data, recordings: items.length, hash: dataHash(items) },
  steps: settings.options.steps,
  workers: settings.workers,
  provider: settings.provider,
});

/** Whether a run lies in a folder. */
export const hasRun = (folder: string): boolean => existsSync(join(folder, 'config.json'));
