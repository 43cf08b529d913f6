// What a detector learns from labels, and forgets when they are taken back: always a new version, nothing is lost.
import type { HearingPool } from '../monitor/hearing/types.ts';
import type { Blobs, DetectorVersion, Store, StoredLabel } from '../monitor/store/types.ts';
import { InputError } from '../signal/errors.ts';
import type { Detectors } from './detectors.ts';
import type { JobResult } from './jobs.ts';

export type Learning = {
  /** The recording of a label joins the bank of the detector's version in use. @throws InputError where its sound is gone */
  learn(label: StoredLabel, detector: string): Promise<JobResult>;
  /** The version before the label was learned, with all labels that were learned since and still stand. */
  forget(label: StoredLabel, detector: string): Promise<JobResult>;
};

export type LearningParts = {
  store: Store;
  blobs: Blobs;
  pool: Pick<HearingPool, 'extend'>;
  detectors: Detectors;
};

/** Labels that are looked through for those that were learned since. */
const SEARCHED = 10_000;

export function createLearning({ store, blobs, pool, detectors }: LearningParts): Learning {
  const additionOf = async ({ machine, hash, label }: StoredLabel) => {
    const recording = await store.recording({ machine, hash });
    const bytes = recording?.blob === undefined ? undefined : await blobs.get(recording.blob);
    if (!recording || !bytes) throw new InputError(`learn: the sound of recording ${hash} is no longer kept`);
    const { name } = recording;
    const sound = { kind: 'bytes' as const, bytes, name, read: { sampleRate: recording.sampleRate } };
    return { sound, name, ...(label !== 'normal' && { label }) };
  };

  const extended = async (
    base: DetectorVersion,
    labels: readonly StoredLabel[],
    origin: Pick<DetectorVersion, 'origin' | 'parent' | 'note'>,
  ): Promise<JobResult> => {
    const bytes = await detectors.file(base);
    if (labels.length === 0) return { detector: await detectors.add(base.name, bytes, origin) };
    const additions = [];
    for (const label of labels) additions.push(await additionOf(label));
    const outcome = await pool.extend(bytes, additions);
    const detector = await detectors.add(base.name, outcome.bytes, origin, {
      recordings: labels.map(({ machine, hash }) => ({ machine, hash })),
      labels: labels.map(({ id }) => id),
    });
    return { detector, warnings: outcome.warnings, failures: outcome.failures };
  };

  return {
    async learn(label, name) {
      const base = await detectors.version(name);
      const note = `${label.by} called a recording of ${label.machine} ${label.label}`;
      return extended(base, [label], { origin: 'feedback', parent: base.version, note });
    },
    async forget(label, name) {
      const learnedIn = label.version;
      if (learnedIn === undefined) throw new InputError(`forget: label ${label.id} was not learned by a detector`);
      const { parent } = await detectors.version(name, learnedIn);
      if (parent === undefined) throw new InputError(`forget: version ${learnedIn} of ${name} has none before it`);
      const machines = (await store.machines()).filter(({ detector }) => detector === name).map((one) => one.name);
      const labels = await store.labels({ limit: SEARCHED });
      const since = labels
        .filter((one) => !one.undone && machines.includes(one.machine) && (one.version ?? 0) > learnedIn)
        .reverse();
      const note = `${label.by} took back that a recording of ${label.machine} is ${label.label}`;
      const current = await detectors.version(name);
      const base = await detectors.version(name, parent);
      return extended(base, since, { origin: 'undo', parent: current.version, note });
    },
  };
}
