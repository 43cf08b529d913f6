// Classifiers on scenes as text, as rows of a table for other programs, and as JSON.
import { csvLine } from '../../signal/readers/csv-write.ts';
import type { Measured } from '../metrics/measured.ts';
import { alignRows } from '../text/plain.ts';
import type { SceneFigures } from './score.ts';

/** What a student costs on a device. */
export type SceneCost = {
  /** Bytes of int8 weights and int32 biases. */
  int8Bytes: number;
  /** Multiply-accumulates of one window of sound. */
  macs: number;
};

export type SceneRow = {
  encoder: string;
  fingerprint: string;
  figures: SceneFigures;
  /** Trained values; undefined where they are not known. */
  parameters?: number;
  /** Of students. */
  cost?: SceneCost;
  /** Milliseconds of wall time for a clip, reading included, on the workers of the run. */
  clipMilliseconds: number;
};

export type SceneResult = {
  /** Id of the data set: `tau2022`, `scenes`. */
  dataSet: string;
  /** Whether its recordings are made up. */
  generated: boolean;
  rows: SceneRow[];
  provenance?: { version: string; command: string };
};

const UNDEFINED = '-';

const percent = (figure: Measured | undefined): string =>
  figure === undefined || figure.value === null ? UNDEFINED : (100 * figure.value).toFixed(2);

const fixed = (figure: Measured, digits: number): string =>
  figure.value === null ? UNDEFINED : figure.value.toFixed(digits);

/** Devices of any row, in their order. */
const devicesOf = ({ rows }: SceneResult): { device: string; seen: boolean }[] => {
  const known = new Map(rows.flatMap(({ figures }) => figures.devices.map((one) => [one.device, one] as const)));
  return [...known.values()];
};

const accuracyOn = ({ figures }: SceneRow, device: string): Measured | undefined => {
  const found = figures.devices.find((one) => one.device === device);
  return found && { value: found.accuracy };
};

function deviceRows(result: SceneResult): string[][] {
  const devices = devicesOf(result);
  return [
    [
      'encoder',
      'macro',
      ...devices.map(({ device }) => device.toUpperCase()),
      'seen',
      'unseen',
      'decay',
      'log loss',
      'parameters',
      'int8 bytes',
      'MACs',
      'ms/clip',
    ],
    ...result.rows.map((row) => {
      const { figures, parameters, cost } = row;
      return [
        row.encoder,
        percent(figures.macroAccuracy),
        ...devices.map(({ device }) => percent(accuracyOn(row, device))),
        percent(figures.seen),
        percent(figures.unseen),
        percent(figures.decay),
        fixed(figures.logLoss, 3),
        parameters === undefined ? UNDEFINED : String(parameters),
        cost === undefined ? UNDEFINED : String(cost.int8Bytes),
        cost === undefined ? UNDEFINED : String(cost.macs),
        row.clipMilliseconds.toFixed(2),
      ];
    }),
  ];
}

const labelsOf = ({ rows }: SceneResult): string[] =>
  [...new Set(rows.flatMap(({ figures }) => figures.classes.map(({ label }) => label)))].sort();

const recallOf = ({ figures }: SceneRow, label: string): Measured | undefined =>
  figures.classes.find((one) => one.label === label)?.recall;

const classRows = (result: SceneResult): string[][] => [
  ['class', 'clips', ...result.rows.map(({ encoder }) => encoder)],
  ...labelsOf(result).map((label) => [
    label,
    String(Math.max(...result.rows.map(({ figures }) => figures.classes.find((c) => c.label === label)?.support ?? 0))),
    ...result.rows.map((row) => percent(recallOf(row, label))),
  ]),
];

/** Why figures are undefined, each reason once. */
const reasonsOf = ({ rows }: SceneResult): string[] => [
  ...new Set(
    rows
      .flatMap(({ figures }) => [figures.macroAccuracy, figures.logLoss, figures.seen, figures.unseen, figures.decay])
      .flatMap((figure) => (figure.value === null ? [`${UNDEFINED}  ${figure.reason}`] : [])),
  ),
];

/** Tables for a terminal: a row per classifier with its accuracy by device, and a row per class. All in percent. */
export function formatScenes(result: SceneResult): string {
  const align = (rows: string[][]) => alignRows(rows, (column) => (column === 0 ? 'left' : 'right'));
  const named = (side: boolean) =>
    devicesOf(result)
      .filter(({ seen }) => seen === side)
      .map(({ device }) => device.toUpperCase())
      .join(', ') || 'none';
  const most = Math.max(0, ...result.rows.map(({ figures }) => figures.recordings));
  return [
    `scenes, ${result.dataSet}${result.generated ? ' (made up)' : ''}, ${most} test clips; accuracy in percent`,
    '',
    ...align(deviceRows(result)),
    ...reasonsOf(result),
    '',
    ...align(classRows(result)),
    '',
    `macro: mean of the accuracies of the classes; seen: mean of ${named(true)}; unseen: mean of ${named(false)}; decay: (seen - unseen) / seen`,
  ].join('\n');
}

type Cell = string | number | null;

const cellOf = (figure: Measured | undefined): number | null => figure?.value ?? null;

/** One row per classifier under a header: shares from 0 to 1, undefined figures empty. A first line says what made it. */
export function scenesCsv(result: SceneResult): string {
  const devices = devicesOf(result);
  const labels = labelsOf(result);
  const header = [
    'data_set',
    'generated',
    'encoder',
    'fingerprint',
    'recordings',
    'macro_accuracy',
    'accuracy',
    ...devices.map(({ device }) => `device_${device}`),
    'seen',
    'unseen',
    'decay',
    'log_loss',
    ...labels.map((label) => `class_${label}`),
    'parameters',
    'int8_bytes',
    'macs',
    'clip_ms',
  ];
  const rows = result.rows.map((row): Cell[] => {
    const { encoder, fingerprint, figures, parameters, cost } = row;
    return [
      result.dataSet,
      String(result.generated),
      encoder,
      fingerprint,
      figures.recordings,
      cellOf(figures.macroAccuracy),
      cellOf(figures.accuracy),
      ...devices.map(({ device }) => cellOf(accuracyOn(row, device))),
      cellOf(figures.seen),
      cellOf(figures.unseen),
      cellOf(figures.decay),
      cellOf(figures.logLoss),
      ...labels.map((label) => cellOf(recallOf(row, label))),
      parameters ?? null,
      cost?.int8Bytes ?? null,
      cost?.macs ?? null,
      row.clipMilliseconds,
    ];
  });
  const { provenance } = result;
  const comment = provenance ? `# thrum ${provenance.version}: ${provenance.command}\n` : '';
  return comment + [header, ...rows].map((cells) => `${csvLine(cells)}\n`).join('');
}

/** The whole result, confusion matrices included, as one line of JSON. */
export const scenesJson = (result: SceneResult): string => `${JSON.stringify(result)}\n`;
