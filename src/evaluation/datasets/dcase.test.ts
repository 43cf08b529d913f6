import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { readWav } from '../../signal/readers/wav.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { machines } from '../../signal/simulate/index.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { memoryFolder } from '../files/files.test-util.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { heardPoint } from './dcase-conditions.ts';
import { clipsAt, dcaseDataSet, scanOf, smallest } from './dcase-folder.test-util.ts';
import { recordClass, withinFullScale } from './simulated.ts';
import type { GeneratedFile, Sample } from './types.ts';

const count = (samples: readonly Sample[], keyOf: (sample: Sample) => string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const sample of samples) counts[keyOf(sample)] = (counts[keyOf(sample)] ?? 0) + 1;
  return counts;
};

const FIRST_SHOT = ['ToyCar', 'ToyTrain', 'bearing', 'fan', 'gearbox', 'slider', 'valve'];
const of = (machines: readonly string[], sections: string): Record<string, string> =>
  Object.fromEntries(machines.map((machine) => [machine, sections]));

// Machines and their sections from the description of each year, independent of the tables of the code.
const PUBLISHED: Record<number, { development: Record<string, string>; evaluation: Record<string, string> }> = {
  2020: {
    development: {
      ...of(['fan', 'pump', 'slider', 'valve'], 'id_00 id_02 id_04 id_06'),
      ToyCar: 'id_01 id_02 id_03 id_04',
      ToyConveyor: 'id_01 id_02 id_03',
    },
    evaluation: {
      ...of(['fan', 'pump', 'slider', 'valve'], 'id_01 id_03 id_05'),
      ToyCar: 'id_05 id_06 id_07',
      ToyConveyor: 'id_04 id_05 id_06',
    },
  },
  2021: {
    development: of(['ToyCar', 'ToyTrain', 'fan', 'gearbox', 'pump', 'slider', 'valve'], '00 01 02'),
    evaluation: of(['ToyCar', 'ToyTrain', 'fan', 'gearbox', 'pump', 'slider', 'valve'], '03 04 05'),
  },
  2022: { development: of(FIRST_SHOT, '00 01 02'), evaluation: of(FIRST_SHOT, '03 04 05') },
  2023: {
    development: of(FIRST_SHOT, '00'),
    evaluation: of(['ToyDrone', 'ToyNscale', 'ToyTank', 'Vacuum', 'bandsaw', 'grinder', 'shaker'], '00'),
  },
  2024: {
    development: of(FIRST_SHOT, '00'),
    evaluation: of(
      '3DPrinter AirCompressor BrushlessMotor HairDryer HoveringDrone RoboticArm Scanner ToothBrush ToyCircuit'.split(
        ' ',
      ),
      '00',
    ),
  },
  2025: {
    development: of(FIRST_SHOT, '00'),
    evaluation: of(
      'AutoTrash BandSealer CoffeeGrinder HomeCamera Polisher ScrewFeeder ToyPet ToyRCCar'.split(' '),
      '00',
    ),
  },
};

/** What one clip of each kind gives: `set machine section split domain label` and how many. */
function expectedCounts(year: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [set, machines] of Object.entries(PUBLISHED[year])) {
    for (const [machine, sections] of Object.entries(machines)) {
      for (const section of sections.split(' ')) {
        const where = `${set} ${machine} ${section}`;
        for (const domain of year === 2020 ? ['undefined'] : ['source', 'target']) {
          counts[`${where} train ${domain} normal`] = domain === 'target' ? 1 : 2;
          counts[`${where} test ${domain} normal`] = 1;
          counts[`${where} test ${domain} anomaly`] = 1;
        }
      }
    }
  }
  return counts;
}

