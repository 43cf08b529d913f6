// What a plant remembers: detectors in versions, machines, recordings, scores, alarms, labels, keys, dead letters.
import type { AlarmChange, AlarmKind, AlarmPolicy, AlarmReason, AlarmState } from '../alarm/types.ts';
import type { Health } from '../health.ts';
import type { Heard, TimeMs } from '../types.ts';

/** One version of a detector; versions never change. The file itself lies in the blobs under `blob`. */
export type DetectorVersion = {
  name: string;
  version: number;
  createdMs: TimeMs;
  /** The version it was made from. */
  parent?: number;
  /** What made it: `fitted`, `uploaded`, `threshold`, `feedback`, `undo`. */
  origin: 'fitted' | 'uploaded' | 'threshold' | 'feedback' | 'undo';
  note: string;
  blob: string;
  bytes: number;
  encoder: string;
  fingerprint: string;
  sampleRate: number;
  threshold?: number;
  falseAlarmRate: number;
  segments: number;
  labels: string[];
  /** The version in use. */
  current: boolean;
};

/**
 * A version to add. `learned`: stored recordings that its bank holds; their audio stays as long as the detector.
 * `learnedLabels`: ids of the labels that it has learned. `use`: whether it becomes the one in use (default; the first
 * one does in any case).
 */
export type NewVersion = Omit<DetectorVersion, 'version' | 'current'> & {
  learned?: readonly RecordingKey[];
  learnedLabels?: readonly number[];
  use?: boolean;
};

export type Machine = {
  name: string;
  /** Name of the detector whose current version hears it; none: recordings are kept, not scored. */
  detector?: string;
  policy: AlarmPolicy;
  createdMs: TimeMs;
};

/** Hash: SHA-256 of the bytes as they came, in hexadecimal. One recording of one machine is stored once. */
export type RecordingKey = { machine: string; hash: string };

export type StoredRecording = RecordingKey & {
  name: string;
  startMs: TimeMs;
  durationSeconds: number;
  sampleRate: number;
  bytes: number;
  receivedMs: TimeMs;
  /** Where its audio lies in the blobs; none: not kept, or expired. */
  blob?: string;
  /** Which array of the file it is, where the sender has named one. */
  variable?: string;
};

/** Scores of a recording by one version of a detector; several where it was cut or held several. */
export type StoredScore = Heard &
  RecordingKey & {
    index: number;
    detector: string;
    version: number;
    /** The recording is one of those that the version was made from: it is compared with the others of them. */
    learned?: true;
  };

export type StoredAlarm = {
  id: number;
  machine: string;
  kind: AlarmKind;
  raisedMs: TimeMs;
  sinceMs: TimeMs;
  clearedMs?: TimeMs;
  acknowledgedBy?: string;
  reason: AlarmReason;
};

/** A change of an alarm that somebody is to be told of. */
export type Untold = { id: number; change: AlarmChange };

export type StoredLabel = RecordingKey & {
  id: number;
  /** `normal`, or the name of a fault. */
  label: string;
  by: string;
  createdMs: TimeMs;
  /** The version of the detector that learned it, once one has, and which detector that is. */
  version?: number;
  detector?: string;
  undone: boolean;
};

export type Scope = 'read' | 'write' | 'admin';

/** The key itself is shown once and never stored; `hash` is its SHA-256. */
export type ApiKey = { id: number; name: string; scope: Scope; hash: string; createdMs: TimeMs; revokedMs?: TimeMs };

export type DeadLetter = {
  id: number;
  machine: string;
  /** Of the bytes that could not be dealt with. */
  hash: string;
  source: string;
  reason: string;
  atMs: TimeMs;
  attempts: number;
  blob?: string;
};

/** Everything that becomes true about a recording at once. */
export type ScoredResult = {
  recording: StoredRecording;
  scores: readonly StoredScore[];
  /** Alarms of its machine, as decided on the state that `alarmRevision` names. */
  alarms?: { changes: readonly AlarmChange[]; state: AlarmState; revision: number };
};

export type Range = { fromMs?: TimeMs; toMs?: TimeMs };
/** From `fromMs` on and before `toMs`. Newest first, but for scores (oldest first); at most `limit` (default 1000). */
export type Page = Range & { machine?: string; limit?: number };

export type RecordingsPage = Page & {
  /** Those that come behind this one. */ before?: Pick<StoredRecording, 'startMs' | 'hash'>;
};
/** Machines by name, behind the name `after`. */
export type MachinesPage = { nowMs: TimeMs; machine?: string; after?: string; limit?: number };

/** A machine at a glance. */
export type MachineStatus = Machine & {
  health: Health;
  /** The end of the last recording of a machine that is silent. */
  silentSinceMs?: TimeMs;
  lastScore?: StoredScore;
  openAlarms: number;
  recordings: number;
};

/** Pages that are also there as JSON. */
export type JsonPage =
  | (Page & { of: 'scores'; hash?: string })
  | (Page & { of: 'alarms'; open?: boolean })
  | (RecordingsPage & { of: 'recordings' })
  | (MachinesPage & { of: 'machines' });

/**
 * The store: SQLite in a file (libsql) or PostgreSQL, the same to its users. All methods are one transaction each. They
 * reject with InputError for what the caller got wrong (an unknown detector), and with StoreError where the database fails.
 */
