import { expect, it } from 'vitest';
import { findSetting } from './published-settings.ts';

const settings = [
  undefined,
  { cfg: { model: { heads: 'four', depth: 3, rate: 2 }, task: { normalize: false } } },
  { rate: 1 },
];

it('finds the first setting of the wanted type, however deep', () => {
  expect(findSetting(settings, 'number', 'depth')).toBe(3);
  expect(findSetting(settings, 'number', 'rate')).toBe(2);
  expect(findSetting(settings, 'string', 'heads')).toBe('four');
  expect(findSetting(settings, 'boolean', 'do_normalize', 'normalize')).toBe(false);
  expect(findSetting(settings, 'number', 'rate', 'depth')).toBe(2);
});

it('finds nothing where there is nothing', () => {
  expect(findSetting(settings, 'number', 'heads')).toBeUndefined();
  expect(findSetting(undefined, 'number', 'heads')).toBeUndefined();
  expect(findSetting({}, 'number', 'toString', 'length')).toBeUndefined();
  expect(findSetting('heads', 'number', 'length')).toBeUndefined();
});
