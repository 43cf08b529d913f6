// A figure that may be undefined: never 0.5, never NaN, but a reason.

/** A number, or null with a reason in words: `no anomalous recordings among 12`. */
export type Measured = { value: number } | { value: null; reason: string };

/** A figure that is defined. */
export const measured = (value: number): Measured => ({ value });

/** A figure that is not. */
export const undefinedBecause = (reason: string): Measured => ({ value: null, reason });

/** The same figure; where it is undefined, the reason says of what: `fan section 03: no recordings`. */
export const measuredOf = (what: string, figure: Measured): Measured =>
  figure.value === null ? undefinedBecause(`${what}: ${figure.reason}`) : figure;

/** Applies a function to all values, or passes on the first reason why one is undefined. */
export function combine(parts: readonly Measured[], apply: (values: number[]) => Measured): Measured {
  const values: number[] = [];
  for (const part of parts) {
    if (part.value === null) return part;
    values.push(part.value);
  }
  return apply(values);
}
