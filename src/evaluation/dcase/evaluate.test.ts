import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arithmeticMean } from '../metrics/means.ts';
import { type Measured, measured } from '../metrics/measured.ts';
import { summarise } from './aggregate.ts';
import { evaluateDcase } from './evaluate.ts';
import { madeUpClips } from './made-up-year.test-util.ts';
import type { DcaseClip } from './match.ts';
import type { DcaseSection } from './result.ts';
import { dcaseYear } from './years.ts';

const clipsOf = (year: number): DcaseClip[] =>
  madeUpClips(year).map(({ machine, section, domain, anomalous, short, score, decision }) => ({
    machine,
    section,
    name: short,
    anomalous,
    ...(domain && { domain }),
    longNames: [],
    score,
    decision: decision === 1,
  }));

/** Share of pairs in which the anomalous recording scores higher; ties count half. */
function pairs(normal: readonly DcaseClip[], anomalous: readonly DcaseClip[]): number {
  let sum = 0;
  for (const { score: a = 0 } of anomalous) for (const { score: b = 0 } of normal) sum += a > b ? 1 : a === b ? 0.5 : 0;
  return sum / (normal.length * anomalous.length);
}

const known = (value: Measured | undefined): number => {
  if (value === undefined || value.value === null) throw new Error(`expected a value, got ${value?.reason}`);
  return value.value;
};

const isNormal = ({ anomalous }: DcaseClip): boolean => !anomalous;
const isAnomalous = ({ anomalous }: DcaseClip): boolean => anomalous;

describe('evaluateDcase', () => {
  it('2022 and later: normal recordings of a domain against all anomalies', () => {
    const clips = clipsOf(2025);
    const { sections } = evaluateDcase(clips, dcaseYear(2025));
    expect(sections).toHaveLength(8);
    for (const { machine, auc, domains, normal, anomalous } of sections) {
      const own = clips.filter((clip) => clip.machine === machine);
      expect(known(auc)).toBeCloseTo(pairs(own.filter(isNormal), own.filter(isAnomalous)), 12);
      for (const domain of ['source', 'target'] as const) {
        const normals = own.filter((clip) => isNormal(clip) && clip.domain === domain);
        expect(known(domains?.[domain].auc)).toBeCloseTo(pairs(normals, own.filter(isAnomalous)), 12);
      }
      expect([normal, anomalous]).toEqual([16, 8]);
    }
  });

  it('2021: each domain with its own anomalies', () => {
    const clips = clipsOf(2021);
    const { sections } = evaluateDcase(clips, dcaseYear(2021));
    expect(sections).toHaveLength(42);
    for (const { machine, section, domain, auc } of sections) {
      const own = clips.filter((c) => c.machine === machine && c.section === section && c.domain === domain);
      expect(known(auc)).toBeCloseTo(pairs(own.filter(isNormal), own.filter(isAnomalous)), 12);
    }
  });

  it('precision, recall and F1 are those of the anomalous class, within a domain', () => {
    const clips = clipsOf(2023).map((clip, i) => ({ ...clip, decision: i % 4 === 0 }));
    const [{ domains }] = evaluateDcase(clips, dcaseYear(2023)).sections;
    // Source: numbers 0, 2 … 22; anomalous are 0, 6, 12, 18; decided anomalous are 0, 4 … 20; hits are 0 and 12.
    expect(domains?.source).toMatchObject({
      normal: 8,
      anomalous: 4,
      precision: measured(2 / 6),
      recall: measured(2 / 4),
    });
    expect(known(domains?.source.f1)).toBeCloseTo(0.4, 12);
    // Nothing of the target domain was decided anomalous.
    expect(domains?.target).toMatchObject({ precision: measured(0), recall: measured(0), f1: measured(0) });
  });

  it('a single class is undefined, and the reason names the section', () => {
    const clips = clipsOf(2022).filter((c) => !(c.machine === 'fan' && c.section === '04' && c.anomalous));
    const { sections, machines, official } = evaluateDcase(clips, dcaseYear(2022));
    const fan = sections.find(({ machine, section }) => machine === 'fan' && section === '04');
    const reason = 'fan section 04: no anomalous recordings among 16';
    expect(fan?.auc).toEqual({ value: null, reason });
    expect(fan?.pauc).toEqual({ value: null, reason });
    expect(fan?.domains?.source).toMatchObject({
      auc: { value: null, reason: 'fan section 04 source: no anomalous recordings among 8' },
      recall: { value: null, reason: 'fan section 04 source: no anomalous recordings' },
    });
    expect(official).toEqual({ value: null, reason: 'fan section 04 source: no anomalous recordings among 8' });
    const undefinedMeans = machines.filter(({ means }) => means.arithmetic.auc.value === null);
    expect(undefinedMeans.map(({ machine }) => machine)).toEqual(['fan']);
  });

  it('says which section has no ground truth, no scores, no domains', () => {
    const clips = clipsOf(2023)
      .filter(({ machine }) => machine !== 'grinder')
      .map(({ score, domain, ...clip }) => ({
        ...clip,
        ...(clip.machine !== 'shaker' && { score }),
        ...(clip.machine !== 'Vacuum' && { domain }),
      }));
    const { sections, missing } = evaluateDcase(clips, dcaseYear(2023));
    const reasonOf = (name: string) => {
      const section = sections.find(({ machine }) => machine === name);
      return section?.domains?.source.auc;
    };
    expect(reasonOf('grinder')).toMatchObject({ reason: 'grinder section 00 source: no ground truth' });
    expect(reasonOf('shaker')).toMatchObject({ reason: 'shaker section 00 source: no anomaly scores' });
    expect(reasonOf('Vacuum')).toMatchObject({
      reason: expect.stringContaining('the domain of 24 recordings is not known'),
    });
    expect(missing).toBe(24);
  });

  it('2020 has no total score, and the arithmetic mean alone', () => {
    const { official, overall, sections } = evaluateDcase(clipsOf(2020), dcaseYear(2020));
    expect(official.value).toBeNull();
    expect(Object.keys(overall)).toEqual(['arithmetic']);
    expect(Object.keys(overall.arithmetic)).toEqual(['auc', 'pauc']);
    expect(sections.map(({ machine, section }) => `${machine} ${section}`).slice(-6)).toEqual([
      ...['ToyCar id_05', 'ToyCar id_06', 'ToyCar id_07'],
      ...['ToyConveyor id_04', 'ToyConveyor id_05', 'ToyConveyor id_06'],
    ]);
  });

  it('depends on the order of scores alone, and not on that of recordings', () => {
    const rules = dcaseYear(2025);
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.integer({ min: 0, max: 50 })),
        fc.integer({ min: 1, max: 20 }),
        (stream, step) => {
          const clips = clipsOf(2025).map((clip) => ({ ...clip, score: stream.next().value as number }));
          const moved = clips.map((clip) => ({ ...clip, score: Math.expm1(clip.score / 10) }));
          const turned = [...moved.slice(step), ...moved.slice(0, step)];
          expect(evaluateDcase(turned, rules)).toEqual(evaluateDcase(clips, rules));
        },
      ),
      { numRuns: 20 },
    );
  });
});

