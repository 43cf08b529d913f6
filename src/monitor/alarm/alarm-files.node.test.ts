import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type AlarmFilesOptions, openAlarmFiles } from './alarm-files.node.ts';
import { createAlarms } from './alarms.ts';
import { inOrder, observation, policyOf, START } from './observations.test-util.ts';
import { defaultPolicy } from './policy.ts';
import type { AlarmChange } from './types.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-alarms-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
let count = 0;
let warnings: string[];
beforeEach(() => {
  folder = join(root, String(count++));
  warnings = [];
});
const open = (more: Partial<AlarmFilesOptions> = {}, policy = policyOf({ k: 2, n: 3 })) =>
  openAlarmFiles(folder, policy, { warn: (line) => warnings.push(line), ...more });
const words = (changes: readonly AlarmChange[]): string[] =>
  changes.map(({ machine, kind, change, atMs }) => `${machine} ${kind} ${change} ${(atMs - START) / 1000}`);

describe('openAlarmFiles', () => {
  it('gives the changes of one uninterrupted run, wherever it is interrupted', () => {
    const drifting = { ...policyOf({ k: 2, n: 3 }), drift: { ...defaultPolicy.drift, windowSeconds: 100 } };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0.2, max: 4, noNaN: true }), fc.boolean(), fc.boolean()), {
          minLength: 20,
          maxLength: 40,
        }),
        (steps) => {
          folder = join(root, String(count++));
          const seen = inOrder(steps.map(([score]) => score)).map((one, i) => ({ ...one, constant: steps[i][1] }));
          const whole = createAlarms('p', drifting);
          let files = open({}, drifting);
          for (const [i, one] of seen.entries()) {
            if (steps[i][2]) files = open({}, drifting);
            expect(files.observe('p', one)).toEqual(whole.observe(one));
          }
        },
      ),
      { numRuns: 8 },
    );
    expect(warnings).toEqual([]);
  });

  it('raises once: a score that comes again after a crash is no second one', () => {
    const scores = inOrder([3, 3, 3, 3]);
    expect(words([...open().observe('p', scores[0]), ...open().observe('p', scores[0])])).toEqual([]);
    expect(words(open().observe('p', scores[1]))).toEqual(['p fault raised 20']);
    for (const score of scores) expect(open().observe('p', score)).toEqual([]);
  });

  it('keeps silences, which are of the policy', () => {
    const silent = policyOf({ k: 1, n: 1, silences: [{ fromMs: START, toMs: START + 3_600_000 }] });
    expect(open({}, silent).observe('p', observation({ score: 9 }))).toEqual([]);
    const after = observation({ score: 9, startMs: START + 3_600_000 });
    expect(words(open({}, silent).observe('p', after))).toEqual(['p fault raised 3610']);
  });

  it('names what is not handed on yet until it is', () => {
    const [first, second] = inOrder([3, 3]);
    open().observe('p', first);
    const [change] = open().observe('p', second);
    expect(open().unsettled()).toEqual([change]);
    const files = open();
    files.settled(change);
    files.settled(change);
    expect([files.unsettled(), open().unsettled()]).toEqual([[], []]);
  });

  it('begins anew for a file that is damaged, and says so once', () => {
    open().observe('p', observation({ score: 3 }));
    open().observe('q', observation({ score: 3 }));
    const [name] = readdirSync(folder);
    const path = join(folder, name);
    const content = readFileSync(path, 'utf8');
    for (const bad of [
      '',
      content.slice(0, 99),
      '{"thrum":"ledger"}',
      content.replace(/"machine":"."/, '"machine":"x"'),
    ]) {
      writeFileSync(path, bad);
      warnings = [];
      const next = inOrder([3, 3])[1];
      const files = open();
      expect(warnings).toEqual([expect.stringMatching(/^openAlarmFiles: expected alarms .*begins anew$/)]);
      const raised = ['p', 'q'].filter((machine) => files.observe(machine, next).length > 0);
      expect(raised).toHaveLength(1);
      // For the next turn, as it was.
      rmSync(folder, { recursive: true });
      for (const machine of ['p', 'q']) open().observe(machine, observation({ score: 3 }));
    }
  });

  it('goes on in memory while nothing can be written, says it once, and writes again', () => {
    const files = open();
    const [a, b, c] = inOrder([3, 3, 3]);
    files.observe('p', a);
    renameSync(folder, `${folder}.away`);
    expect(words(files.observe('p', b))).toEqual(['p fault raised 20']);
    files.observe('p', c);
    expect(warnings).toEqual([expect.stringMatching(/^openAlarmFiles: cannot write .*no such file/)]);
    renameSync(`${folder}.away`, folder);
    files.observe('p', observation({ score: 3, startMs: START + 60_000 }));
    expect(open().unsettled()).toHaveLength(1);
  });

  it('forgets the machine heard longest ago when too many come, hostile names too', () => {
    const names = ['../../etc/passwd', 'a/b', '', 'x'.repeat(5000), '\0'];
    const files = open({ maxMachines: 3 });
    for (const name of names) files.observe(name, observation({ score: 3 }));
    expect(readdirSync(folder)).toHaveLength(3);
    expect(warnings).toHaveLength(2);
    expect(readdirSync(root).filter((name) => !/^\d+$/.test(name))).toEqual([]);
    open({ maxMachines: 2 });
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('removes what an interrupted write has left', () => {
    open().observe('p', observation({}));
    writeFileSync(join(folder, 'half.json.123.tmp'), '{');
    open();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('refuses a place that is no folder', () => {
    writeFileSync(folder, '');
    expect(() => open()).toThrow(/^openAlarmFiles: cannot write .*EEXIST/);
  });
});
