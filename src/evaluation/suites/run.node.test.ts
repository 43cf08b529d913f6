import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detailOf, run, writeDataSet } from '../../../tests/bench-data.ts';
import { createSpectral, spectralSettings } from '../../encoders/spectral.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { dataSetById } from '../datasets/registry.ts';
import type { Sample } from '../datasets/types.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { partialAuc } from '../metrics/roc.ts';
import { sealedSplit } from '../splits/group-split.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-suite-'));
const data = join(root, 'data');
const storeFolder = join(root, 'store');
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(() => {
  writeDataSet(data, 'cwru', { perClass: 3, seconds: 0.1 });
  writeDataSet(data, 'dcase2023', { perClass: 1, seconds: 0.1 });
  writeDataSet(data, 'sdust-bearing', { perClass: 2, seconds: 0.02 });
});

/** Samples of a data set with the channels of each. */
async function readSet(id: string): Promise<{ sample: Sample; channels: Float32Array[]; sampleRate: number }[]> {
  const folder = join(data, id);
  const { samples } = dataSetById(id).scan(listFolder(folder));
  return Promise.all(
    samples.map(async (sample) => {
      const [{ channels, sampleRate }] = await readRecordingFile(join(folder, sample.path), sample.read);
      return { sample, channels, sampleRate };
    }),
  );
}

const spectral = createSpectral('spectral', spectralSettings.spectral);
const embed = async (samples: Float32Array, sampleRate: number) =>
  (await spectral.embed({ channels: [samples], sampleRate, name: 'x' })).vector;

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

