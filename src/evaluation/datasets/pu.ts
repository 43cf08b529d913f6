// PU: healthy and damaged ball bearings of Paderborn University (KAt data center), by vibration and motor currents.
import { type MatStruct, writeMat } from '../../signal/readers/mat-write.ts';
import type { Recording } from '../../signal/recording.ts';
import { baseName, type Folder, isMat, stemOf } from '../files/folder.ts';
import { misplaced } from './problems.ts';
import { type PathReading, scanFiles } from './scan-files.ts';
import { type ClassSource, recordClass } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

const SAMPLE_RATE = 64_000;
/** Of force, speed and torque. */
const SLOW_RATE = 4000;
const CLASSES = ['healthy', 'IR', 'OR'] as const;
type Label = (typeof CLASSES)[number];

/**
 * Bearings by class and origin of the damage (Lessmeier et al. 2016, tables 4 to 6). KB23, KB24 and KB27 have damage of
 * both rings and count as the ring that is damaged more, as in the benchmark RMIS (`pu_organize_files.sh`).
 */
const BEARINGS: Record<Label, Record<string, readonly string[]>> = {
  healthy: { none: ['K001', 'K002', 'K003', 'K004', 'K005', 'K006'] },
  IR: {
    artificial: ['KI01', 'KI03', 'KI05', 'KI07', 'KI08'],
    real: ['KI04', 'KI14', 'KI16', 'KI17', 'KI18', 'KI21', 'KB23', 'KB24'],
  },
  OR: {
    artificial: ['KA01', 'KA03', 'KA05', 'KA06', 'KA07', 'KA08', 'KA09'],
    real: ['KA04', 'KA15', 'KA16', 'KA22', 'KA30', 'KB27'],
  },
};
const CONDITIONS = ['N15_M07_F10', 'N09_M07_F10', 'N15_M01_F10', 'N15_M07_F04'];
const MEASUREMENTS = 20;

/** Channels in the order of the file (`Y`), and the raster each is sampled on. */
const CHANNELS = [
  ['force', 'Mech_4kHz'],
  ['phase_current_1', 'HostService'],
  ['phase_current_2', 'HostService'],
  ['speed', 'Mech_4kHz'],
  ['temp_2_bearing_module', 'Temp_1Hz'],
  ['torque', 'Mech_4kHz'],
  ['vibration_1', 'HostService'],
] as const;
const USED = [2, 3, 7];

const NAME = /^(N\d\d_M\d\d_F\d\d)_(K[A-Z]?\d+)_(\d+)\.mat$/;
const EXAMPLE = 'K001/N09_M07_F10_K001_1.mat';

const bearingsOf = (label: Label): { code: string; damage: string }[] =>
  Object.entries(BEARINGS[label]).flatMap(([damage, codes]) => codes.map((code) => ({ code, damage })));

const KNOWN = new Map(
  CLASSES.flatMap((label) => bearingsOf(label).map(({ code, damage }) => [code, { label, damage }] as const)),
);

/** A condition's speed in turns per minute, torque in Nm and radial force in N: `N15_M07_F10` is 1500, 0.7 and 1000. */
function valuesOf(condition: string): { speed: number; torque: number; force: number } {
  const [speed, torque, force] = condition.split('_').map((part) => Number(part.slice(1)));
  return { speed: 100 * speed, torque: torque / 10, force: 100 * force };
}

/**
 * What a path says: `<bearing>/<condition>_<bearing>_<measurement>.mat`. Vibration and the two currents are samples; all
 * measurements of a bearing under one condition are one take.
 */
function readPath(path: string): PathReading {
  const [condition, bearing, measurement] = NAME.exec(baseName(path))?.slice(1) ?? [];
  const known = KNOWN.get(bearing);
  if (!known) return undefined;
  if (path.split('/').at(-2) !== bearing) return misplaced('pu', path);
  const { speed, torque, force } = valuesOf(condition);
  const attributes = {
    bearing,
    damage: known.damage,
    condition,
    speed: `${speed}`,
    torque: `${torque}`,
    force: `${force}`,
    measurement,
  };
  return USED.map((channel): Sample => {
    const variable = `${stemOf(path)}.Y.${CHANNELS[channel - 1][0]}.Data`;
    const take = `${bearing}_${condition}`;
    return { path, read: { sampleRate: SAMPLE_RATE, variable }, take, label: known.label, channel, attributes };
  });
}

const scan = ({ files }: Folder) =>
  scanFiles({
    id: 'pu',
    files: files.filter(isMat),
    read: readPath,
    places: Object.fromEntries(CLASSES.map((label) => [label, `${bearingsOf(label)[0].code}/*.mat and alike`])),
    expected: `names such as ${EXAMPLE} (condition, bearing, measurement)`,
  });

const SOURCES: Record<Label, { bearing: ClassSource; motor: ClassSource }> = {
  healthy: { bearing: { machine: 'bearing', fault: 'normal' }, motor: { machine: 'motor', fault: 'normal' } },
  IR: {
    bearing: { machine: 'bearing', fault: 'inner-race', severity: 0.8 },
    motor: { machine: 'motor', fault: 'eccentricity', severity: 0.8 },
  },
  OR: {
    bearing: { machine: 'bearing', fault: 'outer-race', severity: 0.8 },
    motor: { machine: 'motor', fault: 'stator-short', severity: 0.8 },
  },
};

