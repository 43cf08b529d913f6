// Embedded recordings as rows of a table: one per segment, or one per step of time.
import type { EmbeddedRecording } from './embed-recording.ts';

/** The embedding of one stretch of a recording. */
export type EmbeddingRow = {
  /** `Recording.name`: the file, with `#record` behind it where one file holds several. */
  file: string;
  /** Hz. */
  sampleRate: number;
  /** Where the stretch begins and ends, in seconds. */
  start: number;
  end: number;
  vector: Float32Array;
};

/** One row per segment, or per step of time with `frames`: none then where the encoder has no features over time. */
export function embeddingRows(recording: EmbeddedRecording, frames: boolean): EmbeddingRow[] {
  const { name, sampleRate, segments } = recording;
  return segments.flatMap((segment): EmbeddingRow[] => {
    const { startSeconds: start, durationSeconds, vector } = segment;
    if (!frames) return [{ file: name, sampleRate, start, end: start + durationSeconds, vector }];
    if (!segment.frames) return [];
    const { values, count, width, starts, seconds } = segment.frames;
    return Array.from({ length: count }, (_, t) => ({
      file: name,
      sampleRate,
      start: start + starts[t],
      end: start + Math.min(durationSeconds, starts[t] + seconds),
      vector: values.slice(t * width, (t + 1) * width),
    }));
  });
}
