import { describe, expect, it } from 'vitest';
import { evaluateDcase } from './evaluate.ts';
import { formatDcase } from './format.ts';
import { madeUpClips } from './made-up-year.test-util.ts';
import type { DcaseResult } from './result.ts';
import { dcaseYear } from './years.ts';

function resultOf(year: number, withScores = (_machine: string) => true): DcaseResult {
  const clips = madeUpClips(year).map(({ short, long, score, decision, ...clip }) => ({
    ...clip,
    name: short,
    longNames: [long],
    ...(withScores(clip.machine) && { score, decision: decision === 1 }),
  }));
  return { ...evaluateDcase(clips, dcaseYear(year)), system: 'team/system', problems: [], notes: [] };
}

describe('formatDcase', () => {
  it('shows sections, domains, means and the score of 2025, one column under the other', () => {
    const result = resultOf(2025);
    const lines = formatDcase(result);
    expect(lines[0]).toBe('DCASE 2025 Task 2, team/system (all anomalies)');
    const at = lines.indexOf('Polisher');
    const polisher = result.sections.find(({ machine }) => machine === 'Polisher');
    const shown = (value = Number.NaN): string => value.toFixed(4);
    expect(lines[at + 1].split(/ {2,}/)).toEqual([
      ...['section 00', 'all', '16+8'],
      shown(polisher?.auc.value ?? undefined),
      shown(polisher?.pauc.value ?? undefined),
    ]);
    expect(lines[at + 2].trim().split(/ +/).slice(0, 3)).toEqual([
      ...['source', '8+4'],
      shown(polisher?.domains?.source.auc.value ?? undefined),
    ]);
    expect(lines.at(-1)).toBe(`official score  ${result.official.value?.toFixed(6)}`);
    // The end of the column of AUC is where its heading ends.
    const end = lines[1].indexOf('AUC') + 3;
    const rows = lines.filter((line) => / (source|all) /.test(line) && /\d\+\d/.test(line));
    expect(rows).toHaveLength(16);
    for (const row of rows) expect(row.slice(end - 6, end)).toMatch(/^\d\.\d{4}$/);
  });

  it('shows what is undefined as a dash with the reason, and a score of some recordings as incomplete', () => {
    const lines = formatDcase(resultOf(2023, (machine) => machine !== 'shaker'));
    expect(lines).toContain('official score  none: shaker section 00 source: no anomaly scores');
    expect(lines).toContain('undefined: shaker section 00: no anomaly scores');
    expect(lines[lines.indexOf('shaker') + 1]).toMatch(/^section 00 +all +0\+0 +- +-$/);
    const partial = { ...resultOf(2023), missing: 3 };
    expect(formatDcase(partial).at(-1)).toMatch(
      /^official score {2}0\.\d{6} \(incomplete: 3 recordings without a score\)$/,
    );
  });

  it('shows 2020 without decisions and 2021 by domain', () => {
    const of2020 = formatDcase(resultOf(2020));
    expect(of2020[1].trim().split(/ +/)).toEqual(['clips', 'AUC', 'pAUC']);
    expect(of2020.at(-1)).toBe('official score  none: 2020 has no total score, only means per machine');
    const of2021 = formatDcase(resultOf(2021));
    expect(of2021.filter((line) => /^section 03 +target +8\+4( +\d\.\d{4}){5}$/.test(line))).toHaveLength(7);
  });

  it('describes results that JSON holds without loss', () => {
    for (const year of [2020, 2021, 2025]) {
      const result = resultOf(year, (machine) => machine !== 'fan');
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    }
  });
});
