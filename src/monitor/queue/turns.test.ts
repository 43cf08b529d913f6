import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTurns } from './turns.ts';

describe('createTurns', () => {
  it('lets one that is alone run beside nobody, and all of them run, in the order they came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ alone: fc.boolean(), steps: fc.integer({ min: 0, max: 4 }) }), { maxLength: 20 }),
        async (jobs) => {
          const turns = createTurns();
          const running = new Set<number>();
          const begun: number[] = [];
          await Promise.all(
            jobs.map(async ({ alone, steps }, i) => {
              const end = await turns.take(alone);
              begun.push(i);
              running.add(i);
              for (let step = 0; step <= steps; step++) {
                if (jobs.some((job, at) => job.alone && running.has(at))) expect(running.size).toBe(1);
                await Promise.resolve();
              }
              running.delete(i);
              end();
              end();
            }),
          );
          expect(begun).toEqual(jobs.map((_, i) => i));
        },
      ),
    );
  });

  it('lets the others run side by side', async () => {
    const turns = createTurns();
    const ends = [await turns.take(false), await turns.take(false)];
    let alone = false;
    let after = false;
    const third = turns.take(true).then((end) => {
      alone = true;
      return end;
    });
    const fourth = turns.take(false).then(() => {
      after = true;
    });
    ends[0]();
    await Promise.resolve();
    expect([alone, after]).toEqual([false, false]);
    ends[1]();
    const end = await third;
    expect([alone, after]).toEqual([true, false]);
    end();
    await fourth;
    expect(after).toBe(true);
  });
});
