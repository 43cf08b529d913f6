// thrum simulate: recordings of machines that do not exist, with every cause known.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeWav } from '../signal/readers/wav-write.ts';
import { machineNames, machines, simulate } from '../signal/simulate/index.ts';
import { type Command, choice, number, type Options, required, text, UsageError } from './command.ts';
import { createProgress, print, writeFileSafely } from './output.ts';

/** Comma-separated faults; `all` stands for normal and every fault of the machine. */
function faultsFrom(options: Options, known: readonly string[]): string[] {
  const given = text(options, 'fault') ?? 'normal';
  const wanted = given === 'all' ? ['normal', ...known] : given.split(',');
  for (const fault of wanted) {
    if (fault !== 'normal' && !known.includes(fault)) {
      throw new UsageError(`--fault: expected normal, all, or some of ${known.join(', ')}; got ${fault}`);
    }
  }
  return wanted;
}

export const simulateCommand: Command = {
  summary: 'write recordings of simulated machines',
  usage: 'FOLDER --machine NAME [options]',
  details: `Machines: ${machineNames.map((name) => `${name} (${machines[name].faults.join(', ')})`).join('; ')}.\nWrites FOLDER/FAULT/*.wav (32-bit float) and FOLDER/truth.jsonl, a line per recording.`,
  examples: [
    'thrum simulate rig --machine bearing --fault all --count 20 --seconds 5',
    'thrum simulate pump/target --machine pump --domain target --machine-seed 7 --count 10',
  ],
  options: {
    machine: { value: 'NAME', short: 'm', description: machineNames.join(', ') },
    fault: { value: 'LIST', description: 'normal (default), all, or faults separated by commas' },
    severity: { value: 'S', description: 'severity of faults from 0 to 1 (default 0.5)' },
    count: { value: 'N', short: 'n', description: 'recordings per fault (default 10)' },
    seconds: { value: 'S', description: 'length (default 10)' },
    rate: { value: 'HZ', short: 'r', description: "sample rate (default: the machine's usual one)" },
    seed: { value: 'N', description: 'seed of the recordings (default 0)' },
    'machine-seed': { value: 'N', description: 'which machine: its geometry, resonances, mounting (default 0)' },
    speed: { value: 'X', description: 'relative to the rated speed, 0.1 to 1.5' },
    load: { value: 'X', description: 'relative to the rated load, 0 to 1.5' },
    noise: { value: 'DB', description: 'signal-to-noise ratio' },
    domain: { value: 'D', description: 'source or target (other speed, load, noise, sensor)' },
  },
  async run([folder, ...rest], options) {
    if (folder === undefined || rest.length > 0) throw new UsageError('expected one folder to write to');
    required(options, 'machine', 'NAME');
    const machine = choice(options, 'machine', machineNames) ?? machineNames[0];
    const faults = faultsFrom(options, machines[machine].faults);
    const count = number(options, 'count', { min: 1, integer: true }) ?? 10;
    const seed = number(options, 'seed', { integer: true }) ?? 0;
    const settings = {
      machineSeed: number(options, 'machine-seed', { integer: true }) ?? 0,
      severity: number(options, 'severity', { min: 0, max: 1 }),
      seconds: number(options, 'seconds', { above: 0 }),
      sampleRate: number(options, 'rate', { min: 1000, max: 2_560_000, integer: true }),
      speed: number(options, 'speed', { min: 0.1, max: 1.5 }),
      load: number(options, 'load', { min: 0, max: 1.5 }),
      noiseLevel: number(options, 'noise'),
      domain: choice(options, 'domain', ['source', 'target']),
    };
    const lines: string[] = [];
    const progress = createProgress('simulated');
    for (const fault of faults) {
      for (let i = 0; i < count; i++) {
        const { recording, truth } = simulate({ machine, fault, seed: `${seed}/${fault}/${i}`, ...settings });
        const name = join(fault, `${machine}_${fault}_${String(i).padStart(4, '0')}.wav`);
        mkdirSync(join(folder, fault), { recursive: true });
        writeFileSafely(join(folder, name), writeWav(recording, { bits: 'float32' }));
        const { severity, domain, speedHz } = truth;
        progress.update(lines.length, faults.length * count);
        lines.push(JSON.stringify({ file: name, machine, fault, severity, domain, speedHz }));
      }
    }
    progress.end();
    // No CSV: among recordings, a table counts as one of them.
    writeFileSafely(join(folder, 'truth.jsonl'), `${lines.join('\n')}\n`);
    print(`${faults.length * count} recordings of ${machine} (${faults.join(', ')}) in ${folder}`);
    return 0;
  },
};
