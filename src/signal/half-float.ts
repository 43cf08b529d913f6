// 16-bit floating point (IEEE 754 binary16, and bfloat16), which JavaScript engines do not all have as arrays.

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** One binary16 bit pattern as a number (IEEE 754-2008, section 3.6: 1 sign, 5 exponent, 10 fraction bits, bias 15). */
const halfToNumber = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

let halfTable: Float32Array | undefined;

/** binary16 bit patterns as float32; exact, since every half is a float32. A table of all 65,536 makes it a look-up. */
export const halfToFloat32 = (bits: Uint16Array): Float32Array => {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, pattern) => halfToNumber(pattern));
  const table = halfTable;
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]];
  return values;
};

/** bfloat16 bit patterns as float32; exact: they are its upper 16 bits. */
export const bfloat16ToFloat32 = (bits: Uint16Array): Float32Array => {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i] << 16;
  return new Float32Array(wide.buffer);
};

/** One float32 rounded to the nearest binary16, ties to even; above 65,520 it becomes infinite. */
export const numberToHalf = (value: number): number => {
  scratch[0] = value;
  const bits = scratchBits[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | roundToEven(Math.abs(scratch[0]) * 2 ** 24);
  // Rebase the exponent from 127 to 15, then round the 13 fraction bits that go; a carry into the exponent is right.
  return sign | roundToEven((magnitude - 0x38000000) / 8192);
};

/** Nearest integer, halves to the even one; the argument is exact in float64. */
const roundToEven = (value: number): number => {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
};
