// thrum baseline as a user runs it: models and score files of tiny data sets, gone on with, and read as the challenge does.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelsOf } from '../src/cli/baseline-kinds.ts';
import { type DcaseEdition, dcaseEditions } from '../src/evaluation/datasets/dcase-editions.ts';
import { generateDcase } from '../src/evaluation/datasets/dcase-generate.ts';
import type { Sample } from '../src/evaluation/datasets/types.ts';
import { evaluateDcaseFolders } from '../src/evaluation/dcase/evaluate-folder.node.ts';
import { readSubmissions } from '../src/evaluation/dcase/score-files.ts';
import { dcaseYear } from '../src/evaluation/dcase/years.ts';
import { listFolder } from '../src/evaluation/files/list-folder.node.ts';
import type { Measured } from '../src/evaluation/metrics/measured.ts';
import { readRecordingFile } from '../src/signal/read-file.node.ts';
import { readMobileNet, writeMobileNet } from '../src/training/baselines/baseline-file.ts';
import { createMobileNetScorer } from '../src/training/baselines/mobilenet.ts';
import { complaints, hum, output, refusal, scratchFolder, thrum, writeRecording } from './run-cli.ts';

const { folder, at } = scratchFolder();
const here = { cwd: folder };
const baseline = (...args: string[]) => thrum(['baseline', ...args], here);

