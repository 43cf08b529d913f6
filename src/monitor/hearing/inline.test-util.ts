// A pool without threads, for tests of what stands on it: it hears on the thread that asks, with spectral encoders.
import { readFile } from 'node:fs/promises';
import { type BankSegment, type Detector, fitDetector, withThreshold } from '../../detection/detector.ts';
import { readDetector, writeDetector } from '../../detection/detector-file.ts';
import { createScorer } from '../../detection/score.ts';
import { embedRecording } from '../../encoders/embed-recording.ts';
import { identifyEncoder, loadEncoder } from '../../encoders/load.node.ts';
import type { Encoder } from '../../encoders/types.ts';
import { inputMessage } from '../../signal/errors.ts';
import { readRecordings } from '../../signal/readers/index.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { duration, type Recording } from '../../signal/recording.ts';
import { hearArchive } from './archive.node.ts';
import { createPrepared } from './prepared.node.ts';
import type { DetectorDescription, FitOutcome, HearingPool, Sound } from './types.ts';

async function recordingsOf(sound: Sound): Promise<Recording[]> {
  if (sound.kind === 'recording') return [sound.recording];
  const bytes = sound.kind === 'bytes' ? sound.bytes : new Uint8Array(await readFile(sound.path));
  return readRecordings(bytes, { ...sound.read, name: sound.kind === 'bytes' ? sound.name : 'file' });
}

/** What the pool says of a detector file. */
export async function describeDetector(detector: Detector, bytes: Uint8Array): Promise<DetectorDescription> {
  return {
    bytes,
    encoder: detector.encoder.id,
    fingerprint: detector.encoder.fingerprint,
    sampleRate: detector.signal.sampleRate,
    threshold: detector.threshold,
    falseAlarmRate: detector.settings.falseAlarmRate,
    segments: detector.entries.length,
    labels: [...new Set(detector.entries.flatMap(({ label }) => label ?? []))].sort(),
    calibration: detector.calibration?.scores,
  };
}

export function createInlinePool(): HearingPool {
  const prepared = createPrepared({ folder: '.', anywhere: true, detectorBytes: 2 ** 26 });
  const encoders = new Map<string, Promise<Encoder>>();
  const encoderOf = (id: string): Promise<Encoder> => {
    const found = encoders.get(id) ?? loadEncoder({ encoder: id });
    encoders.set(id, found);
    return found;
  };
  const outcome = async (detector: Detector, failures: FitOutcome['failures']): Promise<FitOutcome> => ({
    detector,
    bytes: await writeDetector(detector),
    failures,
    warnings: [],
  });

  return {
    async hear({ sound, detector: { bytes }, startMs }) {
      const detector = await readDetector(bytes, 'detector');
      const scorer = createScorer(detector);
      const heard = [];
      for (const recording of await recordingsOf(sound)) {
        const embedded = await embedRecording(await encoderOf(detector.encoder.id), recording, detector.signal);
        const verdict = await scorer.score(embedded.segments.map(({ vector }) => vector));
        heard.push({
          startMs,
          durationSeconds: embedded.durationSeconds,
          sampleRate: recording.sampleRate,
          constant: embedded.constant,
          score: verdict.score,
          pValue: verdict.pValue,
          threshold: detector.threshold ?? Number.NaN,
          anomalous: verdict.anomalous,
          bands: verdict.bands,
          places: [],
          nearest: verdict.nearest,
        });
      }
      return heard;
    },
    async fit({ sounds, names, labels, encoder, segmentSeconds, channel, settings }, onProgress) {
      const segments: BankSegment[] = [];
      const failures: FitOutcome['failures'] = [];
      let shown: Awaited<ReturnType<typeof embedRecording>> | undefined;
      for (const [i, sound] of sounds.entries()) {
        try {
          for (const recording of await recordingsOf(sound)) {
            shown = await embedRecording(await encoderOf(encoder), recording, { segmentSeconds, channel });
            for (const { startSeconds, durationSeconds, vector } of shown.segments) {
              const label = labels && (labels[i] ?? 'normal');
              const entry = { file: names[i], startSeconds, durationSeconds, label };
              segments.push({ entry, vector });
            }
          }
        } catch (error) {
          failures.push({ file: names[i], message: inputMessage(error) });
        }
        onProgress?.(i + 1, sounds.length);
      }
      const detector = await fitDetector({
        encoder: await identifyEncoder({ encoder }),
        signal: { sampleRate: shown?.sampleRate ?? 1, channel, segmentSeconds },
        segments,
        bands: shown?.bands ?? [],
        settings,
      });
      return outcome(detector, failures);
    },
    async extend(bytes, sounds) {
      const before = await readDetector(bytes, 'detector');
      const { encoder, signal, settings, bands, bank } = before;
      const segments: BankSegment[] = before.entries.map((entry, i) => ({
        entry,
        vector: bank.values.slice(i * bank.columns, (i + 1) * bank.columns),
      }));
      for (const { sound, name, label } of sounds) {
        for (const recording of await recordingsOf(sound)) {
          const embedded = await embedRecording(await encoderOf(encoder.id), recording, signal);
          for (const { startSeconds, durationSeconds, vector } of embedded.segments)
            segments.push({ entry: { file: name, startSeconds, durationSeconds, label }, vector });
        }
      }
      return outcome(await fitDetector({ encoder, signal, settings, bands, segments }), []);
    },
    async picture(sound) {
      const [recording] = await recordingsOf(sound);
      return {
        durationSeconds: duration(recording),
        sampleRate: recording.sampleRate,
        spectrogram: { frames: 1, bins: 2, maxHz: 1, values: Uint8Array.of(1, 2), dbRange: [-80, 0] },
        waveform: { min: Float32Array.of(-1), max: Float32Array.of(1), unit: '' },
      };
    },
    async inspect(sound) {
      const recordings = await recordingsOf(sound);
      const durationSeconds = recordings.reduce((sum, one) => sum + duration(one), 0);
      return { sampleRate: recordings[0].sampleRate, durationSeconds, recordings: recordings.length };
    },
    playable: async (sound) => writeWav((await recordingsOf(sound))[0], { bits: 16 }),
    async describe(bytes, change) {
      const detector = await readDetector(bytes, 'detector');
      if (!change) return describeDetector(detector, bytes);
      const changed = withThreshold(detector, change);
      return describeDetector(changed, await writeDetector(changed));
    },
    archive: (job) => hearArchive(job, prepared),
    load: () => ({ waiting: 0, running: 0, threads: 1 }),
    async close() {
      for (const encoder of encoders.values()) await (await encoder).release();
    },
  };
}
