// What others have published on these benchmarks: the tables of SIREN and RMIS, cell by cell.
import { measured } from '../metrics/measured.ts';
import type { BenchRow } from '../result.ts';
import { type SuiteName, suiteColumns } from './suites.ts';

/**
 * Parameters of the encoders as embedded here: no decoder, no positions that are not learnt. CED counts its head of 527
 * classes (0.4 M). EAT: blocks and patch embedding of 768/12 and 1024/24; the RMIS leaderboard writes 88 M and 310 M.
 */
const parameters = {
  audioMae: 85.65e6,
  beats: 90.31e6,
  cedTiny: 5.5e6,
  cedMini: 9.7e6,
  cedSmall: 21.62e6,
  cedBase: 85.71e6,
  dashengBase: 85.4e6,
  dasheng06: 630e6,
  dasheng12: 1134e6,
  eatBase: 85.25e6,
  eatLarge: 302.57e6,
  echoTiny: 5_461_632,
  echoSmall: 21_540_096,
  fisherTiny: 5.39e6,
  fisherMini: 9.54e6,
  fisherSmall: 21.39e6,
};

/** Encoder, its key in `parameters`, then percent in the order of the suite's columns. */
const ROW = /^(.+?) +(\w+) +([\d. ]+)$/;

type PublishedRow = { encoder: string; parameters: number; percent: number[] };

const rowsOf = (table: string): PublishedRow[] =>
  table
    .trim()
    .split('\n')
    .map((line) => {
      const [, encoder, key, numbers] = ROW.exec(line) as RegExpExecArray;
      return {
        encoder,
        parameters: parameters[key as keyof typeof parameters],
        percent: numbers.trim().split(/ +/).map(Number),
      };
    });

/** SIREN, table of 2025-09-15 (github yucongzh/SIREN at f9fa43e). */
const siren = `
BEATs-B       beats        74.26  61.31  58.97  62.89  55.89  57.84  61.86  65.81  91.55  88.57  99.69  63.66  81.86  71.86
CED-B         cedBase      67.75  56.67  57.26  60.84  57.83  57.72  59.68  80.21  86.08  81.90  99.74  66.48  82.88  71.28
EAT-L         eatLarge     73.94  57.47  58.54  61.66  57.89  60.01  61.58  68.33  89.96  91.43  99.33  85.03  87.72  74.28
EAT-B         eatBase      72.13  57.79  58.57  59.69  57.12  59.75  60.84  78.97  89.01  85.71  99.90  84.52  86.71  74.15
Dasheng-B     dashengBase  69.15  57.27  57.87  60.70  57.71  57.01  59.95  99.36  90.88  88.57  99.85  81.96  92.12  76.04
FISHER-S      fisherSmall  70.54  59.51  59.79  61.83  55.66  58.68  61.00  97.48  94.20  86.67 100.00  85.29  92.73  76.86
FISHER-Mini   fisherMini   69.98  58.39  57.91  60.35  55.91  56.90  59.91  99.90  94.50  73.33 100.00  87.75  91.10  75.50
FISHER-Tiny   fisherTiny   70.64  58.51  57.11  58.46  55.34  57.69  59.62  99.80  95.43  75.24 100.00  88.52  91.80  75.71
ECHO-S        echoSmall    72.23  60.20  59.96  63.71  57.86  58.70  62.11  99.85  93.67  90.48  99.54  82.42  93.19  77.65
ECHO-Tiny     echoTiny     70.14  59.01  59.76  63.75  56.91  58.40  61.33 100.00  93.58  90.48  99.85  78.83  92.55  76.94
`;

