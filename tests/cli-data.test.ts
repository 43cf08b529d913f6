// thrum data as a user runs it: data sets listed, made, checked, broken and checked again.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { complaints, hum, jsonLines, output, refusal, scratchFolder, thrum, writeRecording } from './run-cli.ts';

const { folder, at } = scratchFolder();
const here = { cwd: folder };
const data = (...args: string[]) => thrum(['data', ...args], here);

type Listed = { id: string; source: string; licence: string; sampleRate: number; layout: string };
type Checked = {
  files: number;
  recordings: number;
  unreadable: unknown[];
  dataSets: { id: string; recordings: number; unreadable: { name: string }[]; duplicates: unknown[] }[];
};

describe('thrum data list', () => {
  it('shows every data set in a line', () => {
    const [listed] = jsonLines<Listed[]>(data('list', '--json'));
    const lines = output(data('list')).trim().split('\n');
    expect(lines).toHaveLength(listed.length);
    for (const [i, { id, source, licence, sampleRate }] of listed.entries()) {
      for (const fact of [id, source, licence, `${sampleRate} Hz`]) expect(lines[i]).toContain(fact);
    }
    expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining(['cwru', 'femto', 'esc50']));
  });

  it('shows the layout of those that are named', () => {
    const text = output(data('list', 'esc50', 'femto'));
    expect(text).toContain('  licence: CC BY-NC 3.0');
    expect(text).toContain('      audio/1-100032-A-0.wav');
    expect(text).toContain('    Learning_set/Bearing1_1/acc_00001.csv');
    expect(refusal(data('list', 'moon'), 1)).toMatch(/expected one of .*cwru.*, got moon/);
  });
});

describe('thrum data generate', () => {
  it('writes data sets that check finds again, in one folder', () => {
    const args = ['generate', 'fsdd', 'mfpt', '--out', 'sets', '--per-class', '6', '--seconds', '0.1'];
    expect(output(data(...args))).toMatch(/^fsdd: 60 files, 0\.1 MB in sets.fsdd\nmfpt: 15 files/);
    expect(readdirSync(at('sets', 'mfpt'))).toHaveLength(5);
    expect(JSON.parse(readFileSync(at('sets', 'mfpt', 'thrum-generated.json'), 'utf8'))).toMatchObject({ seed: 0 });
    writeRecording(at('sets', 'pump.wav'), [hum(1, 8000, 1)]);
    const outcome = data('check', 'sets');
    expect(output({ ...outcome, stderr: '' })).toMatch(/^76 files, 76 recordings\n {2}61 at 8000 Hz, 1 channel/);
    expect(outcome.stdout).toContain('\n  60 of 3000 recordings, 0.1 min\n');
    expect(outcome.stdout).toContain('\n  by class: normal 3, inner race 6 of 7, outer race 6 of 10\n');
    const [{ dataSets, ...all }] = jsonLines<Checked>(data('check', 'sets', '--json'));
    expect(all).toMatchObject({ files: 76, recordings: 76, unreadable: [] });
    expect(dataSets.map(({ id, recordings }) => [id, recordings])).toEqual([
      ['fsdd', 60],
      ['mfpt', 15],
    ]);
  });

  it('writes the same again for the same seed', () => {
    for (const out of ['one', 'two']) output(data('generate', 'itsc', '-o', out, '--per-class', '1', '--seed', '5'));
    output(data('generate', 'itsc', '-o', 'three', '--per-class', '1', '--seed', '6'));
    const [{ dataSets }] = jsonLines<Checked>(data('check', 'one', 'two', 'three', '--json'));
    expect(dataSets.map(({ id, recordings }) => [id, recordings])).toEqual(Array(3).fill(['itsc', 13]));
    const content = (name: string) =>
      readFileSync(at(name, 'itsc', 'Cropped_Signals_SF', 'SC_HLT', 'SC_HLT_001.csv'), 'utf8');
    expect(content('one')).toBe(content('two'));
    expect(content('one')).not.toBe(content('three'));
  });

  it('writes the development machines of DCASE with as many training clips as asked for', () => {
    const args = ['--set', 'development', '--train', '4+1', '--per-class', '1', '--seconds', '0.1', '--out', 'dcase'];
    expect(output(data('generate', 'dcase2023', ...args))).toMatch(/^dcase2023: 63 files/);
    expect(readdirSync(at('dcase', 'dcase2023'))).toEqual(['dev_data', 'thrum-generated.json']);
    expect(readdirSync(at('dcase', 'dcase2023', 'dev_data', 'fan', 'train'))).toHaveLength(5);
    expect(refusal(data('generate', 'dcase2023', '--out', 'x', '--train', '5-1'), 2)).toMatch(
      /--train: expected clips such as 990\+10, got 5-1/,
    );
    expect(refusal(data('generate', 'dcase2023', '--out', 'x', '--set', 'dev'), 2)).toMatch(/--set: expected one of/);
    expect(refusal(data('generate', 'fsdd', '--out', 'x', '--train', '5'), 2)).toMatch(
      /--train: only for dcase2020 to dcase2025, not for fsdd/,
    );
    expect(refusal(data('generate', 'dcase2020', '--out', 'y', '--train', '4+1'), 1)).toMatch(
      /dcase2020 has no domains/,
    );
    expect(existsSync(at('x'))).toBe(false);
  });

  it('refuses what it cannot do', () => {
    expect(refusal(data('generate', 'fsdd'), 2)).toMatch(/expected --out DIR/);
    expect(refusal(data('generate', '--out', 'x'), 2)).toMatch(/expected at least one data set/);
    expect(refusal(data('generate', 'fsdd', 'moon', '--out', 'x'), 1)).toMatch(/got moon/);
    expect(refusal(data('generate', 'fsdd', '--out', 'x', '--per-class', '0'), 2)).toMatch(/--per-class: .*at least 1/);
    expect(existsSync(at('x'))).toBe(false);
    writeFileSync(at('file'), '');
    expect(refusal(data('generate', 'fsdd', '--out', 'file'), 1)).toMatch(/cannot make the folder file/);
  });
});

