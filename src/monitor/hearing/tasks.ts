// What a thread of the pool is asked, and what it answers.
import type { withThreshold } from '../../detection/detector.ts';
import type { EmbedResult } from '../../encoders/embed-file.node.ts';
import type { Heard } from '../types.ts';
import type { ArchiveAnswer, ArchiveJob } from './archive-job.ts';
import type { SharedDetector, Sound } from './sound.ts';
import type { DetectorDescription, FitJob, FitOutcome, HearJob, MomentPicture } from './types.ts';

/** How a detector to be fitted hears. */
export type FitPlan = Pick<FitJob, 'encoder' | 'segmentSeconds' | 'channel' | 'sampleRate' | 'settings'>;

export type ThresholdChange = Parameters<typeof withThreshold>[1];

/** Rate and length of what a file holds. */
export type Inspection = { sampleRate: number; durationSeconds: number; recordings: number };

export type Task =
  | ({ kind: 'hear'; detector: SharedDetector } & Omit<HearJob, 'detector'>)
  | { kind: 'embed'; sound: Sound; name: string; as: { plan: FitPlan } | { detector: SharedDetector } }
  | { kind: 'fit'; plan: FitPlan; results: EmbedResult[]; labels?: readonly (string | undefined)[] }
  | {
      kind: 'extend';
      detector: SharedDetector;
      results: EmbedResult[];
      labels: readonly (string | undefined)[];
    }
  | { kind: 'picture'; sound: Sound; detector?: SharedDetector; atSeconds: number }
  | { kind: 'inspect'; sound: Sound }
  | { kind: 'playable'; sound: Sound }
  | ({ kind: 'archive' } & ArchiveJob)
  | { kind: 'describe'; detector: SharedDetector; change?: ThresholdChange };

/** Answer to each kind of task. */
export type Answers = {
  hear: Heard[];
  embed: EmbedResult;
  fit: FitOutcome;
  extend: FitOutcome;
  picture: MomentPicture;
  inspect: Inspection;
  playable: Uint8Array;
  describe: DetectorDescription;
  archive: ArchiveAnswer;
};

export type ThreadSettings = {
  /** Where weights are looked for that detectors know by the name of a file. */
  folder: string;
  /** Whether detectors and fits may name weights anywhere on this machine. */
  anywhere: boolean;
  /** What detectors may take of the memory of one thread. */
  detectorBytes: number;
};
