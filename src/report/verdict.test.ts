import { describe, expect, it } from 'vitest';
import { reportFixture, rowFixture } from './report.fixture.ts';
import { countVerdicts, expectedFalseAlarms, rankSentence, rowNoun, verdictSentence } from './verdict.ts';

const withRows = (anomalous: number, normal: number) =>
  reportFixture({
    rows: Array.from({ length: anomalous + normal }, (_, i) => rowFixture(i, i < anomalous ? 2 : 0.8, 1.07)),
    details: [],
  });

describe('verdictSentence', () => {
  it.each([
    [3, 11, '3 of 14 recordings are not normal at a false-alarm rate of 1 %.'],
    [1, 13, '1 of 14 recordings is not normal at a false-alarm rate of 1 %.'],
    [0, 14, 'All 14 recordings are normal at a false-alarm rate of 1 %.'],
    [14, 0, 'None of the 14 recordings is normal at a false-alarm rate of 1 %.'],
    [1, 0, 'The recording is not normal at a false-alarm rate of 1 %.'],
    [0, 1, 'The recording is normal at a false-alarm rate of 1 %.'],
    [0, 0, 'No recording could be scored.'],
  ])('%d anomalous and %d normal: %s', (anomalous, normal, sentence) => {
    expect(verdictSentence(withRows(anomalous, normal))).toBe(sentence);
  });

  it('leaves failed rows out of the count', () => {
    const data = withRows(1, 2);
    data.rows[2].error = 'readWav: expected RIFF';
    expect(verdictSentence(data)).toBe('1 of 2 recordings is not normal at a false-alarm rate of 1 %.');
    expect(countVerdicts(data)).toEqual({ scored: 2, anomalous: 1, normal: 1, failed: 2 });
  });

  it('speaks of segments where files were cut', () => {
    const data = withRows(1, 2);
    data.detector.segmentSeconds = 10;
    expect(rowNoun(data)).toBe('recording');
    for (const [i, row] of data.rows.entries()) Object.assign(row, { file: 'one.wav', startSeconds: 10 * i });
    expect(verdictSentence(data)).toBe('1 of 3 segments is not normal at a false-alarm rate of 1 %.');
  });
});

describe('what chance would do', () => {
  it('says how many normal recordings would be flagged', () => {
    expect(expectedFalseAlarms(withRows(3, 247))).toBe(
      'If all of them were normal, about 3 would be flagged by chance.',
    );
    expect(expectedFalseAlarms(withRows(3, 11))).toContain('fewer than one');
    expect(expectedFalseAlarms(withRows(1, 0))).toBe('');
  });

  it.each([
    [5, 'higher than all 4 normal scores'],
    [2.5, 'higher than 2 of 4 normal scores'],
    [0, 'higher than none of 4 normal scores'],
  ])('ranks %d among 1, 2, 3, 4', (score, sentence) => {
    expect(rankSentence(score, [1, 2, 3, 4])).toBe(sentence);
  });
});
