// Small archives of simulated bearings that run to failure, in the layout of FEMTO's, for tests.
import { writeNpz } from '../../signal/readers/npy-write.ts';
import { simulate } from '../../signal/simulate/index.ts';

const SAMPLES = 1024;

/** An archive of a simulated bearing, as long as `records` and sound until `sound`; every 10th record of the run. */
export function degradingBearing(name: string, records: number, sound: number): Uint8Array {
  const data = new Float32Array(records * 2 * SAMPLES);
  for (let r = 0; r < records; r++) {
    const severity = r < sound ? 0 : (r - sound + 1) / (records - sound);
    for (let c = 0; c < 2; c++) {
      const { recording } = simulate({
        machine: 'bearing',
        fault: 'outer-race',
        severity,
        seed: `${name}/${r}/${c}`,
        machineSeed: `${name}/${c}`,
        sampleRate: 25600,
        seconds: SAMPLES / 25600,
      });
      data.set(recording.channels[0].subarray(0, SAMPLES), (r * 2 + c) * SAMPLES);
    }
  }
  return writeNpz({
    acceleration: { shape: [records, 2, SAMPLES], data },
    record: { shape: [records], data: Int32Array.from({ length: records }, (_, r) => 10 * r) },
    sample_rate: { shape: [], data: Int32Array.of(25600) },
  });
}
