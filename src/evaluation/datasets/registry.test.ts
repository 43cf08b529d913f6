import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { dataSetById, dataSets } from './registry.ts';

const views = dataSets.flatMap((dataSet) => dataSet.views);

describe('dataSets', () => {
  it('have names of their own, and so have their views', () => {
    const ids = dataSets.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(views.map(({ id }) => id)).size).toBe(views.length);
    expect(ids).toEqual(expect.arrayContaining(['cwru', 'mafaulda', 'mfpt', 'femto', 'itsc', 'esc50', 'fsdd']));
    expect(ids.length).toBeGreaterThan(15);
  });

  it.each(
    dataSets.map((dataSet) => [dataSet.id, dataSet] as const),
  )('%s states what is known about it', (id, dataSet) => {
    expect(id).toMatch(/^[a-z][a-z0-9-]*$/);
    // A folder named after its id is found again.
    expect(id.search(dataSet.folder)).toBeGreaterThanOrEqual(0);
    expect(dataSet.source).toMatch(/^https?:\/\/\S+$/);
    for (const text of [dataSet.title, dataSet.licence, dataSet.layout, dataSet.seconds])
      expect(text.trim()).not.toBe('');
    expect(dataSet.sampleRate).toBeGreaterThan(0);
    expect(dataSet.channels.length).toBeGreaterThan(0);
    expect(new Set(dataSet.classes).size).toBe(dataSet.classes.length);
    expect(dataSet.views.length).toBeGreaterThan(0);
    const { samples, perClass } = dataSet.expected ?? {};
    if (perClass) {
      expect(Object.keys(perClass).filter((label) => !dataSet.classes.includes(label))).toEqual([]);
      expect(Object.values(perClass).reduce((sum, count) => sum + count, 0)).toBe(samples);
    }
  });

  it.each(
    dataSets.map((dataSet) => [dataSet.id, dataSet] as const),
  )('%s finds nothing in strange folders', (_, dataSet) => {
    const folder = (files: string[]) => ({ files, readText: () => '' });
    for (const files of [[], ['readme.txt', 'a/b/c/d.pdf'], ['.wav', 'a/.mat', 'x'.repeat(300)]]) {
      const { samples, problems } = dataSet.scan(folder(files));
      expect(samples).toEqual([]);
      for (const { message } of problems) expect(message).not.toMatch(/\n|undefined/);
    }
  });
});

describe('dataSetById', () => {
  it('finds every one by its name', () => {
    for (const dataSet of dataSets) expect(dataSetById(dataSet.id)).toBe(dataSet);
  });

  it('names those there are', () => {
    expect(() => dataSetById('moon')).toThrow(InputError);
    expect(() => dataSetById('moon')).toThrow(/^dataSetById: expected one of .*cwru.*fsdd.*, got moon/);
  });
});
