// thrum distill: trains a small network to say what a large encoder says, in floats and then in 8 bits.
import { type Command, UsageError } from './command.ts';
import { distillClassify } from './distill-classify.ts';
import { distillEmbedding } from './distill-embedding.ts';
import { distillOptionSpecs, distilSettings } from './distill-options.ts';
import { print } from './output.ts';
import { resumeCommand } from './resume-command.ts';

export const distillCommand: Command = {
  summary: 'train a small network to say what a large encoder says',
  usage: '--task classify|embedding --teacher ENCODER|none --data … --run DIR [options]',
  details:
    'classify: the student learns labels, and from the layers of the teacher; of a fine-tuned teacher with the same labels also\nfrom its answers. embedding: it learns what an ECHO (thrum-ear) says of sub-bands at any rate. The run folder holds\nstudent.safetensors, and quantised/ the second phase, for 8 bits: student.safetensors with ranges, and student-int8.safetensors.\nAll of them go after --encoder. Ctrl-C stops after the current step, with a checkpoint; --resume goes on to the same numbers.',
  examples: [
    'thrum distill --task classify --teacher hubert-base --data ESC-50/ --run runs/esc50-student',
    'thrum distill --task classify --teacher runs/scenes/encoder.safetensors --data scenes/ --run runs/student --freq-mixstyle 0.4',
    'thrum distill --task classify --teacher none --data scenes/ --run runs/labels-alone --without quantisation',
    'thrum distill --task embedding --teacher thrum-ear --data simulator=5,ESC-50/audio=2 --run runs/ear-student',
  ],
  options: distillOptionSpecs,
  async run(args, options) {
    if (args.length > 0) throw new UsageError(`expected options alone, got ${args.join(' ')}`);
    const { task } = distilSettings(options);
    const stopped = await (task === 'classify' ? distillClassify(options) : distillEmbedding(options));
    if (!stopped) return 0;
    print(`distill ${task}: stopped after step ${stopped.step} with a checkpoint; go on with`);
    print(`  ${resumeCommand(['distill'], options)}`);
    return stopped.status;
  },
};
