// The recordings at 12 kHz of the CWRU bearing data center by file number: faulty bearing, fault, size, position, load.
// Source: the tables "12k Drive End" and "12k Fan End Bearing Fault Data" of the data center; file 105 is 105.mat there.

export type CwruRecording = {
  number: number;
  /** Where the faulty bearing sits: drive end or fan end. */
  end: 'DE' | 'FE';
  /** Inner race, ball, outer race. */
  kind: 'IR' | 'B' | 'OR';
  /** Diameter of the fault in thousandths of an inch: 007, 014 … */
  size: string;
  /** Of outer-race faults: o'clock, relative to the load zone at 6. */
  position?: '3' | '6' | '12';
  /** Horsepower, 0 to 3. */
  load: '0' | '1' | '2' | '3';
};

/** End, kind, size, position, then the file numbers at loads 0 to 3. */
const TABLE = `
DE IR 007 -  105 106 107 108
DE IR 014 -  169 170 171 172
DE IR 021 -  209 210 211 212
DE IR 028 -  3001 3002 3003 3004
DE B  007 -  118 119 120 121
DE B  014 -  185 186 187 188
DE B  021 -  222 223 224 225
DE B  028 -  3005 3006 3007 3008
DE OR 007 3  144 145 146 147
DE OR 021 3  246 247 248 249
DE OR 007 6  130 131 132 133
DE OR 014 6  197 198 199 200
DE OR 021 6  234 235 236 237
DE OR 007 12 156 158 159 160
DE OR 021 12 258 259 260 261
FE IR 007 -  278 279 280 281
FE IR 014 -  274 275 276 277
FE IR 021 -  270 271 272 273
FE B  007 -  282 283 284 285
FE B  014 -  286 287 288 289
FE B  021 -  290 291 292 293
FE OR 007 3  298 299 300 301
FE OR 014 3  310 309 311 312
FE OR 021 3  -   316 317 318
FE OR 007 6  294 295 296 297
FE OR 014 6  313 -   -   -
FE OR 021 6  315 -   -   -
FE OR 007 12 302 305 306 307
`;

const LOADS = ['0', '1', '2', '3'] as const;

/** All recordings of the tables, in their order. */
export const cwruRecordings: readonly CwruRecording[] = TABLE.trim()
  .split('\n')
  .flatMap((row) => {
    const [end, kind, size, position, ...numbers] = row.split(/ +/) as [
      CwruRecording['end'],
      CwruRecording['kind'],
      string,
      NonNullable<CwruRecording['position']> | '-',
      ...string[],
    ];
    return numbers.flatMap((number, i) => {
      if (number === '-') return [];
      const recording = { number: Number(number), end, kind, size, load: LOADS[i] };
      return [position === '-' ? recording : { ...recording, position }];
    });
  });

/** SIREN's class of a recording: `DE_IR`, `FE_OC@6`. */
export const cwruClass = ({ end, kind, position }: CwruRecording): string =>
  kind === 'OR' ? `${end}_OC@${position}` : `${end}_${kind}`;

/** File numbers of the four recordings without a fault. */
export const cwruNormalNumbers: readonly number[] = [97, 98, 99, 100];

/** Whether a file number belongs to "48k Drive End Bearing Fault Data", which no protocol here uses. */
export const isCwru48k = (number: number): boolean => numbers48k.has(number);

/** First and last of each run of numbers. */
const RUNS_48K = [
  [109, 112],
  [122, 125],
  [135, 138],
  [148, 151],
  [161, 164],
  [174, 177],
  [189, 192],
  [201, 204],
  [213, 215],
  [217, 217],
  [226, 229],
  [238, 241],
  [250, 253],
  [262, 265],
];
const numbers48k: ReadonlySet<number> = new Set(
  RUNS_48K.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
);
