import { describe, expect, it } from 'vitest';
import { clipsAt, scanOf, smallest } from './dcase-folder.test-util.ts';
import type { Problem, Sample } from './types.ts';

const brief = ({ path, label, split, attributes: { set, machine, section, domain, attributes } }: Sample) => [
  path,
  [set, machine, section, split, domain ?? '-', label, attributes ?? '-'].join(' '),
];

/** Year, path, and what is known of the clip; no ground truth beside it. */
const PLACES: [number, string, string][] = [
  [2020, 'dev_data/ToyCar/train/normal_id_01_00000000.wav', 'development ToyCar id_01 train - normal -'],
  [2020, 'dev_data/ToyCar/test/anomaly_id_01_00000263.wav', 'development ToyCar id_01 test - anomaly -'],
  [2020, 'dev_data_fan/fan/test/normal_id_06_00000002.wav', 'development fan id_06 test - normal -'],
  [2020, 'dev/fan/train/normal/id_00_00000001.wav', 'development fan id_00 train - normal -'],
  [2020, 'development/pump/train/normal/normal_id_02_00000001.wav', 'development pump id_02 train - normal -'],
  [
    2020,
    'eval_data_train_ToyConveyor/ToyConveyor/train/normal_id_04_00000007.wav',
    'evaluation ToyConveyor id_04 train - normal -',
  ],
  [
    2020,
    'eval_data_test_ToyConveyor/ToyConveyor/test/id_04_00000007.wav',
    'evaluation ToyConveyor id_04 test - unknown -',
  ],
  [2020, 'evaluation/slider/test/id_01_00000007.wav', 'evaluation slider id_01 test - unknown -'],
  [2020, 'eval_data/raw/valve/test_rename/anomaly_id_03_00000001.wav', 'evaluation valve id_03 test - anomaly -'],
  [
    2021,
    'dev_data/fan/train/section_00_source_train_normal_0000_strength_1_ambient.wav',
    'development fan 00 train source normal strength_1_ambient',
  ],
  [
    2021,
    'dev_data/pump/target_test/section_02_target_test_anomaly_0099.wav',
    'development pump 02 test target anomaly -',
  ],
  [2021, 'development/ToyTrain/section_01_source_test_normal_0001.wav', 'development ToyTrain 01 test source normal -'],
  [
    2021,
    'eval_data_fan_test/fan/source_test/section_03_source_test_0000.wav',
    'evaluation fan 03 test source unknown -',
  ],
  [2021, 'eval_data/fan/target_test/section_03_0000.wav', 'evaluation fan 03 test target unknown -'],
  [
    2021,
    'additional_train/fan/train/section_05_target_train_normal_0002_strength_1_ambient.wav',
    'evaluation fan 05 train target normal strength_1_ambient',
  ],
  [
    2022,
    'dev_bearing/bearing/test/section_00_target_test_normal_0049_vel_2.wav',
    'development bearing 00 test target normal vel_2',
  ],
  [2022, 'fan/train/section_02_source_train_normal_0989_m-n_W.wav', 'development fan 02 train source normal m-n_W'],
  [2022, 'fan/train/section_03_source_train_normal_0989_m-n_W.wav', 'evaluation fan 03 train source normal m-n_W'],
  [2022, 'eval_data/raw/fan/test/section_03_0000.wav', 'evaluation fan 03 test - unknown -'],
  [2022, 'eval_data/fan/test/section_03_test_0000.wav', 'evaluation fan 03 test - unknown -'],
  [2023, 'data/dcase2023t2/eval_data/raw/Vacuum/test/section_00_0000.wav', 'evaluation Vacuum 00 test - unknown -'],
  [
    2023,
    'eval_data_bandsaw_train/train/section_00_source_train_normal_0001_vel_12.wav',
    'evaluation bandsaw 00 train source normal vel_12',
  ],
  [2023, 'EVAL_DATA/toynscale/Test/SECTION_00_0007.WAV', 'evaluation ToyNscale 00 test - unknown -'],
  [
    2024,
    'eval_data_HairDryer_train_r2/HairDryer/train/section_00_target_train_normal_0001_id_C1_spd_1_mic_2.wav',
    'evaluation HairDryer 00 train target normal id_C1_spd_1_mic_2',
  ],
  [
    2024,
    'evaluation/3DPrinter/test/section_00_target_test_anomaly_0001_mdl_B_spd_2.wav',
    'evaluation 3DPrinter 00 test target anomaly mdl_B_spd_2',
  ],
  [
    2024,
    'dev_data/slider/train/section_00_source_train_normal_0001_noAttribute.wav',
    'development slider 00 train source normal noAttribute',
  ],
  [2025, 'dcase2025_t2/evaluation/AutoTrash/test/section_00_0012.wav', 'evaluation AutoTrash 00 test - unknown -'],
];