describe.each([2020, 2021, 2022, 2023, 2024, 2025])('dcase%i', (year) => {
  const files = smallest(year);
  const { samples, problems } = scanOf(year, files);

  it('finds every machine, section, domain and label that was generated, and nothing to complain of', () => {
    expect(problems).toEqual([]);
    const found = count(samples, ({ attributes: { set, machine, section, domain }, split, label }) =>
      [set, machine, section, split, `${domain}`, label].join(' '),
    );
    expect(found).toEqual(expectedCounts(year));
  });

  it('lists samples in order of path, each a take of its own', () => {
    const paths = samples.map(({ path }) => path);
    expect(paths).toEqual([...paths].sort());
    expect(samples.map(({ take }) => take)).toEqual(paths);
    expect(paths.every((path) => files.has(path))).toBe(true);
  });

  it('is labelled by any one of the two forms of ground truth alone', () => {
    const forms = year === 2020 ? [/^eval_data_list/] : [/^eval_data_list/, /^ground_truth_/];
    for (const form of forms) {
      const without = new Map([...files].filter(([path]) => /\.wav$/.test(path) || form.test(path)));
      const again = scanOf(year, without);
      expect(again.problems).toEqual([]);
      expect(count(again.samples, ({ label }) => label)).toEqual(count(samples, ({ label }) => label));
    }
  });

  it('keeps the same clips in the folders that SIREN uses', () => {
    const moved = new Map(
      [...files].map(([path, bytes]) => [
        path
          .replace(/^dev_data/, 'development')
          .replace(/^eval_data\/(.*\/train\/)/, 'additional_train/$1')
          .replace(/^eval_data\//, 'evaluation/')
          .replace(/^eval_data_list.*/, `evaluation/eval_data_list_${year}_converted.csv`),
        bytes,
      ]),
    );
    const again = scanOf(year, moved);
    expect(again.problems).toEqual([]);
    expect(count(again.samples, ({ attributes, split, label }) => JSON.stringify([attributes, split, label]))).toEqual(
      count(samples, ({ attributes, split, label }) => JSON.stringify([attributes, split, label])),
    );
  });

  it('is generated alike each time, and otherwise with another seed', () => {
    const options = { perClass: 1, seconds: 0.02 };
    const first = (seed: number) => [...take(dcaseDataSet(year).generate({ ...options, seed }), 3)];
    expect(first(4)).toEqual(first(4));
    expect(first(4)).not.toEqual(first(5));
  });

  it('is found under the names that its folder usually has, and under no other year', () => {
    const { folder } = dcaseDataSet(year);
    const short = year - 2000;
    for (const name of [`dcase${year}_t2`, `DCASE${year}T2`, `dcase${short}`, `dcase-${year}`]) {
      expect(name).toMatch(folder);
    }
    const others = [2020, 2021, 2022, 2023, 2024, 2025].filter((other) => other !== year);
    for (const other of others) expect(`dcase${other}_t2`).not.toMatch(folder);
  });
});

function* take<T>(items: Iterable<T>, most: number): Iterable<T> {
  let left = most;
  for (const item of items) {
    if (left-- === 0) return;
    yield item;
  }
}

function find(files: Iterable<GeneratedFile>, path: string): GeneratedFile | undefined {
  for (const file of files) if (file.path === path) return file;
  return undefined;
}

describe('generate', () => {
  it('names files as the organisers do', () => {
    const names = (year: number) => new Set([...smallest(year).keys()]);
    expect(names(2020)).toContain('dev_data/ToyCar/train/normal_id_01_00000000.wav');
    expect(names(2020)).toContain('eval_data/fan/test/id_01_00000000.wav');
    expect(names(2021)).toContain('dev_data/fan/target_test/section_00_target_test_anomaly_0000.wav');
    expect(names(2021)).toContain('eval_data/fan/source_test/section_03_source_test_0001.wav');
    expect(names(2022)).toContain('dev_data/bearing/train/section_00_source_train_normal_0000_vel_6.wav');
    expect(names(2022)).toContain('ground_truth_domain/ground_truth_bearing_section_03_test.csv');
    expect(names(2023)).toContain('eval_data/Vacuum/test/section_00_0003.wav');
    expect(names(2024)).toContain('dev_data/slider/test/section_00_source_test_normal_0000_noAttribute.wav');
    expect(names(2025)).toContain('eval_data/ToyPet/supplemental/section_00_machine_0001.wav');
  });

  it('writes 16 kHz, 16-bit mono of the length asked for', () => {
    const [{ bytes }] = dcaseDataSet(2023).generate({ seconds: 0.25 });
    const recording = readWav(bytes);
    expect(recording.sampleRate).toBe(16_000);
    expect(recording.channels.map(({ length }) => length)).toEqual([4000]);
    expect(bytes.length).toBe(44 + 2 * 4000);
  });

  it('makes anomalies by faults of the stand-in, of a severity of their own, under the condition that their name tells', () => {
    const path = 'dev_data/ToyCar/test/section_00_target_test_anomaly_0001_car_C1_spd_40V_mic_2.wav';
    const files = dcaseDataSet(2023).generate({ perClass: 2, seconds: 0.1, seed: 3 });
    const take = createRandom(`3/${path}`);
    const severity = take.fork('severity').uniform(0.3, 1);
    const { speedSpread } = machines.gearbox;
    const point = heardPoint('ToyCar', 'C1_spd_40V_mic_2', speedSpread, take.fork('operating point'));
    const oracle = recordClass(
      { machine: 'gearbox', fault: 'eccentricity', severity, ...point },
      { seed: `3/${path}`, machineSeed: '3/2023/ToyCar/00', seconds: 0.1, sampleRate: 16_000, domain: 'target' },
    );
    expect(find(files, path)?.bytes).toEqual(writeWav(withinFullScale(oracle)));
  });

  it('makes as many training clips as asked for, and one set alone', () => {
    const train = { source: 5, target: 2 };
    const options = { perClass: 1, seconds: 0.001, train, set: 'development' } as const;
    const paths = Array.from(dcaseDataSet(2023).generate(options), ({ path }) => path);
    expect(paths.filter((path) => /\/train\/.*_source_/.test(path))).toHaveLength(7 * 5);
    expect(paths.filter((path) => /\/train\/.*_target_/.test(path))).toHaveLength(7 * 2);
    expect(paths).toHaveLength(7 * (5 + 2 + 4));
    const evaluation = Array.from(dcaseDataSet(2023).generate({ ...options, set: 'evaluation' }), ({ path }) => path);
    expect(evaluation.some((path) => path.startsWith('dev_data'))).toBe(false);
    expect(evaluation).toContain('eval_data_list_2023.csv');
    expect(Array.from(dcaseDataSet(2020).generate({ ...options, train: { source: 4, target: 0 } }))).toHaveLength(
      23 * (4 + 2),
    );
  });

  it.each([
    [2023, { source: 0, target: 1 }, 'at least one training clip of the source domain'],
    [2023, { source: 2, target: 0.5 }, 'got 2 and 0.5 (dcase2023)'],
    [2020, { source: 2, target: 1 }, 'no training clips of the target domain, got 1; dcase2020 has no domains'],
  ])('refuses training clips that cannot be: %i %o', (year, train, message) => {
    expect(() => [...dcaseDataSet(year).generate({ train })]).toThrow(InputError);
    expect(() => [...dcaseDataSet(year).generate({ train })]).toThrow(message);
  });

  it('makes three times as much with perClass 3', () => {
    const paths = [...smallest(2023).keys()].filter((path) => path.endsWith('.wav'));
    const more = Array.from(dcaseDataSet(2023).generate({ perClass: 3, seconds: 0.001 }), ({ path }) => path);
    expect(paths).toHaveLength(14 * 7);
    expect(more.filter((path) => path.endsWith('.wav'))).toHaveLength(14 * (6 + 2 + 12));
  });

  it.each([0, 1.5, -1, Number.NaN])('refuses perClass %d', (perClass) => {
    expect(() => [...dcaseDataSet(2022).generate({ perClass })]).toThrow(InputError);
    expect(() => [...dcaseDataSet(2022).generate({ perClass })]).toThrow('generate: expected perClass of 1 or more');
  });
});

describe.skipIf(!process.env.THRUM_DATA)('official ground truth', () => {
  // Normal and anomalous test clips as counted in the files of the organisers' evaluators with grep.
  it.each([
    [2020, 'eval_data_list.csv'],
    [2021, 'ground_truth_data'],
    [2022, 'ground_truth_data'],
    [2023, 'ground_truth_data'],
    [2024, 'ground_truth_data'],
  ])('labels every evaluation clip of %i', (year, source) => {
    const root = `${process.env.THRUM_DATA}/dcase-evaluator/${year}`;
    const truth = listFolder(root).files.filter((path) => /^(ground_truth_|eval_data_list)/.test(path));
    const texts = Object.fromEntries(truth.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]));
    const clips: string[] = [];
    const official = { normal: 0, anomaly: 0 };
    for (const path of truth.filter((file) => file.startsWith(source))) {
      let machine = /ground_truth_([^_]+)_section/.exec(path)?.[1] ?? '';
      for (const line of texts[path].trim().split(/\r?\n/)) {
        const cells = line.split(',');
        if (cells.length === 1) machine = cells[0];
        else {
          clips.push(`eval_data/${machine}/test/${cells[0]}`);
          official[cells.at(-1) === '1' ? 'anomaly' : 'normal']++;
        }
      }
    }
    const { samples, problems } = dcaseDataSet(year).scan(memoryFolder(clipsAt(clips, texts)));
    expect(clips.length).toBeGreaterThan(1000);
    expect(count(samples, ({ label }) => label)).toEqual(official);
    expect(samples).toHaveLength(clips.length);
    expect(samples.filter(({ attributes }) => attributes.domain === undefined)).toHaveLength(
      year === 2020 ? clips.length : 0,
    );
    // Only what was not put there is missed: the development set and the training clips.
    expect(
      problems.filter(({ message }) => !/no clips of the development set|no training clips/.test(message)),
    ).toEqual([]);
  });
});
