// SIREN and RMIS from end to end, on small copies of all their data sets: every cell, audit and hash of both modes.
import { beforeAll, describe, expect, it } from 'vitest';
import { publishedRows } from '../src/evaluation/tables/published.ts';
import type { SuiteName } from '../src/evaluation/tables/suites.ts';
import {
  columnIds,
  detailOf,
  faultOf,
  filesOf,
  measuredRows,
  run,
  type SuiteRun,
  smallSets,
  writeDataSet,
  yearOf,
} from './bench-data.ts';
import { scratchFolder } from './run-cli.ts';

const { at } = scratchFolder();
const data = at('data');
const storeFolder = at('store');
const years = [2020, 2021, 2022, 2023, 2024, 2025];
const MINUTES = 60_000;

beforeAll(() => {
  for (const [id, small] of Object.entries(smallSets)) writeDataSet(data, id, small);
}, 9 * MINUTES);

const rowNames = [
  'spectral-shape',
  'spectral + spectral-shape (concatenated)',
  'spectral + spectral-shape (scores averaged)',
  'spectral',
];
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const protocols = ({ result }: SuiteRun, row = 0) =>
  Object.fromEntries(measuredRows(result)[row].details.map(({ view, protocol }) => [view, protocol]));

/** Views whose audit found takes on both sides of a split. */
const leaking = ({ result }: SuiteRun) =>
  result.rows[0].details.filter(({ audit }) => audit.sharedTakes > 0).map(({ view }) => view);

/** What holds for every run: rows, cells, means, audits, provenance. */
function expectComplete({ result }: SuiteRun, suite: SuiteName): void {
  const own = measuredRows(result);
  expect(own.map(({ encoder }) => encoder)).toEqual(rowNames);
  expect(own.map(({ parameters }) => parameters)).toEqual([0, 0, 0, 0]);
  expect(result.rows.slice(own.length)).toEqual(publishedRows(suite));
  expect(result.skipped).toEqual([]);
  const ids = columnIds(result);
  for (const { values, details } of own) {
    for (const { id } of result.columns) {
      expect(values[id], id).toEqual({ value: expect.any(Number) });
      expect(values[id].value, id).toBeGreaterThanOrEqual(0);
      expect(values[id].value, id).toBeLessThanOrEqual(1);
    }
    expect(details.map(({ view }) => view)).toEqual(ids);
    for (const { view, score } of details) expect(values[view]).toEqual(score);
    const of = (group: string) => result.columns.filter((column) => column.group === group);
    const over = (group: string) => mean(of(group).map(({ id }) => values[id].value as number));
    const [ad, fd] = [over('anomaly detection'), over('fault diagnosis')];
    expect(values['ad-mean'].value).toBeCloseTo(ad, 12);
    expect(values['fd-mean'].value).toBeCloseTo(fd, 12);
    expect(values.overall.value).toBeCloseTo((ad + fd) / 2, 12);
  }
  const { version, command, dataHashes } = result.provenance;
  expect([version, command]).toEqual(['1.2.3', `thrum bench ${suite}`]);
  expect(Object.keys(dataHashes)).toEqual(ids);
  for (const hash of Object.values(dataHashes)) expect(hash).toMatch(/^[0-9a-f]{64}$/);
}

/** Twelve machines in 2020, fourteen with a source and a target bank later: training and test side of each are audited. */
const yearSplits = [12, 14, 14, 14, 16, 15];
const yearClips = [164, 294, 294, 98, 112, 105];

function expectYears({ result }: SuiteRun): void {
  for (const row of measuredRows(result)) {
    const found = years.map((year) => yearOf(row, year));
    expect(found.map(({ audit }) => audit.splits)).toEqual(yearSplits);
    expect(found.map(({ recordings }) => recordings)).toEqual(yearClips);
    // 2020 has no official total.
    expect(found.map(({ official }) => official.value === null)).toEqual([true, false, false, false, false, false]);
    for (const { development, evaluation, sections } of found) {
      for (const area of sections.flatMap(({ auc, pauc }) => [...auc, ...pauc])) {
        expect(area.value).toEqual({ value: expect.any(Number) });
      }
      for (const { value } of [development, evaluation]) expect(value).toEqual(expect.any(Number));
    }
  }
}

/** A run with nothing left to embed says the same and writes nothing. */
async function expectKept(first: SuiteRun, suite: SuiteName): Promise<void> {
  const kept = filesOf(storeFolder);
  const again = await run({ suite, data, storeFolder });
  expect(again.embedded).toBe(0);
  expect(filesOf(storeFolder)).toEqual(kept);
  expect(again.result).toEqual(first.result);
}

