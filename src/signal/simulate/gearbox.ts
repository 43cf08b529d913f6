// A two-stage parallel-shaft gearbox on an accelerometer: mesh harmonics with sidebands of the shafts.
import type { Clock } from './clock.ts';
import { mix, silence } from './clock.ts';
import { addHarmonics, angularPulse, modulator, withPhases } from './harmonics.ts';
import { drivenShaft, gearMeshFrequency } from './kinematics.ts';
import type { Conditions, Machine, MachineSignal } from './machine.ts';
import { amount, meanRelativeSpeed } from './machine.ts';
import { sampled, wander } from './modulation.ts';
import type { Random } from './random.ts';
import type { Mode } from './resonance.ts';
import { drawModes, ring, shaking, strike, transmission } from './resonance.ts';
import { createShaft, meanSpeed, sampleTurns, timeAt } from './shaft.ts';

type Stage = { pinion: number; wheel: number };

const ratedSpeed = (identity: Random) => identity.fork('rating').logUniform(18, 35);

// Teeth are prime-like pairs (hunting tooth), as designers choose them, so that no two teeth meet on every turn.
const drawStages = (identity: Random): Stage[] => {
  const teeth = identity.fork('teeth');
  return [
    { pinion: teeth.pick([19, 23, 29, 31]), wheel: teeth.pick([47, 53, 61, 67]) },
    { pinion: teeth.pick([17, 19, 23]), wheel: teeth.pick([43, 59, 71]) },
  ];
};

/** Rates of input, intermediate and output shaft, and of both meshes, in Hz. */
const frequenciesOf = (stages: Stage[], input: number, faultyStage: number) => {
  const intermediate = drivenShaft(stages[0].pinion, stages[0].wheel, input);
  const output = drivenShaft(stages[1].pinion, stages[1].wheel, intermediate);
  return {
    inputShaft: input,
    intermediateShaft: intermediate,
    outputShaft: output,
    mesh1: gearMeshFrequency(stages[0].pinion, input),
    mesh2: gearMeshFrequency(stages[1].pinion, intermediate),
    faultyMesh: gearMeshFrequency(stages[faultyStage].pinion, faultyStage === 0 ? input : intermediate),
    faultyShaft: faultyStage === 0 ? input : intermediate,
  };
};

type MeshFault = { broken: number; eccentric: number; worn: number };

/**
 * One mesh. Transmission error makes harmonics of the mesh rate; the run-out of pinion and wheel modulates their
 * amplitude and phase, so sidebands stand at multiples of both shaft rates beside every harmonic (McFadden 1986, "Detecting
 * fatigue cracks in gears by amplitude and phase demodulation of the meshing vibration", J. Vib. Acoust. 108).
 */
const addMesh = (
  out: Float64Array,
  clock: Clock,
  {
    identity,
    take,
    pinionTurns,
    wheelTurns,
    stage,
    meshHz,
    modes,
    level,
    fault,
  }: {
    identity: Random;
    take: Random;
    pinionTurns: Float64Array;
    wheelTurns: Float64Array;
    stage: Stage;
    meshHz: number;
    modes: Mode[];
    level: number;
    fault: MeshFault;
  },
): void => {
  const { broken, eccentric, worn } = fault;
  const { pinion } = stage;
  // Wear takes off most at the flanks' ends and little at the pitch line, twice per tooth: the second harmonic grows first
  // (Randall 1982, "A new method of modeling gear faults", J. Mech. Des. 104).
  const wear = [1 + 0.5 * worn, 1 + 3.5 * worn, 1 + 2.5 * worn, 1 + 2 * worn, 1 + 2 * worn, 1 + 1.5 * worn];
  const amplitudes = [1, 0.5, 0.28, 0.16, 0.09, 0.05].map(
    (a, k) => level * a * identity.logUniform(0.6, 1.6) * wear[k] * transmission(modes, meshHz * (k + 1)),
  );
  const runOut = identity.logUniform(0.02, 0.06);
  const depth = [runOut + 0.5 * eccentric, runOut * 0.4 + 0.12 * eccentric, runOut * 0.2 + 0.02 * eccentric];
  const gain = modulator(clock, pinionTurns, withPhases(take, depth));
  const wheelGain = modulator(clock, wheelTurns, withPhases(take, [runOut, runOut * 0.3]));
  // Angle in mesh cycles; deviation in cycles of the mesh, a twentieth of a tooth at full eccentricity.
  const deviation = silence(clock);
  addHarmonics(deviation, clock, pinionTurns, withPhases(take, [0.004 + 0.05 * eccentric, 0.001 + 0.01 * eccentric]));
  addHarmonics(deviation, clock, wheelTurns, withPhases(take, [0.004]));
  const tooth = take.uniform();
  const cycles = silence(clock);
  for (let i = 0; i < cycles.length; i++) {
    // The broken tooth leaves a gap: for about one tooth the mesh carries less and the driven gear lags.
    const gap = broken > 0 ? broken * angularPulse(pinionTurns[i], tooth, 0.5 / pinion) : 0;
    gain[i] *= wheelGain[i] * (1 - 0.7 * gap);
    cycles[i] = pinion * pinionTurns[i] + deviation[i] - 0.15 * gap;
  }
  addHarmonics(out, clock, cycles, withPhases(take, amplitudes), { gain, margin: (3 * meshHz) / pinion });
};

