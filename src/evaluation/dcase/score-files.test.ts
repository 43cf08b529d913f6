import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { memoryFolder } from '../files/files.test-util.ts';
import { evaluateDcase } from './evaluate.ts';
import { type Files, type MadeUpClip, madeUpClips, scoreFiles, truthFiles } from './made-up-year.test-util.ts';
import { matchSubmission } from './match.ts';
import { readSubmissions } from './score-files.ts';
import { readTruth } from './truth.ts';
import { dcaseYear } from './years.ts';

function evaluate(year: number, files: Files, truth: Files = truthFiles(year, madeUpClips(year))) {
  const rules = dcaseYear(year);
  const known = readTruth(memoryFolder(Object.entries(truth)), rules);
  return readSubmissions(memoryFolder(Object.entries(files)), rules).map((submission) => {
    const { clips, problems, notes } = matchSubmission(known.clips, submission, rules);
    const messages = { problems: [...submission.problems, ...problems], notes: [...submission.notes, ...notes] };
    return { system: submission.system, ...messages, figures: evaluateDcase(clips, rules) };
  });
}

const eachLine = (files: Files, change: (line: string, i: number) => string, end = '\n'): Files =>
  Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, text.trim().split('\n').map(change).join(end) + end]),
  );

const eachText = (files: Files, change: (text: string) => string): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, change(text)]));

const eachPath = (files: Files, change: (path: string) => string): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [change(path), text]));

const machineOfPath = (path: string): string => path.split('_')[2];

/** Ways in which files differ from the ones asked for and mean the same. */
const VARIATIONS: Record<string, (files: Files) => Files> = {
  'line ends of Windows': (files) => eachLine(files, (line) => line, '\r\n'),
  'a byte order mark': (files) => eachText(files, (text) => `\uFEFF${text}`),
  'blank lines': (files) => eachText(files, (text) => `\n${text.replaceAll('\n', '\n\n  \n')}`),
  'no line end at the end': (files) => eachText(files, (text) => text.trimEnd()),
  'rows in another order': (files) => eachText(files, (text) => text.trim().split('\n').reverse().join('\n')),
  'a third column': (files) => eachLine(files, (line) => `${line},0.25`),
  'a number in front': (files) => eachLine(files, (line, i) => `${i},${line}`),
  'full paths': (files) => eachLine(files, (line) => `/data/eval_data/fan/test/${line}`),
  'paths of Windows': (files) => eachLine(files, (line) => `D:\\eval_data\\fan\\test\\${line}`),
  'no .wav': (files) => eachLine(files, (line) => line.replace('.wav', '')),
  'upper case': (files) => eachLine(files, (line) => line.toUpperCase()),
  spaces: (files) => eachLine(files, (line) => ` ${line.replace(',', ' , ')} `),
  quotes: (files) => eachLine(files, (line) => `"${line.replace(',', '","')}"`),
  semicolons: (files) => eachLine(files, (line) => line.replace(',', ';')),
  tabs: (files) => eachLine(files, (line) => line.replace(',', '\t')),
  'a header': (files) => eachText(files, (text) => `file_name,value\n${text}`),
  'a header that names the column': (files) =>
    Object.fromEntries(
      Object.entries(files).map(([path, text]) => {
        const heading = path.includes('score') ? 'anomaly_score' : 'decision';
        const rows = eachLine({ path: text }, (line) => line.replace(',', ',7,'));
        return [path, `file,label,${heading}\n${rows.path}`];
      }),
    ),
  'numbers with exponents': (files) =>
    eachLine(files, (line) => line.replace(/,(.*)$/, (_, value: string) => `,${Number(value).toExponential()}`)),
  'file names without _test, or with it in 2020': (files) =>
    eachPath(files, (path) => (path.includes('_test') ? path.replace('_test', '') : path.replace('.csv', '_test.csv'))),
  'file names in upper case': (files) => eachPath(files, (path) => path.toUpperCase()),
  'file names of the baseline': (files) =>
    eachPath(files, (path) =>
      path.replace(/(score|result)_/, '$1_DCASE2023T2').replace('.csv', '_seed13711_id(0_)_Eval.csv'),
    ),
  'other files among them': (files) => ({ ...files, 'result.csv': 'x', 'team.meta.yaml': 'submission:' }),
};

