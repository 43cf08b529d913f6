import { describe, expect, it } from 'vitest';
import { createLanes } from './lanes.ts';

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('createLanes', () => {
  it('keeps the order under one key, also behind a task that failed', async () => {
    const lanes = createLanes();
    const seen: string[] = [];
    const slow = lanes('a', async () => {
      await tick();
      await tick();
      seen.push('slow');
      throw new Error('no');
    });
    const quick = lanes('a', async () => {
      seen.push('quick');
      return 7;
    });
    await expect(slow).rejects.toThrow('no');
    expect(await quick).toBe(7);
    expect(seen).toEqual(['slow', 'quick']);
  });

  it('lets other keys pass', async () => {
    const lanes = createLanes();
    let release = () => {};
    const held = lanes('a', () => new Promise<void>((resolve) => (release = resolve)));
    expect(await lanes('b', async () => 'passed')).toBe('passed');
    release();
    await held;
  });
});
