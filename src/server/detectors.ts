// Versions of detectors: files in the blobs, their descriptions in the store.
import type { DetectorDescription, HearingPool } from '../monitor/hearing/types.ts';
import { hashBytes } from '../monitor/ingest.ts';
import type { Blobs, DetectorVersion, RecordingKey, Store } from '../monitor/store/types.ts';
import { notFound } from './http-error.ts';

export type VersionOrigin = Pick<DetectorVersion, 'origin' | 'parent' | 'note'>;

/** Stored recordings in a bank, whose sound is kept as long as it, and ids of labels that it has learned. */
export type Learned = { recordings?: readonly RecordingKey[]; labels?: readonly number[] };

export type Detectors = {
  /** @throws HttpError 404 */
  version(name: string, version?: number): Promise<DetectorVersion>;
  /** The detector file of a version. @throws HttpError 404 */
  file(version: DetectorVersion): Promise<Uint8Array>;
  /**
   * Stores a file as the newest version, and as the one in use. @throws InputError where it is no detector
   */
  add(name: string, bytes: Uint8Array, origin: VersionOrigin, learned?: Learned): Promise<DetectorVersion>;
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
  const keep = async (name: string, described: DetectorDescription, origin: VersionOrigin, learned: Learned = {}) => {
    const { bytes, calibration: _, ...rest } = described;
    const blob = `detectors/${name}/${await hashBytes(bytes)}.thrum`;
    await blobs.put(blob, bytes);
    return store.addDetector({
      ...rest,
      ...origin,
      name,
      blob,
      bytes: bytes.length,
      createdMs: now(),
      learned: learned.recordings,
      learnedLabels: learned.labels,
    });
  };
  return {
    version,
    file,
    add: async (name, bytes, origin, learned) => keep(name, await pool.describe(bytes), origin, learned),
    async withThreshold(name, change) {
      const before = await version(name);
      const described = await pool.describe(await file(before), change);
      const what =
        'threshold' in change ? `threshold ${change.threshold}` : `false-alarm rate ${change.falseAlarmRate}`;
      return keep(name, described, { origin: 'threshold', parent: before.version, note: what });
    },
    describe: async (found) => pool.describe(await file(found)),
    async remove(name) {
      await version(name);
      for (const blob of new Set(await store.removeDetector(name))) await blobs.remove(blob);
    },
  };
}