describe.each([2020, 2021, 2022, 2023, 2024, 2025])('score files of %i', (year) => {
  const clips = madeUpClips(year);
  const files = scoreFiles(year, clips);
  const [plain] = evaluate(year, files);

  it('are read as they should be', () => {
    expect(plain).toMatchObject({ system: '', problems: [], notes: [] });
    expect(plain.figures.missing).toBe(0);
    if (year > 2020) expect(plain.figures.official.value).toBeGreaterThan(0.4);
  });

  it.each(Object.entries(VARIATIONS))('with %s', (_, vary) => {
    const varied = vary(files);
    expect(varied).not.toEqual(files);
    expect(evaluate(year, varied)).toEqual([plain]);
  });

  it('with long names, with and without attributes', () => {
    const longOf = new Map(clips.map(({ machine, short, long }) => [`${machine}/${short}`, long]));
    for (const end of ['', '_noAttribute'] as const) {
      const long = Object.fromEntries(
        Object.entries(files).map(([path, text]) => {
          const machine = machineOfPath(path);
          const named = text.replace(/^(.*)\.wav/gm, (_, short: string) => {
            const name = longOf.get(`${machine}/${short}`) ?? '';
            return `${end === '' ? name : name.replace(/_vel_.*$/, end)}.wav`;
          });
          return [path, named];
        }),
      );
      expect(long).not.toEqual(files);
      expect(evaluate(year, long)).toEqual([plain]);
    }
  });
});

const YEAR = 2025;
const CLIPS = madeUpClips(YEAR);
const FILES = scoreFiles(YEAR, CLIPS);
const POLISHER = 'anomaly_score_Polisher_section_00_test.csv';

