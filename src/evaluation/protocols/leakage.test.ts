import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditLeaveOneOut, auditSplits, mergeAudits } from './leakage.ts';

/** Recordings `r0 r1 …`, a letter each for take and content. */
const of = (takes: string, contents = '0123456789'.slice(0, takes.length)) => ({
  names: [...takes].map((_, i) => `r${i}`),
  takes: [...takes],
  contents: [...contents],
});

describe('auditSplits', () => {
  it('finds nothing where takes and contents are apart', () => {
    const split = { train: [0, 1], test: [2, 3] };
    expect(auditSplits(of('aabb'), [split])).toEqual({ splits: 1, sharedTakes: 0, sharedContent: 0, examples: [] });
    expect(auditSplits(of('aabb', '0011'), [split])).toMatchObject({ sharedTakes: 0, sharedContent: 0 });
    expect(auditSplits(of('ab'), [])).toEqual({ splits: 0, sharedTakes: 0, sharedContent: 0, examples: [] });
  });

  it('counts test recordings of takes that were trained on, and of other takes with the same content', () => {
    const audit = auditSplits(of('aabcd', '01203'), [{ train: [0, 4], test: [1, 2, 3] }]);
    expect(audit).toEqual({
      splits: 1,
      sharedTakes: 1,
      sharedContent: 1,
      examples: ['r1 and r0 are of one take', 'r3 has the same content as r0'],
    });
  });

  it('counts a recording once, by its take, in every split in which it leaks', () => {
    const recordings = of('aa', '00');
    const splits = [
      { train: [0], test: [1] },
      { train: [1], test: [0] },
    ];
    expect(auditSplits(recordings, splits)).toEqual({
      splits: 2,
      sharedTakes: 2,
      sharedContent: 0,
      examples: ['r1 and r0 are of one take', 'r0 and r1 are of one take'],
    });
  });

  it('names five', () => {
    const audit = auditSplits(of('aaaaaaaa'), [{ train: [0], test: [1, 2, 3, 4, 5, 6, 7] }]);
    expect([audit.sharedTakes, audit.examples.length]).toEqual([7, 5]);
  });
});

describe('auditLeaveOneOut', () => {
  it('finds nothing where everything of a take is left out with it', () => {
    const recordings = of('aabb', '0112');
    expect(auditLeaveOneOut(recordings, recordings.takes)).toMatchObject({
      splits: 4,
      sharedTakes: 0,
      sharedContent: 2,
    });
    expect(auditLeaveOneOut(of('aabb'), recordings.takes)).toMatchObject({ sharedTakes: 0, sharedContent: 0 });
  });

  it('finds takes that are parted where each recording is left out alone', () => {
    expect(auditLeaveOneOut(of('aab', '011'), ['0', '1', '2'])).toEqual({
      splits: 3,
      sharedTakes: 2,
      sharedContent: 1,
      examples: ['r0 and r1 are of one take', 'r1 and r0 are of one take', 'r2 has the same content as r1'],
    });
  });

  it('agrees with one split for each recording', () => {
    const letters = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('0', '1', '2')), {
      maxLength: 9,
    });
    fc.assert(
      fc.property(letters, (pairs) => {
        const recordings = of(pairs.map(([take]) => take).join(''), pairs.map(([, content]) => content).join(''));
        const all = pairs.map((_, i) => i);
        const splits = all.map((test) => ({ train: all.filter((i) => i !== test), test: [test] }));
        const [wanted, found] = [auditSplits(recordings, splits), auditLeaveOneOut(recordings, all.map(String))];
        expect([found.splits, found.sharedTakes, found.sharedContent]).toEqual([
          wanted.splits,
          wanted.sharedTakes,
          wanted.sharedContent,
        ]);
      }),
    );
  });
});

describe('mergeAudits', () => {
  it('adds up, and names each example once', () => {
    const audit = (n: number, ...examples: string[]) => ({
      splits: n,
      sharedTakes: 2 * n,
      sharedContent: 3 * n,
      examples,
    });
    expect(mergeAudits([audit(1, 'x', 'y'), audit(2, 'y', 'z')])).toEqual({
      splits: 3,
      sharedTakes: 6,
      sharedContent: 9,
      examples: ['x', 'y', 'z'],
    });
    expect(mergeAudits([])).toEqual({ splits: 0, sharedTakes: 0, sharedContent: 0, examples: [] });
    expect(mergeAudits([audit(0, ...'abcdefg')]).examples).toHaveLength(5);
  });
});
