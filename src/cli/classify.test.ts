import { describe, expect, it } from 'vitest';
import { probabilities } from './classify.ts';

const names = ['a', 'b', 'c'];
const asked = (logits: number[], several: boolean) => probabilities(Float32Array.from(logits), { names, several });

describe('probabilities', () => {
  it('of labels that exclude each other sum to 1, the likeliest first', () => {
    const found = asked([Math.log(2), Math.log(5), Math.log(3)], false);
    expect(found.map(({ label }) => label)).toEqual(['b', 'c', 'a']);
    for (const [i, wanted] of [0.5, 0.3, 0.2].entries()) expect(found[i].probability).toBeCloseTo(wanted, 6);
  });

  it('of labels that come together are those of each by itself', () => {
    const found = asked([0, Math.log(3), -Math.log(4)], true);
    expect(found.map(({ label }) => label)).toEqual(['b', 'a', 'c']);
    for (const [i, wanted] of [0.75, 0.5, 0.2].entries()) expect(found[i].probability).toBeCloseTo(wanted, 6);
  });

  it.each([false, true])('stay numbers for logits of any size (several: %s)', (several) => {
    const found = asked([1e4, 0, -1e4], several);
    expect(found.map(({ label }) => label)).toEqual(names);
    expect(found.map(({ probability }) => probability)).toEqual([1, several ? 0.5 : 0, 0]);
  });

  it('of equal logits keep the order of the labels', () => {
    expect(asked([2, 2, 2], false).map(({ label }) => label)).toEqual(names);
  });
});
