import { describe, expect, it } from 'vitest';
import type { Heard } from './assemble.ts';
import { evaluateFault } from './fault.ts';
import type { FaultTask } from './tasks.ts';

/** Recordings of one number each; `a2` is one of class a at load 2. */
const heardOf = (items: readonly [string, number][], fold?: (i: number) => number): Heard[] =>
  items.map(([name, value], i) => ({
    sample: {
      path: `${name}_${i}.wav`,
      take: `take ${i}`,
      label: name[0],
      attributes: { load: name[1] },
      ...(fold && { fold: fold(i) }),
    },
    content: `content ${i}`,
    recording: {
      name: `${name}_${i}`,
      sampleRate: 8000,
      seconds: 1,
      constant: false,
      peak: 1,
      channels: 1,
      segments: 1,
      columns: 1,
      values: Float32Array.of(value),
    },
  }));

const task = (protocol: FaultTask['protocol'], condition?: string): FaultTask => ({
  view: 'cwru-loads',
  dataSet: 'cwru',
  protocol,
  ...(condition && { condition }),
});

describe('other conditions', () => {
  it('asks recordings of all other loads, and nothing of classes that those do not have', async () => {
    // At load 1 the nearest of a1 is of its own load: among the others it is b. Class c is at load 2 alone.
    const items: [string, number][] = [
      ['a1', 0],
      ['a1', 0.1],
      ['b2', 1],
      ['a2', 5],
      ['b1', 1.1],
      ['c2', 9],
    ];
    const { score, recordings, protocol, confusion } = await evaluateFault(
      task('other conditions', 'load'),
      [heardOf(items)],
      { compat: false },
      [],
    );
    // With k = 5 all of the other side vote (3 for load 1: a, b, c; ties to the nearest): a1 -> b twice, b1 -> b. For
    // load 2 the others are a, a, b: a2 -> a, b2 -> a.
    expect(score.value).toBeCloseTo(2 / 5, 12);
    expect(recordings).toBe(6);
    expect(protocol).toMatch(/^other conditions \(load\), k = 5/);
    expect(confusion.labels).not.toContain('c');
  });
});

describe('last official fold', () => {
  it('tests the last fold alone', async () => {
    const items: [string, number][] = [
      ['a1', 0],
      ['a1', 0.1],
      ['a1', 0.2],
      ['b1', 5],
      ['b1', 5.1],
      ['b1', 5.2],
      ['a1', 0.3],
      ['b1', 0.4],
    ];
    const heard = heardOf(items, (i) => (i < 3 ? 1 : i < 6 ? 2 : 3));
    const { score } = await evaluateFault(task('last official fold'), [heard], { compat: false }, []);
    expect(score.value).toBeCloseTo(1 / 2, 12);
  });
});