/** RMIS, leaderboard (github jianganbai/RMIS, docs/leaderboard.html at 45f81c1). */
const rmis = `
AudioMAE base audioMae    63.87 54.86 56.34 57.96 55.30 56.82 57.52 58.88 53.89 64.02 47.48 80.95 59.74 98.18  6.91 10.93 10.01 11.59 56.02 35.54 45.70 51.61
BEATs iter3   beats       74.20 60.50 58.95 63.31 56.93 59.09 62.16 77.93 68.17 70.57 52.87 84.45 62.37 98.23  5.98 10.32 10.95 17.23 74.18 48.42 52.44 57.30
EAT base30    eatBase     72.69 58.03 58.84 59.35 56.48 58.65 60.67 64.48 96.65 61.28 68.32 91.90 64.03 95.46  7.89  9.39 12.49 18.87 68.33 50.38 54.57 57.62
EAT large     eatLarge    73.81 57.06 57.94 60.29 57.78 60.34 61.20 65.80 94.06 68.91 58.47 88.42 62.64 96.32  9.57 11.60 11.22 15.54 75.74 54.73 54.85 58.03
CED tiny      cedTiny     66.99 56.17 56.75 60.09 56.40 58.40 59.15 47.93 74.23 89.43 53.77 84.56 59.02 96.06  8.09 12.96 10.31 12.65 71.50 49.95 51.57 55.36
CED mini      cedMini     67.48 56.35 56.59 60.05 57.44 58.26 59.36 50.21 84.26 89.26 56.95 84.88 59.24 95.50  8.36 11.66 10.13 12.43 71.50 48.56 52.53 55.95
CED small     cedSmall    67.50 56.65 56.87 60.76 57.88 58.15 59.63 50.49 80.23 91.20 54.67 84.67 58.00 96.12  8.05 12.15 10.26 13.14 72.89 49.08 52.38 56.01
CED base      cedBase     67.60 56.67 56.95 60.99 57.89 58.45 59.76 52.26 90.08 89.20 57.64 85.95 60.20 95.84  8.12 11.57 10.03 13.63 72.14 50.91 53.66 56.71
DaSheng base  dashengBase 69.25 57.28 56.02 60.95 56.39 55.82 59.28 74.42 99.10 46.84 63.53 92.06 61.37 98.30  5.64  4.45 11.74 20.08 74.93 42.42 53.45 56.37
DaSheng 0.6B  dasheng06   68.35 56.76 55.35 59.85 56.34 55.41 58.68 75.14 99.25 45.41 57.26 91.11 58.23 97.59  5.27  4.28 11.69 14.68 75.78 42.63 52.18 55.43
DaSheng 1.2B  dasheng12   69.52 57.06 55.82 61.14 56.32 56.01 59.31 73.18 99.00 48.89 58.16 90.79 55.50 97.99  5.42  4.52 11.76 17.32 75.99 44.11 52.51 55.91
FISHER tiny   fisherTiny  70.86 58.76 56.40 58.62 53.64 56.37 59.11 85.31 98.72 83.84 75.79 92.58 71.81 99.20 11.90 23.58 21.10 28.24 72.36 56.21 63.13 61.12
FISHER mini   fisherMini  70.19 58.40 57.62 61.07 54.59 55.75 59.60 86.02 99.05 84.74 75.74 93.20 70.09 98.55 13.69 20.52 22.95 29.97 72.01 55.73 63.25 61.43
FISHER small  fisherSmall 71.04 59.48 59.64 62.63 55.62 58.46 61.15 90.23 98.96 86.77 72.61 95.86 76.35 99.08 12.72 18.35 17.42 25.52 74.90 54.29 63.31 62.23
`;

const tables = { siren: rowsOf(siren), rmis: rowsOf(rmis) };

/** Where the published cells contradict each other: they are shown as published. */
const notes: Record<'siren' | 'rmis', string[]> = {
  siren: [
    'Published rows: SIREN, table of 2025-09-15; measured by its authors with their released code.',
    'EAT-L and EAT-B: MAFAULDA sound, FD mean and Overall agree with the remaining cells only if each is moved to the other of the two rows; shown as published.',
  ],
  rmis: [
    'Published rows: RMIS leaderboard; measured by its authors in half precision with their released code.',
    'CED tiny: the published AD mean (59.15) is 0.02 above the mean of its six cells; shown as published.',
  ],
};

/** What to know about the published rows of a suite, for the foot of a table; nothing for other suites. */
export const publishedNotes = (suite: string): string[] =>
  suite === 'siren' || suite === 'rmis' ? [...notes[suite]] : [];

/** Data sets of `open` that SIREN published figures of. */
const inBoth = ['cwru'];

/**
 * Rows of the published table of a suite: shares 0..1 by column id, means included as published. Not measured here, so
 * without details. For `open`: SIREN's rows, as far as they have its data sets.
 */
export const publishedRows = (suite: SuiteName): BenchRow[] => {
  if (suite === 'open') {
    return publishedRows('siren').map((row) => ({
      ...row,
      values: Object.fromEntries(inBoth.map((id) => [id, row.values[id]])),
    }));
  }
  const columns = suiteColumns(suite);
  return tables[suite].map(({ encoder, parameters: count, percent }) => ({
    encoder,
    published: true,
    parameters: count,
    // Division, not a product with 0.01: the share nearest to the decimal number printed.
    values: Object.fromEntries(columns.map((column, i) => [column.id, measured(percent[i] / 100)])),
    details: [],
  }));
};
