// A figure that may be undefined: never 0.5, never NaN, but a reason.

export type Measured = { value: number } | { value: null; reason: string };

export const measured = (value: number): Measured => ({ value });

export const undefinedBecause = (reason: string): Measured => ({ value: null, reason });

/** Applies a function to all values, or passes on the first reason why one is undefined. */
export function combine(parts: readonly Measured[], apply: (values: number[]) => Measured): Measured {
  const values: number[] = [];
  for (const part of parts) {
    if (part.value === null) return part;
    values.push(part.value);
  }
  return apply(values);
}
