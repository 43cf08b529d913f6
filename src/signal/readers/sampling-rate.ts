// Sampling rates from the time between samples.

/**
 * The shortest decimal number within a relative `tolerance` of a measured rate: 12000 for 12000.0004. Times written with
 * few digits, or as a step of 1/12000 s, give a rate slightly off the one that was set.
 */
export const roundRate = (rate: number, tolerance: number): number => {
  for (let digits = 1; digits < 16; digits++) {
    const rounded = Number(rate.toPrecision(digits));
    if (Math.abs(rounded - rate) <= tolerance * rate) return rounded;
  }
  return rate;
};
