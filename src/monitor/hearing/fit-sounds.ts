// Detectors made and grown on a thread, from recordings that other threads have embedded.
import {
  type BankEntry,
  type Detector,
  domainOf,
  fitDetector,
  isNormal,
  withThreshold,
} from '../../detection/detector.ts';
import { writeDetector } from '../../detection/detector-file.ts';
import { type FitPreparation, fitRecordings } from '../../detection/fit-recordings.ts';
import { row } from '../../detection/matrix.ts';
import { isThresholdByHand } from '../../detection/score.ts';
import type { EmbedResult } from '../../encoders/embed-file.node.ts';
import { InputError } from '../../signal/errors.ts';
import type { PreparedDetector } from './hear.ts';
import type { FitPlan } from './tasks.ts';
import type { FitOutcome } from './types.ts';

/** How recordings are brought to a detector that is to be fitted. */
export const preparationFor = ({ channel, segmentSeconds, sampleRate }: FitPlan): FitPreparation => ({
  channel,
  segmentSeconds,
  ...(sampleRate !== undefined && { sampleRate, resample: true }),
});

/**
 * As `fitFiles`, from embedded sounds. Where some have labels, those without are normal.
 * @throws InputError as `fitRecordings`
 */
export async function fitSounds(
  plan: FitPlan,
  results: readonly EmbedResult[],
  labels: readonly (string | undefined)[] | undefined,
  encoder: Detector['encoder'],
): Promise<FitOutcome> {
  const labelled = labels?.some((label) => label !== undefined);
  const report = await fitRecordings(
    // Names of sounds may repeat, their numbers do not.
    results.map((result, i) => ({ ...result, path: String(i) })),
    {
      encoder,
      preparation: preparationFor(plan),
      settings: plan.settings,
      ...(labelled && { labels: (i) => labels?.[Number(i)] ?? plan.settings.normalLabel ?? 'normal' }),
    },
  );
  return { ...report, bytes: await writeDetector(report.detector) };
}

/** Once faults have names, so has what is normal: it votes too. */
const labelAll = (entries: readonly BankEntry[], normalLabel: string): BankEntry[] =>
  entries.some(({ label }) => label !== undefined)
    ? entries.map((entry) => ({ ...entry, label: entry.label ?? normalLabel }))
    : [...entries];

/**
 * A detector whose bank has grown by embedded sounds, fitted anew with its own settings; a threshold set by hand stays.
 * Statistics over time, for explanations, stay as they were: the file does not say from how many frames they come. A
 * normal recording joins the operating condition that is most like it.
 * @throws InputError if none of the sounds can be used
 */
export async function extendDetector(
  { detector, scorer }: PreparedDetector,
  results: readonly EmbedResult[],
  labels: readonly (string | undefined)[],
): Promise<FitOutcome> {
  const { signal, settings, bands, bank, frameStatistics, encoder } = detector;
  const failures = results.flatMap((result) => result.failures);
  const warnings: string[] = [];
  const segments = detector.entries.map((entry, i) => ({ entry, vector: row(bank, i) }));
  const inDomains = detector.entries.some((entry) => domainOf(entry) !== '');
  for (const [i, { recordings }] of results.entries()) {
    const label = labels[i];
    for (const recording of recordings) {
      const { name, constant, originalSampleRate, sampleRate } = recording;
      if (constant) {
        failures.push({ file: name, message: `${name}: every sample is the same (silence, or a dead sensor)` });
        continue;
      }
      if (originalSampleRate !== sampleRate) {
        warnings.push(`${name}: converted from ${originalSampleRate} to ${sampleRate} Hz`);
      }
      for (const { startSeconds, durationSeconds, vector } of recording.segments) {
        const domain =
          inDomains && isNormal({ label }, settings) ? (await scorer?.score([vector]))?.nearest.domain : undefined;
        const entry = { file: name, startSeconds, durationSeconds, ...(label && { label }), ...(domain && { domain }) };
        segments.push({ entry, vector });
      }
    }
  }
  if (segments.length === bank.rows) {
    throw new InputError(
      `extend: none of ${results.length} recordings could be used; the first: ${failures[0]?.message ?? 'none was given'}`,
    );
  }
  const entries = labelAll(
    segments.map(({ entry }) => entry),
    settings.normalLabel,
  );
  const fitted = await fitDetector({
    encoder,
    signal,
    segments: segments.map(({ vector }, i) => ({ entry: entries[i], vector })),
    bands,
    settings,
    ...(frameStatistics && { frameStatistics }),
  });
  const { threshold } = detector;
  const grown = isThresholdByHand(detector) && threshold !== undefined ? withThreshold(fitted, { threshold }) : fitted;
  return { detector: grown, bytes: await writeDetector(grown), failures, warnings };
}
