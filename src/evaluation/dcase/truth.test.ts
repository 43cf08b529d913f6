import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { memoryFolder } from '../files/files.test-util.ts';
import { type Files, listOf, type MadeUpClip, madeUpClips, truthFiles } from './made-up-year.test-util.ts';
import { readTruth } from './truth.ts';
import { dcaseYear } from './years.ts';

const YEARS = [2020, 2021, 2022, 2023, 2024, 2025];

const plain = (clips: readonly { machine: string; section: string; domain?: string; anomalous: boolean }[]) =>
  clips.map(({ machine, section, domain, anomalous }) => [machine, section, domain, anomalous].join()).sort();

const read = (year: number, files: Files) => readTruth(memoryFolder(Object.entries(files)), dcaseYear(year));

const withPrefix = (files: Files, prefix: string): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [prefix + path, text]));

const longNamesOf = (clips: readonly MadeUpClip[]) => clips.map(({ machine, long }) => `${machine} ${long}`).sort();

describe('readTruth', () => {
  it.each(YEARS)('reads the ground truth of %i in the form of that year', (year) => {
    const clips = madeUpClips(year);
    const truth = read(year, truthFiles(year, clips));
    expect(plain(truth.clips)).toEqual(plain(clips));
    expect(truth).toMatchObject({ problems: [], notes: [] });
    if (year === 2021) return;
    expect(
      truth.clips.flatMap(({ machine, longNames }) => longNames.map((long) => `${machine} ${long}`)).sort(),
    ).toEqual(longNamesOf(clips));
  });

  it.each(YEARS)('reads the list of all machines of %i', (year) => {
    const clips = madeUpClips(year);
    const truth = read(year, { [`eval_data_list_${year}_converted.csv`]: listOf(clips) });
    expect(plain(truth.clips)).toEqual(plain(clips));
    expect(truth.problems).toEqual([]);
  });

  it('takes domains from long names without a status, as in the list of 2025', () => {
    const list =
      'Polisher\nsection_00_0001.wav,section_00_target_0001.wav,1\nsection_00_0002.wav,section_00_source_0002.wav,0\n';
    expect(read(2025, { 'lists/eval_data_list_2025_converted.csv': list }).clips).toEqual([
      {
        machine: 'Polisher',
        section: '00',
        name: 'section_00_0001',
        anomalous: true,
        domain: 'target',
        longNames: ['section_00_target_0001'],
      },
      {
        machine: 'Polisher',
        section: '00',
        name: 'section_00_0002',
        anomalous: false,
        domain: 'source',
        longNames: ['section_00_source_0002'],
      },
    ]);
  });

  it('reads the attribute tables of 2022 and the third column of 2024', () => {
    const table =
      'file_name,d1p,d1v,file_name_with_attributes\nfan/test/section_03_0000.wav,m-n,X,fan/test/section_03_source_test_normal_0000_m-n_X.wav\n';
    const fan = read(2022, { 'ground_truth_attributes/fan/attributes_03.csv': table });
    expect(fan.clips).toMatchObject([
      {
        name: 'section_03_0000',
        anomalous: false,
        domain: 'source',
        longNames: ['section_03_source_test_normal_0000_m-n_X'],
      },
    ]);
    const row =
      'section_00_0001.wav,section_00_target_test_anomaly_0002_noAttribute,section_00_target_test_anomaly_0002_fl_2.wav\r\n';
    const compressor = read(2024, { 'ground_truth_attributes/ground_truth_AirCompressor_section_00_test.csv': row });
    expect(compressor.clips[0]).toMatchObject({ anomalous: true, domain: 'target' });
    expect(compressor.clips[0].longNames).toEqual([
      'section_00_target_test_anomaly_0002_noAttribute',
      'section_00_target_test_anomaly_0002_fl_2',
    ]);
  });

  it('finds its year among all years, however deep', () => {
    const all = Object.assign(
      {},
      ...YEARS.map((year) => withPrefix(truthFiles(year, madeUpClips(year)), `data/${year}/`)),
    );
    for (const year of YEARS) expect(plain(read(year, all).clips), String(year)).toEqual(plain(madeUpClips(year)));
  });

  it('trusts labels and domains over long names, and drops the long names of such a section', () => {
    const clips = madeUpClips(2022);
    const wrong = clips.map((clip, i) =>
      clip.machine === 'ToyCar' && clip.section === '03' ? { ...clip, long: clips[23 - i].long } : clip,
    );
    const truth = read(2022, truthFiles(2022, wrong));
    expect(plain(truth.clips)).toEqual(plain(clips));
    expect(truth.notes).toEqual([
      expect.stringMatching(/^ground truth: long names of ToyCar section 03 contradict labels or domains of \d+ of 24/),
    ]);
    const named = truth.clips.filter(({ longNames }) => longNames.length > 0);
    expect(named).toHaveLength(clips.length - 24);
  });

  it('says what is missing and which lines are wrong', () => {
    const { problems } = read(2023, {
      'ground_truth_data/ground_truth_Vacuum_section_00_test.csv':
        'section_00_0000.wav,1\nsection_00_0001.wav,2\nnothing\nsection_00_0002.wav,\n',
    });
    const file = 'ground_truth_data/ground_truth_Vacuum_section_00_test.csv';
    expect(problems).toEqual([
      `${file} line 2: expected 0 or 1 for section_00_0001.wav, got \`2\`; the same at line 4`,
      `${file} line 3: expected the name of a recording, got \`nothing\``,
      ...['ToyDrone', 'ToyNscale', 'ToyTank', 'bandsaw', 'grinder', 'shaker'].map(
        (machine) => `ground truth: nothing found for ${machine} section 00`,
      ),
    ]);
  });

  it('refuses a folder without the year, and files that disagree', () => {
    const files = truthFiles(2023, madeUpClips(2023));
    expect(() => read(2024, files)).toThrow(InputError);
    expect(() => read(2024, files)).toThrow(/^readTruth: expected the ground truth of 2024/);
    const name = 'ground_truth_data/ground_truth_Vacuum_section_00_test.csv';
    const again = { ...files, [`copy/${name}`]: files[name].replace(',1', ',0') };
    expect(() => read(2023, again)).toThrow(/gives another label than a file before it/);
  });
});
