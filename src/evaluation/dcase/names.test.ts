import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipName, type DcaseName, parseDcaseName } from './names.ts';

const CASES: readonly [string, DcaseName][] = [
  ['normal_id_01_00000098.wav', { section: 'id_01', anomalous: false, index: '00000098', attributes: '' }],
  ['anomaly_id_06_00000001.wav', { section: 'id_06', anomalous: true, index: '00000001', attributes: '' }],
  ['id_05_00000012.wav', { section: 'id_05', index: '00000012', attributes: '' }],
  [
    'section_03_source_test_normal_0006.wav',
    { section: '03', domain: 'source', split: 'test', anomalous: false, index: '0006', attributes: '' },
  ],
  [
    'section_03_target_test_0000.wav',
    { section: '03', domain: 'target', split: 'test', index: '0000', attributes: '' },
  ],
  [
    'section_00_source_train_normal_0000_strength_1_ambient.wav',
    {
      section: '00',
      domain: 'source',
      split: 'train',
      anomalous: false,
      index: '0000',
      attributes: 'strength_1_ambient',
    },
  ],
  [
    'section_00_source_test_anomaly_0001_ac_0.03_.wav',
    { section: '00', domain: 'source', split: 'test', anomalous: true, index: '0001', attributes: 'ac_0.03_' },
  ],
  [
    'section_00_target_train_normal_0997_noAttribute',
    {
      section: '00',
      domain: 'target',
      split: 'train',
      anomalous: false,
      index: '0997',
      attributes: 'noAttribute',
    },
  ],
  ['section_05_0199.wav', { section: '05', index: '0199', attributes: '' }],
  // The ground truth of 2024 names some recordings without `test`, SIREN's list of 2025 without the status.
  [
    'section_00_source_normal_0035_weight15_BckgF',
    { section: '00', domain: 'source', anomalous: false, index: '0035', attributes: 'weight15_BckgF' },
  ],
  ['section_00_source_0003.wav', { section: '00', domain: 'source', index: '0003', attributes: '' }],
  ['section_00_clean_0007.wav', { section: '00', supplemental: 'clean', index: '0007', attributes: '' }],
  [
    'section_00_noise_supplemental_normal_0000.wav',
    { section: '00', supplemental: 'noise', anomalous: false, index: '0000', attributes: '' },
  ],
];

describe('parseDcaseName', () => {
  it.each(CASES)('%s', (name, expected) => {
    expect(parseDcaseName(name)).toEqual(expected);
  });

  it('takes any case, folders and a missing .wav', () => {
    const plain = parseDcaseName('section_00_source_test_normal_0006_vel_8.wav');
    for (const name of [
      'fan/test/section_00_source_test_normal_0006_vel_8.wav',
      'D:\\dev_data\\fan\\section_00_source_test_normal_0006_vel_8.wav',
      ' Section_00_Source_Test_Normal_0006_vel_8.WAV ',
      'section_00_source_test_normal_0006_vel_8',
    ]) {
      expect(parseDcaseName(name), name).toEqual(plain);
    }
  });

  it('refuses what is no name of the challenge, or says two things', () => {
    for (const name of [
      '',
      'section_00.wav',
      'section_0_0001.wav',
      'section_00_001.wav',
      'section_00_source_target_0001.wav',
      'section_00_normal_anomaly_0001.wav',
      'section_00_constructor_0001.wav',
      'section_00_valid_0001.wav',
      'id_01_0001.wav',
      'normal_01_00000001.wav',
      'recording.wav',
      '12.5',
    ]) {
      expect(parseDcaseName(name), name).toBeUndefined();
    }
  });

  it('reads back every name put together from its parts', () => {
    fc.assert(
      fc.property(
        fc.record({
          section: fc.constantFrom('00', '03', '12'),
          domain: fc.constantFrom('source' as const, 'target' as const),
          split: fc.constantFrom('train' as const, 'test' as const),
          anomalous: fc.boolean(),
          index: fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(4, '0')),
          attributes: fc.stringMatching(/^[A-Za-z0-9.-]*(_[A-Za-z0-9.-]+)*$/),
        }),
        (name) => {
          const { section, domain, split, anomalous, index, attributes } = name;
          const status = anomalous ? 'anomaly' : 'normal';
          const end = attributes === '' ? '' : `_${attributes}`;
          const text = `section_${section}_${domain}_${split}_${status}_${index}${end}.wav`;
          expect(parseDcaseName(text)).toEqual(name);
          expect(`${clipName(`x/${text}`)}.wav`).toBe(text);
        },
      ),
    );
  });
});
