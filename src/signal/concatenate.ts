// Arrays of one kind joined into one.

/** All parts, one after the other, in a new array of `type`. */
export function concatenate<T extends Float32Array | Uint8Array>(
  type: new (length: number) => T,
  parts: readonly (T extends Float32Array ? Float32Array : Uint8Array)[],
): T {
  const whole = new type(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
