// A moment of a recording as pictures show it: its spectrogram, its waveform, and what in it is unusual.
import type { Detector } from '../detection/detector.ts';
import { type DeviationMap, deviationMap } from '../detection/explain.ts';
import type { Encoder } from '../encoders/types.ts';
import type { Recording } from '../signal/recording.ts';
import { type Segment, segmentRecording } from '../signal/segments.ts';
import { peakEnvelope, pictureSpectrogram } from './picture.ts';
import type { ReportDetail } from './types.ts';

export type Moment = Required<Pick<ReportDetail, 'spectrogram' | 'waveform'>> & Pick<ReportDetail, 'deviation'>;

/**
 * The segment that begins nearest to `startSeconds`, of a prepared recording as the detector cuts it.
 * @throws InputError if there is no such channel
 */
export function segmentNear(
  prepared: Recording,
  { segmentSeconds, channel }: Pick<Detector['signal'], 'segmentSeconds' | 'channel'>,
  startSeconds: number,
): Segment {
  const away = (segment: Segment) => Math.abs(segment.startSeconds - startSeconds);
  return segmentRecording(prepared, segmentSeconds, channel).reduce((a, b) => (away(b) < away(a) ? b : a));
}

/** Where a piece of one channel leaves normal; undefined where encoder or detector know nothing over time. */
export async function pieceDeviation(
  piece: Recording,
  encoder: Encoder,
  { frameStatistics }: Pick<Detector, 'frameStatistics'>,
): Promise<DeviationMap | undefined> {
  if (!frameStatistics) return undefined;
  const { frames } = await encoder.embed(piece, { frames: true });
  return frames && deviationMap(frames, frameStatistics);
}

/** Pictures of a piece of one channel; with what is unusual in it where `map` is given. */
export const pictureMoment = (piece: Recording, map?: DeviationMap): Moment => ({
  spectrogram: pictureSpectrogram(piece.channels[0], piece.sampleRate),
  waveform: peakEnvelope(piece.channels[0], piece.unit),
  ...(map && { deviation: { frames: map.steps, bands: map.bands, values: map.values } }),
});
