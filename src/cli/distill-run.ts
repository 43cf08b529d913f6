// The two phases of a distillation in their folders: RUN in floats, RUN/quantised for 8 bits, and the student's files.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from '../encoders/import.node.ts';
import { type StudentConfig, studentPlan } from '../encoders/student-config.ts';
import { quantiseStudent, type StoredStudent, studentFile, studentTensors } from '../encoders/student-tensors.ts';
import { calibrate } from '../nn/calibrate.ts';
import { isRange } from '../nn/fake-quant.ts';
import { foldNorms } from '../nn/layer-graph.ts';
import { InputError } from '../signal/errors.ts';
import { type Course, quantisedStart, type StudentPhase } from '../training/recipes/distil-student.ts';
import type { Recipe } from '../training/recipes/types.ts';
import { type RunConfig, readRunConfig } from '../training/run-config.ts';
import type { TrainingState } from '../training/step.ts';
import { type DistilSettings, observeSteps, quantisedCourse } from './distill-options.ts';
import { hasRun } from './finetune-run.ts';
import { writeFileSafely } from './output.ts';
import { createStatusLine, type FolderRunEnd, type StatusLine, trainInFolder } from './training-run.ts';

export const floatFile = (folder: string): string => join(folder, 'student.safetensors');
export const quantisedFolder = (folder: string): string => join(folder, 'quantised');
export const int8File = (folder: string): string => join(quantisedFolder(folder), 'student-int8.safetensors');

/** What is distilled, whatever the task. */
export type DistilJob<C, K extends Course> = {
  settings: DistilSettings;
  title: string;
  /** Normalised. */
  student: StudentConfig;
  course: K;
  /** What the folder keeps beside what all runs have: data, settings. */
  config: Readonly<Record<string, unknown>> & { data: object };
  recipe(course: K, phase: StudentPhase): Recipe<C>;
  clips(from: number, batch: number, stride: number, status: StatusLine): AsyncIterable<{ clips: readonly C[] }>;
  /** Pictures of the student, batches of them, for the ranges that training for 8 bits begins with. */
  pictures(): AsyncIterable<Float32Array>;
};

/** Files that were made, or the exit status and step of a run that was stopped. */
export type DistilEnd = { status: number; step: number } | { float: string; int8?: string };

function runConfig<C, K extends Course>(job: DistilJob<C, K>, course: K, phase: 'float' | 'quantised'): RunConfig {
  const { settings, student, config } = job;
  return {
    recipe: `distill ${settings.task}`,
    phase,
    teacher: settings.teacher,
    seed: settings.seed,
    accumulate: settings.accumulate,
    saveEvery: settings.saveEvery,
    ...config,
    // The steps stand beside the recipe's settings, as they may grow; so may a warm-up that follows them.
    settings: { ...course, steps: undefined, warmUpSteps: phase === 'float' ? settings.warmUpSteps : undefined },
    student,
    steps: course.steps,
    workers: settings.workers,
    provider: settings.provider,
  };
}

type Phase<C, K> = {
  folder: string;
  resume: boolean;
  course: K;
  config: RunConfig;
  recipe: Recipe<C>;
  publish(state: TrainingState): void;
};

function trainPhase<C, K extends Course>(job: DistilJob<C, K>, phase: Phase<C, K>): Promise<FolderRunEnd> {
  const { settings, title } = job;
  const status = createStatusLine();
  return trainInFolder<C>({
    title,
    folder: phase.folder,
    resume: phase.resume,
    config: phase.config,
    recipe: phase.recipe,
    seed: settings.seed,
    accumulate: settings.accumulate,
    saveEvery: settings.saveEvery,
    clips: (from, batch, stride) => job.clips(from, batch, stride, status),
    publish: phase.publish,
    ...(settings.provider && { runtime: { provider: settings.provider } }),
    status,
  });
}

const write = (path: string, student: StoredStudent): void => writeFileSafely(path, studentFile(student));

/** A student in training for 8 bits: folded weights with the ranges of all layers. */
function foldedStudent(student: StudentConfig, { parameters }: TrainingState): StoredStudent {
  const config: StudentConfig = { ...student, form: 'folded' };
  const tensors = studentTensors(config, parameters);
  for (const [name, data] of parameters) if (isRange(name)) tensors.set(name, { dtype: 'F32', shape: [2], data });
  return { config, tensors };
}

/** Whether training for 8 bits that has begun goes on from this student. @throws InputError where it was trained further since */
function checkSameStudent(folder: string, hash: string): void {
  if (!hasRun(folder)) return;
  const path = join(folder, 'config.json');
  const { data } = readRunConfig(readFileSync(path, 'utf8'), path) as { data?: { student?: unknown } };
  if (data?.student === hash) return;
  throw new InputError(
    `distill: expected the student that ${folder} began with, found one trained further since; remove ${folder}, then resume`,
  );
}

async function trainQuantised<C, K extends Course>(
  job: DistilJob<C, K>,
  trained: TrainingState,
): Promise<FolderRunEnd> {
  const { settings, student } = job;
  const folder = quantisedFolder(settings.folder);
  const hash = sha256Of(readFileSync(floatFile(settings.folder))).slice(0, 16);
  checkSameStudent(folder, hash);
  mkdirSync(folder, { recursive: true });
  const plan = studentPlan(student);
  const ranges = await calibrate(plan, foldNorms(plan, trained.parameters), job.pictures());
  const course = quantisedCourse(job.course, settings);
  const config = runConfig(job, course, 'quantised');
  return trainPhase(job, {
    folder,
    resume: hasRun(folder),
    course,
    config: { ...config, observeSteps: observeSteps(settings), data: { ...job.config.data, student: hash } },
    recipe: job.recipe(course, {
      kind: 'quantised',
      values: quantisedStart(plan, trained.parameters, ranges),
      observeSteps: observeSteps(settings),
      stepsBefore: job.course.steps,
    }),
    publish: (state) => {
      const folded = foldedStudent(student, state);
      write(floatFile(folder), folded);
      write(int8File(settings.folder), quantiseStudent(folded));
    },
  });
}

/**
 * Both phases, the second one where it is asked for.
 * @throws InputError as `trainInFolder`
 */
export async function runPhases<C, K extends Course>(job: DistilJob<C, K>): Promise<DistilEnd> {
  const { settings, student, course } = job;
  const float = floatFile(settings.folder);
  const first = await trainPhase(job, {
    folder: settings.folder,
    resume: settings.resume,
    course,
    config: runConfig(job, course, 'float'),
    recipe: job.recipe(course, { kind: 'float' }),
    publish: ({ parameters }) => write(float, { config: student, tensors: studentTensors(student, parameters) }),
  });
  if (first.status !== undefined) return { status: first.status, step: first.state.step };
  if (settings.quantisedSteps === 0) return { float };
  const second = await trainQuantised(job, first.state);
  if (second.status !== undefined) return { status: second.status, step: second.state.step };
  return { float, int8: int8File(settings.folder) };
}
