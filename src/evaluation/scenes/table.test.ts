import { describe, expect, it } from 'vitest';
import { names, predictions } from './scenes.fixture.ts';
import { sceneFigures } from './score.ts';
import { formatScenes, type SceneResult, scenesCsv, scenesJson } from './table.ts';

const result: SceneResult = {
  dataSet: 'scenes',
  generated: false,
  rows: [
    {
      encoder: 'student',
      fingerprint: 'f1',
      figures: sceneFigures(predictions, names),
      parameters: 61_148,
      cost: { int8Bytes: 64_000, macs: 29_419_156 },
      clipMilliseconds: 1.5,
    },
    {
      encoder: 'a, b',
      fingerprint: 'f2',
      figures: sceneFigures(predictions.slice(0, 4), names),
      clipMilliseconds: 20,
    },
  ],
  provenance: { version: '1.2.3', command: 'thrum bench scenes --data DIR --encoder student' },
};

const cellsOf = (text: string, start: string) =>
  text
    .split('\n')
    .find((line) => line.startsWith(start))
    ?.trim()
    .split(/ {2,}/);

describe('formatScenes', () => {
  const text = formatScenes(result);

  it('has a row per classifier with all devices and its cost', () => {
    expect(cellsOf(text, 'encoder')).toEqual(
      'encoder,macro,A,B,S5,seen,unseen,decay,log loss,parameters,int8 bytes,MACs,ms/clip'.split(','),
    );
    const row = cellsOf(text, 'student') ?? [];
    expect(row.slice(0, 8)).toEqual(['student', '58.33', '100.00', '50.00', '25.00', '75.00', '25.00', '66.67']);
    expect(row.slice(9)).toEqual(['61148', '64000', '29419156', '1.50']);
  });

  it('has a row per class, and says what is undefined and why', () => {
    expect(cellsOf(text, 'wind')).toEqual(['wind', '6', '33.33', '100.00']);
    expect(cellsOf(text, 'a, b')?.slice(1)).toEqual([
      '100.00',
      '100.00',
      '-',
      '-',
      '100.00',
      '-',
      '-',
      '0.127',
      '-',
      '-',
      '-',
      '20.00',
    ]);
    expect(text).toContain('\n-  no unseen devices\n');
    expect(text).toContain('seen: mean of A, B; unseen: mean of S5; decay: (seen - unseen) / seen');
    expect(text).not.toMatch(/NaN|null|undefined/);
    expect(formatScenes({ ...result, generated: true })).toMatch(/^scenes, scenes \(made up\), 12 test clips;/);
  });
});

describe('scenesCsv', () => {
  it('has a row per classifier, undefined figures empty', () => {
    const [comment, header, first, second, end] = scenesCsv(result).split('\n');
    expect(comment).toBe('# thrum 1.2.3: thrum bench scenes --data DIR --encoder student');
    const columns = header.split(',');
    const cell = (line: string, name: string) => line.split(',')[columns.indexOf(name)];
    expect(first.split(',')).toHaveLength(columns.length);
    expect(cell(first, 'device_s5')).toBe('0.25');
    expect(Number(cell(first, 'class_rain'))).toBeCloseTo(5 / 6, 12);
    expect(cell(first, 'macs')).toBe('29419156');
    expect(second).toMatch(/^scenes,false,"a, b",f2,4,1,1,1,,,1,,,/);
    expect(end).toBe('');
  });
});

describe('scenesJson', () => {
  it('is the result in one line', () => {
    expect(JSON.parse(scenesJson(result))).toEqual(result);
    expect(scenesJson(result).trimEnd()).not.toContain('\n');
  });
});
