import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNonFinite, parseNumber, printedResolution } from './text-number.ts';

const parse = (text: string, decimal = '.'): number => {
  const bytes = new TextEncoder().encode(text);
  return parseNumber(bytes, 0, bytes.length, decimal.charCodeAt(0));
};

describe('parseNumber', () => {
  it.each([
    '0',
    '-0',
    '7',
    '+12.5',
    '-.5',
    '5.',
    '1e3',
    '-1.25E-3',
    '1e+400',
    '2e-400',
  ])('reads %s as Number does', (text) => expect(parse(text)).toBe(Number(text)));

  it.each(['', '-', '.', 'e5', '1e', '1e+', '1.2.3', '12a', 'nan', '1,5', '0x10', '1 2'])('refuses %j', (text) => {
    expect(parse(text)).toBeNaN();
  });

  it('reads a decimal comma', () => expect(parse('-1,25e2', ',')).toBe(-125));

  it('agrees with Number on any double, exactly up to 15 digits', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(Math.abs(parse(String(x)) - x)).toBeLessThanOrEqual(Math.abs(x) * 4.5e-16);
        const short = x.toPrecision(15);
        if (Math.abs(x) > 1e-7 && Math.abs(x) < 1e22) expect(parse(short)).toBe(Number(short));
      }),
    );
  });
});

it('parseNonFinite knows NaN and infinity, and no other word', () => {
  expect(['NaN', '-nan', 'Inf', '-infinity', 'n/a', '1', ''].map(parseNonFinite)).toEqual([
    Number.NaN,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    undefined,
    undefined,
    undefined,
  ]);
});

it('printedResolution is the worth of the last digit', () => {
  expect(
    ['1.250', '12', '5.6566e+05', '-1,5', '2E-3'].map((text) =>
      printedResolution(text, text.includes(',') ? ',' : '.'),
    ),
  ).toEqual([1e-3, 1, 10, 0.1, 1e-3]);
});
