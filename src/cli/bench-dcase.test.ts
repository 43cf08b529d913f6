import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Files, madeUpClips, scoreFiles, truthFiles } from '../evaluation/dcase/made-up-year.test-util.ts';
import { writeFiles } from '../evaluation/files/files.test-util.ts';
import { runDcaseScore } from './bench-dcase.ts';

let root: string;
let printed: string;
let noted: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'thrum-dcase-'));
  printed = '';
  noted = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    noted += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});

function write(folder: string, files: Files): string {
  writeFiles(join(root, folder), Object.entries(files));
  return join(root, folder);
}

const clips = madeUpClips(2025);
const truth = () => write('truth', truthFiles(2025, clips));

describe('runDcaseScore', () => {
  it('prints a table for every system, and nothing else', () => {
    const options = { year: 2025, scores: write('teams/a', scoreFiles(2025, clips)), truth: truth() };
    expect(runDcaseScore(options)).toBe(0);
    expect(printed).toMatch(/^DCASE 2025 Task 2, a \(all anomalies\)\n/);
    expect(printed).toMatch(/\nofficial score {2}0\.\d{6}\n$/);
    expect(noted).toBe('');
  });

  it('writes JSON to a file', () => {
    write('teams/a', scoreFiles(2025, clips));
    write('teams/b', scoreFiles(2025, clips));
    const out = join(root, 'result.json');
    expect(runDcaseScore({ year: 2025, scores: join(root, 'teams'), truth: truth(), json: true, out })).toBe(0);
    const { suite, year, systems } = JSON.parse(readFileSync(out, 'utf8'));
    expect([suite, year, systems.map(({ system }: { system: string }) => system)]).toEqual(['dcase', 2025, ['a', 'b']]);
    expect(systems[0].official.value).toBeGreaterThan(0.4);
    expect(printed).toBe('');
    expect(noted).toContain(`2 systems written to ${out}`);
  });

  it('says what is missing, and its status is 1', () => {
    const { 'anomaly_score_ToyPet_section_00_test.csv': _, ...rest } = scoreFiles(2025, clips);
    write('teams/b', scoreFiles(2025, clips));
    expect(runDcaseScore({ year: 2025, scores: dirname(write('teams/a', rest)), truth: truth() })).toBe(1);
    expect(noted).toContain('a: ToyPet section 00: no anomaly scores\n');
    expect(printed).toContain('official score  none: ToyPet section 00 source: no anomaly scores\n');
    expect(printed).toMatch(/\n\nDCASE 2025 Task 2, b /);
  });
});
