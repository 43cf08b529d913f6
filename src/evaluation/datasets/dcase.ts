// DCASE Challenge Task 2, 2020 to 2025: anomalous sounds of machines, learned from normal ones.
import { type DcaseEdition, dcaseEditions } from './dcase-editions.ts';
import { generateDcase } from './dcase-generate.ts';
import { scanDcase } from './dcase-scan.ts';
import type { DataSet } from './types.ts';

const layoutOf = ({ year }: DcaseEdition): string => {
  const test = year === 2021 ? 'source_test/, target_test/' : 'test/';
  const [known, hidden] =
    year === 2020
      ? ['normal_id_01_00000000.wav', 'id_01_00000000.wav']
      : ['section_00_source_train_normal_0000_<attributes>.wav', 'section_00_0000.wav'];
  return `dcase${year}_t2/
  dev_data/            or development/
    <machine>/
      train/           ${known}
      ${test}
  eval_data/           or evaluation/, training clips also in additional_train/
    <machine>/
      train/
      ${test.padEnd(16)} ${year === 2021 ? 'section_03_source_test_0000.wav' : hidden}
  eval_data_list${year === 2020 ? '' : `_${year}`}.csv, or ground_truth_data/ and ground_truth_domain/
`;
};

const dataSetOf = (edition: DcaseEdition): DataSet => {
  const { year, records, licence, seconds } = edition;
  const id = `dcase${year}`;
  return {
    id,
    title: `DCASE ${year} Challenge Task 2`,
    source: `https://zenodo.org/records/${records.development}`,
    licence,
    folder: new RegExp(`^dcase[-_ ]?(?:20)?${year - 2000}(?!\\d)`, 'i'),
    layout: layoutOf(edition),
    sampleRate: 16_000,
    seconds,
    channels: ['microphone'],
    classes: ['normal', 'anomaly'],
    views: [{ id, modality: 'sound' }],
    scan: (folder) => scanDcase(edition, folder),
    generate: (options) => generateDcase(edition, options),
  };
};

/** The data sets `dcase2020` to `dcase2025`: development, additional training and evaluation clips together. */
export const dcaseDataSets: readonly DataSet[] = dcaseEditions.map(dataSetOf);
