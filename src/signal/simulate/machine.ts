// What every simulated machine offers, and under which conditions it is asked to run.
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';
import type { SensorKind } from './sensor.ts';

export type Conditions = {
  clock: Clock;
  /** Draws what belongs to the individual machine: geometry, resonances, mounting. */
  identity: Random;
  /** Draws what belongs to one recording: noise, phases, small changes. */
  take: Random;
  /** Speed at the start and at the end, relative to the rated one. */
  speed: [number, number];
  /** Relative to the rated load. */
  load: number;
  fault: string;
  /** 0 to 1; 0 when `fault` is normal. */
  severity: number;
};

export type MachineSignal = {
  /** At the sensor's place, in the machine's unit, lead-in included. */
  channels: Float64Array[];
  /** Mean speed in Hz: of the shaft, of cycles or of strokes. */
  speedHz: number;
  /** Characteristic frequencies in Hz at that speed, of this machine's faults and of its normal running. */
  faultFrequencies: Record<string, number>;
};

export type Machine = {
  description: string;
  /** Faults besides `normal`. */
  faults: readonly string[];
  unit: string;
  defaultSampleRate: number;
  sensor: SensorKind;
  /** What `speed` counts; `rpm` may be given for a shaft. */
  moves: 'shaft' | 'cycle' | 'stroke';
  /** Relative standard deviation of the speed from one recording to the next. */
  speedSpread: number;
  /** How far the target domain's speed may lie from the source's, as factors; [1, 1] for a speed that the mains hold. */
  speedShift: [number, number];
  /** Speed in Hz of this individual at relative speed 1 and the given load. */
  ratedSpeed(identity: Random, load: number): number;
  run(conditions: Conditions): MachineSignal;
};

/** Severity of one fault: 0 unless it is the one simulated. */
export const amount = (conditions: Conditions, fault: string): number =>
  conditions.fault === fault ? conditions.severity : 0;

/** Mean relative speed of the recording. */
export const meanRelativeSpeed = ({ speed }: Conditions): number => (speed[0] + speed[1]) / 2;
