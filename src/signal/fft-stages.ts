// The butterflies of the mixed-radix FFT: Stockham passes (self-sorting, decimation in frequency) of radix 2, 3, 4, 5 and any small prime.

/**
 * One pass over the data: `groups * stride` butterflies of `radix` points.
 * `twiddles` holds, per group p, the factors exp(-2πi·p·k / (radix·groups)) for k = 1 … radix-1, as (re, im) pairs.
 */
export type Stage = {
  run: StagePass;
  radix: number;
  groups: number;
  stride: number;
  twiddles: Float64Array;
  /** Odd radices above 5 only: cosines and sines of the folded DFT matrix, and room for one butterfly. */
  cosines: Float64Array;
  sines: Float64Array;
  room: Float64Array;
};

type StagePass = (xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array, stage: Stage) => void;

/** Radices of a size, the order of the passes: odd ones first, 4 last, where a pass needs no twiddles. */
export const radicesOf = (size: number): number[] => {
  const radices: number[] = [];
  let rest = size;
  let fours = 0;
  while (rest % 4 === 0) {
    rest /= 4;
    fours++;
  }
  for (let prime = 2; rest > 1; prime++) {
    if (prime * prime > rest) prime = rest;
    while (rest % prime === 0) {
      rest /= prime;
      radices.unshift(prime);
    }
  }
  return [...radices, ...new Array<number>(fours).fill(4)];
};

/** The passes of a size, with every factor computed beforehand. */
export const planStages = (size: number): Stage[] => {
  const stages: Stage[] = [];
  let remaining = size;
  let stride = 1;
  for (const radix of radicesOf(size)) {
    const groups = remaining / radix;
    stages.push({ run: passOf(radix, groups), radix, groups, stride, ...factorsOf(radix, groups) });
    remaining = groups;
    stride *= radix;
  }
  return stages;
};

const passOf = (radix: number, groups: number): StagePass => {
  if (radix === 4) return groups === 1 ? lastRadix4 : radix4;
  if (radix === 2) return radix2;
  if (radix === 3) return radix3;
  if (radix === 5) return radix5;
  return radixOdd;
};

const factorsOf = (radix: number, groups: number) => {
  const twiddles = new Float64Array(groups * (radix - 1) * 2);
  let at = 0;
  for (let p = 0; p < groups; p++) {
    for (let k = 1; k < radix; k++) {
      const angle = (-2 * Math.PI * p * k) / (radix * groups);
      twiddles[at++] = Math.cos(angle);
      twiddles[at++] = Math.sin(angle);
    }
  }
  const half = radix > 5 ? (radix - 1) / 2 : 0;
  const cosines = new Float64Array(half * half);
  const sines = new Float64Array(half * half);
  for (let k = 1; k <= half; k++) {
    for (let j = 1; j <= half; j++) {
      const angle = (2 * Math.PI * ((j * k) % radix)) / radix;
      cosines[(k - 1) * half + j - 1] = Math.cos(angle);
      sines[(k - 1) * half + j - 1] = Math.sin(angle);
    }
  }
  return { twiddles, cosines, sines, room: new Float64Array(4 * half) };
};

const radix2: StagePass = (xr, xi, yr, yi, { groups, stride, twiddles }) => {
  const half = groups * stride;
  for (let p = 0; p < groups; p++) {
    const wr = twiddles[2 * p];
    const wi = twiddles[2 * p + 1];
    let a = p * stride;
    let y = 2 * p * stride;
    for (const end = a + stride; a < end; a++, y++) {
      const b = a + half;
      const dr = xr[a] - xr[b];
      const di = xi[a] - xi[b];
      yr[y] = xr[a] + xr[b];
      yi[y] = xi[a] + xi[b];
      yr[y + stride] = dr * wr - di * wi;
      yi[y + stride] = dr * wi + di * wr;
    }
  }
};

const SIN_60 = Math.sqrt(3) / 2;