describe('thrum data check', () => {
  it('names damage, and fails by it', () => {
    output(data('generate', 'fsdd', '--out', 'broken', '--per-class', '1', '--seconds', '0.1'));
    const recordings = at('broken', 'fsdd', 'recordings');
    writeFileSync(`${recordings}/3_george_0.wav`, '');
    writeFileSync(`${recordings}/4_george_0.wav`, 'RIFF');
    rmSync(`${recordings}/5_george_0.wav`);
    const outcome = data('check', 'broken');
    expect(complaints(outcome, 1)).toEqual([]);
    expect(outcome.stdout).toMatch(/\n {2}missing: fsdd: expected recordings of 5 at recordings\/5_george_0\.wav/);
    expect(outcome.stdout).toMatch(/\n {2}unreadable: .*4_george_0\.wav/);
    expect(outcome.stdout).toMatch(/\n {2}empty: recordings\/3_george_0\.wav/);
    const [{ dataSets }] = jsonLines<Checked>(data('check', 'broken', '--json'), 1);
    expect(dataSets[0].unreadable).toHaveLength(1);
  });

  it('takes a folder for the data set that --set names', () => {
    writeRecording(at('strange', 'pump.wav'), [hum(1, 8000, 1)]);
    writeRecording(at('strange', 'fan.wav'), [hum(1, 8000, 2)]);
    writeRecording(at('strange', '0_theo_0.wav'), [hum(1, 8000, 3)]);
    const [{ dataSets }] = jsonLines<Checked>(data('check', 'strange', '--json'));
    expect(dataSets).toEqual([]);
    expect(output(data('check', 'strange', '--set', 'fsdd'))).toMatch(
      /by class: 0 1 of 300.*\n.*\n(.*\n)*.*unexpected: fsdd: expected 7_jackson_32\.wav .*, found fan\.wav and 1 more/,
    );
    const absent = data('check', 'strange', '--set', 'mfpt');
    expect(complaints(absent, 1)).toEqual([]);
    expect(absent.stdout).toMatch(/ {2}0 of 20 recordings.*\n(.*\n)*.*found none; name the folder that the official/);
    expect(refusal(data('check', 'strange', '--set', 'moon'), 1)).toMatch(/got moon/);
    expect(refusal(data('check', 'strange/fan.wav', '--set', 'fsdd'), 2)).toMatch(/expected the folder of fsdd/);
  });

  it('needs an action that there is', () => {
    expect(refusal(data('eat', 'strange'), 2)).toMatch(/expected check, list or generate, got eat/);
    expect(refusal(data('check'), 2)).toMatch(/expected at least one file or folder/);
  });
});
