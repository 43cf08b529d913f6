// Detectors of the static page, in versions that never change.
import type { Detector } from '../../../src/detection/detector.ts';
import { readDetector, writeDetector } from '../../../src/detection/detector-file.ts';
import { InputError } from '../../../src/signal/errors.ts';
import type { ApiDetector } from '../backend/api.ts';

type Version = { about: ApiDetector; detector: Detector; bytes: Uint8Array<ArrayBuffer> };

export type Origin = { origin: ApiDetector['origin']; note: string; parent?: number };

export const createVersions = () => {
  const byName = new Map<string, Version[]>();
  const versionsOf = (name: string): Version[] => {
    const versions = byName.get(name);
    if (!versions) throw new InputError(`there is no detector named ${name}; fit one first`);
    return versions;
  };
  const current = (name: string): Version => versionsOf(name).find(({ about }) => about.current) as Version;
  const at = (name: string, version: number): Version => {
    const found = versionsOf(name).find(({ about }) => about.version === version);
    if (!found) throw new InputError(`detector ${name} has no version ${version}`);
    return found;
  };
  const use = (name: string, version: number): Version => {
    const chosen = at(name, version);
    for (const one of versionsOf(name)) one.about = { ...one.about, current: one === chosen };
    return chosen;
  };
  return {
    at,
    has: (name: string): boolean => byName.has(name),
    current,
    use,
    async add(name: string, fitted: Detector, { origin, note, parent }: Origin): Promise<Version> {
      const bytes = Uint8Array.from(await writeDetector(fitted));
      // What is scored with is what is downloaded.
      const detector = await readDetector(bytes, name);
      const before = byName.get(name) ?? [];
      const about: ApiDetector = {
        name,
        version: before.length + 1,
        createdMs: Date.now(),
        ...(parent !== undefined && { parent }),
        origin,
        note,
        bytes: bytes.length,
        encoder: detector.encoder.id,
        fingerprint: detector.encoder.fingerprint,
        sampleRate: detector.signal.sampleRate,
        ...(detector.threshold !== undefined && { threshold: detector.threshold }),
        falseAlarmRate: detector.settings.falseAlarmRate,
        segments: detector.entries.length,
        labels: [...new Set(detector.entries.flatMap(({ label }) => (label === undefined ? [] : [label])))],
        current: false,
      };
      byName.set(name, [...before, { about, detector, bytes }]);
      return use(name, about.version);
    },
    list: (name: string): ApiDetector[] =>
      versionsOf(name)
        .map(({ about }) => about)
        .reverse(),
    file(name: string, version?: number): Blob {
      const { bytes } = version === undefined ? current(name) : at(name, version);
      return new Blob([bytes], { type: 'application/octet-stream' });
    },
  };
};
