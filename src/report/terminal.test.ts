import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportFixture, rowFixture } from './report.fixture.ts';
import { formatScoreTable, shortenMiddle } from './terminal.ts';

const { rows } = reportFixture();

describe('formatScoreTable', () => {
  it('aligns file, score, p-value, verdict, bands and diagnosis, worst first', () => {
    const failed = { ...rowFixture(98, 0, 1), error: 'readWav: expected RIFF' };
    expect(formatScoreTable([rows[0], failed, rows[1], rows[4]], { colour: false, width: 120 }).split('\n')).toEqual([
      'file                  score  p-value  verdict       where                               diagnosis',
      'line 3/pump_0002.wav  2.410  < 0.001  ▲ not normal  2.9–3.5 kHz 41 %, 5.8–6.9 kHz 12 %  bearing wear 87 %',
      'line 3/pump_0005.wav  1.190  < 0.001  ▲ not normal  2.9–3.5 kHz 41 %, 5.8–6.9 kHz 12 %',
      'line 3/pump_0001.wav  0.810     0.79  ● normal      5.8–6.9 kHz 12 %, 2.9–3.5 kHz 8 %',
      'line 3/pump_0099.wav  ✕ not scored  readWav: expected RIFF',
    ]);
  });

  it('gives up bands and shortens names where the terminal is narrow', () => {
    const at = (width: number) => formatScoreTable(rows, { colour: false, width }).split('\n');
    expect(at(90)[1]).toBe('line 3/pump_0002.wav   2.41  < 0.001  ▲ not normal  2.9–3.5 kHz 41 %  bearing wear 87 %');
    expect(at(60)[1]).toBe('line 3/pump_0002.wav   2.41  < 0.001  ▲ not normal');
    expect(at(46)[1]).toBe('line 3/…0002.wav   2.41  < 0.001  ▲ not normal');
    for (const width of [46, 60, 72, 80, 100, 120])
      for (const line of at(width)) expect(line.length).toBeLessThanOrEqual(width);
  });

  it('colours only on request', () => {
    const esc = String.fromCharCode(27);
    expect(formatScoreTable(rows, { colour: false, width: 100 })).not.toContain(esc);
    const coloured = formatScoreTable(rows, { colour: true, width: 100 });
    expect(coloured).toContain(`${esc}[31m▲ not normal`);
    const plain = coloured.replaceAll(new RegExp(`${esc}\\[\\d+m`, 'g'), '').replace(/ +$/gm, '');
    expect(plain).toBe(formatScoreTable(rows, { colour: false, width: 100 }));
  });

  it('lets no control character of a file name reach the terminal', () => {
    const evil = { ...rows[0], file: `a\u001b[2Jb\nc\u202e.wav` };
    const text = formatScoreTable([evil], { colour: false, width: 100 });
    expect(text).toContain('a\ufffd[2Jb\ufffdc\ufffd.wav');
    expect(text.split('\n')).toHaveLength(2);
  });

  it('counts East Asian characters as two columns', () => {
    const lines = formatScoreTable(
      [
        { ...rows[0], file: 'ポンプ.wav' },
        { ...rows[2], file: 'pump_1.wav' },
      ],
      {
        colour: false,
        width: 100,
      },
    ).split('\n');
    expect(lines[1].startsWith('ポンプ.wav  0.810')).toBe(true);
    expect(lines[2].startsWith('pump_1.wav  0.770')).toBe(true);
  });

  it('says nothing about nothing', () => {
    expect(formatScoreTable([], { colour: false, width: 80 })).toBe('');
  });
});

describe('shortenMiddle', () => {
  it('keeps both ends', () => {
    expect(shortenMiddle('section_00_source_test_0042.wav', 20)).toBe('section_0…t_0042.wav');
    expect(shortenMiddle('short.wav', 20)).toBe('short.wav');
  });

  it('never exceeds the width, and fills it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '.', '_') }),
        fc.integer({ min: 3, max: 40 }),
        (text, width) => {
          expect(shortenMiddle(text, width)).toHaveLength(Math.min(text.length, width));
        },
      ),
    );
  });
});
