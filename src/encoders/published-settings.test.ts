import { expect, it } from 'vitest';
import { findCounts, findSetting } from './published-settings.ts';

const settings = [
  undefined,
  { cfg: { model: { heads: 'four', depth: 3, rate: 2, width: 0, ratio: 0.5 }, task: { normalize: false } } },
  { rate: 1 },
];

it('finds the first setting of the wanted kind, however deep', () => {
  expect(findSetting(settings, 'count', 'depth')).toBe(3);
  expect(findSetting(settings, 'count', 'rate')).toBe(2);
  expect(findSetting(settings, 'boolean', 'do_normalize', 'normalize')).toBe(false);
  expect(findSetting(settings, 'count', 'rate', 'depth')).toBe(2);
});

it('finds nothing where there is nothing of that kind', () => {
  for (const key of ['heads', 'width', 'ratio', 'normalize', 'missing']) {
    expect([key, findSetting(settings, 'count', key)]).toEqual([key, undefined]);
  }
  expect(findSetting(settings, 'boolean', 'depth')).toBeUndefined();
  expect(findSetting(undefined, 'count', 'heads')).toBeUndefined();
  expect(findSetting({}, 'count', 'toString', 'length')).toBeUndefined();
  expect(findSetting('heads', 'count', 'length')).toBeUndefined();
});

it('gathers counts, and leaves out what is not said', () => {
  expect(findCounts(settings, { layers: ['blocks', 'depth'], rate: ['rate'], heads: ['heads'] })).toEqual({
    layers: 3,
    rate: 2,
  });
});