const radix3: StagePass = (xr, xi, yr, yi, { groups, stride, twiddles }) => {
  const third = groups * stride;
  for (let p = 0; p < groups; p++) {
    const w1r = twiddles[4 * p];
    const w1i = twiddles[4 * p + 1];
    const w2r = twiddles[4 * p + 2];
    const w2i = twiddles[4 * p + 3];
    let a = p * stride;
    let y = 3 * p * stride;
    for (const end = a + stride; a < end; a++, y++) {
      const b = a + third;
      const c = b + third;
      const sr = xr[b] + xr[c];
      const si = xi[b] + xi[c];
      const dr = (xr[b] - xr[c]) * SIN_60;
      const di = (xi[b] - xi[c]) * SIN_60;
      const mr = xr[a] - 0.5 * sr;
      const mi = xi[a] - 0.5 * si;
      yr[y] = xr[a] + sr;
      yi[y] = xi[a] + si;
      const y1r = mr + di;
      const y1i = mi - dr;
      const y2r = mr - di;
      const y2i = mi + dr;
      yr[y + stride] = y1r * w1r - y1i * w1i;
      yi[y + stride] = y1r * w1i + y1i * w1r;
      yr[y + 2 * stride] = y2r * w2r - y2i * w2i;
      yi[y + 2 * stride] = y2r * w2i + y2i * w2r;
    }
  }
};

const radix4: StagePass = (xr, xi, yr, yi, { groups, stride, twiddles }) => {
  const quarter = groups * stride;
  for (let p = 0; p < groups; p++) {
    const w1r = twiddles[6 * p];
    const w1i = twiddles[6 * p + 1];
    const w2r = twiddles[6 * p + 2];
    const w2i = twiddles[6 * p + 3];
    const w3r = twiddles[6 * p + 4];
    const w3i = twiddles[6 * p + 5];
    let a = p * stride;
    let y = 4 * p * stride;
    for (const end = a + stride; a < end; a++, y++) {
      const b = a + quarter;
      const c = b + quarter;
      const d = c + quarter;
      const acr = xr[a] + xr[c];
      const aci = xi[a] + xi[c];
      const amr = xr[a] - xr[c];
      const ami = xi[a] - xi[c];
      const bdr = xr[b] + xr[d];
      const bdi = xi[b] + xi[d];
      const bmr = xr[b] - xr[d];
      const bmi = xi[b] - xi[d];
      yr[y] = acr + bdr;
      yi[y] = aci + bdi;
      const y1r = amr + bmi;
      const y1i = ami - bmr;
      const y2r = acr - bdr;
      const y2i = aci - bdi;
      const y3r = amr - bmi;
      const y3i = ami + bmr;
      yr[y + stride] = y1r * w1r - y1i * w1i;
      yi[y + stride] = y1r * w1i + y1i * w1r;
      yr[y + 2 * stride] = y2r * w2r - y2i * w2i;
      yi[y + 2 * stride] = y2r * w2i + y2i * w2r;
      yr[y + 3 * stride] = y3r * w3r - y3i * w3i;
      yi[y + 3 * stride] = y3r * w3i + y3i * w3r;
    }
  }
};

/** Radix 4 as the last pass: one group, all twiddles 1. */
const lastRadix4: StagePass = (xr, xi, yr, yi, { stride }) => {
  for (let a = 0; a < stride; a++) {
    const b = a + stride;
    const c = b + stride;
    const d = c + stride;
    const acr = xr[a] + xr[c];
    const aci = xi[a] + xi[c];
    const amr = xr[a] - xr[c];
    const ami = xi[a] - xi[c];
    const bdr = xr[b] + xr[d];
    const bdi = xi[b] + xi[d];
    const bmr = xr[b] - xr[d];
    const bmi = xi[b] - xi[d];
    yr[a] = acr + bdr;
    yi[a] = aci + bdi;
    yr[b] = amr + bmi;
    yi[b] = ami - bmr;
    yr[c] = acr - bdr;
    yi[c] = aci - bdi;
    yr[d] = amr - bmi;
    yi[d] = ami + bmr;
  }
};

const COS_72 = Math.cos((2 * Math.PI) / 5);
const COS_144 = Math.cos((4 * Math.PI) / 5);
const SIN_72 = Math.sin((2 * Math.PI) / 5);
const SIN_144 = Math.sin((4 * Math.PI) / 5);

