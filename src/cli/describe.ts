// Sentences about a detector.
import { thresholdBasis } from '../detection/calibration.ts';
import type { Detector } from '../detection/detector.ts';

/** One sentence on what the detector can promise. */
export function describeCalibration({ calibration, threshold, settings }: Detector): string {
  if (!calibration || threshold === undefined) return 'no normal recordings: faults can be named, not detected';
  const { length } = calibration.scores;
  const basis =
    thresholdBasis(calibration, settings.falseAlarmRate) === 'distribution-free'
      ? `by ranks of ${length} normal scores`
      : `by a Student t tail over ${length} normal scores (${Math.ceil(1 / settings.falseAlarmRate) - 1} or more would do without a model)`;
  return `alarm at a score of ${threshold.toPrecision(4)} (1 is usual), false-alarm rate ${settings.falseAlarmRate}, ${basis}`;
}
