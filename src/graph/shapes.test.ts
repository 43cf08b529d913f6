// Arithmetic on static and symbolic shapes.
import { describe, expect, it } from 'vitest';
import {
  broadcastShapes,
  normalizeAxes,
  normalizeAxis,
  reducedShape,
  sameShape,
  sameSize,
  staticDim,
  staticSize,
} from './shapes.ts';
import { input } from './tensor.ts';

describe('broadcastShapes', () => {
  it.each([
    [[2, 3], [3], [2, 3]],
    [[3], [2, 1], [2, 3]],
    [[], ['n'], ['n']],
    [
      ['n', 1],
      ['n', 4],
      ['n', 4],
    ],
    [[1], ['n'], ['n']],
    [
      ['n', 2],
      [1, 1],
      ['n', 2],
    ],
  ])('[%s] with [%s]', (a, b, result) => {
    expect(broadcastShapes(a, b, 'add')).toEqual(result);
    expect(broadcastShapes(b, a, 'add')).toEqual(result);
  });

  it.each([
    [[2], [3]],
    [['n'], [3]],
    [['n'], ['m']],
  ])('[%s] does not meet [%s]', (a, b) => {
    expect(() => broadcastShapes(a, b, 'add')).toThrow('add: shapes');
  });
});

describe('axes', () => {
  it('counts negative axes from the end', () => {
    expect(normalizeAxis(-1, 3, 'sum')).toBe(2);
    expect(normalizeAxes([2, 3, 4], [-1, 0], 'sum')).toEqual([0, 2]);
    expect(normalizeAxes([2, 3, 4], undefined, 'sum')).toEqual([0, 1, 2]);
  });

  it('refuses axes outside, fractional or named twice', () => {
    expect(() => normalizeAxis(3, 3, 'sum')).toThrow('sum: axis 3 is outside a tensor of rank 3');
    expect(() => normalizeAxis(-4, 3, 'sum')).toThrow('sum: axis -4 is outside');
    expect(() => normalizeAxis(0.5, 3, 'sum')).toThrow('sum: axis 0.5 is outside');
    expect(() => normalizeAxes([2, 3], [1, -1], 'sum')).toThrow('sum: axes [1,-1] of [2, 3] name an axis twice');
  });

  it('keeps or drops reduced axes', () => {
    expect(reducedShape([2, 'n', 4], [1], true)).toEqual([2, 1, 4]);
    expect(reducedShape([2, 'n', 4], [0, 2], false)).toEqual(['n']);
  });
});

describe('sizes', () => {
  it('compares shapes name by name', () => {
    expect(sameShape(['n', 2], ['n', 2])).toBe(true);
    expect(sameShape(['n', 2], ['m', 2])).toBe(false);
    expect(sameShape([2], [2, 1])).toBe(false);
  });

  it('tells whether two shapes hold as many values', () => {
    expect(sameSize([2, 6], [3, 4])).toBe(true);
    expect(sameSize(['n', 6], [2, 'n', 3])).toBe(true);
    expect(sameSize(['n', 6], ['n', 5])).toBe(false);
    expect(sameSize(['n', 6], ['m', 5])).toBeUndefined();
    expect(sameSize(['n', 'n'], ['n'])).toBeUndefined();
  });

  it('multiplies static sizes only', () => {
    expect(staticSize([])).toBe(1);
    expect(staticSize([2, 3])).toBe(6);
    expect(staticSize([2, 'n'])).toBeUndefined();
    expect(staticDim(input('x', [2, 5]), -1, 'split')).toBe(5);
    expect(() => staticDim(input('x', ['n', 5]), 0, 'split')).toThrow(
      'split: axis 0 of [n, 5] must have a static size',
    );
  });
});
