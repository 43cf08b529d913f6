// The columns of the benchmark tables, in the order of the published ones.
import type { Column } from '../result.ts';

export type SuiteName = 'siren' | 'rmis' | 'open';

const years = [2020, 2021, 2022, 2023, 2024, 2025];

const detection: Column[] = [
  ...years.map((year): Column => ({ id: `dcase${year}`, title: `DCASE ${year}`, group: 'anomaly detection' })),
  { id: 'ad-mean', title: 'AD mean', group: 'summary' },
];

const diagnosis = (id: string, title: string): Column => ({ id, title, group: 'fault diagnosis' });

const summary = (overall: string): Column[] => [
  { id: 'fd-mean', title: 'FD mean', group: 'summary' },
  { id: 'overall', title: overall, group: 'summary' },
];

const columns: Record<SuiteName, Column[]> = {
  siren: [
    ...detection,
    diagnosis('iiee', 'IIEE'),
    diagnosis('iica', 'IICA'),
    diagnosis('cwru', 'CWRU'),
    diagnosis('mafaulda-vibration', 'MAFAULDA vibration'),
    diagnosis('mafaulda-sound', 'MAFAULDA sound'),
    ...summary('Overall'),
  ],
  rmis: [
    ...detection,
    diagnosis('iica', 'IICA'),
    diagnosis('iiee', 'IIEE'),
    diagnosis('wtpg', 'WTPG'),
    diagnosis('mafaulda-sound', 'MAFAULDA sound'),
    diagnosis('mafaulda-vibration', 'MAFAULDA vibration'),
    diagnosis('sdust-bearing', 'SDUST bearing'),
    diagnosis('sdust-gear', 'SDUST gear'),
    diagnosis('umged-sound', 'UMGED sound'),
    diagnosis('umged-vibration', 'UMGED vibration'),
    diagnosis('umged-voltage', 'UMGED voltage'),
    diagnosis('umged-current', 'UMGED current'),
    diagnosis('pu-vibration', 'PU vibration'),
    diagnosis('pu-current', 'PU current'),
    ...summary('RMIS'),
  ],
  open: [
    diagnosis('cwru', 'CWRU'),
    diagnosis('cwru-loads', 'CWRU loads'),
    diagnosis('cwru-sizes', 'CWRU sizes'),
    diagnosis('mfpt', 'MFPT'),
    diagnosis('itsc', 'ITSC'),
    { id: 'esc50', title: 'ESC-50', group: 'other' },
    { id: 'fsdd', title: 'FSDD', group: 'other' },
  ],
};

/**
 * Columns of a suite in the order of its published table: anomaly detection, its mean, fault diagnosis, its mean, the
 * mean of both. `open` has freely available data sets, and no means.
 */
export const suiteColumns = (suite: SuiteName): Column[] => columns[suite].map((column) => ({ ...column }));
