// What a file is, without hearing it: a recording, one that browsers play, a detector.
import { type Detector, withThreshold } from '../../detection/detector.ts';
import { writeDetector } from '../../detection/detector-file.ts';
import { isThresholdByHand } from '../../detection/score.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { duration, type Recording } from '../../signal/recording.ts';
import { resample } from '../../signal/resample.ts';
import type { Inspection, ThresholdChange } from './tasks.ts';
import type { DetectorDescription } from './types.ts';

/** Rate and length of all recordings of a file together. */
export const inspect = (recordings: readonly Recording[]): Inspection => ({
  sampleRate: recordings[0].sampleRate,
  durationSeconds: recordings.reduce((sum, one) => sum + duration(one), 0),
  recordings: recordings.length,
});

const MOST_CHANNELS = 2;
/** Rates that all browsers play, in Hz. */
const [LOWEST_RATE, HIGHEST_RATE] = [3000, 48_000];

/**
 * A WAV file of 16 bits of the first recording: at most two channels, 3 to 48 kHz, each without its mean, and as loud as
 * full scale allows where the samples are no audio (volts, g) and exceed it.
 */
export function playable([recording]: readonly Recording[]): Uint8Array {
  const { sampleRate, name } = recording;
  const rate = Math.round(Math.min(HIGHEST_RATE, Math.max(LOWEST_RATE, sampleRate)));
  const channels = recording.channels.slice(0, MOST_CHANNELS).map((samples) => {
    const finite = samples.map((value) => (Number.isFinite(value) ? value : 0));
    const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
    const centred = finite.map((value) => value - mean);
    return rate === sampleRate ? centred : resample(centred, sampleRate, rate);
  });
  const peak = channels.reduce((most, samples) => samples.reduce((a, value) => Math.max(a, Math.abs(value)), most), 0);
  const gain = peak > 1 ? 1 / peak : 1;
  return writeWav(
    { channels: channels.map((samples) => samples.map((value) => value * gain)), sampleRate: rate, name },
    { bits: 16 },
  );
}

/**
 * What a detector file is; with another threshold, where a change is asked for.
 * @throws InputError as `withThreshold`
 */
export async function describe(
  given: Detector,
  bytes: Uint8Array,
  change: ThresholdChange | undefined,
): Promise<DetectorDescription> {
  const detector = change ? withThreshold(given, change) : given;
  return {
    bytes: change ? await writeDetector(detector) : bytes,
    encoder: detector.encoder.id,
    fingerprint: detector.encoder.fingerprint,
    sampleRate: detector.signal.sampleRate,
    ...(detector.threshold !== undefined && { threshold: detector.threshold }),
    byHand: isThresholdByHand(detector),
    falseAlarmRate: detector.settings.falseAlarmRate,
    segments: detector.entries.length,
    labels: [...new Set(detector.entries.flatMap(({ label }) => label ?? []))].sort(),
    ...(detector.calibration && { calibration: detector.calibration.scores }),
  };
}
