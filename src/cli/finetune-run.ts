// What both kinds of fine-tuning share: the data of a run, and what its folder keeps.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError, inputMessage } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import { checkLabelled } from '../training/check-sources.node.ts';
import { openLabelledStream } from '../training/data/labelled-stream.node.ts';
import type { LabelledCrop, LabelledItem, LabelledSpec } from '../training/data/labelled-types.ts';
import { exportEncoder } from '../training/export-encoder.node.ts';
import { plainState, type TuneBase, type TunePlan } from '../training/tuned-plan.ts';
import type { FinetuneSettings } from './finetune-options.ts';
import { createStatusLine, type StatusLine, trainInFolder } from './training-run.ts';

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
const runConfigOf = (kind: string, settings: FinetuneSettings, plan: TunePlan, items: readonly LabelledItem[]) => ({
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

/**
 * Fine-tunes on labelled crops in the folder of the run, and leaves the encoder there.
 * @returns the exit status of a run that was stopped by a signal, and the step at which it ended
 */
export async function tuneOnCrops(
  kind: string,
  settings: FinetuneSettings,
  { id }: TuneBase,
  plan: TunePlan,
  items: readonly LabelledItem[],
): Promise<{ status?: number; step: number }> {
  const { folder, crops, cropSeconds, options } = settings;
  const spec: LabelledSpec = { items, ...crops, cropSeconds, sampleRate: plan.config.sampleRate };
  // Else wrong data would leave a run behind, which must be removed before the next try.
  if (!settings.resume) await checkLabelled(spec, plan.recipe, settings.seed);
  const status = createStatusLine();
  const end = await trainInFolder<LabelledCrop>({
    title: `finetune ${kind}: ${id}`,
    folder,
    resume: settings.resume,
    config: runConfigOf(kind, settings, plan, items),
    recipe: plan.recipe,
    seed: settings.seed,
    accumulate: settings.accumulate,
    saveEvery: settings.saveEvery,
    clips: (from, batch, stride) => labelledBatches(spec, settings, { from, batch, stride }, status),
    publish: (state) =>
      exportEncoder(plainState(state, options.tuning), plan.architecture, encoderFile(folder), { weights: 'student' }),
    ...(settings.provider && { runtime: { provider: settings.provider } }),
    status,
  });
  return { step: end.state.step, ...(end.status !== undefined && { status: end.status }) };
}

/** Whether a run lies in a folder. */
export const hasRun = (folder: string): boolean => existsSync(join(folder, 'config.json'));