describe('readSubmissions', () => {
  it('reads files per domain where one per section is asked for, and the other way round', () => {
    const [plain] = evaluate(YEAR, FILES);
    const split: Files = {};
    for (const [path, text] of Object.entries(FILES)) {
      const lines = text.trim().split('\n');
      split[path.replace('_test', '_source_test')] = lines.slice(0, 10).join('\n');
      split[path.replace('_test', '_target_test')] = lines.slice(10).join('\n');
    }
    expect(evaluate(YEAR, split)).toEqual([plain]);

    const [of2021] = evaluate(2021, scoreFiles(2021, madeUpClips(2021)));
    const merged: Files = {};
    for (const [path, text] of Object.entries(scoreFiles(2021, madeUpClips(2021)))) {
      const whole = path.replace(/_(source|target)_test/, '');
      merged[whole] = (merged[whole] ?? '') + text;
    }
    expect(evaluate(2021, merged)).toEqual([of2021]);
  });

  it('evaluates system by system; folders of machines belong to the system above', () => {
    const better = CLIPS.map((clip): MadeUpClip => ({ ...clip, score: clip.score + (clip.anomalous ? 5 : 0) }));
    const perMachine = eachPath(scoreFiles(YEAR, better), (path) => `team_b/${machineOfPath(path)}/${path}`);
    const found = evaluate(YEAR, {
      ...scoreFiles(YEAR, CLIPS, 'team_a/system_1/'),
      ...scoreFiles(YEAR, better, 'team_a/system_2/'),
      ...perMachine,
    });
    expect(found.map(({ system }) => system)).toEqual(['team_a/system_1', 'team_a/system_2', 'team_b']);
    const [plain] = evaluate(YEAR, FILES);
    expect(found[0].figures).toEqual(plain.figures);
    expect(found[1].figures.official.value).toBeGreaterThan(plain.figures.official.value ?? 1);
    expect(found[2].figures).toEqual(found[1].figures);
  });

  it('names lines that cannot be used, and evaluates the rest', () => {
    const lines = FILES[POLISHER].trim().split('\n');
    lines[1] = lines[1].replace(/,.*/, ',abc');
    lines[3] = lines[3].replace(/,.*/, ',nan');
    lines[4] = lines[4].replace(/,.*/, ',');
    lines[6] = 'section_00_0999.wav,1.5';
    lines[8] = 'something,1.5';
    const [{ problems, figures }] = evaluate(YEAR, { ...FILES, [POLISHER]: lines.join('\n') });
    expect(problems).toEqual([
      `${POLISHER} line 2: expected a finite number as the score of section_00_0001.wav, got \`abc\`; the line is left out; the same at line 4, 5`,
      `${POLISHER} line 9: expected the name of a recording, got \`something,1.5\`; the line is left out`,
      `${POLISHER} line 7: the ground truth has no recording section_00_0999.wav; the line is left out`,
      'Polisher section 00: anomaly scores of 5 of 24 recordings are missing (section_00_0001, section_00_0003, section_00_0004 …); the figures are of the others',
    ]);
    const polisher = figures.sections.find(({ machine }) => machine === 'Polisher');
    expect(polisher).toMatchObject({ normal: 13, anomalous: 6, missing: 5 });
    expect(figures.official.value).not.toBeNull();
    expect(figures.missing).toBe(5);
  });

  it('keeps the first of two values, and takes decisions of 0 and 1 only', () => {
    const decisions = 'decision_result_Polisher_section_00_test.csv';
    const [{ problems }] = evaluate(YEAR, {
      ...FILES,
      [POLISHER]: `${FILES[POLISHER]}section_00_0000.wav,1e9\n`,
      [decisions]: FILES[decisions].replace(/,[01]\n/, ',0.5\n'),
    });
    expect(problems).toEqual([
      `${decisions} line 1: expected a decision, 0 or 1, of section_00_0000.wav, got \`0.5\`; the line is left out`,
      `${POLISHER} line 25: a second, different value for section_00_0000.wav; the first is kept`,
      'Polisher section 00: decisions of 1 of 24 recordings are missing (section_00_0000); the figures are of the others',
    ]);
  });

  it('says what is missing: the figure is null with the reason, the others stand', () => {
    const { [POLISHER]: _, ...rest } = FILES;
    const [{ problems, figures }] = evaluate(YEAR, rest);
    expect(problems).toEqual(['Polisher section 00: no anomaly scores']);
    expect(figures.official).toEqual({ value: null, reason: 'Polisher section 00 source: no anomaly scores' });
    expect(figures.sections.filter(({ auc }) => auc.value === null).map(({ machine }) => machine)).toEqual([
      'Polisher',
    ]);
  });

  it('reports a file that cannot be read, and evaluates the others', () => {
    const folder = memoryFolder(Object.entries(FILES));
    const [{ files, problems }] = readSubmissions(
      {
        files: folder.files,
        readText(path) {
          if (path === POLISHER) throw new InputError(`readText: ${path} cannot be read`);
          return folder.readText(path);
        },
      },
      dcaseYear(YEAR),
    );
    expect(problems).toEqual([`readText: ${POLISHER} cannot be read`]);
    expect(files).toHaveLength(15);
  });

  it('does without decisions', () => {
    const scores = Object.fromEntries(Object.entries(FILES).filter(([path]) => path.startsWith('anomaly')));
    const [{ problems, notes, figures }] = evaluate(YEAR, scores);
    expect([problems, notes]).toEqual([[], ['no decisions (decision_result_….csv): no precision, recall and F1']]);
    expect(figures.overall.harmonic?.f1).toMatchObject({ value: null });
    expect(figures.official.value).not.toBeNull();
  });

  it('tells of files of other machines and sections, and does not use them', () => {
    const [{ notes, problems }] = evaluate(YEAR, {
      ...FILES,
      'anomaly_score_fan_section_00_test.csv': 'section_00_0000.wav,1',
      'anomaly_score_Polisher_section_01_test.csv': 'section_01_0000.wav,1',
    });
    expect(problems).toEqual([]);
    expect(notes).toEqual([
      'anomaly_score_Polisher_section_01_test.csv: Polisher 01 is not in the evaluation set of 2025; the file is not used',
      'anomaly_score_fan_section_00_test.csv: fan is not in the evaluation set of 2025; the file is not used',
    ]);
  });
});
