import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { goldenPath } from '../../../tests/golden.ts';
import { fromRows } from '../../detection/matrix.ts';
import { anomalyRules, officialScore, type ScoredClip, sectionResults, yearFigures } from './anomaly-result.ts';
import { type BankRule, type Clip, scoreMachine, standardise, usualDistance } from './anomaly-scores.ts';

const siren = JSON.parse(readFileSync(goldenPath('echo/siren_golden.json'), 'utf8'));
const rmis = JSON.parse(readFileSync(goldenPath('fisher/rmis_protocol.json'), 'utf8'));

const clip = (part: Partial<Clip>): Clip => ({
  set: 'development',
  machine: 'fan',
  section: '00',
  split: 'train',
  ...part,
});
const close = (a: number | null | undefined, b: number, tolerance = 1e-12) =>
  expect(Math.abs((a ?? Number.NaN) - b)).toBeLessThanOrEqual(tolerance);

/** The reference adds this to every norm before it divides. */
const NORM_EPSILON = 1e-10;

describe('scoreMachine', () => {
  it('takes the nearer of source and target bank, as SIREN does from 2021 on', async () => {
    const golden = siren.dcase2023_scores;
    const clips: Clip[] = [];
    const rows: number[][] = [];
    for (const [section, banks] of Object.entries<Record<string, number[][]>>(golden.bank)) {
      for (const [domain, bank] of Object.entries(banks)) {
        for (const vector of bank) {
          clips.push(clip({ section: section.slice(-2), domain: domain as 'source' }));
          rows.push(vector);
        }
      }
    }
    const first = clips.length;
    for (const [i, vector] of (golden.test as number[][]).entries()) {
      clips.push(clip({ section: golden.files[i].slice(8, 10), split: 'test' }));
      rows.push(vector);
    }
    const { scores, unscored } = await scoreMachine(clips, fromRows(rows.map((r) => Float64Array.from(r))), 'domains');
    expect(unscored.map(({ section }) => section)).toEqual(['02']);
    for (const [i, wanted] of (golden.scores as number[]).entries()) {
      // The released code scores a section without a bank 0; here it has no score, and a reason.
      if (golden.files[i].startsWith('section_02')) expect(scores[first + i]).toBeUndefined();
      else close(scores[first + i], wanted, NORM_EPSILON);
    }
  });

  it('has one bank per machine id in 2020', async () => {
    const golden = siren.dcase2020_scores;
    const clips: Clip[] = [];
    const rows: number[][] = [];
    for (const [section, bank] of Object.entries<number[][]>(golden.bank)) {
      for (const vector of bank) {
        clips.push(clip({ section }));
        rows.push(vector);
      }
    }
    for (const [i, vector] of (golden.test as number[][]).entries()) {
      clips.push(clip({ section: /id_\d+/.exec(golden.files[i])?.[0] ?? '', split: 'test' }));
      rows.push(vector);
    }
    const { scores } = await scoreMachine(clips, fromRows(rows.map((r) => Float64Array.from(r))), 'one');
    for (const [i, wanted] of (golden.scores as number[]).entries()) {
      close(scores[scores.length - golden.scores.length + i], wanted, NORM_EPSILON);
    }
  });

  const toy = rmis.ad_toy;
  const toyClips: Clip[] = [
    ...toy.source.map(() => clip({ domain: 'source' })),
    ...toy.target.map(() => clip({ domain: 'target' })),
    ...toy.test.map((_: number[], i: number) =>
      clip({ split: 'test', domain: toy.domain[i] === 0 ? 'source' : 'target', anomalous: toy.status[i] === 1 }),
    ),
  ];
  const toyMatrix = fromRows([...toy.source, ...toy.target, ...toy.test].map((r: number[]) => Float64Array.from(r)));
  const toyScores = async (rule: BankRule) =>
    (await scoreMachine(toyClips, toyMatrix, rule)).scores.slice(-toy.test.length) as number[];
  const toyScored = async (rule: BankRule): Promise<ScoredClip[]> =>
    (await toyScores(rule)).map((score, i) => ({ ...toyClips[toyClips.length - toy.test.length + i], score }));

  it('follows both bank rules of RMIS', async () => {
    const standardised = await toyScores('domains-standardised');
    for (const [i, wanted] of (toy.score_min_of_zscores as number[]).entries()) close(standardised[i], wanted, 1e-5);
    const one = await toyScores('one');
    for (const [i, wanted] of (toy.dist_single_bank as number[]).entries()) close(one[i], wanted, 1e-6);
  });

  it('comes to RMIS figures of a section, exactly', async () => {
    const [later] = sectionResults(2022, await toyScored('domains-standardised'), 'all');
    close(later.auc[0].value.value, toy.dcase22plus.auc_s / 100);
    close(later.auc[1].value.value, toy.dcase22plus.auc_t / 100);
    close(later.pauc[0].value.value, toy.dcase22plus.pauc / 100);
    close(yearFigures(2022, [later], 'nested').development.value, toy.dcase22plus.hmean / 100);
    const [earlier] = sectionResults(2021, await toyScored('one'), 'all');
    close(earlier.auc[0].value.value, toy.dcase21_single_bank.auc_s / 100);
    close(earlier.pauc[1].value.value, toy.dcase21_single_bank.pauc_t / 100);
    close(yearFigures(2021, [earlier], 'nested').development.value, toy.dcase21_single_bank.hmean / 100);
  });
});

