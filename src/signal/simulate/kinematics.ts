// Where faults appear: characteristic frequencies of rolling bearings, gears and induction motors.
import { InputError } from '../errors.ts';

/** Geometry of a rolling bearing with fixed outer ring; lengths in one unit (here mm), angle in degrees. */
export type BearingGeometry = {
  rollers: number;
  ballDiameter: number;
  pitchDiameter: number;
  contactAngle: number;
};

/** Multiples of the shaft rate. `bsf` is one turn of the ball; a spot on it meets a race twice per turn, at 2 x `bsf`. */
export type BearingOrders = { bpfo: number; bpfi: number; bsf: number; ftf: number };

/**
 * Bearings of public data sets, by type.
 * Sources: CWRU Bearing Data Center (6205-2RS JEM drive end, 6203-2RS JEM fan end; inches converted), MFPT Fault Data Sets
 * (NICE bearing), IMS/NASA (Rexnord ZA-2115), XJTU-SY (LDK UER204).
 */
export const knownBearings = {
  'SKF 6205-2RS JEM': { rollers: 9, ballDiameter: 7.94, pitchDiameter: 39.04, contactAngle: 0 },
  'SKF 6203-2RS JEM': { rollers: 8, ballDiameter: 6.746, pitchDiameter: 28.499, contactAngle: 0 },
  'NICE (MFPT)': { rollers: 8, ballDiameter: 5.969, pitchDiameter: 31.623, contactAngle: 0 },
  'Rexnord ZA-2115': { rollers: 16, ballDiameter: 8.407, pitchDiameter: 71.501, contactAngle: 15.17 },
  'LDK UER204': { rollers: 8, ballDiameter: 7.92, pitchDiameter: 34.55, contactAngle: 0 },
} satisfies Record<string, BearingGeometry>;

/**
 * Fault orders of a bearing that rolls without slipping, as multiples of the shaft rate (inner ring turns, outer stands).
 * Source: Randall & Antoni 2011, "Rolling element bearing diagnostics: a tutorial", MSSP 25, eqs. 1-4.
 * @throws InputError when the geometry is not that of a bearing.
 */
export const bearingOrders = (geometry: BearingGeometry): BearingOrders => {
  const { rollers, ballDiameter, pitchDiameter, contactAngle } = geometry;
  if (!(rollers >= 3 && ballDiameter > 0 && pitchDiameter > ballDiameter && Math.abs(contactAngle) < 90))
    throw new InputError(
      `bearingOrders: expected at least 3 rollers, 0 < ballDiameter < pitchDiameter and a contact angle below 90 degrees, ` +
        `got ${rollers}, ${ballDiameter}, ${pitchDiameter}, ${contactAngle}`,
    );
  const ratio = (ballDiameter / pitchDiameter) * Math.cos((contactAngle * Math.PI) / 180);
  return {
    bpfo: (rollers / 2) * (1 - ratio),
    bpfi: (rollers / 2) * (1 + ratio),
    bsf: (pitchDiameter / (2 * ballDiameter)) * (1 - ratio * ratio),
    ftf: (1 - ratio) / 2,
  };
};

/** Gear mesh frequency in Hz: teeth times the rate of the shaft that carries them. */
export const gearMeshFrequency = (teeth: number, shaftHz: number): number => teeth * shaftHz;

/** Rate in Hz of the shaft driven by `teeth` on `shaftHz` through a wheel of `wheelTeeth`. */
export const drivenShaft = (teeth: number, wheelTeeth: number, shaftHz: number): number =>
  (teeth / wheelTeeth) * shaftHz;

/** Synchronous speed in Hz of an induction motor: supply frequency over pole pairs. */
export const synchronousSpeed = (supplyHz: number, polePairs: number): number => supplyHz / polePairs;

/** Slip of an induction motor, (synchronous - actual) / synchronous; 0 at synchronous speed, 1 at standstill. */
export const motorSlip = (supplyHz: number, polePairs: number, shaftHz: number): number =>
  1 - shaftHz / synchronousSpeed(supplyHz, polePairs);

/** Pole-pass frequency in Hz: number of poles times slip speed, which is 2 s f. Broken bars modulate at this rate. */
export const polePassFrequency = (supplyHz: number, slip: number): number => 2 * slip * supplyHz;

/**
 * Load on a rolling element at `angle` (radians) from the load direction, 1 in the centre and 0 outside the load zone.
 * `extent` is the load distribution factor (0.5: no clearance, half the ring carries). Exponent 3/2 is for point contact.
 * Source: Stribeck's equation as in McFadden & Smith 1984, J. Sound Vib. 96(1).
 */
export const loadZone = (angle: number, extent = 0.5): number => {
  const inside = 1 - (1 - Math.cos(angle)) / (2 * extent);
  return inside > 0 ? inside ** 1.5 : 0;
};
