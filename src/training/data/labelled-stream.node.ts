// The labelled crops that fine-tuning hears, in batches made ahead of it on other threads.
import { InputError } from '../../signal/errors.ts';
import {
  type Batch,
  type BatchStream,
  batchStream,
  type ClipStreamOptions,
  checkPlaces,
  createWarnings,
} from './clip-pool.node.ts';
import { labelledClasses } from './labelled-classes.ts';
import { labelledSources, sampledSources } from './labelled-maker.node.ts';
import type { LabelledCrop, LabelledItem, LabelledSpec, SpeedSettings } from './labelled-types.ts';
import { clipPlan } from './sampler.ts';

export type LabelledBatch = Batch<LabelledCrop>;

export type LabelledStream = BatchStream<LabelledCrop> & {
  /** Names of the classes that `classIndex` counts. */
  readonly classes: readonly string[];
};

/** As `changeSpeed` takes them, with the pitch following the speed and with pitch kept. */
const FOLLOWING = [0.1, 10] as const;
const KEPT = [0.5, 2] as const;
const SPEED_STEPS = 1000;

function expect(fine: boolean, what: string, got: unknown): asserts fine {
  if (!fine) throw new InputError(`openLabelledStream: expected ${what}, got ${got}`);
}

function checkSpeeds({ factors, keepPitch }: SpeedSettings): void {
  const [slowest, fastest] = keepPitch ? KEPT : FOLLOWING;
  const thousandths = factors.map((factor) => Math.round(SPEED_STEPS * factor));
  const fine = factors.every(
    (factor, i) => factor >= slowest && factor <= fastest && Math.abs(SPEED_STEPS * factor - thousandths[i]) < 1e-6,
  );
  expect(
    factors.length > 0 && fine && new Set(thousandths).size === factors.length,
    `different speeds from ${slowest} to ${fastest} in whole thousandths`,
    factors.join(', ') || 'none',
  );
}

function checkItems(items: readonly LabelledItem[], classes: readonly string[]): void {
  expect(items.length > 0, 'labelled recordings', 'none');
  const nameless = items.find(({ label }) => label === '');
  if (nameless) throw new InputError(`openLabelledStream: expected a label of ${nameless.path}, got none`);
  if (classes.length > 1) return;
  throw new InputError(
    `openLabelledStream: expected at least two classes, got ${items.length} recordings of ${classes[0]} alone; add others, or speeds that are classes of their own`,
  );
}

function checkSpec(spec: LabelledSpec): void {
  const { cropSeconds, sampleRate, gainDecibels = 0, noise, rollProbability = 0 } = spec;
  expect(cropSeconds > 0 && Number.isFinite(cropSeconds), 'cropSeconds above 0', cropSeconds);
  if (sampleRate !== undefined) {
    expect(sampleRate >= 100 && Number.isFinite(sampleRate), 'a sampleRate of at least 100 Hz', sampleRate);
    expect(Math.round(cropSeconds * sampleRate) >= 2, 'crops of at least 2 samples', cropSeconds * sampleRate);
  }
  expect(gainDecibels >= 0 && gainDecibels <= 120, 'gainDecibels from 0 to 120', gainDecibels);
  expect(rollProbability >= 0 && rollProbability <= 1, 'rollProbability from 0 to 1', rollProbability);
  if (noise) {
    const [low, high] = noise.ratio;
    expect(low <= high && low >= -120 && high <= 120, 'a ratio of noise from -120 to 120 dB', noise.ratio.join(' to '));
    const { probability } = noise;
    expect(probability >= 0 && probability <= 1, 'a probability of noise from 0 to 1', probability);
  }
  if (spec.speeds) checkSpeeds(spec.speeds);
}

/**
 * Opens an endless stream of batches of labelled crops. Crop number n depends on items, settings, seed and n alone, not on
 * the number of threads or on where the stream began. Every thread keeps the files it read last (64 MiB of samples).
 * @throws InputError for settings out of range, no items, items of one class, more than 1000 labels with `balanced`, and
 * (the iteration) a label of which no item gives a crop. Single bad files are left out, with a warning each.
 * @example
 * const stream = await openLabelledStream({ items, cropSeconds: 2, sampleRate: 16000 }, { seed: 1, batch: 32 });
 * for await (const { first, clips } of stream) step(clips);
 */
export async function openLabelledStream(spec: LabelledSpec, options: ClipStreamOptions): Promise<LabelledStream> {
  checkSpec(spec);
  const { items, ...settings } = spec;
  const classes = labelledClasses(items, spec.speeds).names;
  checkItems(items, classes);
  const places = checkPlaces('openLabelledStream', options);
  // The number of labels is checked before any thread is started.
  const sources = labelledSources({ settings, items });
  expect(sources.length <= 1000, 'at most 1000 labels to be balanced', sources.length);
  clipPlan(places.from, options.seed, sampledSources(sources));
  const data = { settings, seed: options.seed, items };
  return { ...batchStream({ kind: 'labelled', data }, places, createWarnings()), classes };
}