describe('clips by their paths', () => {
  it.each(PLACES)('%i %s', (year, path, said) => {
    expect(scanOf(year, clipsAt([path])).samples.map(brief)).toEqual([[path, said]]);
  });

  it.each([
    [2023, 'dev_data/pump/train/section_00_source_train_normal_0000_vel_6.wav'],
    [2023, 'dev_data/fan/train/section_01_source_train_normal_0000_m-n_W.wav'],
    [2023, 'dev_data/fan/train/fan_0001.wav'],
    [2023, 'section_00_source_train_normal_0000_m-n_W.wav'],
    [2020, 'dev_data/fan/normal_id_00_00000001.wav'],
    [2022, 'dev_data/fan/train/section_00_source_train_normal_0000_m-n_W.flac'],
  ])('%i has no %s', (year, path) => {
    const { samples, problems } = scanOf(year, clipsAt([path]));
    expect(samples).toEqual([]);
    expect(problems.find(({ kind }) => kind === 'unexpected')?.path).toBe(path);
  });

  it.each([
    'eval_data/AutoTrash/supplemental/section_00_machine_0001_id_A1.wav',
    'dev_data/fan/supplemental/section_00_noise_0001.wav',
    'dev_data/fan/train/__MACOSX/._section_00_source_train_normal_0000.wav',
    'dcase2023_t2/dev_data/fan/train/section_00_source_train_normal_0000_m-n_W.wav',
    'dev_data/fan/attributes_00.csv',
    'README.md',
  ])('leaves %s alone', (path) => {
    const { samples, problems } = scanOf(2025, clipsAt([path]));
    expect(samples).toEqual([]);
    expect(problems.filter(({ kind }) => kind !== 'missing')).toEqual([]);
  });
});

/** The smallest 2023 (or other) set, altered; its problems, and how many of its samples are left. */
function altered(year: number, alter: (files: Map<string, Uint8Array | string>) => void) {
  const files: Map<string, Uint8Array | string> = smallest(year);
  const whole = scanOf(year, files).samples.length;
  alter(files);
  const { samples, problems } = scanOf(year, files);
  return { lines: problems.map(({ message }) => message), problems, samples, lost: whole - samples.length };
}

const removing = (pattern: RegExp) => (files: Map<string, unknown>) => {
  for (const path of [...files.keys()]) if (pattern.test(path)) files.delete(path);
};

const kinds = (problems: readonly Problem[]) => problems.map(({ kind }) => kind);