type Row = [string, number, number, string, string, string?];

describe('yearFigures', () => {
  it.each([2020, 2021, 2023])('aggregates %i as SIREN does', (year) => {
    const golden = siren.dcase_aggregate[year];
    const scored = (['development', 'evaluation'] as const).flatMap((set): ScoredClip[] =>
      (golden[set === 'development' ? 'dev' : 'eval'] as Row[]).map(([, score, label, a, b, c]) => ({
        set,
        machine: year === 2020 ? a : (c as string),
        section: year === 2020 ? b : a.slice(-2),
        ...(year !== 2020 && { domain: b as 'source' }),
        split: 'test',
        anomalous: label === 1,
        score,
      })),
    );
    const sections = sectionResults(year, scored, anomalyRules('siren', year, false).anomalies);
    for (const { set, machine, section, auc, pauc } of sections) {
      if (set !== 'development') continue;
      const key = (domain?: string) =>
        `${machine}_${year === 2020 ? '' : 'section_'}${section}${domain ? `_${domain}` : ''}`;
      for (const { domain, value } of auc) close(value.value, golden.dev_auc[key(domain)]);
      for (const { domain, value } of pauc) close(value.value, golden.dev_pauc[key(domain)]);
    }
    const figures = yearFigures(year, sections, 'pooled');
    close(figures.development.value, golden.dev_overall);
    close(figures.evaluation.value, golden.eval_overall);
    close(figures.score.value, golden.year_overall);
  });

  it('is undefined, with the section by name, where a class is missing', () => {
    const scored: ScoredClip[] = [0, 1].map((score) => ({
      ...clip({ split: 'test', domain: 'source', anomalous: true }),
      score,
    }));
    const { score } = yearFigures(2023, sectionResults(2023, scored, 'same-domain'), 'pooled');
    expect(score).toEqual({ value: null, reason: 'fan section 00 source: no normal recordings among 2' });
  });

  it('says that the truth is not at hand rather than that a class is missing', () => {
    const scored: ScoredClip[] = [{ ...clip({ set: 'evaluation', split: 'test', section: 'id_01' }), score: 1 }];
    const { evaluation } = yearFigures(2020, sectionResults(2020, scored, 'all'), 'nested');
    expect(evaluation).toEqual({ value: null, reason: 'fan id_01: the truth is not at hand' });
  });
});

describe('officialScore', () => {
  it('holds normal clips of a domain against all anomalies of the section', () => {
    const make = (domain: 'source' | 'target', anomalous: boolean, score: number): ScoredClip => ({
      ...clip({ set: 'evaluation', split: 'test', domain, anomalous }),
      score,
    });
    const scored = [
      make('source', false, 1),
      make('source', true, 3),
      make('target', false, 2),
      make('target', true, 0),
    ];
    // Source normal 1 against 3 and 0: AUC 1/2; target normal 2 likewise; pAUC of 1, 2 against 3, 0: (1 + (1/2·0.1 - 0.005)/(0.1 - 0.005))/2.
    const pauc = (1 + (0.05 - 0.005) / 0.095) / 2;
    const wanted = 3 / (2 + 2 + 1 / pauc);
    close(officialScore(2024, scored).value, wanted);
    expect(officialScore(2020, scored).value).toBeNull();
  });
});

describe('standardise and usualDistance', () => {
  it('standardises with the population deviation, and constant values to 0', () => {
    expect(standardise([1, 3])).toEqual([-1, 1]);
    expect(standardise([2, 2])).toEqual([0, 0]);
  });
  it('is the mean distance among training clips, 1 where there is none', async () => {
    const rows = fromRows([Float32Array.of(1, 0), Float32Array.of(0, 1), Float32Array.of(5, 5)]);
    const clips = [clip({}), clip({}), clip({ split: 'test' })];
    close(await usualDistance(clips, rows), 1, 1e-7);
    expect(await usualDistance(clips.slice(1), fromRows([Float32Array.of(0, 1), Float32Array.of(5, 5)]))).toBe(1);
  });
});