type Published = Record<string, Record<string, Record<string, Record<string, number | null>>>>;

const published: Published = JSON.parse(
  readFileSync(new URL('../../../tests/golden/metrics/dcase_task2_published_baselines.json', import.meta.url), 'utf8'),
);

describe('summarise', () => {
  const systems = Object.entries(published).flatMap(([year, all]) =>
    Object.entries(all).map(([system, table]) => ({ year: Number(year), system, table })),
  );

  it.each(systems)('the means and the score published for $system of $year', ({ year, table }) => {
    const rules = dcaseYear(year);
    const source = table['AUC (source)'];
    const target = table['AUC (target)'];
    const pauc = table['pAUC (source, target)'];
    const valueIn = (row: Record<string, number | null>, machine: string): Measured =>
      measured(row[machine] ?? Number.NaN);
    const sections = Object.keys(rules.machines).map((machine): DcaseSection => {
      const of = (row: Record<string, number | null>) => {
        const auc = valueIn(row, machine);
        return { normal: 0, anomalous: 0, auc, precision: measured(0), recall: measured(0), f1: measured(0) };
      };
      return {
        machine,
        section: '00',
        normal: 0,
        anomalous: 0,
        missing: 0,
        auc: measured(0),
        pauc: valueIn(pauc, machine),
        domains: { source: of(source), target: of(target) },
      };
    });
    const { overall, official } = summarise(sections, rules);
    const near = (value: Measured | undefined, expected: number | null): void => {
      expect(Math.abs(known(value) - (expected ?? Number.NaN))).toBeLessThan(1e-12);
    };
    near(overall.sourceHarmonic?.auc, source['h-mean']);
    near(overall.targetHarmonic?.auc, target['h-mean']);
    near(overall.harmonic?.pauc, pauc['h-mean']);
    near(overall.arithmetic.pauc, pauc['a-mean']);
    near(official, table['TOTAL score']['h-mean']);
    const all = sections.flatMap((s) => [s.domains?.source.auc, s.domains?.target.auc, s.pauc].map(known));
    near(arithmeticMean(all), table['TOTAL score']['a-mean']);
  });

  it('repeats the mistake of the evaluator of 2022 only where asked to', () => {
    const rules = dcaseYear(2022);
    const right = evaluateDcase(clipsOf(2022), rules);
    const compat = evaluateDcase(clipsOf(2022), rules, { compat: true });
    const { sections, machines } = compat;
    for (const [i, { machine, means }] of machines.entries()) {
      const [first] = sections.filter((section) => section.machine === machine);
      expect(known(means.sourceHarmonic?.auc)).toBeCloseTo(known(first.domains?.source.auc), 12);
      expect(means.sourceHarmonic).not.toEqual(right.machines[i].means.sourceHarmonic);
      expect(means.harmonic).toEqual(right.machines[i].means.harmonic);
    }
    expect(compat.overall).toEqual(right.overall);
    expect(compat.official).toEqual(right.official);
  });
});
