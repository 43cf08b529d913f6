// Versions of detectors: files in the blobs, their descriptions in the store.
import type { DetectorDescription, HearingPool } from '../monitor/hearing/types.ts';
import { hashBytes } from '../monitor/ingest.ts';
import { createLanes } from '../monitor/lanes.ts';
import type { Blobs, DetectorVersion, NewVersion, RecordingKey, Store } from '../monitor/store/types.ts';
import { HttpError, notFound } from './http-error.ts';

export type VersionOrigin = Pick<DetectorVersion, 'origin' | 'parent' | 'note'>;

/** Stored recordings in a bank, whose sound is kept as long as it, and ids of labels that it has learned. */
export type Learned = { recordings?: readonly RecordingKey[]; labels?: readonly number[] };

/** A file that was made from a version in use, described where that was done on the way. */
export type Revision = {
  bytes: Uint8Array;
  described?: DetectorDescription;
  origin: VersionOrigin;
  learned?: Learned;
};

export type Detectors = {
  /** @throws HttpError 404 */
  version(name: string, version?: number): Promise<DetectorVersion>;
  /** The detector file of a version. @throws HttpError 404 */
  file(version: DetectorVersion): Promise<Uint8Array>;
  /**
   * Stores a file as the newest version, and as the one in use where `use` does not say otherwise. @throws InputError where it is no detector
   */
  add(
    name: string,
    bytes: Uint8Array,
    origin: VersionOrigin,
    learned?: Learned,
    use?: boolean,
  ): Promise<DetectorVersion>;
  /**
   * Makes a new version from the one in use: `make` is given that, and again the next one where another was quicker
   * meanwhile, here or in another process. It may find that there is nothing to do, and return undefined.
   * @throws HttpError 404, 503 where others are quicker again and again
   */
  revise(
    name: string,
    make: (base: DetectorVersion) => Promise<Revision | undefined>,
  ): Promise<DetectorVersion | undefined>;
  /** A new version with another threshold. @throws InputError for a detector without normal recordings */
  withThreshold(name: string, change: { threshold: number } | { falseAlarmRate: number }): Promise<DetectorVersion>;
  describe(version: DetectorVersion): Promise<DetectorDescription>;
  remove(name: string): Promise<void>;
};

export type DetectorsParts = {
  store: Store;
  blobs: Blobs;
  pool: Pick<HearingPool, 'describe'>;
  now?(): number;
};

/** Each of the others wins once. */
const CONFLICTS = 20;

export function createDetectors({ store, blobs, pool, now = Date.now }: DetectorsParts): Detectors {
  const version: Detectors['version'] = async (name, number) => {
    const found = await store.detector(name, number);
    if (!found) throw notFound(number === undefined ? `detector ${name}` : `version ${number} of detector ${name}`);
    return found;
  };
  const file: Detectors['file'] = async ({ name, version, blob }) => {
    const bytes = await blobs.get(blob);
    if (!bytes) throw notFound(`file of version ${version} of detector ${name}`);
    return bytes;
  };
  const lanes = createLanes();
  /** Its file is kept; the row is to be added. */
  const prepare = async (
    name: string,
    described: DetectorDescription,
    origin: VersionOrigin,
    learned: Learned = {},
  ): Promise<NewVersion> => {
    const { bytes, calibration: _, byHand: __, ...rest } = described;
    const blob = `detectors/${name}/${await hashBytes(bytes)}.thrum`;
    await blobs.put(blob, bytes);
    return {
      ...rest,
      ...origin,
      name,
      blob,
      bytes: bytes.length,
      createdMs: now(),
      learned: learned.recordings,
      learnedLabels: learned.labels,
    };
  };
  const revise: Detectors['revise'] = (name, make) =>
    lanes(name, async () => {
      for (let attempt = 0; attempt < CONFLICTS; attempt++) {
        const base = await version(name);
        const revision = await make(base);
        if (!revision) return undefined;
        const described = revision.described ?? (await pool.describe(revision.bytes));
        const added = await prepare(name, described, revision.origin, revision.learned);
        const outcome = await store.addDetectorOn(base.version, added);
        if (outcome !== 'conflict') return outcome;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * (attempt + 1)));
      }
      throw new HttpError(503, `detector ${name} was changed by others again and again; try it later`);
    });
  return {
    version,
    file,
    revise,
    add: async (name, bytes, origin, learned, use = true) =>
      store.addDetector({ ...(await prepare(name, await pool.describe(bytes), origin, learned)), use }),
    async withThreshold(name, change) {
      const what =
        'threshold' in change ? `threshold ${change.threshold}` : `false-alarm rate ${change.falseAlarmRate}`;
      const added = await revise(name, async (base) => {
        const described = await pool.describe(await file(base), change);
        return { ...described, described, origin: { origin: 'threshold', parent: base.version, note: what } };
      });
      return added as DetectorVersion;
    },
    describe: async (found) => pool.describe(await file(found)),
    async remove(name) {
      await version(name);
      for (const blob of new Set(await store.removeDetector(name))) await blobs.remove(blob);
    },
  };
}
