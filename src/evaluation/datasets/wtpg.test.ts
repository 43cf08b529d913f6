import { describe, expect, it } from 'vitest';
import { attributeValues, folderOf, generated, labelCounts, shapesOf } from './scan.test-util.ts';
import { wtpg } from './wtpg.ts';

describe('wtpg', () => {
  it('finds in a generated set every class, speed, run and channel', async () => {
    const set = generated(wtpg, { seconds: 0.05 });
    expect(set.scan.problems).toEqual([]);
    expect(labelCounts(set.scan.samples)).toEqual(Object.fromEntries(wtpg.classes.map((label) => [label, 8])));
    expect(attributeValues(set.scan.samples, 'speed')).toEqual('20 25 30 35 40 45 50 55'.split(' '));
    expect(attributeValues(set.scan.samples, 'run')).toEqual(['1', '2']);
    expect(await shapesOf(set)).toEqual(['4 x 2400 at 48000, 0 dead, 0 more']);
  });

  it('has the 80 files of the repository when all are asked for, and no more', () => {
    const set = generated(wtpg, { perClass: 99, seconds: 0.002 });
    expect(set.files.size).toBe(wtpg.expected?.samples);
    expect(labelCounts(set.scan.samples)).toEqual(wtpg.expected?.perClass);
    expect([...set.files.keys()].filter((path) => path.startsWith('missing_tooth/2'))).toContain(
      'missing_tooth/2/M2_55.MAT',
    );
  });

  it('says what is missing and what it does not understand', () => {
    const broken = [
      'broken/1/B1_20.MAT',
      'healthy/1/N1_20.MAT',
      'healthy/2/N1_25.MAT',
      'healthy/1/W1_20.MAT',
      'wear/1/.MAT',
    ];
    const { samples, problems } = wtpg.scan(folderOf(broken));
    expect(samples.map(({ path }) => path)).toEqual(['broken/1/B1_20.MAT', 'healthy/1/N1_20.MAT']);
    expect(problems.map(({ kind, path }) => [kind, path])).toEqual([
      ['missing', 'missing_tooth/1/M1_20.MAT'],
      ['missing', 'root_crack/1/R1_20.MAT'],
      ['missing', 'wear/1/W1_20.MAT'],
      ['unexpected', 'healthy/1/W1_20.MAT'],
      ['unexpected', 'healthy/2/N1_25.MAT'],
      ['unexpected', 'wear/1/.MAT'],
    ]);
  });
});
