// The static page's own small server, in a worker: the same questions as over HTTP, answered from memory.
import { type Detector, withThreshold } from '../../../src/detection/detector.ts';
import type { Encoder } from '../../../src/encoders/types.ts';
import { playable } from '../../../src/report/picture.ts';
import { InputError } from '../../../src/signal/errors.ts';
import { readRecordings } from '../../../src/signal/readers/index.ts';
import { duration, type Recording } from '../../../src/signal/recording.ts';
import { pickChannel } from '../../../src/signal/segments.ts';
import type { ApiDetector, ApiEvent, ApiJob, ApiScore } from '../backend/api.ts';
import { bytesFromBase64 } from '../backend/picture.ts';
import { extend, fitDetectorTo, hear, type Lesson, pictureOf } from './hearing.ts';
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
  const soundOf = async (machine: string, hash: string): Promise<{ name: string; all: Recording[] }> => {
    const held = machineOf(machine).held.get(hash);
    if (!held) throw new InputError(`machine ${machine} has no such recording`);
    const { name } = held.recording;
    return { name, all: await readRecordings(new Uint8Array(await held.sound.arrayBuffer()), { name }) };
  };
  const known = async (machine: LocalMachine): Promise<{ encoder: Encoder; detector: Detector } | undefined> => {
    const name = machine.machine.detector;
    if (name === undefined || !versions.has(name)) return undefined;
    const { detector } = versions.current(name);
    return { detector, encoder: await encoderOf(detector.encoder.id) };
  };
  const tell = (machine: LocalMachine): void => emit({ type: 'machine', data: statusOf(machine) });

  /** Scores a recording with the current version. The first of several in a file counts as the picture shows it. */
  const score = async (machine: LocalMachine, hash: string): Promise<ApiScore[]> => {
    const ready = await known(machine);
    const held = machine.held.get(hash);
    if (!ready || !held || !ready.detector.calibration) return [];
    const { about } = versions.current(machine.machine.detector as string);
    const { all } = await soundOf(machine.machine.name, hash);
    const fresh: ApiScore[] = [];
    let atMs = held.recording.startMs;
    for (const [index, recording] of all.entries()) {
      const heard = await hear(ready.encoder, ready.detector, recording, Math.round(atMs));
      fresh.push({
        ...heard,
        machine: machine.machine.name,
        hash,
        index,
        detector: about.name,
        version: about.version,
      });
      atMs += 1000 * duration(recording);
    }
    machine.scores = replaceScores(machine.scores, hash, fresh);
    return fresh;
  };
  const decide = (machine: LocalMachine): void => {
    const before = machine.alarms;
    machine.alarms = alarmsOf(machine.machine.name, machine.scores, before);
    for (const alarm of machine.alarms) {
      const same = before.find(({ id }) => id === alarm.id);
      if (!same || same.clearedMs !== alarm.clearedMs) emit({ type: 'alarm', data: alarm });
    }
  };
  const scoreAll = async (machine: LocalMachine, onDone: (done: number) => void = () => {}): Promise<void> => {
    let done = 0;
    for (const hash of machine.held.keys()) {
      // A recording that does not fit keeps what was said of it before: nothing.
      const fresh = await score(machine, hash).catch(() => []);
      for (const data of fresh) emit({ type: 'score', data });
      onDone(++done);
    }
    decide(machine);
    tell(machine);
  };
  /** Another threshold changes no score. */
  const judge = (machine: LocalMachine, threshold: number): void => {
    machine.scores = machine.scores.map((one) => ({ ...one, threshold, anomalous: one.score >= threshold }));
    decide(machine);
    tell(machine);
  };
  const users = (detector: string): LocalMachine[] =>
    [...machines.values()].filter(({ machine }) => machine.detector === detector);
  const publish = async (name: string, detector: Detector, origin: Origin): Promise<ApiDetector> => {
    const { about } = await versions.add(name, detector, origin);
    for (const machine of users(name)) await scoreAll(machine);
    return about;
  };

  async function* lessonsOf(
    machine: LocalMachine,
    hashes: readonly string[],
    labels: Readonly<Record<string, string>>,
    onFile: (done: number) => void,
  ): AsyncGenerator<Lesson | { name: string; message: string }> {
    for (const [i, hash] of hashes.entries()) {
      const { name } = machineOf(machine.machine.name).held.get(hash)?.recording ?? { name: hash };
      try {
        for (const recording of (await soundOf(machine.machine.name, hash)).all) {
          yield { name: recording.name, recording, ...(labels[hash] !== undefined && { label: labels[hash] }) };
        }
      } catch (error) {
        yield { name, message: (error as Error).message };
      }
      onFile(i + 1);
    }
  }

  const runFit = async (job: ApiJob, ...[name, request]: Parameters<LocalService['fit']>): Promise<void> => {
    const machine = machineOf(request.machine);
    const hashes = request.hashes ?? [...machine.held.keys()];
    const change = (next: Partial<ApiJob>): void => {
      Object.assign(job, next);
      emit({ type: 'job', data: { ...job } });
    };
    try {
      change({ state: 'running', total: hashes.length });
      const encoder = await encoderOf(request.encoder ?? 'thrum-1');
      const { detector, failures, warnings } = await fitDetectorTo(
        encoder,
        lessonsOf(machine, hashes, request.labels ?? {}, (done) => change({ done })),
        {
          segmentSeconds: request.segmentSeconds ?? null,
          channel: request.channel ?? 0,
          settings: { falseAlarmRate: request.falseAlarmRate ?? 0.01 },
        },
      );
      const { about } = await versions.add(name, detector, { origin: 'fitted', note: request.note ?? '' });
      if (request.use ?? true) machine.machine = { ...machine.machine, detector: name };
      await scoreAll(machine);
      change({ state: 'done', detector: about, failures, warnings });
    } catch (error) {
      change({ state: 'failed', error: (error as Error).message.replace(/\s+/g, ' ') });
    }
  };

  const taught = async (machine: LocalMachine, encoder: Encoder, start: Detector, hash: string, label: string) => {
    let detector = start;
    for (const recording of (await soundOf(machine.machine.name, hash)).all) {
      const lesson = { name: recording.name, recording, ...(label !== NORMAL && { label }) };
      detector = await extend(encoder, detector, lesson);
    }
    return detector;
  };
  /** A new version that knows one more recording. */
  const learn = async (machine: LocalMachine, hash: string, label: string): Promise<number | undefined> => {
    const ready = await known(machine);
    if (!ready) return undefined;
    const { about } = versions.current(machine.machine.detector as string);
    const next = await taught(machine, ready.encoder, ready.detector, hash, label);
    const note = `${machine.held.get(hash)?.recording.name}: ${label}`;
    return (await publish(about.name, next, { origin: 'feedback', note, parent: about.version })).version;
  };
  /** A new version out of the one that was fitted and the labels that still hold. */
  const relearn = async (machine: LocalMachine, undone: string): Promise<void> => {
    const ready = await known(machine);
    if (!ready) return;
    const name = machine.machine.detector as string;
    const base = versions.list(name).find(({ origin }) => origin === 'fitted' || origin === 'uploaded');
    if (!base) return;
    let { detector } = versions.at(name, base.version);
    for (const label of machine.labels) {
      if (label.undone || label.version === undefined || label.version < base.version) continue;
      detector = await taught(machine, ready.encoder, detector, label.hash, label.label);
    }
    const parent = versions.current(name).about.version;
    await publish(name, detector, { origin: 'undo', note: `without “${undone}”`, parent });
  };

  return {
    machines: async () => [...machines.values()].map(statusOf),
    async putMachine(name, { detector, policy }) {
      const machine = machines.get(name) ?? newMachine(name);
      machines.set(name, machine);
      const { detector: before, ...rest } = machine.machine;
      const chosen = detector === null ? undefined : (detector ?? before);
      machine.machine = { ...rest, policy: { ...rest.policy, ...policy }, ...(chosen && { detector: chosen }) };
      tell(machine);
      return machine.machine;
    },
    async scores(machine, { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY, limit = MOST_SCORES }) {
      const { scores } = machineOf(machine);
      return scores.filter(({ startMs }) => startMs >= fromMs && startMs < toMs).slice(0, limit);
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
      for (const data of scores) emit({ type: 'score', data });
      decide(machine);
      tell(machine);
      return { recording, known: held !== undefined, scores };
    },
    async picture(machine, hash, atSeconds) {
      const { all } = await soundOf(machine, hash);
      const [recording] = all;
      return pictureOf(recording, atSeconds, await known(machineOf(machine)).catch(() => undefined));
    },
    async audio(machine, hash) {
      const { all } = await soundOf(machine, hash);
      const sound = playable(pickChannel(all[0], 0)[0]);
      if (!sound) throw new InputError('there is nothing to hear: every sample is the same');
      return new Blob([bytesFromBase64(sound.wavBase64)], { type: 'audio/wav' });
    },
    async nearest(_detector, { file, startSeconds }) {
      for (const { machine, held } of machines.values()) {
        for (const [hash, { recording }] of held) {
          if (recording.name === file) return { machine: machine.name, hash, startSeconds };
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
      } as ApiJob;
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
      for (const machine of users(name)) judge(machine, made.detector.threshold ?? 0);
      return made.about;
    },
    async useVersion(name, version) {
      const { about } = versions.use(name, version);
      for (const machine of users(name)) await scoreAll(machine);
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
        if (label.version !== undefined) await relearn(machine, label.label);
        return { label };
      }
      throw new InputError(`there is no label ${id}`);
    },
  };
}
