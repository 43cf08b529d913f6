// What the static page's worker does with sounds: embed, fit, score, picture; over the same functions as the server's threads.
import type { Detector, DetectorSettings } from '../../../src/detection/detector.ts';
import { type FitReport, fitRecordings } from '../../../src/detection/fit-recordings.ts';
import type { EmbedResult } from '../../../src/encoders/embed-file.node.ts';
import { type EmbeddedRecording, embedRecording } from '../../../src/encoders/embed-recording.ts';
import type { Encoder } from '../../../src/encoders/types.ts';
import { extendDetector } from '../../../src/monitor/hearing/fit-sounds.ts';
import { hear as hearAll, prepareDetector } from '../../../src/monitor/hearing/hear.ts';
import type { Heard } from '../../../src/monitor/types.ts';
import { InputError } from '../../../src/signal/errors.ts';
import type { Recording } from '../../../src/signal/recording.ts';

/** A detector and the encoder that it was fitted with. */
export type Ready = { encoder: Encoder; detector: Detector };

/** What a detector says of a recording. @throws InputError if it does not fit the detector */
export async function hear({ encoder, detector }: Ready, recording: Recording, startMs: number): Promise<Heard> {
  const [heard] = await hearAll([recording], { startMs, resample: true }, prepareDetector(detector), encoder);
  return heard;
}

/** A file to learn from; no label is normal. */
export type Lesson = { name: string; label?: string; open(): Promise<Recording[]> };

export type FitOptions = {
  segmentSeconds: number | null;
  channel: number | 'mean' | 'all';
  settings: Partial<DetectorSettings>;
};

const messageOf = (error: unknown): string => {
  if (error instanceof InputError) return error.message;
  throw error;
};

/**
 * Fits a detector to files, one after the other in memory. What cannot be used is named, and the rest is fitted.
 * @param onFile called after each with how many are done
 * @throws InputError if too few are left
 */
export async function learnFrom(
  encoder: Encoder,
  lessons: readonly Lesson[],
  { segmentSeconds, channel, settings }: FitOptions,
  onFile: (done: number) => void,
): Promise<FitReport> {
  const results: EmbedResult[] = [];
  const preparation = { channel, segmentSeconds };
  for (const [i, lesson] of lessons.entries()) {
    // Names of files may repeat, their numbers do not.
    const result: EmbedResult = { path: String(i), recordings: [], failures: [] };
    try {
      for (const recording of await lesson.open()) {
        result.recordings.push(await embedRecording(encoder, recording, preparation, 'sums'));
      }
    } catch (error) {
      result.failures.push({ file: lesson.name, message: messageOf(error) });
    }
    results.push(result);
    onFile(i + 1);
  }
  const labelled = lessons.some(({ label }) => label !== undefined);
  const { id, fingerprint } = encoder;
  return fitRecordings(results, {
    encoder: { id, fingerprint },
    preparation,
    settings,
    ...(labelled && { labels: (i: string) => lessons[Number(i)].label ?? settings.normalLabel ?? 'normal' }),
  });
}

/** The same detector with one more file in its bank. @throws InputError if it does not fit */
export async function extend({ encoder, detector }: Ready, { name, label, open }: Lesson): Promise<Detector> {
  const recordings: EmbeddedRecording[] = [];
  for (const recording of await open()) {
    recordings.push(await embedRecording(encoder, recording, { ...detector.signal, resample: true }));
  }
  return (await extendDetector(prepareDetector(detector), [{ path: name, recordings, failures: [] }], [label]))
    .detector;
}
