import { describe, expect, it } from 'vitest';
import { readRecordings } from '../../signal/readers/index.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { femto, femtoBearings } from './femto.ts';
import { countsOf, folderOf, generated, labelCounts, shapesOf } from './scan.test-util.ts';

const root = process.env.THRUM_DATA;
const records = (set: string, bearing: string, numbers: readonly number[]) =>
  numbers.map((number) => `${set}/${bearing}/acc_${String(number).padStart(5, '0')}.csv`);

describe('femto', () => {
  const set = generated(femto, { perClass: 4 });

  it('finds in a generated set the learning set and a complete test bearing', async () => {
    expect(set.scan.problems).toEqual([]);
    expect(labelCounts(set.scan.samples)).toEqual({
      Bearing1_1: 4,
      Bearing1_2: 4,
      Bearing1_4: 4,
      Bearing2_1: 4,
      Bearing2_2: 4,
      Bearing3_1: 4,
      Bearing3_2: 4,
    });
    expect(countsOf(set.scan.samples.map(({ split }) => split))).toEqual({ train: 24, test: 4 });
    expect(set.scan.samples.some(({ path }) => path.startsWith('Test_set'))).toBe(false);
    expect(await shapesOf(set)).toEqual(['2 x 2560 at 25600, 0 dead, 0 more']);
    expect(set.bytes).toBeLessThan(10e6);
  });

  it('writes the two layouts of the official files', () => {
    const line = (path: string) => new TextDecoder().decode(set.files.get(path)?.bytes).split('\n')[1];
    expect(line('Learning_set/Bearing1_1/acc_00002.csv')).toMatch(/^9,0,10,425079,-?\d+\.\d{3},-?\d+\.\d{3}$/);
    expect(line('Full_Test_Set/Bearing1_4/acc_00001.csv')).toMatch(/^9;0;0;4\.2508e\+05;-?\d+\.\d{3};-?\d+\.\d{3}$/);
    expect(line('Test_set/Bearing1_4/acc_00003.csv')).toMatch(/^9,0,20,/);
  });

  it('makes bearings that wear out', async () => {
    const power = async (number: number) => {
      const file = set.files.get(`Learning_set/Bearing1_1/acc_0000${number}.csv`);
      const [{ channels }] = await readRecordings(file?.bytes ?? new Uint8Array(), set.scan.samples[0].read);
      return channels[0].reduce((sum, value) => sum + value ** 4, 0) / channels[0].reduce((s, v) => s + v * v, 0) ** 2;
    };
    expect(await power(4)).toBeGreaterThan(1.5 * (await power(1)));
  });

  it('takes the complete run where there is a truncated one too, and files before archives', () => {
    const { samples } = femto.scan(
      folderOf([
        ...records('Test_set', 'Bearing1_3', [1]),
        ...records('Full_Test_Set', 'Bearing1_3', [1, 2]),
        ...records('Test_set', 'Bearing2_7', [1]),
        ...records('Learning_set', 'Bearing3_1', [1]),
        'Bearing3_1.npz',
        'Bearing3_2.npz',
        'Learning_set/Bearing3_1/temp_00001.csv',
      ]),
    );
    expect(samples.map(({ path }) => path)).toEqual([
      'Bearing3_2.npz',
      ...records('Full_Test_Set', 'Bearing1_3', [1, 2]),
      ...records('Learning_set', 'Bearing3_1', [1]),
      ...records('Test_set', 'Bearing2_7', [1]),
    ]);
    expect(samples[0].read).toEqual({ sampleRate: 25600, variable: 'acceleration' });
    expect(samples[1].attributes).toEqual({
      bearing: 'Bearing1_3',
      condition: '1',
      rpm: '1800',
      load: '4000',
      record: '1',
    });
  });

  it('puts bearings in order of life', () => {
    const paths = [...records('Learning_set', 'Bearing2_1', [10, 9, 100]), ...records('Test_set', 'Bearing1_3', [1])];
    const bearings = femtoBearings(femto.scan(folderOf(paths)).samples.reverse());
    expect(bearings.map(({ bearing, condition, split }) => [bearing, condition, split])).toEqual([
      ['Bearing1_3', '1', 'test'],
      ['Bearing2_1', '2', 'train'],
    ]);
    expect(bearings[1].samples.map(({ attributes }) => attributes.record)).toEqual(['9', '10', '100']);
  });

  it('names gaps and bearings that are none', () => {
    const paths = [
      ...records('a', 'Bearing1_1', [1, 3, 7]),
      ...records('a', 'Bearing1_8', [1]),
      'b/Bearing1_1/acc_3.csv',
    ];
    expect(femto.scan(folderOf(paths)).problems.map(({ kind, message }) => [kind, message])).toEqual([
      ['unexpected', expect.stringMatching(/Bearing1_1 to Bearing3_3, found acc_00001\.csv in a\/Bearing1_8/)],
      ['missing', 'Bearing1_1: record 2 is missing; unpack the archive again'],
      ['inconsistent', 'Bearing1_1: record 3 is there twice; remove one of them'],
      ['missing', 'Bearing1_1: records 4 to 6 are missing; unpack the archive again'],
    ]);
    expect(femto.scan(folderOf([])).problems.map(({ kind }) => kind)).toEqual(['missing']);
  });

  it('states the records of all 17 bearings', () => {
    expect(femto.classes).toHaveLength(17);
    expect(femto.expected?.samples).toBe(7534 + 17355);
  });

  it.skipIf(!root)('finds the real learning set in archives', () => {
    const { samples, problems } = femto.scan(listFolder(`${root}/femto`));
    expect(problems).toEqual([]);
    expect(samples.map(({ label }) => label)).toEqual(
      'Bearing1_1 Bearing1_2 Bearing2_1 Bearing2_2 Bearing3_1 Bearing3_2'.split(' '),
    );
    expect(femtoBearings(samples)).toHaveLength(6);
  });
});
