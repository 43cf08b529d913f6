// After a fit: scores of recordings that have none yet, so that what a machine has sounded like so far is to be seen.
import type { HearingPool } from '../monitor/hearing/types.ts';
import type { Blobs, DetectorVersion, Store, StoredRecording, StoredScore } from '../monitor/store/types.ts';
import { InputError } from '../signal/errors.ts';
import type { Detectors } from './detectors.ts';
import { whenFree } from './fit.ts';
import type { JobResult, Progress } from './jobs.ts';

export type RescoreParts = {
  store: Store;
  blobs: Blobs;
  pool: Pick<HearingPool, 'hear'>;
  detectors: Pick<Detectors, 'file'>;
  maxSamples: number;
  isClosing(): boolean;
  onScores(scores: readonly StoredScore[]): void;
};

export type RescoreOrder = { machine: string; version: DetectorVersion; learned: ReadonlySet<string> };

/** More than the page shows at first; what lies further back can be sent again. */
const MOST = 1000;
const PAGE = 100;

/**
 * Scores the newest recordings of a machine that no version has scored, one at a time: what comes live goes before them.
 * Those in `learned` (hashes) are marked; the detector compares them with the others of its bank. No alarm is decided on:
 * this is the past. Ends where another version is used.
 */
export async function rescoreStored(parts: RescoreParts, order: RescoreOrder, progress: Progress): Promise<JobResult> {
  const { store, isClosing } = parts;
  const failures: NonNullable<JobResult['failures']> = [];
  const total = Math.min(MOST, (await store.machineStatus(order.machine, 0))?.recordings ?? 0);
  const file = await parts.detectors.file(order.version);
  let done = 0;
  let before: StoredRecording | undefined;
  while (done < total) {
    const page: StoredRecording[] = await store.recordings({ machine: order.machine, limit: PAGE, before });
    if (page.length === 0) break;
    for (const recording of page) {
      if (isClosing() || done === total || !(await isUsed(store, order))) return { failures };
      try {
        await scoreOne(parts, order, file, recording);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        failures.push({ file: recording.name, message: error.message });
      }
      progress(++done, total);
    }
    before = page.at(-1);
  }
  return { failures };
}

async function isUsed(store: Store, { machine, version }: RescoreOrder): Promise<boolean> {
  const detector = (await store.machine(machine))?.detector;
  return detector === version.name && (await store.detector(detector))?.version === version.version;
}

async function scoreOne(
  parts: RescoreParts,
  order: RescoreOrder,
  file: Uint8Array,
  recording: StoredRecording,
): Promise<void> {
  const { store, blobs, pool, maxSamples } = parts;
  const { version, learned } = order;
  const { machine, hash, name, startMs, sampleRate, variable, blob } = recording;
  if (blob === undefined || (await store.isKnown(recording))) return;
  const bytes = await blobs.get(blob);
  if (!bytes) return;
  const detector = { key: version.blob, bytes: file };
  const sound = { kind: 'bytes' as const, bytes, name, read: { sampleRate, variable, maxSamples } };
  const heard = await whenFree(() => pool.hear({ sound, detector, startMs }));
  const scores = heard.map(
    (one, index): StoredScore => ({
      ...{ ...one, machine, hash, index, detector: version.name, version: version.version },
      ...(learned.has(hash) && { learned: true as const }),
    }),
  );
  if ((await store.record({ recording, scores })) === 'stored') parts.onScores(scores);
}
