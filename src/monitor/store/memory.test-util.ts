// A store and blobs in memory, for tests of what stands on them.
import { InputError } from '../../signal/errors.ts';
import type { AlarmState } from '../alarm/types.ts';
import type {
  ApiKey,
  Blobs,
  DeadLetter,
  DetectorVersion,
  Machine,
  Page,
  RecordingKey,
  Store,
  StoredAlarm,
  StoredLabel,
  StoredRecording,
  StoredScore,
} from './types.ts';

const within = (atMs: number, { fromMs = -Infinity, toMs = Infinity }: Page): boolean => atMs >= fromMs && atMs <= toMs;
const same = (a: RecordingKey, b: RecordingKey): boolean => a.machine === b.machine && a.hash === b.hash;
const cut = <T>(list: T[], { limit = 1000 }: Page): T[] => list.slice(0, limit);

/** Keeps to the contract of Store, in one process. */
export function createMemoryStore(): Store {
  let versions: DetectorVersion[] = [];
  const machines = new Map<string, Machine>();
  const states = new Map<string, { state: AlarmState; revision: number }>();
  let recordings: StoredRecording[] = [];
  let scores: StoredScore[] = [];
  const alarms: StoredAlarm[] = [];
  const labels: StoredLabel[] = [];
  const letters: DeadLetter[] = [];
  const keys: ApiKey[] = [];
  const here = (page: Page) => (one: { machine: string }) => page.machine === undefined || one.machine === page.machine;

  const currentOf = (name: string) => versions.find((one) => one.name === name && one.current);
  const isKnown: Store['isKnown'] = async (key, by) =>
    scores.some((s) => same(s, key) && (!by || (s.detector === by.name && s.version === by.version)));

  return {
    async addDetector(version) {
      const number = Math.max(0, ...versions.filter((v) => v.name === version.name).map((v) => v.version)) + 1;
      versions = versions.map((one) => (one.name === version.name ? { ...one, current: false } : one));
      const added = { ...version, version: number, current: true };
      versions.push(added);
      return added;
    },
    detectors: async () => versions.filter((one) => one.current),
    detectorVersions: async (name) => versions.filter((one) => one.name === name),
    detector: async (name, version) =>
      version === undefined ? currentOf(name) : versions.find((one) => one.name === name && one.version === version),
    async useVersion(name, version) {
      if (!versions.some((one) => one.name === name && one.version === version))
        throw new InputError(`useVersion: expected a version of ${name}, found no ${version}`);
      versions = versions.map((one) => (one.name === name ? { ...one, current: one.version === version } : one));
    },
    async removeDetector(name) {
      const gone = versions.filter((one) => one.name === name);
      versions = versions.filter((one) => one.name !== name);
      return gone.map(({ blob }) => blob);
    },

    async putMachine(machine) {
      machines.set(machine.name, machine);
    },
    machines: async () => [...machines.values()],
    machine: async (name) => machines.get(name),
    async removeMachine(name) {
      machines.delete(name);
      recordings = recordings.filter(({ machine }) => machine !== name);
      scores = scores.filter(({ machine }) => machine !== name);
    },

    alarmState: async (machine) => states.get(machine) ?? { revision: 0 },
    async record({ recording, scores: added, alarms: decided }) {
      const [first] = added;
      const stored = recordings.some((one) => same(one, recording));
      if (first ? await isKnown(recording, { name: first.detector, version: first.version }) : stored) return 'known';
      if (decided) {
        const { machine } = recording;
        if ((states.get(machine)?.revision ?? 0) !== decided.revision) return 'conflict';
        states.set(machine, { state: decided.state, revision: decided.revision + 1 });
        for (const { kind, change, atMs, sinceMs, reason } of decided.changes) {
          const open = alarms.find((one) => one.machine === machine && one.kind === kind && !one.clearedMs);
          if (change === 'cleared' && open) open.clearedMs = atMs;
          if (change === 'raised' && !open)
            alarms.push({ id: alarms.length + 1, machine, kind, raisedMs: atMs, sinceMs, reason });
        }
      }
      if (!stored) recordings.push(recording);
      scores.push(...added);
      return 'stored';
    },
    isKnown,

    recordings: async (page) =>
      cut(
        recordings
          .filter(here(page))
          .filter(({ startMs }) => within(startMs, page))
          .sort((a, b) => b.startMs - a.startMs),
        page,
      ),
    recording: async (key) => recordings.find((one) => same(one, key)),
    scores: async (page) => {
      const found = scores
        .filter(here(page))
        .filter(({ startMs, hash }) => within(startMs, page) && (page.hash === undefined || hash === page.hash))
        .sort((a, b) => a.startMs - b.startMs);
      return found.slice(Math.max(0, found.length - (page.limit ?? 1000)));
    },
    alarms: async (page) =>
      cut(
        alarms
          .filter(here(page))
          .filter((one) => page.open === undefined || page.open === (one.clearedMs === undefined))
          .reverse(),
        page,
      ),
    async acknowledge(id, by) {
      const found = alarms.find((one) => one.id === id);
      if (found) found.acknowledgedBy = by;
      return found !== undefined;
    },

    async addLabel(label) {
      const added = { ...label, id: labels.length + 1, undone: false };
      labels.push(added);
      return added;
    },
    labels: async (page) => cut(labels.filter(here(page)).reverse(), page),
    async undoLabel(id) {
      const found = labels.find((one) => one.id === id && !one.undone);
      if (found) found.undone = true;
      return found !== undefined;
    },

    async bury(letter) {
      letters.push({ ...letter, id: letters.length + 1 });
    },
    deadLetters: async (page) => cut(letters.filter(here(page)).reverse(), page),

    async addKey(key) {
      const added = { ...key, id: keys.length + 1 };
      keys.push(added);
      return added;
    },
    keys: async () => keys,
    keyByHash: async (hash) => keys.find((one) => one.hash === hash),
    async revokeKey(id) {
      const found = keys.find((one) => one.id === id && one.revokedMs === undefined);
      if (found) found.revokedMs = 1;
      return found !== undefined;
    },

    async expire({ beforeMs = -Infinity, scoresBeforeMs = -Infinity }) {
      const old = recordings.filter(({ startMs }) => startMs < beforeMs);
      recordings = recordings.filter((one) => !old.includes(one));
      scores = scores.filter(({ startMs }) => startMs >= scoresBeforeMs);
      return old.flatMap(({ blob }) => blob ?? []);
    },
    totals: async () => ({
      recordings: recordings.length,
      scores: scores.length,
      openAlarms: alarms.filter((one) => one.clearedMs === undefined).length,
      audioBytes: recordings.reduce((sum, { bytes }) => sum + bytes, 0),
      deadLetters: letters.length,
    }),
    ping: async () => {},
    close: async () => {},
  };
}

/** Copies on the way in and out: nobody changes what is kept. */
export function createMemoryBlobs(): Blobs & { keys(): string[] } {
  const kept = new Map<string, Uint8Array>();
  return {
    put: async (key, bytes) => void kept.set(key, bytes.slice()),
    get: async (key) => kept.get(key)?.slice(),
    remove: async (key) => void kept.delete(key),
    close: async () => {},
    keys: () => [...kept.keys()],
  };
}
