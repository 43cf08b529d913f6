import { describe, expect, it } from 'vitest';
import { changeOf } from './changes.test-util.ts';
import { combineNotifiers, type Notifier } from './notifier.ts';

function listening(): Notifier & { heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    async notify({ machine }) {
      heard.push(machine);
    },
    async close() {
      heard.push('closed');
    },
  };
}

describe('combineNotifiers', () => {
  it('tells all of them, also where one rejects and one throws', async () => {
    const [a, b] = [listening(), listening()];
    const rejects: Notifier = { notify: () => Promise.reject(new Error('no\nline')), close: async () => {} };
    const throws: Notifier = {
      notify() {
        throw new Error('broken');
      },
      close: () => Promise.reject('text'),
    };
    const warnings: string[] = [];
    const all = combineNotifiers([rejects, a, throws, b], (message) => warnings.push(message));
    await all.notify(changeOf('pump'));
    await all.close();
    expect([a.heard, b.heard]).toEqual([
      ['pump', 'closed'],
      ['pump', 'closed'],
    ]);
    expect(warnings).toEqual(['notify: no line', 'notify: broken', 'close: text']);
  });
});
