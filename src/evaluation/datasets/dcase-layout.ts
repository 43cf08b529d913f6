// Where a clip of DCASE Task 2 lies: what the folders above it say, in the official downloads and as benchmarks rearrange them.
import type { Domain } from '../dcase/names.ts';
import type { DcaseSet } from '../dcase/years.ts';
import { folderName } from '../files/folder.ts';

/** What the folders above a clip say, the nearest word on each thing. */
export type DcasePlace = {
  set?: DcaseSet;
  machine?: string;
  split?: 'train' | 'test';
  domain?: Domain;
  anomalous?: boolean;
  /** Copies of the test clips under names that state the label, made by the official baselines (`test_rename`). */
  renamed?: boolean;
  /** 2025: recordings of the machine alone or of the noise alone. */
  supplemental?: boolean;
};

const WORDS: Readonly<Record<string, DcasePlace>> = {
  dev: { set: 'development' },
  development: { set: 'development' },
  eval: { set: 'evaluation' },
  evaluation: { set: 'evaluation' },
  additional: { set: 'evaluation' },
  train: { split: 'train' },
  training: { split: 'train' },
  test: { split: 'test' },
  source: { domain: 'source' },
  target: { domain: 'target' },
  normal: { anomalous: false },
  anomaly: { anomalous: true },
  abnormal: { anomalous: true },
  rename: { renamed: true },
  supplemental: { supplemental: true },
  data: {},
  raw: {},
};

/** Second edition of a download: `eval_data_HairDryer_train_r2`. */
const EDITION = /^r\d+$/;

/** A folder name made of known words only (`eval_data_train_ToyCar`, `source_test`); any other name says nothing. */
function readFolderName(name: string, machines: ReadonlyMap<string, string>): DcasePlace {
  const place: DcasePlace = {};
  for (const word of name.toLowerCase().split(/[_ -]+/)) {
    const machine = machines.get(word);
    if (machine !== undefined) place.machine = machine;
    else if (Object.hasOwn(WORDS, word)) Object.assign(place, WORDS[word]);
    else if (!EDITION.test(word)) return {};
  }
  return place;
}

/**
 * What the folders above a clip say; the folder nearest to the clip wins where two speak of the same thing
 * (`additional_train/fan/test`).
 * @param machines names of the year's machines by the same in lower case
 */
export function readDcaseFolders(path: string, machines: ReadonlyMap<string, string>): DcasePlace {
  const place: DcasePlace = {};
  for (const name of folderName(path).split('/')) Object.assign(place, readFolderName(name, machines));
  return place;
}

const YEAR = /dcase[-_ ]?(?:20)?(2\d)(?!\d)/gi;

/** Whether a folder above the file names another year (`dcase2021_t2`), as where several years share a root. */
export function liesInOtherYear(path: string, year: number): boolean {
  const named = [...folderName(path).matchAll(YEAR)].map(([, digits]) => 2000 + Number(digits));
  return named.length > 0 && !named.includes(year);
}