describe('SIREN', () => {
  let clean: SuiteRun;
  let compat: SuiteRun;
  beforeAll(async () => {
    clean = await run({ suite: 'siren', data, storeFolder });
    compat = await run({ suite: 'siren', data, storeFolder, compat: true });
  }, 9 * MINUTES);

  it('has a number in every cell, and nothing to complain of', () => {
    for (const one of [clean, compat]) {
      expectComplete(one, 'siren');
      expectYears(one);
      expect(one.result.problems).toEqual([]);
      expect(one.result.provenance.seeds).toEqual([1]);
    }
    expect(clean.result.provenance.dataHashes).toEqual(compat.result.provenance.dataHashes);
    const { dataHashes } = clean.result.provenance;
    expect(dataHashes['mafaulda-sound']).toBe(dataHashes['mafaulda-vibration']);
    expect(new Set(Object.values(dataHashes)).size).toBe(Object.keys(dataHashes).length - 1);
    // The second of two encoders in a fusion is the first one's own row: both were embedded once.
    const recordings = yearClips.reduce((sum, count) => sum + count, 0) + 30 + 40 + 30 + 2 * 20;
    expect([clean.embedded, compat.embedded]).toEqual([2 * recordings, 0]);
  });

  it('keeps takes on one side, and says how it was done', () => {
    expect(protocols(clean)).toEqual({
      dcase2020: 'k = 1, cosine, one bank, arithmetic mean',
      dcase2021: 'k = 1, cosine, nearer of two banks, harmonic mean',
      ...Object.fromEntries(
        years
          .slice(2)
          .map((year) => [
            `dcase${year}`,
            'k = 1, cosine, nearer of two banks, anomalies of the same domain, harmonic mean',
          ]),
      ),
      iiee: 'official split, k = 5, Euclidean',
      iica: 'stratified 5-fold, sealed by take, k = 5, Euclidean',
      cwru: 'leave one out, sealed by take, k = 5, Euclidean',
      'mafaulda-vibration': 'leave one out, sealed by take, k = 5, Euclidean, 7 channels fused',
      'mafaulda-sound': 'leave one out, sealed by take, k = 5, Euclidean',
    });
    expect(protocols(clean, 2)['mafaulda-vibration']).toMatch(/, 14 channels fused$/);
    for (const { details } of measuredRows(clean.result)) {
      for (const { view, audit } of details) {
        expect(audit, view).toMatchObject({ sharedTakes: 0, sharedContent: 0, examples: [] });
      }
    }
    const [row] = clean.result.rows;
    const counted = ['iiee', 'iica', 'cwru', 'mafaulda-sound'].map((view) => faultOf(row, view));
    expect(counted.map(({ recordings, audit }) => [recordings, audit.splits])).toEqual([
      [30, 1],
      [40, 5],
      [30, 30],
      [20, 20],
    ]);
    for (const { confusion, perClass, interval, score } of counted) {
      const tested = confusion.counts.flat().reduce((sum, count) => sum + count, 0);
      expect(perClass.reduce((sum, { support }) => sum + support, 0)).toBe(tested);
      const [low, high] = interval ?? [Number.NaN, Number.NaN];
      expect(low).toBeLessThanOrEqual(score.value as number);
      expect(high).toBeGreaterThanOrEqual(score.value as number);
    }
  });

  it('lets takes leak where the released code does', () => {
    expect(leaking(compat)).toEqual(['iica']);
    // Every recording of two microphones, unless chance puts both into one fold.
    expect(faultOf(compat.result.rows[0], 'iica').audit.sharedTakes).toBeGreaterThan(20);
    expect(protocols(compat)).toMatchObject({
      iica: 'stratified 5-fold, k = 5, Euclidean',
      cwru: 'leave one out, k = 5, Euclidean',
      'mafaulda-vibration': 'leave one out, k = 5, Euclidean, 7 channels fused',
    });
    expect(detailOf(compat.result.rows[0], 'iica')).not.toEqual(detailOf(clean.result.rows[0], 'iica'));
    for (const year of years) {
      expect(yearOf(compat.result.rows[0], year)).toEqual(yearOf(clean.result.rows[0], year));
    }
  });

  it('sees a vector of one channel as eight where its length allows', async () => {
    // At 12 kHz these four have 696 values together, at 44.1 kHz the third alone 552: multiples of 8.
    const encoders = 'spectral+spectral-shape+spectral-25ms+spectral-50ms,spectral-25ms';
    const only = ['cwru', 'iiee'];
    const found = await run({ suite: 'siren', data, storeFolder, compat: true, encoders, only });
    expect(protocols(found, 0).cwru).toBe('leave one out, k = 5, Euclidean, 7 channels fused');
    expect(protocols(found, 2).iiee).toBe('official split, k = 5, Euclidean, 8 channels fused');
    expect(protocols(found, 2).cwru).toBe('leave one out, k = 5, Euclidean');
    const plain = await run({ suite: 'siren', data, storeFolder, encoders, only });
    expect(protocols(plain, 2).iiee).toBe('official split, k = 5, Euclidean');
    expect(plain.result.rows[0].values.cwru).not.toEqual(found.result.rows[0].values.cwru);
  });

  it('takes everything from the store the second time', () => expectKept(clean, 'siren'));

  it('runs what is there, and names what is not', async () => {
    const { result } = await run({ suite: 'siren', data: at('data', 'cwru'), storeFolder, encoders: 'spectral' });
    expect(result.rows[0].values.cwru).toEqual(measuredRows(clean.result)[3].values.cwru);
    expect(result.provenance.dataHashes).toEqual({ cwru: clean.result.provenance.dataHashes.cwru });
    expect(result.skipped.map(({ view }) => view)).toEqual(columnIds(result).filter((id) => id !== 'cwru'));
    expect(result.skipped[0].reason).toMatch(
      /^no recordings as it unpacks were found in the data folder; .*https:\/\/zenodo.org/,
    );
    expect(result.rows[0].values).toMatchObject({
      'ad-mean': { value: null, reason: '6 of 6 data sets were not run' },
      'fd-mean': { value: null, reason: '4 of 5 data sets were not run' },
      overall: { value: null },
    });
    expect(result.rows[0].values.iica).toBeUndefined();
  });

  it('hears an encoder that is fused with itself as the encoder alone', async () => {
    const only = ['dcase2020', 'dcase2023', 'iica', 'cwru', 'mafaulda-vibration'];
    const { result } = await run({ suite: 'siren', data, storeFolder, encoders: 'spectral+spectral', only });
    const [joined, averaged, alone] = measuredRows(result).map(({ values }) => values);
    for (const id of only) {
      expect(joined[id].value, id).toBeCloseTo(alone[id].value as number, 9);
      expect(averaged[id].value, id).toBeCloseTo(alone[id].value as number, 9);
    }
    expect(alone.cwru.value).not.toBe(measuredRows(clean.result)[0].values.cwru.value);
  });
});

