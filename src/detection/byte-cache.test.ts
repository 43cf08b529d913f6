import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createByteCache } from './byte-cache.ts';

describe('createByteCache', () => {
  it('keeps the values used last, as a list of them all would, within its bytes', async () => {
    const sizes = [3, 5, 8, 20, 1, 13];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(sizes.length - 1), { maxLength: 40 }), async (asked) => {
        const cache = createByteCache<number>(20);
        let kept: number[] = [];
        for (const key of asked) {
          let made = false;
          const value = await cache.get(String(key), async () => {
            made = true;
            return { value: key, bytes: sizes[key] };
          });
          expect(value).toBe(key);
          expect(made).toBe(!kept.includes(key));
          kept = [...kept.filter((one) => one !== key), key];
          const bytes = () => kept.reduce((sum, one) => sum + sizes[one], 0);
          while (bytes() > 20) kept.shift();
          expect(cache.held()).toBe(bytes());
        }
      }),
    );
  });

  it('makes a value once for all who ask, keeps one that is too large while it is the last, and no failure', async () => {
    const cache = createByteCache<string>(10);
    let made = 0;
    const make = async () => ({ value: `v${++made}`, bytes: 50 });
    expect(await Promise.all([cache.get('a', make), cache.get('a', make)])).toEqual(['v1', 'v1']);
    expect(await cache.get('a', make)).toBe('v1');
    expect(cache.held()).toBe(50);
    expect(await cache.get('b', async () => ({ value: 'b', bytes: 4 }))).toBe('b');
    expect(cache.held()).toBe(4);
    const fail = async (): Promise<never> => {
      throw new Error('no');
    };
    await expect(cache.get('c', fail)).rejects.toThrow('no');
    expect(await cache.get('c', make)).toBe('v2');
  });
});
