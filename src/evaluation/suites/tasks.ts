// The fault-diagnosis rows of every suite: which view, by which protocol, cut how.
import { iicaSirenSamples } from '../datasets/iica.ts';
import { MAFAULDA_SIREN_VIBRATION } from '../datasets/mafaulda.ts';
import type { Sample } from '../datasets/types.ts';
import type { SuiteName } from '../tables/suites.ts';

export const suiteIds = ['siren', 'rmis', 'open'] as const satisfies readonly SuiteName[];

/** How training and test sides come about. */
export type FaultProtocol =
  | 'leave one out'
  | 'stratified 5-fold'
  | 'official split'
  | 'last official fold'
  | 'other conditions'
  | 'sealed splits';

export type FaultTask = {
  /** Id of the column and of the view. */
  view: string;
  dataSet: string;
  protocol: FaultProtocol;
  /** Of `other conditions`: the attribute whose every value is tested on recordings of all others. */
  condition?: string;
  /** Channels from 1, where they differ from the view's. */
  channels?: readonly number[];
  /** The samples that take part, with the classes of this suite. */
  choose?: (samples: readonly Sample[]) => Sample[];
  /** Hz that all recordings are brought to, where the data set has several rates. */
  sampleRate?: number;
  /** RMIS: windows of this length, and the share of takes that is tested. */
  windowSeconds?: number;
  testSize?: number;
  /** RMIS: its code keeps takes whole here, where it parts the channels of a take elsewhere. */
  wholeTakes?: boolean;
  /** RMIS: divided by the largest magnitude of the view where that exceeds 1. */
  fullScale?: boolean;
};

const rmisClasses = (samples: readonly Sample[]): Sample[] =>
  samples.map((sample) => ({ ...sample, label: sample.attributes.rmis ?? sample.label }));

const sirenTasks: FaultTask[] = [
  { view: 'iiee', dataSet: 'iiee', protocol: 'official split' },
  { view: 'iica', dataSet: 'iica', protocol: 'stratified 5-fold', choose: iicaSirenSamples },
  { view: 'cwru', dataSet: 'cwru', protocol: 'leave one out' },
  { view: 'mafaulda-vibration', dataSet: 'mafaulda', protocol: 'leave one out', channels: MAFAULDA_SIREN_VIBRATION },
  { view: 'mafaulda-sound', dataSet: 'mafaulda', protocol: 'leave one out' },
];

const sealed = (view: string, dataSet: string, windowSeconds: number, testSize = 0.5): FaultTask => ({
  view,
  dataSet,
  protocol: 'sealed splits',
  windowSeconds,
  testSize,
  fullScale: true,
});

const rmisTasks: FaultTask[] = [
  { ...sealed('iica', 'iica', 10), fullScale: false, choose: rmisClasses },
  { view: 'iiee', dataSet: 'iiee', protocol: 'official split', windowSeconds: 3 },
  sealed('wtpg', 'wtpg', 10),
  sealed('mafaulda-sound', 'mafaulda', 5),
  sealed('mafaulda-vibration', 'mafaulda', 5),
  sealed('sdust-bearing', 'sdust-bearing', 10),
  sealed('sdust-gear', 'sdust-gear', 10),
  ...['sound', 'vibration', 'voltage', 'current'].map((modality) => sealed(`umged-${modality}`, 'umged', 10, 0.2)),
  { ...sealed('pu-vibration', 'pu', 4), wholeTakes: true },
  { ...sealed('pu-current', 'pu', 4), wholeTakes: true },
];

/**
 * Freely available data sets, of which only CWRU is in a published table. Of ESC-50 the last fold alone is tested, so that
 * encoders may learn from the others.
 */
const openTasks: FaultTask[] = [
  { view: 'cwru', dataSet: 'cwru', protocol: 'leave one out' },
  { view: 'cwru-loads', dataSet: 'cwru', protocol: 'other conditions', condition: 'load' },
  { view: 'cwru-sizes', dataSet: 'cwru', protocol: 'other conditions', condition: 'size' },
  { view: 'mfpt', dataSet: 'mfpt', protocol: 'leave one out', sampleRate: 48_828 },
  { view: 'itsc', dataSet: 'itsc', protocol: 'stratified 5-fold' },
  { view: 'esc50', dataSet: 'esc50', protocol: 'last official fold' },
  { view: 'fsdd', dataSet: 'fsdd', protocol: 'official split' },
];

export const faultTasks: Readonly<Record<SuiteName, readonly FaultTask[]>> = {
  siren: sirenTasks,
  rmis: rmisTasks,
  open: openTasks,
};

/** Years of anomaly detection in every suite. */
export const detectionYears: Readonly<Record<SuiteName, readonly number[]>> = {
  siren: [2020, 2021, 2022, 2023, 2024, 2025],
  rmis: [2020, 2021, 2022, 2023, 2024, 2025],
  open: [],
};
