// What the page needs from whatever hears: a server, or this browser itself.
import type { MomentPicture } from '../../../src/monitor/hearing/types.ts';
import type { NearestPlace, TimeRange } from '../types.ts';
import type {
  ApiAlarm,
  ApiCalibration,
  ApiDetector,
  ApiEvent,
  ApiFitRequest,
  ApiJob,
  ApiLabel,
  ApiMachine,
  ApiMachineRequest,
  ApiMachineStatus,
  ApiRecording,
  ApiScore,
  ApiUploaded,
} from './api.ts';

/** `live`: events come. `lost`: they do not, and it is tried again. */
export type Connection = 'live' | 'connecting' | 'lost';

export type UploadOptions = {
  startMs: number;
  /** Let the machine's detector say what it thinks; default true. */
  score?: boolean;
  /** Share of the file that has gone out, 0..1. */
  onProgress?(share: number): void;
  /** The server is busy, and is asked again after so many seconds; `undefined`: it is asked now. */
  onWait?(seconds: number | undefined): void;
  signal?: AbortSignal;
};

export type Labelled = { label: ApiLabel; job?: ApiJob };

/** All methods reject with an Error whose message is one line for the reader. */
export type Backend = {
  readonly kind: 'server' | 'local';
  /** Encoders to fit with, the recommended one first. */
  readonly encoders: readonly string[];
  machines(): Promise<ApiMachineStatus[]>;
  putMachine(name: string, request: ApiMachineRequest): Promise<ApiMachine>;
  /** Oldest first; the first from `fromMs` on, or else the newest. */
  scores(machine: string, range: TimeRange): Promise<ApiScore[]>;
  /** The recording that a score is of, where it is still known. */
  recordingOf(score: Pick<ApiScore, 'machine' | 'hash' | 'startMs'>): Promise<ApiRecording | undefined>;
  upload(machine: string, file: File, options: UploadOptions): Promise<ApiUploaded>;
  picture(machine: string, hash: string, atSeconds: number): Promise<MomentPicture>;
  /** The sound as a WAV file that browsers play. */
  audio(machine: string, hash: string): Promise<Blob>;
  /** Where the recording behind an entry of the bank is stored; undefined where it is not. */
  nearest(detector: string, place: { file: string; startSeconds: number }): Promise<NearestPlace | undefined>;
  versions(detector: string): Promise<ApiDetector[]>;
  calibration(detector: string): Promise<ApiCalibration>;
  fit(detector: string, request: ApiFitRequest): Promise<ApiJob>;
  job(id: string): Promise<ApiJob>;
  setThreshold(detector: string, change: { threshold: number } | { falseAlarmRate: number }): Promise<ApiDetector>;
  useVersion(detector: string, version: number): Promise<ApiDetector>;
  detectorFile(detector: string, version?: number): Promise<Blob>;
  alarms(filter: { machine?: string; open?: boolean }): Promise<ApiAlarm[]>;
  acknowledge(id: number): Promise<ApiAlarm>;
  labels(machine: string): Promise<ApiLabel[]>;
  /** `normal`, or the name of a fault; the detector learns it as a new version. */
  label(request: { machine: string; hash: string; label: string }): Promise<Labelled>;
  undoLabel(id: number): Promise<Labelled>;
  /** Everything that happens from now on, until `stop` is called. */
  events(onEvent: (event: ApiEvent) => void, onConnection: (connection: Connection) => void): () => void;
};