const radix5: StagePass = (xr, xi, yr, yi, { groups, stride, twiddles }) => {
  const fifth = groups * stride;
  for (let p = 0; p < groups; p++) {
    const w = 8 * p;
    const w1r = twiddles[w];
    const w1i = twiddles[w + 1];
    const w2r = twiddles[w + 2];
    const w2i = twiddles[w + 3];
    const w3r = twiddles[w + 4];
    const w3i = twiddles[w + 5];
    const w4r = twiddles[w + 6];
    const w4i = twiddles[w + 7];
    let a = p * stride;
    let y = 5 * p * stride;
    for (const end = a + stride; a < end; a++, y++) {
      const b = a + fifth;
      const c = b + fifth;
      const d = c + fifth;
      const e = d + fifth;
      const ber = xr[b] + xr[e];
      const bei = xi[b] + xi[e];
      const cdr = xr[c] + xr[d];
      const cdi = xi[c] + xi[d];
      const bmr = xr[b] - xr[e];
      const bmi = xi[b] - xi[e];
      const cmr = xr[c] - xr[d];
      const cmi = xi[c] - xi[d];
      const m1r = xr[a] + COS_72 * ber + COS_144 * cdr;
      const m1i = xi[a] + COS_72 * bei + COS_144 * cdi;
      const m2r = xr[a] + COS_144 * ber + COS_72 * cdr;
      const m2i = xi[a] + COS_144 * bei + COS_72 * cdi;
      const n1r = SIN_72 * bmr + SIN_144 * cmr;
      const n1i = SIN_72 * bmi + SIN_144 * cmi;
      const n2r = SIN_144 * bmr - SIN_72 * cmr;
      const n2i = SIN_144 * bmi - SIN_72 * cmi;
      yr[y] = xr[a] + ber + cdr;
      yi[y] = xi[a] + bei + cdi;
      const y1 = y + stride;
      const y2 = y1 + stride;
      const y3 = y2 + stride;
      const y4 = y3 + stride;
      yr[y1] = (m1r + n1i) * w1r - (m1i - n1r) * w1i;
      yi[y1] = (m1r + n1i) * w1i + (m1i - n1r) * w1r;
      yr[y2] = (m2r + n2i) * w2r - (m2i - n2r) * w2i;
      yi[y2] = (m2r + n2i) * w2i + (m2i - n2r) * w2r;
      yr[y3] = (m2r - n2i) * w3r - (m2i + n2r) * w3i;
      yi[y3] = (m2r - n2i) * w3i + (m2i + n2r) * w3r;
      yr[y4] = (m1r - n1i) * w4r - (m1i + n1r) * w4i;
      yi[y4] = (m1r - n1i) * w4i + (m1i + n1r) * w4r;
    }
  }
};

/** Any odd radix: inputs j and radix-j are folded into sums and differences, which halves the work in both directions. */
const radixOdd: StagePass = (xr, xi, yr, yi, stage) => {
  const { radix, groups, stride, twiddles, cosines, sines, room } = stage;
  const half = (radix - 1) / 2;
  const leg = groups * stride;
  for (let p = 0; p < groups; p++) {
    const w = p * (radix - 1) * 2 - 2;
    for (let q = 0; q < stride; q++) {
      const a = p * stride + q;
      const y = p * radix * stride + q;
      let sumRe = xr[a];
      let sumIm = xi[a];
      for (let j = 0; j < half; j++) {
        const b = a + (j + 1) * leg;
        const c = a + (radix - 1 - j) * leg;
        sumRe += room[4 * j] = xr[b] + xr[c];
        sumIm += room[4 * j + 1] = xi[b] + xi[c];
        room[4 * j + 2] = xr[b] - xr[c];
        room[4 * j + 3] = xi[b] - xi[c];
      }
      yr[y] = sumRe;
      yi[y] = sumIm;
      for (let k = 1; k <= half; k++) {
        const row = (k - 1) * half;
        let cr = xr[a];
        let ci = xi[a];
        let sr = 0;
        let si = 0;
        for (let j = 0; j < half; j++) {
          const cosine = cosines[row + j];
          const sine = sines[row + j];
          cr += cosine * room[4 * j];
          ci += cosine * room[4 * j + 1];
          sr += sine * room[4 * j + 2];
          si += sine * room[4 * j + 3];
        }
        const low = y + k * stride;
        const high = y + (radix - k) * stride;
        const wl = w + 2 * k;
        const wh = w + 2 * (radix - k);
        yr[low] = (cr + si) * twiddles[wl] - (ci - sr) * twiddles[wl + 1];
        yi[low] = (cr + si) * twiddles[wl + 1] + (ci - sr) * twiddles[wl];
        yr[high] = (cr - si) * twiddles[wh] - (ci + sr) * twiddles[wh + 1];
        yi[high] = (cr - si) * twiddles[wh + 1] + (ci + sr) * twiddles[wh];
      }
    }
  }
};