const run = (conditions: Conditions): MachineSignal => {
  const { clock, identity, take, load } = conditions;
  const [from, to] = conditions.speed.map((speed) => speed * ratedSpeed(identity));
  const relative = meanRelativeSpeed(conditions);
  const stages = drawStages(identity);
  const faultyStage = identity.fork('faulty stage').integer(0, 1);
  const modes = drawModes(identity.fork('modes'), {
    band: [150, 12_000],
    count: 9,
    damping: [0.02, 0.06],
    centre: 2500,
  });
  const shaft = createShaft(take.fork('shaft'), clock, { from, to, fluctuation: 0.0008 });
  const speedHz = meanSpeed(shaft, clock);
  const frequencies = frequenciesOf(stages, speedHz, faultyStage);
  const input = sampleTurns(shaft, clock);
  const ratios = [1, frequencies.intermediateShaft / speedHz, frequencies.outputShaft / speedHz];
  const angles = ratios.map((ratio) => input.map((turns) => turns * ratio));

  const broken = amount(conditions, 'broken-tooth');
  const eccentric = amount(conditions, 'eccentricity');
  const worn = amount(conditions, 'wear');
  const meshes = silence(clock);
  const forces = 0.25 + 0.75 * load;
  stages.forEach((stage, s) => {
    const here = (severity: number) => (s === faultyStage ? severity : 0);
    addMesh(meshes, clock, {
      identity: identity.fork(`mesh ${s}`),
      take: take.fork(`mesh ${s}`),
      pinionTurns: angles[s],
      wheelTurns: angles[s + 1],
      stage,
      meshHz: s === 0 ? frequencies.mesh1 : frequencies.mesh2,
      modes,
      level: (s === 0 ? 0.11 : 0.08) * forces * relative,
      fault: { broken: here(broken), eccentric: here(eccentric), worn: here(worn) },
    });
  });
  // The torque of the driven machine is never quite steady, and the mesh force follows it.
  const torque = sampled(wander(take.fork('torque'), clock, { deviation: 0.05, correlation: 0.2 }), clock, 1, 0.5);
  const out = silence(clock);
  mix(out, meshes, torque);

  const levels = identity.fork('levels');
  angles.forEach((turns, s) => {
    const unbalance = levels.logUniform(0.006, 0.015) * relative ** 2 * 0.6 ** s;
    const series = [s === faultyStage ? 1 + 1.5 * eccentric : 1, 0.4, 0.2].map((a) => a * unbalance);
    addHarmonics(out, clock, turns, withPhases(take.fork(`unbalance ${s}`), series));
  });
  // Worn flanks slide roughly: the random part of the vibration grows with the harmonics.
  const rms = levels.logUniform(0.02, 0.04) * relative * (0.6 + 0.4 * load) * (1 + 0.6 * worn);
  mix(out, shaking(take.fork('contact'), clock, modes, rms));

  if (broken > 0) {
    const force = silence(clock);
    const random = take.fork('broken tooth');
    const ratio = ratios[faultyStage];
    const strength = 2.6 * broken ** 1.5 * forces * relative;
    for (let turn = Math.ceil(shaft.turns[0] * ratio), first = random.uniform(); ; turn++) {
      const time = timeAt(shaft, (turn + first) / ratio);
      if (time > clock.end) break;
      strike(force, clock, time, strength * Math.max(0.3, 1 + random.gaussian(0, 0.1)));
      // The next tooth takes over the load late.
      const tooth = 1 / (stages[faultyStage].pinion * speedHz * ratio);
      strike(force, clock, time + tooth, 0.5 * strength);
    }
    mix(out, ring(force, modes, clock));
  }
  return { channels: [out], speedHz, faultFrequencies: frequencies };
};

/** Two-stage gearbox; acceleration in g. The fault sits on the pinion of one stage, which belongs to the machine. */
export const gearbox: Machine = {
  description: 'two-stage gearbox, accelerometer on the housing',
  faults: ['broken-tooth', 'eccentricity', 'wear'],
  unit: 'g',
  defaultSampleRate: 25_600,
  sensor: 'accelerometer',
  moves: 'shaft',
  speedSpread: 0.006,
  speedShift: [0.75, 1.25],
  ratedSpeed,
  run,
};