/** A few machines of a year, 2.1 s a clip: one input of the classifier. */
function makeSet(year: number, sections: Partial<DcaseEdition['sections']>, train: { source: number; target: number }) {
  const edition = dcaseEditions.find((known) => known.year === year) as DcaseEdition;
  const few = { ...edition, sections: { development: {}, evaluation: {}, ...sections } };
  for (const { path, bytes } of generateDcase(few, { perClass: 2, seconds: 2.1, train })) {
    const file = at('sets', `dcase${year}`, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

// Attributes of the second machine are hidden.
makeSet(2024, { evaluation: { HairDryer: ['00'], ToothBrush: ['00'] } }, { source: 3, target: 3 });
makeSet(2022, { development: { fan: ['00', '01'] } }, { source: 1, target: 0 });

const set2024 = at('sets', 'dcase2024');
const clipsOf = (machine: string, side: 'train' | 'test') =>
  readdirSync(join(set2024, 'eval_data', machine, side)).sort();

type Json = {
  sections: { machine: string; section: string; threshold: number; clips: number; anomalous: number }[];
  machines: { machine: string; auc: { domain: string; value: Measured }[]; pauc: Measured; all: Measured }[];
  all: { all: Measured };
  refused: string[];
  leftOut: string[];
};

const jsonOf = (stdout: string): Json => JSON.parse(stdout) as Json;
const contentOf = (...names: string[]) => readFileSync(at(...names), 'utf8');
const rowsOf = (...names: string[]) =>
  contentOf(...names)
    .trim()
    .split('\n')
    .map((line) => line.split(','));

describe('thrum baseline autoencoder', () => {
  const run = (...more: string[]) => {
    const settings = ['--epochs', '1', '--batch', '64', '--learning-rate', '3e-3', '--json'];
    return baseline('autoencoder', '--data', 'sets', '--year', '2024', '--out', 'ae', ...settings, ...more);
  };
  const first = run();
  const json = () => jsonOf(first.stdout);

  it('writes a model and two score files for every section', () => {
    expect(first.status, first.stderr).toBe(0);
    expect(readdirSync(at('ae')).sort()).toEqual(
      ['HairDryer', 'ToothBrush']
        .flatMap((machine) => [
          `${machine}_section_00.safetensors`,
          `anomaly_score_${machine}_section_00_test.csv`,
          `decision_result_${machine}_section_00_test.csv`,
        ])
        .sort(),
    );
  });

  it('scores every test clip, and decides by the threshold', () => {
    for (const { machine, threshold, clips, anomalous } of json().sections) {
      const scores = rowsOf('ae', `anomaly_score_${machine}_section_00_test.csv`);
      const decisions = rowsOf('ae', `decision_result_${machine}_section_00_test.csv`);
      expect(scores.map(([name]) => name)).toEqual(clipsOf(machine, 'test'));
      expect(decisions).toEqual(scores.map(([name, score]) => [name, Number(score) > threshold ? '1' : '0']));
      expect(scores.every((row) => row.length === 2 && Number(row[1]) > 0)).toBe(true);
      expect(clips).toBe(scores.length);
      expect(anomalous).toBe(decisions.filter(([, decision]) => decision === '1').length);
    }
  });

  it('writes files that are read without a complaint, and come to the same figures', () => {
    const [submission] = readSubmissions(listFolder(at('ae')), dcaseYear(2024));
    expect(submission).toMatchObject({ problems: [], notes: [] });
    expect(submission.files.map(({ kind, machine, rows }) => [kind, machine, rows.length])).toEqual([
      ['score', 'HairDryer', 8],
      ['score', 'ToothBrush', 8],
      ['decision', 'HairDryer', 8],
      ['decision', 'ToothBrush', 8],
    ]);
    const [{ sections }] = evaluateDcaseFolders({ year: 2024, scores: at('ae'), truth: set2024 });
    for (const { machine, auc, pauc } of json().machines) {
      const official = sections.find((section) => section.machine === machine);
      const areas = [
        ...(['source', 'target'] as const).map((domain) => official?.domains?.[domain].auc),
        official?.pauc,
      ];
      expect(auc.map(({ domain }) => domain)).toEqual(['source', 'target']);
      // A mean, even of one section, is no less than the challenge's clamp.
      for (const [i, { value }] of [...auc.map((area) => area.value), pauc].entries()) {
        expect(value).toBeCloseTo(areas[i]?.value ?? Number.NaN, 12);
      }
    }
  });

  it('goes on with the machines that have no model yet, to the same numbers', () => {
    const kept = statSync(at('ae', 'ToothBrush_section_00.safetensors')).mtimeMs;
    const model = readFileSync(at('ae', 'HairDryer_section_00.safetensors'));
    rmSync(at('ae', 'HairDryer_section_00.safetensors'));
    const again = run();
    expect(again.stdout).toBe(first.stdout);
    expect(again.stderr).toContain('HairDryer section 00: training on 6 clips');
    expect(again.stderr).toContain('ToothBrush_section_00.safetensors is there and not trained again');
    expect(statSync(at('ae', 'ToothBrush_section_00.safetensors')).mtimeMs).toBe(kept);
    expect(readFileSync(at('ae', 'HairDryer_section_00.safetensors')).equals(model)).toBe(true);
  });

  it('scores in another way without training, and leaves out clips that cannot be used', () => {
    const mse = contentOf('ae', 'anomaly_score_HairDryer_section_00_test.csv');
    const [broken, ...others] = clipsOf('HairDryer', 'test');
    const path = join(set2024, 'eval_data', 'HairDryer', 'test', broken);
    const whole = readFileSync(path);
    writeFileSync(path, 'RIFF');
    // So many epochs would never end.
    const args = ['--data', set2024, '--out', 'ae', '--epochs', '1e9', '--score', 'mahalanobis'];
    const outcome = baseline('autoencoder', ...args);
    writeFileSync(path, whole);
    expect(complaints(outcome, 1).filter((line) => line.includes('it is left out'))).toEqual([
      expect.stringMatching(new RegExp(`^note: .*${broken}.*; it is left out$`)),
    ]);
    const rows = rowsOf('ae', 'anomaly_score_HairDryer_section_00_test.csv');
    expect(rows.map(([name]) => name)).toEqual(others);
    expect(mse).not.toContain(rows[0].join());
    const table = outcome.stdout.trim().split('\n');
    expect(table).toHaveLength(4);
    expect(table[0]).toMatch(/^% +AUC source +AUC target +pAUC +harmonic mean$/);
    expect(table[1]).toMatch(/^HairDryer( +\d+\.\d\d){4}$/);
    expect(table[3]).toMatch(/^all machines( +\d+\.\d\d){4}$/);
  });
});

describe('thrum baseline mobilenet', () => {
  const args = ['--epochs', '1', '--batch', '16', '--learning-rate', '1e-3', '--json'];
  const sample = (section: string, attributes: string): Sample => {
    const path = `section_${section}_source_train_normal_0000_${attributes}.wav`;
    return { path, take: path, label: 'normal', split: 'train', attributes: { machine: 'fan', section, attributes } };
  };

  it('takes sections as classes where there are several, else attribute groups', () => {
    const samples = [sample('00', 'm-n_W'), sample('00', 'm-n_X'), sample('01', 'm-n_W')];
    expect(samples.map(labelsOf(samples))).toEqual(['00', '00', '01']);
    expect(samples.slice(0, 2).map(labelsOf(samples.slice(0, 2)))).toEqual(['00/m-n_W', '00/m-n_X']);
  });

  it('learns groups from clips that can be used; a machine with one group stops no other', () => {
    const train = join(set2024, 'eval_data', 'HairDryer', 'train');
    writeRecording(join(train, 'section_00_source_train_normal_0100_spd_1.wav'), [hum(1, 16000, 1)], 16000);
    writeRecording(join(train, 'section_00_source_train_normal_0101_spd_1.wav'), [hum(5, 8000, 1)], 8000);
    const outcome = baseline('mobilenet', '--data', set2024, '--out', 'groups', ...args);
    expect(complaints(outcome, 1)).toContain('note: HairDryer: training on 6 clips');
    const { sections, refused, leftOut } = jsonOf(outcome.stdout);
    expect(leftOut).toEqual([
      expect.stringMatching(/0100_spd_1\.wav: expected at least 32256 samples .* got 16000/),
      expect.stringMatching(/0101_spd_1\.wav: expected 16000 Hz as most have, got 8000 Hz/),
    ]);
    expect(refused).toEqual([
      expect.stringMatching(
        /^ToothBrush: expected several sections or attribute groups .*, found one \(00\/noAttribute\)/,
      ),
    ]);
    expect(sections).toMatchObject([{ machine: 'HairDryer', section: '00', clips: 8 }]);
    expect(readdirSync(at('groups')).sort()).toEqual([
      'HairDryer.safetensors',
      'anomaly_score_HairDryer_section_00_test.csv',
      'decision_result_HairDryer_section_00_test.csv',
    ]);
    const { names } = readMobileNet(readFileSync(at('groups', 'HairDryer.safetensors')));
    expect(names).toEqual(['00/spd_1', '00/spd_2', '00/spd_3']);
  });

  it('scores by the lowest of the groups, or by the section', async () => {
    const model = readMobileNet(readFileSync(at('groups', 'HairDryer.safetensors')));
    mkdirSync(at('sections'));
    writeFileSync(at('sections', 'fan.safetensors'), writeMobileNet({ ...model, names: ['00', '01', '02'] }));
    const outcome = baseline('mobilenet', '--data', 'sets', '--year', '2022', '--out', 'sections', ...args);
    expect(jsonOf(output({ ...outcome, stderr: '' })).all.all.value).not.toBeNull();
    const scorer = await createMobileNetScorer(model);
    const scoresOf = async (path: string) => {
      const [{ channels, sampleRate }] = await readRecordingFile(path);
      return scorer.score(channels[0], sampleRate);
    };
    const [hairDryer] = rowsOf('groups', 'anomaly_score_HairDryer_section_00_test.csv');
    const each = await scoresOf(join(set2024, 'eval_data', 'HairDryer', 'test', hairDryer[0]));
    expect(Number(hairDryer[1])).toBeCloseTo(Math.min(...each), 6);
    for (const [c, section] of ['00', '01'].entries()) {
      const rows = rowsOf('sections', `anomaly_score_fan_section_${section}_test.csv`);
      expect(rows).toHaveLength(8);
      const [name, score] = rows[0];
      const own = await scoresOf(at('sets', 'dcase2022', 'dev_data', 'fan', 'test', name));
      expect(Number(score)).toBeCloseTo(own[c], 6);
    }
    await scorer.release();
  });
});

describe('thrum baseline refuses', () => {
  const good = ['--data', 'sets', '--year', '2024', '--out', 'no'];
  it.each<[string, string[], 1 | 2, RegExp]>([
    ['another baseline', ['moon', ...good], 2, /expected one of autoencoder, mobilenet, got moon/],
    ['nowhere to write', ['autoencoder', '--data', 'sets'], 2, /expected --out DIR/],
    ['half an epoch', ['autoencoder', ...good, '--epochs', '0.5'], 2, /--epochs: expected a number \(whole/],
    [
      'another score',
      ['autoencoder', ...good, '--score', 'cosine'],
      2,
      /--score: expected one of mse, mahalanobis, conv/,
    ],
    ['a score of mobilenet', ['mobilenet', ...good, '--score', 'mse'], 2, /--score: expected with autoencoder/],
    ['a folder that is not there', ['mobilenet', '--data', 'moon', '--out', 'no'], 1, /moon: no such folder/],
    ['two years', ['mobilenet', '--data', 'sets', '--out', 'no'], 1, /found dcase202[24], dcase202[24]/],
    ['a year that is not there', ['mobilenet', ...good, '--year', '2023'], 1, /expected clips of DCASE 2023/],
  ])('%s', (_, args, status, line) => {
    expect(refusal(baseline(...args), status)).toMatch(line);
    expect(readdirSync(folder)).not.toContain('no');
  });

  it('files that are no models of it, and goes on', () => {
    mkdirSync(at('other'));
    writeFileSync(at('other', 'HairDryer.safetensors'), readFileSync(at('ae', 'HairDryer_section_00.safetensors')));
    const outcome = baseline('mobilenet', '--data', set2024, '--out', 'other');
    expect(complaints(outcome, 1).join('\n')).toMatch(
      /note: HairDryer: readMobileNet: expected thrum-mobilenet .*, found thrum-autoencoder/,
    );
  });

  it('nothing that --help does not explain', () => {
    const page = output(baseline('--help'));
    expect(page).toMatch(/^Usage: thrum baseline autoencoder\|mobilenet --data DIR --out DIR \[options\]$/m);
    expect(page).toMatch(/^Examples:\n {2}thrum baseline autoencoder --data /m);
  });
});