export type Store = {
  /** Adds the next version of a detector. */
  addDetector(version: NewVersion): Promise<DetectorVersion>;
  /**
   * The same where version `current` is still the one in use (0: there is none yet), and none of the labels was taken
   * back; else nothing changes. For who has made a version from another.
   */
  addDetectorOn(current: number, version: NewVersion): Promise<DetectorVersion | 'conflict'>;
  /** The current version of each. */
  detectors(): Promise<DetectorVersion[]>;
  detectorVersions(name: string): Promise<DetectorVersion[]>;
  /** The current version where none is named. */
  detector(name: string, version?: number): Promise<DetectorVersion | undefined>;
  useVersion(name: string, version: number): Promise<void>;
  /** Returns the blobs to delete. Rejects where it hears a machine. */
  removeDetector(name: string): Promise<string[]>;

  /** The time of creation is that of the first. */
  putMachine(machine: Machine): Promise<void>;
  machines(): Promise<Machine[]>;
  /** All, or those that a detector hears: of many machines, far less than the machines themselves. */
  machineNames(detector?: string): Promise<string[]>;
  machine(name: string): Promise<Machine | undefined>;
  /** And all that is known of it; its blobs are among those that `expire` returns. */
  removeMachine(name: string): Promise<void>;

  /** State of a machine's alarms; revision 0 where there is none yet. */
  alarmState(machine: string): Promise<{ state?: AlarmState; revision: number }>;
  /**
   * Stores a result of a machine that is stored, once. `known`: the recording was scored by this version before, nothing changes. `conflict`: another
   * process decided on alarms meanwhile, nothing changes; decide again.
   */
  record(result: ScoredResult): Promise<'stored' | 'known' | 'conflict'>;
  /** As `record`, where no recording decided (a machine that has fallen silent). */
  recordAlarms(machine: string, alarms: NonNullable<ScoredResult['alarms']>): Promise<'stored' | 'conflict'>;
  /** Names a way out for alarms (`webhook`); the first time, what was decided before is not told any more. */
  openChannel(channel: string): Promise<void>;
  /**
   * Takes changes of alarms of the last day that nobody has told this channel of, the oldest first: they are this
   * caller's until a time. Of several who ask at once, each gets others.
   */
  takeUntold(page: { channel: string; nowMs: TimeMs; untilMs: TimeMs; limit?: number }): Promise<Untold[]>;
  /** Keeps what was taken until another time; one that has passed gives it back. */
  holdUntold(channel: string, ids: readonly number[], untilMs: TimeMs): Promise<void>;
  /** They are told, or given up. */
  endUntold(channel: string, ids: readonly number[]): Promise<void>;

  /** Whether this version (or any, where none is named) has scored it. */
  isKnown(key: RecordingKey, detector?: { name: string; version: number }): Promise<boolean>;

  recordings(page: RecordingsPage): Promise<StoredRecording[]>;
  /** The newest of this name whose audio is kept; `hashStart`: how its hash begins. */
  recordingNamed(which: { machine: string; name: string; hashStart?: string }): Promise<StoredRecording | undefined>;
  recording(key: RecordingKey): Promise<StoredRecording | undefined>;
  /** Without `fromMs`, the newest of the range: `{ limit: 1 }` is the last score. */
  scores(page: Page & { hash?: string }): Promise<StoredScore[]>;
  alarms(page: Page & { open?: boolean }): Promise<StoredAlarm[]>;
  alarm(id: number): Promise<StoredAlarm | undefined>;
  /** False where there is no such alarm. The first who does it stays. */
  acknowledge(id: number, by: string): Promise<boolean>;

  addLabel(label: Omit<StoredLabel, 'id' | 'undone'>): Promise<StoredLabel>;
  labels(page: Page): Promise<StoredLabel[]>;
  label(id: number): Promise<StoredLabel | undefined>;
  /** False where there is none, or it is undone already. */
  undoLabel(id: number): Promise<boolean>;

  machineStatus(machine: string, nowMs: TimeMs): Promise<MachineStatus | undefined>;
  /**
   * A page as the bytes of a JSON array, for answers of many rows: nothing is taken apart on the way. Scores, alarms and
   * machines (MachineStatus) as the other methods return them; recordings with `audio`, whether there is some, instead of
   * `blob`.
   */
  json(page: JsonPage): Promise<Uint8Array>;

  /** As recordings, one of a machine is there once, as it failed last; those without a hash as often as they are given. */
  bury(letter: Omit<DeadLetter, 'id'>): Promise<void>;
  deadLetters(page: Page): Promise<DeadLetter[]>;

  addKey(key: Omit<ApiKey, 'id' | 'revokedMs'>): Promise<ApiKey>;
  keys(): Promise<ApiKey[]>;
  /** Undefined for one that was revoked, too. */
  keyByHash(hash: string): Promise<ApiKey | undefined>;
  revokeKey(id: number): Promise<boolean>;

  /**
   * Forgets the audio of recordings that began before a time, and of the oldest ones until audio takes at most
   * `maxBytes`; dead letters before that time go too. Labelled recordings keep theirs, and those that a detector learned.
   * Scores older than `scoresBeforeMs` go, and recordings of that time that have neither scores nor audio nor labels.
   * Returns the blobs to delete that no row names; until `forgetBlobs` hears that they are deleted, the next call returns
   * them again.
   */
  expire(limits: { beforeMs?: TimeMs; maxBytes?: number; scoresBeforeMs?: TimeMs }): Promise<string[]>;
  forgetBlobs(blobs: readonly string[]): Promise<void>;
  /** Rows and bytes, for metrics and the page. */
  totals(): Promise<{
    recordings: number;
    scores: number;
    openAlarms: number;
    audioBytes: number;
    deadLetters: number;
  }>;
  /** Rejects where the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

/** Bytes under names such as `audio/ab/abcd….wav`: a folder, an S3-compatible store, or an object store of JetStream. */
export type Blobs = {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Undefined where there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  remove(key: string): Promise<void>;
  close(): Promise<void>;
};
