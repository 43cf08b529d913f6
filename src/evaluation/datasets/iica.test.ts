import { describe, expect, it } from 'vitest';
import { iica, iicaSirenSamples } from './iica.ts';
import { attributeValues, countsOf, folderOf, generated, labelCounts, shapesOf } from './scan.test-util.ts';

describe('iica', () => {
  it('finds in a generated set the classes of both benchmarks, every background, session and microphone', async () => {
    const set = generated(iica, { seconds: 0.02 });
    const { samples, problems } = set.scan;
    expect(problems).toEqual([]);
    expect(labelCounts(samples)).toEqual({ no_leak: 72, tubeleak: 24, ventleak: 24, ventlow: 24 });
    expect(labelCounts(iicaSirenSamples(samples))).toEqual({ no_leak: 48, tubeleak: 24, ventleak: 24 });
    expect(countsOf(samples.map(({ attributes }) => attributes.rmis))).toEqual(
      Object.fromEntries(
        ['tubeleak', 'ventleak', 'ventlow'].flatMap((leak) => [
          [`${leak}_leak`, 24],
          [`${leak}_noleak`, 24],
        ]),
      ),
    );
    expect(attributeValues(samples, 'background')).toEqual(['hydr', 'hydr_low', 'lab', 'work', 'work_low']);
    expect(attributeValues(samples, 'session')).toEqual(['1', '2', '3']);
    expect(attributeValues(samples, 'microphone')).toEqual(['1', '2', '3', '4']);
    expect(Object.values(countsOf(samples.map(({ take }) => take)))).toEqual(Array(36).fill(4));
    expect(await shapesOf(set)).toEqual(['1 x 960 at 48000, 0 dead, 0 more']);
  });

  it.each([
    ['raw/tubeleak/lab/1/1_iO_3_2l_.wav', 'no_leak', 'tubeleak_noleak', 'tubeleak/lab/1/1_iO_3'],
    ['ventlow/hydr_low/3/3_niO_12_4m_.wav', 'ventlow', 'ventlow_leak', 'ventlow/hydr_low/3/3_niO_12'],
    // RMIS's cuts of 10 s: the take is that of the whole recording.
    ['ventleak/hydr/2/2_niO_1_1l_2.wav', 'ventleak', 'ventleak_leak', 'ventleak/hydr/2/2_niO_1'],
  ])('reads %s', (path, label, rmis, take) => {
    const [sample] = iica.scan(folderOf([path])).samples;
    expect([sample.label, sample.attributes.rmis, sample.take]).toEqual([label, rmis, take]);
  });

  it('says what is missing and what it does not understand', () => {
    const paths = [...generated(iica, { perClass: 1, seconds: 0.002 }).files.keys()];
    const broken = [
      ...paths.filter((path) => !path.startsWith('ventlow')),
      'tubeleak/lab/1/.wav',
      'tubeleak/lab/1/1_io.wav',
    ];
    const { problems } = iica.scan(folderOf(broken));
    expect(problems.map(({ kind, message }) => [kind, message.slice(0, 62)])).toEqual([
      ['missing', 'iica: expected recordings of ventlow_leak at ventlow/lab/1/1_n'],
      ['missing', 'iica: expected recordings of ventlow_noleak at ventlow/lab/1/1'],
      ['unexpected', 'iica: expected names such as 1_niO_2_1l_.wav in tubeleak/lab/1'],
    ]);
  });
});
