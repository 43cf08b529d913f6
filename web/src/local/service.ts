// The static page's own small server, in a worker: the same questions as over HTTP, answered from memory.
import { type Detector, withThreshold } from '../../../src/detection/detector.ts';
import type { Encoder } from '../../../src/encoders/types.ts';
import { playable } from '../../../src/monitor/hearing/describe.ts';
import { picture } from '../../../src/monitor/hearing/hear.ts';
import { InputError } from '../../../src/signal/errors.ts';
import { readRecordings } from '../../../src/signal/readers/index.ts';
import { duration, type Recording } from '../../../src/signal/recording.ts';
import type { ApiDetector, ApiEvent, ApiJob, ApiScore } from '../backend/api.ts';
import { extend, hear, type Lesson, learnFrom, type Ready } from './hearing.ts';
import { alarmsOf, type LocalMachine, newMachine, replaceScores, statusOf } from './machine.ts';
import type { LocalService } from './messages.ts';
import { createVersions, type Origin } from './versions.ts';

const MOST_SCORES = 1000;
const NORMAL = 'normal';

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** @param emit what a server would send as events */
export function createLocalService(
  encoderOf: (name: string) => Promise<Encoder>,
  emit: (event: ApiEvent) => void,
): LocalService {
  const machines = new Map<string, LocalMachine>();
  const versions = createVersions();
  const jobs = new Map<string, ApiJob>();
  let lastId = 0;

  const machineOf = (name: string): LocalMachine => {
    const machine = machines.get(name);
    if (!machine) throw new InputError(`there is no machine named ${name}; drop its recordings first`);
    return machine;
  };
  const open = async (machine: LocalMachine, hash: string): Promise<Recording[]> => {
    const held = machine.held.get(hash);
    if (!held) throw new InputError(`machine ${machine.machine.name} has no such recording`);
    return readRecordings(new Uint8Array(await held.sound.arrayBuffer()), { name: held.recording.name });
  };
  const ready = async ({ machine: { detector: name } }: LocalMachine): Promise<Ready | undefined> => {
    if (name === undefined || !versions.has(name)) return undefined;
    const { detector } = versions.current(name);
    return { detector, encoder: await encoderOf(detector.encoder.id) };
  };
  const users = (detector: string): LocalMachine[] =>
    [...machines.values()].filter(({ machine }) => machine.detector === detector);

  /** Decides on alarms again, and tells how the machine is. */
  const decide = (machine: LocalMachine): void => {
    const before = machine.alarms;
    machine.alarms = alarmsOf(machine, () => ++lastId);
    const gone = before.filter(({ id }) => !machine.alarms.some((alarm) => alarm.id === id));
    for (const alarm of gone) emit({ type: 'alarm', data: { ...alarm, clearedMs: alarm.clearedMs ?? alarm.raisedMs } });
    for (const alarm of machine.alarms) {
      const same = before.find(({ id }) => id === alarm.id);
      if (!same || same.clearedMs !== alarm.clearedMs) emit({ type: 'alarm', data: { ...alarm } });
    }
    emit({ type: 'machine', data: statusOf(machine) });
  };
  /** Scores a file with the current version: one for each recording in it. */
  const score = async (machine: LocalMachine, hash: string): Promise<ApiScore[]> => {
    const able = await ready(machine);
    const held = machine.held.get(hash);
    if (!able?.detector.calibration || !held) return [];
    const { about } = versions.current(machine.machine.detector as string);
    const fresh: ApiScore[] = [];
    let atMs = held.recording.startMs;
    for (const [index, recording] of (await open(machine, hash)).entries()) {
      const heard = await hear(able, recording, Math.round(atMs));
      const by = { detector: about.name, version: about.version };
      fresh.push({ ...heard, machine: machine.machine.name, hash, index, ...by });
      atMs += 1000 * duration(recording);
    }
    machine.scores = replaceScores(machine.scores, hash, fresh);
    for (const data of fresh) emit({ type: 'score', data });
    return fresh;
  };
  /** Files that have a score get that of the version in use. */
  const scoreAgain = async (name: string): Promise<void> => {
    for (const machine of users(name)) {
      for (const hash of new Set(machine.scores.map((one) => one.hash))) {
        // What does not fit keeps what was said of it before.
        await score(machine, hash).catch(() => []);
      }
      decide(machine);
    }
  };
  const publish = async (name: string, detector: Detector, origin: Origin): Promise<ApiDetector> => {
    const { about } = await versions.add(name, detector, origin);
    await scoreAgain(name);
    return about;
  };

  const runFit = async (job: ApiJob, ...[name, request]: Parameters<LocalService['fit']>): Promise<void> => {
    const change = (next: Partial<ApiJob>): void => {
      Object.assign(job, next);
      emit({ type: 'job', data: { ...job } });
    };
    try {
      const machine = machineOf(request.machine);
      const hashes = request.hashes ?? [...machine.held.keys()];
      const lessons = hashes.map(
        (hash): Lesson => ({
          name: machine.held.get(hash)?.recording.name ?? hash,
          ...(request.labels?.[hash] !== undefined && { label: request.labels[hash] }),
          open: () => open(machine, hash),
        }),
      );
      change({ state: 'running', total: hashes.length });
      const { detector, failures, warnings } = await learnFrom(
        await encoderOf(request.encoder ?? 'thrum-1'),
        lessons,
        {
          segmentSeconds: request.segmentSeconds ?? null,
          channel: request.channel ?? 0,
          settings: { falseAlarmRate: request.falseAlarmRate ?? 0.01 },
        },
        (done) => change({ done }),
      );
      if (request.use ?? true) machine.machine = { ...machine.machine, detector: name };
      const about = await publish(name, detector, { origin: 'fitted', note: request.note ?? '' });
      change({ state: 'done', detector: about, failures, warnings });
    } catch (error) {
      change({ state: 'failed', error: (error as Error).message.replace(/\s+/g, ' ') });
    }
  };

  const lessonOf = (machine: LocalMachine, hash: string, label: string): Lesson => ({
    name: machine.held.get(hash)?.recording.name ?? hash,
    ...(label !== NORMAL && { label }),
    open: () => open(machine, hash),
  });
  /** A new version that knows one more recording. */
  const learn = async (machine: LocalMachine, hash: string, label: string): Promise<number | undefined> => {
    const able = await ready(machine);
    if (!able) return undefined;
    const { about } = versions.current(machine.machine.detector as string);
    const lesson = lessonOf(machine, hash, label);
    const note = `${lesson.name}: ${label}`;
    const made = await publish(about.name, await extend(able, lesson), {
      ...{ origin: 'feedback', note, parent: about.version },
    });
    return made.version;
  };
  /** A new version out of the one before a label, with the labels since that still hold. */
  const forget = async (machine: LocalMachine, learned: number, undone: string): Promise<void> => {
    const name = machine.machine.detector;
    if (name === undefined || !versions.has(name)) return;
    const { parent } = versions.at(name, learned).about;
    const able = await ready(machine);
    if (!able || parent === undefined) return;
    let { detector } = versions.at(name, parent);
    for (const { undone: gone, version = 0, hash, label } of machine.labels) {
      if (gone || version <= learned) continue;
      detector = await extend({ ...able, detector }, lessonOf(machine, hash, label));
    }
    const current = versions.current(name).about.version;
    await publish(name, detector, { origin: 'undo', note: `without “${undone}”`, parent: current });
  };

  return {
    machines: async () => [...machines.values()].map(statusOf),
    async putMachine(name, { detector, policy }) {
      const machine = machines.get(name) ?? newMachine(name);
      machines.set(name, machine);
      const { detector: before, ...rest } = machine.machine;
      const chosen = detector === null ? undefined : (detector ?? before);
      machine.machine = { ...rest, policy: { ...rest.policy, ...policy }, ...(chosen && { detector: chosen }) };
      decide(machine);
      return machine.machine;
    },
    async scores(machine, { fromMs, toMs = Number.POSITIVE_INFINITY, limit = MOST_SCORES }) {
      const found = machineOf(machine).scores.filter(
        ({ startMs }) => startMs >= (fromMs ?? Number.NEGATIVE_INFINITY) && startMs < toMs,
      );
      // As the server: from a time on, or else the newest.
      return fromMs === undefined ? found.slice(-limit) : found.slice(0, limit);
    },
    recordingOf: async ({ machine, hash }) => machineOf(machine).held.get(hash)?.recording,
    async upload(name, file, { startMs, score: wanted = true }) {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const all = await readRecordings(bytes, { name: file.name });
      const hash = hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
      const machine = machines.get(name) ?? newMachine(name);
      machines.set(name, machine);
      const held = machine.held.get(hash);
      const recording = held?.recording ?? {
        machine: name,
        hash,
        name: file.name,
        startMs,
        durationSeconds: all.reduce((sum, one) => sum + duration(one), 0),
        sampleRate: all[0].sampleRate,
        bytes: bytes.length,
        receivedMs: Date.now(),
        audio: true,
      };
      machine.held.set(hash, { recording, sound: file });
      const scores = wanted ? await score(machine, hash) : [];
      decide(machine);
      return { recording, known: held !== undefined, scores };
    },
    async picture(name, hash, atSeconds) {
      const machine = machineOf(name);
      return picture(await open(machine, hash), atSeconds, await ready(machine).catch(() => undefined));
    },
    async audio(name, hash) {
      return new Blob([Uint8Array.from(playable(await open(machineOf(name), hash)))], { type: 'audio/wav' });
    },
    async nearest(_detector, { file, startSeconds }) {
      for (const { machine, held } of machines.values()) {
        for (const [hash, { recording }] of held) {
          if (file === recording.name || file.startsWith(`${recording.name}#`))
            return { machine: machine.name, hash, startSeconds };
        }
      }
      return undefined;
    },
    versions: async (detector) => versions.list(detector),
    async calibration(name) {
      const { detector } = versions.current(name);
      return {
        scores: [...(detector.calibration?.scores ?? [])],
        threshold: detector.threshold ?? 0,
        falseAlarmRate: detector.settings.falseAlarmRate,
      };
    },
    async fit(name, request) {
      machineOf(request.machine);
      const job: ApiJob = {
        ...{ id: String(++lastId), kind: 'fit', state: 'waiting', done: 0, total: 0, warnings: [], failures: [] },
      };
      jobs.set(job.id, job);
      void runFit(job, name, request);
      return { ...job };
    },
    async job(id) {
      const job = jobs.get(id);
      if (!job) throw new InputError(`there is no job ${id}`);
      return { ...job };
    },
    async setThreshold(name, change) {
      const { about, detector } = versions.current(name);
      const note =
        'threshold' in change ? `threshold ${change.threshold}` : `false-alarm rate ${change.falseAlarmRate}`;
      const next = withThreshold(detector, change);
      const made = await versions.add(name, next, { origin: 'threshold', note, parent: about.version });
      const threshold = made.detector.threshold ?? 0;
      for (const machine of users(name)) {
        // Another threshold changes no score.
        machine.scores = machine.scores.map((one) => ({ ...one, threshold, anomalous: one.score >= threshold }));
        decide(machine);
      }
      return made.about;
    },
    async useVersion(name, version) {
      const { about } = versions.use(name, version);
      await scoreAgain(name);
      return about;
    },
    detectorFile: async (name, version) => versions.file(name, version),
    async alarms({ machine, open }) {
      const all = [...machines.values()].flatMap(({ alarms }) => alarms);
      return all
        .filter((alarm) => machine === undefined || alarm.machine === machine)
        .filter(({ clearedMs }) => open === undefined || (clearedMs === undefined) === open)
        .sort((a, b) => b.raisedMs - a.raisedMs);
    },
    async acknowledge(id) {
      for (const machine of machines.values()) {
        const alarm = machine.alarms.find((one) => one.id === id);
        if (!alarm) continue;
        alarm.acknowledgedBy = 'you';
        emit({ type: 'alarm', data: { ...alarm } });
        return { ...alarm };
      }
      throw new InputError(`there is no alarm ${id}`);
    },
    labels: async (machine) => [...machineOf(machine).labels].reverse(),
    async label({ machine: name, hash, label }) {
      const machine = machineOf(name);
      const version = await learn(machine, hash, label);
      const made = {
        ...{ id: ++lastId, machine: name, hash, label, by: 'you', createdMs: Date.now(), undone: false },
        ...(version !== undefined && { version }),
      };
      machine.labels.push(made);
      return { label: made };
    },
    async undoLabel(id) {
      for (const machine of machines.values()) {
        const at = machine.labels.findIndex((one) => one.id === id);
        if (at < 0) continue;
        const label = { ...machine.labels[at], undone: true };
        machine.labels[at] = label;
        if (label.version !== undefined) await forget(machine, label.version, label.label);
        return { label };
      }
      throw new InputError(`there is no label ${id}`);
    },
  };
}
