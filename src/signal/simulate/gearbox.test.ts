import { describe, expect, it } from 'vitest';
import { simulate } from './index.ts';
import { envelopeAbove, peakNear, prominence, rms } from './naive-spectrum.test-util.ts';

const listen = (fault: string, seed: number, severity = 0.7) => {
  const { recording, truth } = simulate({ machine: 'gearbox', fault, severity, seed, machineSeed: seed, seconds: 4 });
  const { faultyMesh, faultyShaft, mesh1, mesh2, inputShaft } = truth.faultFrequencies;
  const [signal] = recording.channels;
  const line = (frequency: number) => peakNear(signal, recording.sampleRate, frequency, 0.002);
  return { signal, sampleRate: recording.sampleRate, line, faultyMesh, faultyShaft, mesh1, mesh2, inputShaft };
};

// Machines whose two meshes do not happen to share lines.
const machines = [0, 2, 3, 4];

describe('gearbox', () => {
  it.each(machines)('has both mesh frequencies, with teeth times shaft between them, machine %i', (seed) => {
    const { signal, sampleRate, mesh1, mesh2, inputShaft } = listen('normal', seed);
    expect(prominence(signal, sampleRate, mesh1, 0.002)).toBeGreaterThan(5);
    expect(prominence(signal, sampleRate, mesh2, 0.002)).toBeGreaterThan(5);
    const teeth = mesh1 / inputShaft;
    expect(teeth).toBeCloseTo(Math.round(teeth), 6);
  });

  it.each(
    machines,
  )('raises sidebands at the shaft rate when eccentric, and not the mesh itself, machine %i', (seed) => {
    const sum = ({ line, faultyMesh, faultyShaft }: ReturnType<typeof listen>) =>
      line(faultyMesh - faultyShaft) + line(faultyMesh + faultyShaft);
    const normal = listen('normal', seed);
    const eccentric = listen('eccentricity', seed);
    expect(sum(eccentric)).toBeGreaterThan(3 * sum(normal));
    expect(Math.abs(20 * Math.log10(eccentric.line(normal.faultyMesh) / normal.line(normal.faultyMesh)))).toBeLessThan(
      2,
    );
  });

  it.each(machines)('raises the second harmonic most when worn, machine %i', (seed) => {
    const ratio = ({ line, faultyMesh }: ReturnType<typeof listen>) => line(2 * faultyMesh) / line(faultyMesh);
    expect(ratio(listen('wear', seed)) / ratio(listen('normal', seed))).toBeGreaterThan(1.8);
  });

  it.each(machines)('strikes once per turn with a broken tooth, machine %i', (seed) => {
    const crest = ({ signal }: ReturnType<typeof listen>) =>
      signal.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0) / rms(signal);
    const normal = listen('normal', seed);
    const broken = listen('broken-tooth', seed);
    const turn = ({ signal, sampleRate, faultyShaft }: ReturnType<typeof listen>) =>
      peakNear(envelopeAbove(signal, sampleRate, 1500), sampleRate, faultyShaft, 0.004);
    expect(turn(broken)).toBeGreaterThan(3 * turn(normal));
    expect(crest(broken)).toBeGreaterThan(1.3 * crest(normal));
  });
});
