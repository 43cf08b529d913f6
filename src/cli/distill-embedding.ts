// thrum distill --task embedding: a small network learns what an ECHO says of sub-bands, from recordings without labels.
import { bandWidth } from '../encoders/echo-pool.ts';
import { loadWeights } from '../encoders/load.node.ts';
import { studentPlan } from '../encoders/student-config.ts';
import { planCost } from '../nn/layer-plan.ts';
import { concatenate } from '../signal/concatenate.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { checkSources } from '../training/check-sources.node.ts';
import { openClipStream } from '../training/data/clip-stream.node.ts';
import type { Clip, DataSpec } from '../training/data/types.ts';
import { pictureStatistics } from '../training/picture-statistics.ts';
import {
  type BandDistilOptions,
  type BandStudent,
  type BandTeacher,
  bandDistilRecipe,
  bandPicturesOf,
  bandTeacher,
  commonEmbedding,
  drawBands,
} from '../training/recipes/distil-bands.ts';
import { flag, number, type Options, UsageError } from './command.ts';
import { type DistilSettings, distilSettings, embeddingOptions } from './distill-options.ts';
import { type DistilJob, runPhases } from './distill-run.ts';
import { print } from './output.ts';
import { clipsOf } from './pretrain.ts';
import { clipData, secondsForFrames } from './pretrain-settings.ts';

const MEASURED_BATCHES = 4;

function dataOf(options: Options, { frontEnd }: BandStudent): DataSpec {
  const data = clipData(options, secondsForFrames(frontEnd.frames));
  const share = number(options, 'response-share', { min: 0, max: 1 });
  if (share === undefined) return data;
  if (!data.responses) throw new UsageError('--response-share: expected --responses DIR with it');
  return { ...data, responses: { ...data.responses, probability: share } };
}

/** The student of a teacher: its bands, its width, its weight of the level. */
function fitted(student: BandStudent, { config }: BandTeacher): BandStudent {
  const { bandBins, levelWeight } = config;
  const frontEnd = { ...student.frontEnd, bandBins, ...(levelWeight !== undefined && { levelWeight }) };
  return { ...student, frontEnd, outputs: bandWidth(config) };
}

/** Bands of the first clips, batch by batch. */
async function* bands(
  data: DataSpec,
  { batch, bandsPerClip }: BandDistilOptions,
  { frontEnd }: BandStudent,
  seed: number,
) {
  let left = MEASURED_BATCHES;
  for await (const { clips } of await openClipStream(data, { seed, batch, workers: 0 })) {
    const random = createRandom(`${seed}/bands ${left}`);
    yield clips.flatMap((clip) => drawBands(clip, frontEnd, bandsPerClip, random));
    if (--left === 0) break;
  }
}

async function jobOf(options: Options, settings: DistilSettings): Promise<DistilJob<Clip, BandDistilOptions>> {
  const course = embeddingOptions(options);
  const data = dataOf(options, settings.student as BandStudent);
  const teacher = bandTeacher(loadWeights({ encoder: settings.teacher as string }));
  const plain = fitted(settings.student as BandStudent, teacher);
  const drawn = () => bands(data, course, plain, settings.seed);
  async function* levels() {
    for await (const some of drawn()) {
      yield concatenate(
        Float32Array,
        some.map(({ values }) => values),
      );
    }
  }
  const student: BandStudent = { ...plain, frontEnd: { ...plain.frontEnd, ...(await pictureStatistics(levels())) } };
  const common = await commonEmbedding(teacher, student.frontEnd.frames, drawn());
  const recipe: DistilJob<Clip, BandDistilOptions>['recipe'] = (own, phase) =>
    bandDistilRecipe(student, teacher, own, phase, common);
  if (!settings.resume) await checkSources(data, recipe(course, { kind: 'float' }), settings.seed);
  return {
    settings,
    title: `distill embedding: ${teacher.id} to ${planCost(studentPlan(student)).parameters} parameters`,
    student,
    course,
    config: { data },
    recipe,
    clips: (from, batch, stride, status) =>
      clipsOf({ data, seed: settings.seed, workers: settings.workers ?? 1 }, from, batch, stride, status),
    async *pictures() {
      for await (const some of drawn()) yield bandPicturesOf(some, student.frontEnd);
    },
  };
}

/** Runs the task. Returns the end of a run that was stopped, or undefined. */
export async function distillEmbedding(options: Options): Promise<{ status: number; step: number } | undefined> {
  const settings = distilSettings(options);
  const end = await runPhases(await jobOf(options, settings));
  if ('status' in end) return end;
  if (flag(options, 'json')) print(JSON.stringify({ folder: settings.folder, ...end }));
  else print(`distill embedding: use it with --encoder ${end.int8 ?? end.float}`);
  return undefined;
}
