import { describe, expect, it } from 'vitest';
import { iiee } from './iiee.ts';
import { attributeValues, countsOf, folderOf, generated, shapesOf } from './scan.test-util.ts';

describe('iiee', () => {
  it('finds in a generated set every engine on both sides, in every condition', async () => {
    const set = generated(iiee, { perClass: 2, seconds: 0.02 });
    const { samples, problems } = set.scan;
    expect(problems).toEqual([]);
    expect(countsOf(samples.map(({ label, split }) => `${split} ${label}`))).toEqual({
      'train engine1_good': 2,
      'train engine2_broken': 2,
      'train engine3_heavyload': 2,
      'test engine1_good': 18,
      'test engine2_broken': 18,
      'test engine3_heavyload': 18,
    });
    expect(attributeValues(samples, 'condition')).toEqual(['atmo', 'pure', 'stresstest', 'talking', 'whitenoise']);
    expect(attributeValues(samples, 'variant')).toEqual(['1', '2', '3', '4', 'high', 'low', 'medium']);
    expect(Object.values(countsOf(samples.map(({ take }) => take)))).toEqual(Array(30).fill(2));
    expect(await shapesOf(set)).toEqual(['1 x 882 at 44100, 0 dead, 0 more']);
    // The long recordings lie beside their clips and are no samples of their own.
    expect(set.files.size).toBe(60 + 30);
  });

  it('takes clips of one long recording together', () => {
    const paths = ['test_cut/engine1_good/talking_1_12.wav', 'test_cut/engine1_good/stresstest_3.wav'];
    expect(iiee.scan(folderOf(paths)).samples.map(({ take, attributes }) => [take, attributes])).toEqual([
      ['test/engine1_good/stresstest', { condition: 'stresstest', cut: '3' }],
      ['test/engine1_good/talking_1', { condition: 'talking', variant: '1', cut: '12' }],
    ]);
  });

  it('says what is missing and what it does not understand', () => {
    const broken = [
      'train_cut/engine1_good/pure_0.wav',
      'train_cut/engine2_broken/pure_0.wav',
      'train_cut/engine3_heavyload/pure_0.wav',
      'test/engine1_good/atmo_low.wav',
      'test_cut/engine1_good/atmo_low_0.wav',
      'test_cut/engine2_broken/atmo_low_0.wav',
      'test_cut/engine2_broken/music_0.wav',
      'test_cut/engine2_broken/.wav',
    ];
    expect(iiee.scan(folderOf(broken)).problems).toEqual([
      {
        kind: 'missing',
        path: 'test_cut/engine3_heavyload/atmo_low_0.wav',
        message:
          'iiee: expected recordings of engine3_heavyload (test) at test_cut/engine3_heavyload/atmo_low_0.wav, found none; unpack that part of the official download too',
      },
      {
        kind: 'unexpected',
        path: 'test_cut/engine2_broken/.wav',
        message:
          'iiee: expected names such as talking_1_12.wav in test_cut/engine1_good (pure, talking, atmo, whitenoise, stresstest), found .wav and 1 more in test_cut/engine2_broken; unpack the official download again, or move what does not belong to it elsewhere',
      },
    ]);
  });
});
