import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import {
  archiveJobSchema,
  archiveResultSchema,
  decodeHeader,
  decodeHeard,
  encodeHeader,
  encodeHeard,
} from './archive-message.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const place = {
  recording: fc.string({ unit: 'grapheme' }),
  channel: fc.constantFrom('1', 'all'),
  segment: fc.nat(),
  start: finite,
  seconds: finite,
};
const heard = fc.record({
  scores: fc.array(
    fc.record(
      { ...place, score: finite, threshold: finite, pValue: finite, anomalous: fc.boolean(), diagnosis: fc.string() },
      {
        requiredKeys: [
          'recording',
          'channel',
          'segment',
          'start',
          'seconds',
          'score',
          'threshold',
          'pValue',
          'anomalous',
        ],
      },
    ),
  ),
  embeddings: fc.array(
    fc.record({ ...place, sampleRate: finite, vector: fc.float32Array({ maxLength: 9, noNaN: true }) }),
  ),
  failures: fc.array(fc.record({ file: fc.string(), message: fc.string() })),
});

describe('results of an archive', () => {
  it('arrive as they were sent, to the last bit', () => {
    fc.assert(
      fc.property(heard, (one) => {
        expect(decodeHeard(encodeHeard(one))).toEqual(one);
      }),
    );
  });

  it('are refused where they are damaged', () => {
    const bytes = encodeHeard({ scores: [], embeddings: [], failures: [{ file: 'a', message: 'b' }] });
    for (let at = 0; at < bytes.length; at++) {
      expect(() => decodeHeard(bytes.subarray(0, at))).toThrow(InputError);
    }
    expect(() => decodeHeard(new TextEncoder().encode('{"scores":[]}'))).toThrow(InputError);
  });
});

describe('headers of an archive', () => {
  const id = 'a'.repeat(32);
  const plan = { kind: 'score', detector: 'b'.repeat(64), resample: true, perSegment: false, read: {} } as const;

  it('are one line of ASCII, whatever a file is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (file) => {
        const job = { id, file, plan, store: 'objects', bytes: 3 } as const;
        const text = encodeHeader(job);
        expect(text).toMatch(/^[!-~]+$/);
        expect(decodeHeader(text, archiveJobSchema)).toEqual(job);
      }),
    );
  });

  it('are nothing where they make no sense', () => {
    const bad = [undefined, '', '%', '{}', encodeURIComponent('{"id":"../x"}'), encodeURIComponent('[1]')];
    for (const text of bad) expect(decodeHeader(text, archiveResultSchema)).toBeUndefined();
    expect(decodeHeader(encodeURIComponent(`{"id":"${id}","more":1}`), archiveResultSchema)).toBeUndefined();
  });
});