describe('broken sets', () => {
  it('names a machine that is missing, and the downloads that hold it', () => {
    const { lines, lost } = altered(2023, removing(/grinder\//));
    expect(lost).toBe(7);
    expect(lines).toEqual([
      'no clips of grinder (evaluation); unpack eval_data_grinder_train.zip (https://zenodo.org/records/7830345) and eval_data_grinder_test.zip (https://zenodo.org/records/7860847)',
    ]);
  });

  it('says once that a whole set is missing', () => {
    const { lines, lost } = altered(2025, removing(/^eval_data\//));
    expect(lost).toBe(8 * 7);
    expect(lines).toEqual([
      'no clips of the evaluation set (AutoTrash, BandSealer, CoffeeGrinder, HomeCamera, Polisher, ScrewFeeder, ToyPet, ToyRCCar); download it from https://zenodo.org/records/15392814 and https://zenodo.org/records/15519362',
    ]);
  });

  it('names a machine without training or test clips, and a section that lacks either', () => {
    expect(altered(2022, removing(/^dev_data\/fan\/train\//)).lines).toEqual([
      'fan (development): no training clips; unpack dev_fan.zip (https://zenodo.org/records/6355122)',
    ]);
    expect(altered(2020, removing(/^eval_data\/pump\/test\//)).lines).toEqual([
      'pump (evaluation): no test clips; unpack eval_data_test_pump.zip (https://zenodo.org/records/3841772)',
    ]);
    expect(altered(2021, removing(/^dev_data\/fan\/.*_test\/section_0[12]_/)).lines).toEqual([
      'fan (development): no test clips of section 01, 02; unpack dev_data_fan.zip (https://zenodo.org/records/4562016)',
    ]);
  });

  it('names a section with test clips of one class', () => {
    const { lines, lost } = altered(2021, removing(/^dev_data\/pump\/.*section_01_.*_anomaly_/));
    expect(lost).toBe(2);
    expect(lines).toEqual([
      'pump section 01 (development): 2 clips to test with, all normal; AUC needs both classes, restore the others',
    ]);
    expect(altered(2020, removing(/^dev_data\/fan\/test\/normal_id_04_/)).lines).toEqual([
      'fan id_04 (development): 1 clip to test with, all anomalous; AUC needs both classes, restore the others',
    ]);
  });

  it('says once per machine that evaluation clips have no ground truth', () => {
    const { lines, samples, lost } = altered(2023, removing(/\.csv$/));
    expect(lost).toBe(0);
    expect(lines).toHaveLength(7);
    expect(lines).toContain(
      'Vacuum (evaluation): no ground truth for 4 of 4 clips to test with; put eval_data_list_2023.csv, or ground_truth_data and ground_truth_domain of the official evaluator, into the folder',
    );
    expect(samples.filter(({ label }) => label === 'unknown')).toHaveLength(7 * 4);
  });

  it('says that labels alone do not tell the domain', () => {
    const { lines } = altered(2022, removing(/^eval_data_list|^ground_truth_domain/));
    expect(lines).toHaveLength(7);
    expect(lines[0]).toContain(
      'ToyCar (evaluation): no domain for 12 of 12 clips to test with; put eval_data_list_2022',
    );
  });

  it('names a few files that it does not understand, and counts the others', () => {
    const { problems, lost } = altered(2023, (files) => {
      for (const name of ['a.wav', 'b.mp3', 'c.wav', 'd.xyz', 'e']) files.set(`dev_data/fan/train/${name}`, '');
      files.set('dev_data/fan/notes.txt', '');
      files.set('LICENSE', '');
    });
    expect(lost).toBe(0);
    expect(problems).toEqual([
      {
        kind: 'unexpected',
        path: 'dev_data/fan/train/a.wav',
        message:
          '5 not understood: dev_data/fan/train/a.wav, dev_data/fan/train/b.mp3, dev_data/fan/train/c.wav and 2 more; expected <machine>/<train or test>/<official name>.wav with a machine and section of 2023',
      },
    ]);
  });

  it('points at downloads that are still packed', () => {
    const { problems } = altered(2024, (files) => {
      removing(/fan\//)(files);
      files.set('dev_fan.zip', '');
    });
    expect(kinds(problems)).toEqual(['missing', 'missing']);
    expect(problems[1].message).toBe('still packed: dev_fan.zip; unpack where it lies');
  });

  it('leaves out a clip that lies in one folder under its short and its long name', () => {
    const { problems, lost } = altered(2023, (files) => {
      const list = new TextDecoder().decode(files.get('eval_data_list_2023.csv') as Uint8Array);
      const [, long] = /Vacuum\nsection_00_0000\.wav,(.*)/.exec(list) ?? [];
      files.set(`eval_data/Vacuum/test/${long}`, '');
    });
    expect(lost).toBe(0);
    expect(kinds(problems)).toEqual(['inconsistent']);
    expect(problems[0].path).toBe('eval_data/Vacuum/test');
    expect(problems[0].message).toContain('1 clip left out that another file holds already');
    expect(problems[0].message).toContain('is eval_data/Vacuum/test/section_00_0000.wav');
  });

  it('leaves out the merged copies of 2021', () => {
    const { lines, lost } = altered(2021, (files) => {
      for (const [path, bytes] of [...files]) {
        if (/^dev_data\/fan\/.*_test\//.test(path)) files.set(path.replace(/(source|target)_test\//, 'test/'), bytes);
      }
    });
    expect(lost).toBe(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^dev_data\/fan\/test: 12 clips left out/);
  });

  it('takes the renamed copies of the official baseline in place of the nameless originals', () => {
    const { problems, samples, lost } = altered(2023, (files) => {
      const list = new TextDecoder().decode(files.get('eval_data_list_2023.csv') as Uint8Array);
      const [, rows] = /Vacuum\n((?:.*,.*\n)+)/.exec(list) ?? [];
      for (const row of rows.trim().split('\n')) files.set(`eval_data/Vacuum/test_rename/${row.split(',')[1]}`, '');
      removing(/\.csv$/)(files);
    });
    expect(lost).toBe(0);
    const vacuum = samples.filter(({ attributes, split }) => attributes.machine === 'Vacuum' && split === 'test');
    expect(vacuum.map(({ label }) => label).sort()).toEqual(['anomaly', 'anomaly', 'normal', 'normal']);
    expect(problems.filter(({ message }) => message.startsWith('Vacuum'))).toEqual([]);
  });

  it('takes clips for what they are in a folder of the other set, and says so', () => {
    const { problems, lost } = altered(2021, (files) => {
      for (const [path, bytes] of [...files]) {
        if (!path.startsWith('eval_data/fan/train/')) continue;
        files.delete(path);
        files.set(path.replace('eval_data', 'dev_data'), bytes);
      }
    });
    expect(lost).toBe(0);
    expect(problems).toEqual([
      {
        kind: 'inconsistent',
        path: 'dev_data/fan/train',
        message:
          'dev_data/fan/train: 9 clips of the evaluation set (fan section 03, fan section 04, fan section 05) in a folder of the development set; taken as evaluation, move them',
      },
    ]);
  });

  it('reports ground truth that contradicts itself or cannot be read, and finds the clips all the same', () => {
    const list = 'eval_data_list_2023.csv';
    const twice = altered(2023, (files) => {
      const text = new TextDecoder().decode(files.get(list) as Uint8Array);
      const flip = (status: string) => (status === 'normal' ? 'anomaly' : 'normal');
      files.set(`evaluation/${list}`, text.replaceAll(/normal|anomaly/g, flip));
    });
    expect(twice.lost).toBe(0);
    expect(twice.lines[0]).toMatch(/no ground truth/);
    expect(twice.lines.at(-1)).toContain('gives another label than a file before it');

    const spoiled = altered(2020, (files) => {
      const text = new TextDecoder().decode(files.get('eval_data_list.csv') as Uint8Array);
      files.set('eval_data_list.csv', `\n${text.replace(/^(fan\n.*,)[01]$/m, '$1maybe')}`);
    });
    expect(spoiled.lost).toBe(0);
    expect(spoiled.lines[0]).toMatch(/^fan \(evaluation\): no ground truth for 1 of 6 clips to test with/);
    expect(spoiled.lines[1]).toMatch(/^eval_data_list\.csv line 3: expected 0 or 1 for id_01_00000000\.wav/);
    expect(spoiled.lines).toHaveLength(2);

    const unreadable = altered(2020, (files) => files.set('eval_data_list.csv', 'nothing of use\n'));
    expect(unreadable.lost).toBe(0);
    expect(unreadable.lines.filter((line) => line.includes('no ground truth'))).toHaveLength(6);
    expect(unreadable.lines.at(-1)).toMatch(/^readTruth: expected the ground truth of 2020/);
  });

  it('says of an empty folder that both sets are missing', () => {
    const { samples, problems } = scanOf(2024, clipsAt([]));
    expect(samples).toEqual([]);
    expect(kinds(problems)).toEqual(['missing', 'missing']);
  });

  it('reads a list with labels and line ends of any kind', () => {
    const short = ['0000', '0001'].map((number) => `evaluation/bandsaw/test/section_00_${number}.wav`);
    const list = [
      'bandsaw',
      'section_00_0000.wav,section_00_target_test_normal_0031_vel_8.wav,0',
      'section_00_0001.wav,section_00_source_test_anomaly_0002_vel_12.wav,1',
    ].join('\r\n');
    const { samples } = scanOf(2023, clipsAt(short, { 'evaluation/eval_data_list_2023_converted.csv': list }));
    expect(samples.map(brief).map(([, said]) => said)).toEqual([
      'evaluation bandsaw 00 test target normal vel_8',
      'evaluation bandsaw 00 test source anomaly vel_12',
    ]);
  });
});
