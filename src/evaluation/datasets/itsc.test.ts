import { describe, expect, it } from 'vitest';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { readRecordings } from '../../signal/readers/index.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { itsc } from './itsc.ts';
import { attributeValues, folderOf, generated, labelCounts, shapesOf } from './scan.test-util.ts';

const root = process.env.THRUM_DATA;

describe('itsc', () => {
  const set = generated(itsc);

  it('generates the complete cropped set', async () => {
    expect(set.scan.problems).toEqual([]);
    expect(labelCounts(set.scan.samples)).toEqual(itsc.expected?.perClass);
    expect(itsc.classes).toEqual('healthy A10 A20 A30 A40 B10 B20 B30 B40 C10 C20 C30 C40'.split(' '));
    expect(attributeValues(set.scan.samples, 'level')).toEqual(['10', '20', '30', '40']);
    expect(await shapesOf(set)).toEqual(['3 x 1000 at 1000, 0 dead, 0 more']);
    expect(set.bytes).toBeLessThan(5e6);
  });

  it('turns the short with the phases: each fault lifts its own current most', async () => {
    const shareOf = async (stem: string) => {
      const bytes = set.files.get(`Cropped_Signals_SF/${stem}/${stem}_001.csv`)?.bytes ?? new Uint8Array();
      const [{ channels }] = await readRecordings(bytes, { sampleRate: 1000 });
      const powers = channels.map((samples) => samples.reduce((sum, value) => sum + value * value, 0));
      return powers.map((power) => power / powers.reduce((a, b) => a + b));
    };
    const [a, b, c] = [await shareOf('SC_A4_B0_C0'), await shareOf('SC_A0_B4_C0'), await shareOf('SC_A0_B0_C4')];
    const spread = (shares: number[]) => Math.max(...shares) - Math.min(...shares);
    expect(spread(a)).toBeGreaterThan(2 * spread(await shareOf('SC_HLT')));
    const top = (shares: number[]) => shares.indexOf(Math.max(...shares));
    expect([top(b), top(c)]).toEqual([(top(a) + 1) % 3, (top(a) + 2) % 3]);
  });

  it('takes one form where there are several, cropped files first', () => {
    const forms = [
      'RAWData_ITSC.mat',
      'RAW_Signals/SC_HLT_001.csv',
      'RAW_Signals_SF/SC_HLT/SC_HLT_001.csv',
      'Data_ITSC.mat',
      'Cropped_Signals_SF/SC_HLT/SC_HLT_001.csv',
    ];
    for (const [i, form] of forms.entries()) {
      const { samples } = itsc.scan(folderOf(forms.slice(0, i + 1)));
      expect(new Set(samples.map(({ path }) => path))).toEqual(new Set([form]));
      expect(samples).toHaveLength(form.endsWith('.mat') ? 65 : 1);
    }
    expect(itsc.scan(folderOf(['Data_ITSC.mat'])).samples[7]).toEqual({
      path: 'Data_ITSC.mat',
      read: { sampleRate: 1000, variable: 'itsc.ITSC_A10.Repetition03' },
      take: 'SC_A1_B0_C0_3',
      label: 'A10',
      attributes: { repetition: '3', phase: 'A', level: '10' },
    });
  });

  it('says what is missing, not understood and still packed', () => {
    const paths = [...set.files.keys()].filter((path) => !path.includes('SC_HLT'));
    const problems = (files: string[]) => itsc.scan(folderOf(files)).problems.map(({ kind, path }) => [kind, path]);
    expect(problems([...paths, 'Cropped_Signals_SF/SC_A5_B0_C0_001.csv'])).toEqual([
      ['missing', 'Cropped_Signals_SF/SC_HLT/SC_HLT_001.csv'],
      ['unexpected', 'Cropped_Signals_SF/SC_A5_B0_C0_001.csv'],
    ]);
    expect(problems(['dataset/Cropped_Signals_SF.zip'])).toEqual([
      ['missing', undefined],
      ['missing', 'dataset/Cropped_Signals_SF.zip'],
    ]);
  });

  it.skipIf(!root)('finds and reads the real ones', async () => {
    const { samples, problems } = itsc.scan(listFolder(`${root}/itsc`));
    expect(problems).toEqual([]);
    expect(labelCounts(samples)).toEqual(itsc.expected?.perClass);
    for (const { path, read } of [samples[0], samples[64]]) {
      const [{ channels, sampleRate }] = await readRecordingFile(`${root}/itsc/${path}`, read);
      expect([channels.length, channels[0].length, sampleRate]).toEqual([3, 1000, 1000]);
    }
  });
});
