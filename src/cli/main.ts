#!/usr/bin/env node
// The command line: finds the command, runs it, and turns errors into one clear line and an exit status.
import { InputError, oneLine } from '../signal/errors.ts';
import { systemCode, systemReason } from '../signal/system-error.node.ts';
import { type Command, flag, helpFor, readArguments, UsageError } from './command.ts';
import { version } from './version.ts';

/** Loaded when asked for: a start costs only what its command needs. */
const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  fit: {
    summary: 'learn what normal is from normal recordings',
    load: async () => (await import('./fit.ts')).fitCommand,
  },
  score: {
    summary: 'say how normal recordings are, and where they are not',
    load: async () => (await import('./score.ts')).scoreCommand,
  },
  diagnose: {
    summary: 'name faults by labelled recordings',
    load: async () => (await import('./diagnose.ts')).diagnoseCommand,
  },
  embed: { summary: 'turn recordings into embeddings', load: async () => (await import('./embed.ts')).embedCommand },
  simulate: {
    summary: 'write recordings of simulated machines',
    load: async () => (await import('./simulate.ts')).simulateCommand,
  },
  threshold: {
    summary: 'change the false-alarm rate of a detector without fitting it again',
    load: async () => (await import('./threshold.ts')).thresholdCommand,
  },
  models: {
    summary: 'list, inspect, import and fetch encoders',
    load: async () => (await import('./models.ts')).modelsCommand,
  },
  data: {
    summary: 'check recordings, list and make data sets',
    load: async () => (await import('./data.ts')).dataCommand,
  },
  pretrain: {
    summary: 'train an encoder on recordings without labels',
    load: async () => (await import('./pretrain.ts')).pretrainCommand,
  },
  finetune: {
    summary: 'train an encoder further, on recordings whose class is known',
    load: async () => (await import('./finetune.ts')).finetuneCommand,
  },
  distill: {
    summary: 'train a small network to say what a large encoder says',
    load: async () => (await import('./distill.ts')).distillCommand,
  },
  classify: {
    summary: 'label recordings with what finetune classify has made',
    load: async () => (await import('./classify.ts')).classifyCommand,
  },
  export: {
    summary: 'write an encoder as ONNX or C, in 32, 16 or 8 bits',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  baseline: {
    summary: "train the baselines of DCASE Task 2 and write the challenge's score files",
    load: async () => (await import('./baseline.ts')).baselineCommand,
  },
  bench: {
    summary: 'run encoders on SIREN, RMIS and other benchmarks',
    load: async () => (await import('./bench.ts')).benchCommand,
  },
  serve: {
    summary: 'listen to machines over HTTP, with a page, alarms and an API',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  worker: {
    summary: 'hear what sensors send to a queue on NATS, beside any number of others',
    load: async () => (await import('./worker.ts')).workerCommand,
  },
  watch: {
    summary: 'listen to a folder, a pipe or a broker, and raise alarms',
    load: async () => (await import('./watch.ts')).watchCommand,
  },
  doctor: {
    summary: 'check that everything works on this machine',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
};

const overview = (): string =>
  [
    'thrum listens to machines: it learns what normal is, says what is not, and shows where it heard it.',
    '',
    'Usage: thrum COMMAND [options]',
    '',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`),
    '',
    'Example:',
    '  thrum fit recordings/normal --out pump.thrum && thrum score recordings/today --detector pump.thrum --report today.html',
    '',
    'thrum COMMAND --help explains each one.',
  ].join('\n');

async function run(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === 'help' && rest.length > 0) return run([rest[0], '--help']);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(`${overview()}\n`);
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const entry = commands[name];
  if (!entry) throw new UsageError(`no command ${name}; the commands are ${Object.keys(commands).join(', ')}`);
  const command = await entry.load();
  const { files, options } = readArguments(command, rest);
  if (flag(options, 'help')) {
    process.stdout.write(`${helpFor(name, command)}\n`);
    return 0;
  }
  return command.run(files, options);
}

/** Reading from a pipe that was closed (`| head`) is no fault. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`thrum: the output could not be written: ${systemReason(error)}\n`);
  process.exit(1);
});

const args = process.argv.slice(2);
try {
  process.exitCode = await run(args);
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(
      `thrum: ${error.message}; see thrum ${args[0] && commands[args[0]] ? `${args[0]} ` : ''}--help\n`,
    );
    process.exitCode = 2;
  } else if (error instanceof InputError) {
    process.stderr.write(`thrum: ${oneLine(error.message)}\n`);
    process.exitCode = 1;
  } else if (systemCode(error) !== undefined) {
    process.stderr.write(`thrum: ${(error as NodeJS.ErrnoException).path ?? 'files'}: ${systemReason(error)}\n`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