/** The definitions of the protocols, one recording after the other, on embeddings that were made here. */
describe('runSuite finds what its protocols say', () => {
  it('of CWRU in SIREN: five nearest of the others, Euclidean, majority, ties to the nearest', async () => {
    const all = await readSet('cwru');
    const vectors = await Promise.all(all.map(({ channels, sampleRate }) => embed(channels[0], sampleRate)));
    const right = all.filter(({ sample }, i) => {
      const nearest = all
        .map((other, j) => ({
          label: other.sample.label,
          own: i === j,
          far: Math.hypot(...vectors[i].map((v, d) => v - vectors[j][d])),
        }))
        .filter(({ own }) => !own)
        .sort((a, b) => a.far - b.far)
        .slice(0, 5)
        .map(({ label }) => label);
      const votes = (label: string) => nearest.filter((one) => one === label).length;
      const most = Math.max(...nearest.map(votes));
      return nearest.find((label) => votes(label) === most) === sample.label;
    });
    const { result } = await run({ suite: 'siren', data, storeFolder, encoders: 'spectral', only: ['cwru'] });
    expect(all).toHaveLength(30);
    expect(result.rows[0].values.cwru.value).toBeCloseTo(right.length / 30, 12);
    expect(right.length).toBeGreaterThan(3);
  });

  it('of DCASE 2023: the nearer of two banks, areas by domain, harmonic mean', async () => {
    const all = await readSet('dcase2023');
    const clips = await Promise.all(
      all.map(async ({ sample, channels, sampleRate }) => ({ sample, vector: await embed(channels[0], sampleRate) })),
    );
    const machines = new Map<string, typeof clips>();
    for (const clip of clips) {
      const key = `${clip.sample.attributes.set}/${clip.sample.attributes.machine}`;
      machines.set(key, [...(machines.get(key) ?? []), clip]);
    }
    const areas = [...machines.values()].flatMap((own) => {
      const bank = own.filter(({ sample }) => sample.split === 'train').map(({ vector }) => vector);
      const scored = own
        .filter(({ sample }) => sample.split === 'test')
        .map(({ sample, vector }) => ({
          domain: sample.attributes.domain,
          anomalous: sample.label === 'anomaly',
          score: Math.min(...bank.map((known) => 1 - cosine(known, vector))),
        }));
      const auc = (domain: string) => {
        const side = (anomalous: boolean) =>
          scored.filter((clip) => clip.domain === domain && clip.anomalous === anomalous).map(({ score }) => score);
        const pairs = side(true).flatMap((bad) => side(false).map((good) => (bad > good ? 1 : bad === good ? 0.5 : 0)));
        return mean(pairs);
      };
      const partial = partialAuc(
        scored.map(({ anomalous }) => anomalous),
        scored.map(({ score }) => score),
        0.1,
      );
      return [auc('source'), auc('target'), partial.value as number];
    });
    expect(areas).toHaveLength(3 * 14);
    const wanted = areas.length / areas.reduce((sum, area) => sum + 1 / Math.max(area, Number.EPSILON), 0);
    const { result } = await run({ suite: 'siren', data, storeFolder, encoders: 'spectral', only: ['dcase2023'] });
    expect((result.rows[0].values.dcase2023.value as number) / wanted).toBeCloseTo(1, 9);
    const detail = detailOf(result.rows[0], 'dcase2023');
    if (detail.kind !== 'detection') throw new Error('no anomaly detection');
    const found = detail.sections.flatMap(({ auc, pauc }) => [...auc, ...pauc].map(({ value }) => value.value));
    expect([...found].sort()).toEqual([...areas].sort());
  });

  it('of bearings in RMIS: all channels, scaled, windows filled up, ten sealed splits', async () => {
    const all = await readSet('sdust-bearing');
    const peak = Math.max(...all.flatMap(({ channels }) => channels.map((c) => Math.max(...c.map(Math.abs)))));
    expect(peak).toBeGreaterThan(1);
    const rows: { take: string; label: string; vector: Float32Array }[] = [];
    for (const { sample, channels, sampleRate } of all) {
      for (const channel of channels) {
        const scaled = channel.map((value) => value * (1 / peak));
        const window = new Float32Array(10 * sampleRate);
        const offset = mean(scaled);
        window.set(scaled.map((value) => value - offset));
        rows.push({ take: sample.take, label: sample.label, vector: await embed(window, sampleRate) });
      }
    }
    expect(rows).toHaveLength(20 * 6);
    const labels = rows.map(({ label }) => label);
    const takes = rows.map(({ take }) => take);
    const classes = [...new Set(labels)];
    const scores = Array.from({ length: 10 }, (_, n) => {
      const { train, test } = sealedSplit(takes, labels, 0.5, 111 + n);
      const predicted = test.map((i) => {
        const votes = new Map<string, number>();
        for (const { similarity, label } of train
          .map((j) => ({ similarity: cosine(rows[i].vector, rows[j].vector), label: labels[j] }))
          .sort((a, b) => b.similarity - a.similarity)
          .slice(0, 5)) {
          votes.set(label, (votes.get(label) ?? 0) + similarity);
        }
        return [...votes].sort((a, b) => b[1] - a[1])[0][0];
      });
      const recall = (label: string) => {
        const own = test.flatMap((i, t) => (labels[i] === label ? [predicted[t] === label ? 1 : 0] : []));
        return mean(own);
      };
      return mean(classes.map(recall));
    });
    const { result } = await run({ suite: 'rmis', data, storeFolder, encoders: 'spectral', only: ['sdust-bearing'] });
    expect(result.rows[0].values['sdust-bearing'].value).toBeCloseTo(mean(scores), 12);
    expect(detailOf(result.rows[0], 'sdust-bearing').recordings).toBe(20 * 6);
  });

  it('of all phases of a motor, where nothing says which to take', async () => {
    writeDataSet(data, 'itsc', { perClass: 5, seconds: 0.1 });
    const { result } = await run({ suite: 'open', data, storeFolder, encoders: 'spectral', only: ['itsc'] });
    const { protocol, recordings } = detailOf(result.rows[0], 'itsc');
    expect([protocol, recordings]).toEqual([
      'stratified 5-fold, sealed by take, k = 5, Euclidean, 3 channels fused',
      65,
    ]);
    expect(Object.keys(result.rows[0].values)).toEqual(['itsc']);
  });
});