describe('RMIS', () => {
  let clean: SuiteRun;
  let compat: SuiteRun;
  beforeAll(async () => {
    clean = await run({ suite: 'rmis', data, storeFolder });
    compat = await run({ suite: 'rmis', data, storeFolder, compat: true });
  }, 15 * MINUTES);

  /** Rows of a view: recordings times the channels that RMIS takes of them. */
  const counts = {
    iica: 60,
    iiee: 30,
    wtpg: 15 * 2,
    'mafaulda-sound': 20,
    'mafaulda-vibration': 20 * 6,
    'sdust-bearing': 20 * 6,
    'sdust-gear': 14 * 6,
    'umged-sound': 66,
    'umged-vibration': 66 * 3,
    'umged-voltage': 66 * 2,
    'umged-current': 66 * 2,
    'pu-vibration': 60,
    'pu-current': 60 * 2,
  };

  it('has a number in every cell, and complains only of curves that so few takes do not allow', () => {
    for (const one of [clean, compat]) {
      expectComplete(one, 'rmis');
      expectYears(one);
      for (const problem of one.result.problems) {
        expect(problem).toMatch(/^[\w-]+: no multi-split curve: sealedSplit: no split of \d+ takes with a test share/);
      }
      expect(one.result.provenance.seeds).toEqual([111, 112, 113, 114, 115, 116, 117, 118, 119, 120]);
      const found = Object.keys(counts).map((view) => [view, detailOf(one.result.rows[0], view).recordings]);
      expect(Object.fromEntries(found)).toEqual(counts);
    }
    expect(clean.result.provenance.dataHashes).toEqual(compat.result.provenance.dataHashes);
    expect(compat.embedded).toBe(0);
  });

  it('takes the mean of ten sealed splits', () => {
    for (const { details } of measuredRows(clean.result)) {
      for (const { view, protocol, audit } of details) {
        expect(audit, view).toMatchObject({ sharedTakes: 0, sharedContent: 0, examples: [] });
        if (!Object.hasOwn(counts, view)) continue;
        const split = view === 'iiee' ? 'official split' : '10 splits, sealed by take, 0.5 for testing';
        const words = view.startsWith('umged') ? split.replace('0.5', '0.2') : split;
        expect(protocol).toBe(`${words}, k = 5, votes by cosine similarity, macro accuracy`);
      }
    }
    for (const row of measuredRows(clean.result)) {
      for (const view of Object.keys(counts)) {
        const { runs, score, audit } = faultOf(row, view);
        expect(audit.splits).toBe(view === 'iiee' ? 1 : 10);
        expect(runs).toHaveLength(audit.splits);
        expect(score.value).toBeCloseTo(mean(runs as number[]), 12);
      }
    }
  });

  it('draws the multi-split curve between chance and certainty', () => {
    for (const row of measuredRows(clean.result)) {
      for (const view of ['pu-vibration', 'pu-current']) {
        const { curve, score } = faultOf(row, view);
        if (!curve) throw new Error(`${view} has no curve`);
        const { trainShare, score: y } = curve;
        expect([trainShare.length, y.length]).toEqual([21, 21]);
        expect([trainShare[0], y[0], trainShare[20], y[20]]).toEqual([0, 1 / 3, 1, 1]);
        for (const [i, share] of trainShare.entries()) expect(share).toBeCloseTo(0.05 * i, 12);
        // Half for training is the split of the table.
        expect(y[10]).toBeCloseTo(score.value as number, 12);
        const inner = y.slice(1, 20);
        expect(curve.trapezoid).toBeCloseTo(0.05 * ((y[0] + y[20]) / 2 + inner.reduce((a, b) => a + b, 0)), 12);
        const weighted = inner.reduce((sum, value, i) => sum + value * (i % 2 === 0 ? 4 : 2), y[0] + y[20]);
        expect(curve.simpson).toBeCloseTo((0.05 / 3) * weighted, 12);
      }
    }
    expect(faultOf(clean.result.rows[0], 'umged-sound').curve).toBeUndefined();
    expect(clean.result.problems.some((line) => line.startsWith('umged-sound: no multi-split curve'))).toBe(true);
  });

  it('parts the channels of a take where the released code does', () => {
    const severalChannels = ['iica', 'wtpg', 'mafaulda-vibration', 'sdust-bearing', 'sdust-gear'];
    expect(leaking(compat)).toEqual([...severalChannels, 'umged-vibration', 'umged-voltage', 'umged-current']);
    expect(protocols(compat)).toMatchObject({
      dcase2020: 'k = 1, cosine, one bank, arithmetic mean',
      dcase2021: 'k = 1, cosine, one bank, harmonic mean',
      dcase2022: 'k = 1, cosine, two standardised banks, all anomalies, harmonic mean',
      dcase2025: 'k = 1, cosine, two standardised banks, all anomalies, harmonic mean',
      'umged-current':
        '10 splits, sealed by take and channel, 0.2 for testing, k = 5, votes by cosine similarity, macro accuracy',
      'pu-current': '10 splits, sealed by take, 0.5 for testing, k = 5, votes by cosine similarity, macro accuracy',
      iiee: 'official split, k = 5, votes by cosine similarity, macro accuracy',
    });
    expect(protocols(clean)).toMatchObject({
      dcase2021: 'k = 1, cosine, nearer of two banks, harmonic mean',
      dcase2022: 'k = 1, cosine, nearer of two banks, all anomalies, harmonic mean',
    });
    const [own, released] = [clean, compat].map(({ result }) => result.rows[0]);
    for (const year of years.slice(2)) {
      expect(yearOf(released, year).sections, String(year)).not.toEqual(yearOf(own, year).sections);
    }
    // The nearer of two banks is as near as the two in one.
    for (const year of [2020, 2021]) expect(yearOf(released, year).sections).toEqual(yearOf(own, year).sections);
    for (const view of severalChannels) expect(released.values[view], view).not.toEqual(own.values[view]);
    for (const view of ['iiee', 'mafaulda-sound', 'umged-sound', 'pu-vibration']) {
      expect(released.values[view], view).toEqual(own.values[view]);
    }
  });

  it('takes everything from the store the second time', () => expectKept(clean, 'rmis'));
});