/** A bearing of a class: in turn from both ends, so that few have artificial, real and combined damage. */
const bearingAt = (codes: readonly string[], i: number): string =>
  i % 2 === 0 ? codes[i / 2] : codes[codes.length - (i + 1) / 2];

/** Two measurements of every bearing under every condition that occurs; there is no third. */
function* generate({ seed = 0, perClass = 8, seconds = 0.4 }: GenerateOptions = {}): Iterable<GeneratedFile> {
  for (const label of CLASSES) {
    const codes = bearingsOf(label).map(({ code }) => code);
    for (let i = 0; i < Math.min(perClass, 2 * codes.length * CONDITIONS.length); i++) {
      const take = Math.floor(i / 2);
      const [turn, round] = [take % codes.length, Math.floor(take / codes.length)];
      const bearing = bearingAt(codes, turn);
      const condition = CONDITIONS[(turn + round) % CONDITIONS.length];
      const name = `${condition}_${bearing}_${(i % 2) + 1}`;
      const { speed, torque, force } = valuesOf(condition);
      const at = { speed: speed / 1500, load: torque };
      const options = { seed: `${seed}/${name}`, machineSeed: bearing, seconds, sampleRate: SAMPLE_RATE };
      const vibration = recordClass({ ...SOURCES[label].bearing, ...at }, options);
      // All bearings were driven by the same motor.
      const currents = recordClass({ ...SOURCES[label].motor, ...at }, { ...options, machineSeed: 0 });
      const constants = { force, speed, temp_2_bearing_module: 45, torque };
      yield {
        path: `${bearing}/${name}.mat`,
        bytes: writeMat({ [name]: measurement(vibration, currents, constants) }),
      };
    }
  }
}

/** The struct of a measurement: rasters with their times (X), channels with the raster they follow (Y). */
function measurement(vibration: Recording, currents: Recording, constants: Record<string, number>): MatStruct {
  const row = (data: Float64Array) => ({ shape: [1, data.length], data });
  const [samples] = vibration.channels;
  const counts = {
    HostService: samples.length,
    Mech_4kHz: Math.round((samples.length * SLOW_RATE) / SAMPLE_RATE),
    Temp_1Hz: 5,
  };
  const rates = { HostService: SAMPLE_RATE, Mech_4kHz: SLOW_RATE, Temp_1Hz: 1 };
  const measured: Record<string, Float32Array> = {
    phase_current_1: currents.channels[0],
    phase_current_2: currents.channels[1],
    vibration_1: samples,
  };
  const x = (['Mech_4kHz', 'HostService', 'Temp_1Hz'] as const).map((raster) => {
    const times = Float64Array.from({ length: counts[raster] }, (_, i) => i / rates[raster]);
    return { fields: { Name: '', Raster: raster, Data: row(times) } };
  });
  const y = CHANNELS.map(([channel, raster]) => {
    const constant = () => new Float64Array(counts[raster]).fill(constants[channel]);
    const data = channel in measured ? Float64Array.from(measured[channel]) : constant();
    return { fields: { Name: channel, Raster: raster, Data: row(data) } };
  });
  return { fields: { X: x, Y: y } };
}

/** Files x used channels. */
const samplesOf = (label: Label): number => bearingsOf(label).length * CONDITIONS.length * MEASUREMENTS * USED.length;

/**
 * Three classes: healthy, damage of the inner ring (IR), of the outer ring (OR); 32 bearings x 4 conditions x
 * 20 measurements. Source: C. Lessmeier, J. K. Kimotho, D. Zimmer, W. Sextro, "Condition Monitoring of Bearing Damage in
 * Electromechanical Drive Systems by Using Motor Current Signals of Electric Motors", PHM Europe 2016.
 */
export const pu: DataSet = {
  id: 'pu',
  title: 'Paderborn University bearings',
  source: 'https://groups.uni-paderborn.de/kat/BearingDataCenter/',
  licence: 'CC BY-NC 4.0',
  folder: /^pu$|paderborn|bearing[-_ ]?data[-_ ]?center/i,
  layout: [
    'PU/                               the 32 archives, unpacked side by side',
    '  K001/ … K006/                   healthy',
    '  KA01/ … KA30/, KB27/            outer ring',
    '  KI01/ … KI21/, KB23/, KB24/     inner ring',
    '    N09_M07_F10_K001_1.mat        condition, bearing, measurement 1 to 20',
    '  in each file a struct of its name: X (times), Y(1) … Y(7) with Name, Raster, Data',
    '  one file of the archives, KA08/N15_M01_F10_KA08_2.mat, is damaged',
  ].join('\n'),
  sampleRate: SAMPLE_RATE,
  seconds: '4',
  channels: CHANNELS.map(([name]) => name),
  classes: CLASSES,
  expected: {
    samples: CLASSES.reduce((total, label) => total + samplesOf(label), 0),
    perClass: Object.fromEntries(CLASSES.map((label) => [label, samplesOf(label)])),
  },
  views: [
    { id: 'pu-vibration', modality: 'vibration', channels: [7] },
    { id: 'pu-current', modality: 'current', channels: [2, 3] },
  ],
  scan,
  generate,
};
