// From embedded recordings to a detector: which of them fit together, their labels, and what the user should know.
import type { EmbedResult, Failure } from '../encoders/embed-file.node.ts';
import type { EmbeddedRecording, Preparation } from '../encoders/embed-recording.ts';
import { type FrameSums, mergeFrameSums } from '../encoders/frame-sums.ts';
import type { Band } from '../encoders/types.ts';
import { InputError } from '../signal/errors.ts';
import type { ChannelChoice } from '../signal/segments.ts';
import {
  type BankSegment,
  type Detector,
  type DetectorSettings,
  defaultSettings,
  fitDetector,
  isNormal,
} from './detector.ts';
import { frameStatistics } from './explain.ts';
import type { Naming } from './labels.node.ts';

/** A detector remembers its channel as one choice. */
export type FitPreparation = Preparation & { channel: ChannelChoice };

export type FitRecordingsOptions = {
  encoder: Detector['encoder'];
  preparation: FitPreparation;
  settings: Partial<DetectorSettings>;
  /** By the path of the result. */
  labels?: Naming;
  domains?: Naming;
};

export type FitReport = {
  detector: Detector;
  failures: Failure[];
  /** Things the user should know: several channels, constant recordings left out … */
  warnings: string[];
};

type Kept = { path: string; recording: EmbeddedRecording };

/** The rate of most recordings; the others become failures, each with its own rate. */
function oneRate(kept: readonly Kept[], failures: Failure[]): Kept[] {
  const counts = new Map<number, number>();
  for (const { recording } of kept) counts.set(recording.sampleRate, (counts.get(recording.sampleRate) ?? 0) + 1);
  const [usual] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
  for (const { recording } of kept) {
    if (recording.sampleRate === usual) continue;
    failures.push({
      file: recording.name,
      message: `${recording.name}: sampled at ${recording.sampleRate} Hz, while ${counts.get(usual)} of ${kept.length} recordings have ${usual} Hz; bring it to that rate with --resample ${usual}, or fit it apart`,
    });
  }
  return kept.filter(({ recording }) => recording.sampleRate === usual);
}

/** Recordings of the commonest width (number of channels with `--channel all`). */
function oneWidth(kept: readonly Kept[], failures: Failure[]): Kept[] {
  const widthOf = ({ recording }: Kept): number => recording.segments[0].vector.length;
  const counts = new Map<number, Kept[]>();
  for (const one of kept) counts.set(widthOf(one), [...(counts.get(widthOf(one)) ?? []), one]);
  const [usual] = [...counts.values()].sort((a, b) => b.length - a.length);
  for (const { recording } of kept.filter((one) => widthOf(one) !== widthOf(usual[0]))) {
    failures.push({
      file: recording.name,
      message: `${recording.name}: has ${recording.channelCount} channels, ${usual[0].recording.name} has ${usual[0].recording.channelCount}; choose one with --channel`,
    });
  }
  return usual;
}

function warningsFor(kept: readonly Kept[], constant: readonly string[], preparation: Preparation): string[] {
  const warnings = constant.map((name) => `${name}: every sample is the same (silence, or a dead sensor); left out`);
  const several = kept.filter(({ recording }) => recording.channelCount > 1).length;
  if (several > 0 && typeof preparation.channel === 'number') {
    warnings.push(
      `${several} recordings have several channels; channel ${preparation.channel + 1} is used (--channel N, mean or all)`,
    );
  }
  return warnings;
}

/**
 * Fits a detector to the recordings of `results`, embedded with `detail: 'sums'`. Those that cannot be used are reported,
 * and the rest is fitted.
 * @throws InputError if too few are left, or files lack a label where labels were asked for.
 */
export async function fitRecordings(
  results: readonly EmbedResult[],
  { encoder, preparation, settings, labels, domains }: FitRecordingsOptions,
): Promise<FitReport> {
  const failures = results.flatMap((result) => result.failures);
  const all = results.flatMap(({ path, recordings }) => recordings.map((recording): Kept => ({ path, recording })));
  const constant = all.filter(({ recording }) => recording.constant).map(({ recording }) => recording.name);
  let kept = all.filter(({ recording }) => !recording.constant);
  if (kept.length === 0) {
    const reason = failures[0]?.message ?? `${constant[0]}: every sample is the same (silence, or a dead sensor)`;
    throw new InputError(`fit: none of ${results.length} files could be used; the first: ${reason}`);
  }
  kept = oneWidth(oneRate(kept, failures), failures);
  const segments: BankSegment[] = [];
  let sums: FrameSums | undefined;
  for (const { path, recording } of kept) {
    const label = labels?.(path);
    if (labels && label === undefined) {
      failures.push({
        file: recording.name,
        message: `${recording.name}: has no label; add it to the table of labels`,
      });
      continue;
    }
    const domain = domains?.(path);
    if (domains && domain === undefined) {
      failures.push({
        file: recording.name,
        message: `${recording.name}: has no operating condition; add it to the table of --domains`,
      });
      continue;
    }
    if (isNormal({ label }, { ...defaultSettings, ...settings })) sums = mergeFrameSums(sums, recording.frameSums);
    for (const { startSeconds, durationSeconds, vector } of recording.segments) {
      const entry = {
        file: recording.name,
        startSeconds,
        durationSeconds,
        ...(label && { label }),
        ...(domain && { domain }),
      };
      segments.push({ entry, vector });
    }
  }
  const bands: Band[] = kept[0].recording.bands;
  const detector = await fitDetector({
    encoder,
    signal: {
      sampleRate: kept[0].recording.sampleRate,
      channel: preparation.channel,
      segmentSeconds: preparation.segmentSeconds,
    },
    segments,
    bands,
    settings,
    ...(sums && { frameStatistics: frameStatistics(sums) }),
  });
  return { detector, failures, warnings: warningsFor(kept, constant, preparation) };
}
