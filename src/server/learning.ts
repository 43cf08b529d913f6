// What a detector learns from labels, and forgets when they are taken back: always a new version, nothing is lost.
import type { HearingPool } from '../monitor/hearing/types.ts';
import type { Blobs, DetectorVersion, Store, StoredLabel } from '../monitor/store/types.ts';
import { InputError } from '../signal/errors.ts';
import type { Detectors, Revision } from './detectors.ts';
import type { JobResult } from './jobs.ts';

export type Learning = {
  /** The recording of a label joins the bank of the detector's version in use. @throws InputError where its sound is gone */
  learn(label: StoredLabel, detector: string): Promise<JobResult>;
  /**
   * The version before the label was learned, with all labels that were learned with it or since and still stand. Nothing
   * where the version in use was not made from the one that learned it.
   */
  forget(label: StoredLabel, detector: string): Promise<JobResult>;
};

export type LearningParts = {
  store: Store;
  blobs: Blobs;
  pool: Pick<HearingPool, 'extend' | 'describe'>;
  detectors: Detectors;
};

/** Labels that are looked through for those that were learned since. */
const SEARCHED = 10_000;

export function createLearning({ store, blobs, pool, detectors }: LearningParts): Learning {
  const additionOf = async ({ machine, hash, label }: StoredLabel) => {
    const recording = await store.recording({ machine, hash });
    const bytes = recording?.blob === undefined ? undefined : await blobs.get(recording.blob);
    if (!recording || !bytes) throw new InputError(`learn: the sound of recording ${hash} is no longer kept`);
    const { name, sampleRate, variable } = recording;
    const sound = { kind: 'bytes' as const, bytes, name, read: { sampleRate, variable } };
    return { sound, name, ...(label !== 'normal' && { label }) };
  };

  /** `base` with the recordings of labels. */
  const extended = async (
    base: DetectorVersion,
    labels: readonly StoredLabel[],
    origin: Revision['origin'],
  ): Promise<Revision & { warnings: string[]; failures: JobResult['failures'] }> => {
    const bytes = await detectors.file(base);
    if (labels.length === 0) return { bytes, origin, warnings: [], failures: [] };
    const additions = [];
    for (const label of labels) additions.push(await additionOf(label));
    const { bytes: grown, warnings, failures } = await pool.extend(bytes, additions);
    const recordings = labels.map(({ machine, hash }) => ({ machine, hash }));
    return { bytes: grown, origin, learned: { recordings, labels: labels.map(({ id }) => id) }, warnings, failures };
  };

  /** Whether `version` is among those that `from` was made of. */
  const isMadeOf = async (from: DetectorVersion, version: number): Promise<boolean> => {
    let at: DetectorVersion | undefined = from;
    while (at && at.version > version)
      at = at.parent === undefined ? undefined : await store.detector(at.name, at.parent);
    return at?.version === version;
  };

  /** Labels that this detector has learned with a version or since, in that order, and that still stand. */
  const learnedFrom = async (name: string, version: number): Promise<StoredLabel[]> => {
    const found: StoredLabel[] = [];
    for (const machine of await store.machineNames(name)) {
      const labels = await store.labels({ machine, limit: SEARCHED });
      found.push(
        ...labels.filter((one) => !one.undone && (one.version ?? 0) >= version && (one.detector ?? name) === name),
      );
    }
    return found.sort((a, b) => a.createdMs - b.createdMs || a.id - b.id);
  };

  return {
    async learn(label, name) {
      let warnings: string[] = [];
      let failures: JobResult['failures'];
      const detector = await detectors.revise(name, async (base) => {
        const now = await store.label(label.id);
        if (!now || now.undone) return undefined;
        const note = `${label.by} called a recording of ${label.machine} ${label.label}`;
        const revision = await extended(base, [label], { origin: 'feedback', parent: base.version, note });
        ({ warnings, failures } = revision);
        return revision;
      });
      return detector ? { detector, warnings, failures } : { warnings: ['the label was taken back before'] };
    },

    async forget(label, name) {
      let warnings: string[] = [];
      let failures: JobResult['failures'];
      const detector = await detectors.revise(name, async (current) => {
        const learnedIn = (await store.label(label.id))?.version ?? label.version;
        if (learnedIn === undefined) throw new InputError(`forget: label ${label.id} was not learned by a detector`);
        const { parent } = await detectors.version(name, learnedIn);
        if (parent === undefined) throw new InputError(`forget: version ${learnedIn} of ${name} has none before it`);
        if (!(await isMadeOf(current, learnedIn))) {
          warnings = [`version ${current.version}, which is in use, was not made from version ${learnedIn}`];
          return undefined;
        }
        const note = `${label.by} took back that a recording of ${label.machine} is ${label.label}`;
        const base = await detectors.version(name, parent);
        const others = (await learnedFrom(name, learnedIn)).filter(({ id }) => id !== label.id);
        const revision = await extended(base, others, { origin: 'undo', parent: base.version, note });
        ({ warnings, failures } = revision);
        // A rate, or a threshold, that was chosen since is none of the label's.
        const { falseAlarmRate, threshold, byHand } = await detectors.describe(current);
        const change = byHand && threshold !== undefined ? { threshold } : { falseAlarmRate };
        const described = await pool.describe(revision.bytes, change);
        return { ...revision, bytes: described.bytes, described };
      });
      return { ...(detector && { detector }), warnings, failures };
    },
  };
}
