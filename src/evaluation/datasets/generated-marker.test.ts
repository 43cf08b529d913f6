import { describe, expect, it } from 'vitest';
import { GENERATED_MARKER, generatedMarker, isGenerated } from './generated-marker.ts';
import { dataSets } from './registry.ts';

const samples = [{ path: 'cwru/OR/144.mat' }, { path: 'cwru/IR/105.mat' }];

describe('generatedMarker', () => {
  it('says what made the set', () => {
    const { path, bytes } = generatedMarker('1.2.3', 7);
    expect(path).toBe('thrum-generated.json');
    expect(new TextDecoder().decode(bytes)).toBe('{"generatedBy":"thrum data generate","version":"1.2.3","seed":7}\n');
  });

  it.each(dataSets.map((dataSet) => [dataSet.id, dataSet] as const))('is no problem of %s', (_, dataSet) => {
    const contents = new Map(Array.from(dataSet.generate({ perClass: 1, seconds: 0.02 }), (f) => [f.path, f.bytes]));
    const readText = (path: string) => new TextDecoder().decode(contents.get(path));
    const scan = (files: string[]) => dataSet.scan({ files: files.sort(), readText });
    const plain = scan([...contents.keys()]);
    expect(scan([...contents.keys(), GENERATED_MARKER])).toEqual(plain);
    expect(plain.samples.length).toBeGreaterThan(0);
    expect(isGenerated({ files: [...contents.keys()] }, plain.samples)).toBe(false);
    expect(isGenerated({ files: [...contents.keys(), GENERATED_MARKER] }, plain.samples)).toBe(true);
  });
});

describe('isGenerated', () => {
  it.each([
    ['at the root', 'thrum-generated.json', true],
    ['in a folder above the samples', 'cwru/thrum-generated.json', true],
    ['beside them', 'mfpt/thrum-generated.json', false],
    ['in a folder of a longer name', 'cwru/OR2/thrum-generated.json', false],
    ['under a longer name', 'cwru/not-thrum-generated.json', false],
  ])('goes by a marker %s', (_, marker, expected) => {
    const files = [...samples.map(({ path }) => path), marker].sort();
    expect(isGenerated({ files }, samples)).toBe(expected);
  });

  it('is not so where there are no samples', () => {
    expect(isGenerated({ files: [GENERATED_MARKER] }, [])).toBe(false);
  });
});
