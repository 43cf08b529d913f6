// npm run demo: the main job on real recordings where there are some, else on simulated machines.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Command, readArguments } from './command.ts';
import { diagnoseCommand } from './diagnose.ts';
import { fitCommand } from './fit.ts';
import { print } from './output.ts';
import { scoreCommand } from './score.ts';
import { simulateCommand } from './simulate.ts';

const OUT = 'thrum-demo';

/** Runs a command as a user would type it, and shows what that is. */
async function type(name: string, command: Command, args: string[], shown = args): Promise<void> {
  print(`\n$ thrum ${name} ${shown.join(' ')}`);
  const { files, options } = readArguments(command, args);
  const status = await command.run(files, options);
  if (status !== 0) throw new Error(`thrum ${name} ended with status ${status}`);
}

/** The CWRU folder in `data`, if it is one. */
function cwruFolder(data: string | undefined): string | undefined {
  return [data, data && join(data, 'cwru')].find((path) => path && existsSync(join(path, 'Normal', '97_Normal_0.mat')));
}

/** 12k drive-end fault files of the chosen loads, at 0.007", 0.014" and 0.021". */
function faultFiles(cwru: string, loads: string): string[] {
  const root = join(cwru, '12k_Drive_End_Bearing_Fault_Data');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return files
    .filter((file) => new RegExp(`[/\\\\](007|014|021)[/\\\\].*_[${loads}]\\.mat$`).test(file))
    .map((file) => join(root, file));
}

async function realDemo(cwru: string): Promise<void> {
  print(`Real recordings: Case Western Reserve University bearing data in ${cwru}`);
  const normal = join(cwru, 'Normal', '97_Normal_0.mat');
  const faults = faultFiles(cwru, '0');
  const detector = join(OUT, 'bearing.thrum');
  const rig = join(OUT, 'rig.thrum');
  const known = faultFiles(cwru, '012');
  const load3 = faultFiles(cwru, '3');
  await type('fit', fitCommand, [normal, '--rate', '12000', '--part', '0-50%', '--segment', '2', '--out', detector]);
  // The second half of the healthy recording goes by the same command as the faults: the bank knows its first half only.
  const report = join(OUT, 'report.html');
  const healthy = join(OUT, 'healthy.csv');
  await type('score', scoreCommand, [
    normal,
    '--rate',
    '12000',
    '--part',
    '50-100%',
    '--per-segment',
    '--detector',
    detector,
    '--report',
    healthy.replace('.csv', '.html'),
  ]);
  const options = ['--rate', '12000', '--detector', detector, '--report', report];
  await type('score', scoreCommand, [...faults, ...options], [`${faults.length} fault files of load 0`, ...options]);
  const fitting = ['--rate', '12000', '--labels', 'folder', '--segment', '2', '--out', rig];
  await type('fit', fitCommand, [...known, ...fitting], [`${known.length} fault files of loads 0-2`, ...fitting]);
  const naming = ['--rate', '12000', '--detector', rig];
  await type('diagnose', diagnoseCommand, [...load3, ...naming], [`${load3.length} fault files of load 3`, ...naming]);
  print(`\nReport: ${resolve(report)}`);
}

async function simulatedDemo(): Promise<void> {
  print('No real recordings named (THRUM_DATA or --data): simulated bearing, seed 0');
  const folder = join(OUT, 'recordings');
  rmSync(folder, { recursive: true, force: true });
  await type('simulate', simulateCommand, [
    join(folder, 'fit'),
    '--machine',
    'bearing',
    '--count',
    '40',
    '--seconds',
    '4',
    '--seed',
    '1',
  ]);
  await type('simulate', simulateCommand, [
    join(folder, 'today'),
    '--machine',
    'bearing',
    '--fault',
    'all',
    '--count',
    '4',
    '--seconds',
    '4',
    '--seed',
    '2',
  ]);
  const detector = join(OUT, 'bearing.thrum');
  const report = join(OUT, 'report.html');
  await type('fit', fitCommand, [join(folder, 'fit'), '--out', detector]);
  await type('score', scoreCommand, [join(folder, 'today'), '--detector', detector, '--report', report]);
  print(`\nReport: ${resolve(report)}`);
}

const { values } = parseArgs({ options: { data: { type: 'string' } } });
mkdirSync(OUT, { recursive: true });
const cwru = cwruFolder(values.data ?? process.env.THRUM_DATA);
if (cwru) await realDemo(cwru);
else await simulatedDemo();
