// Hearing the files of an archive.
import { type ScoredRecording, scoreEmbedded } from '../../detection/score-files.node.ts';
import { embedOpened } from '../../encoders/embed-file.node.ts';
import type { Preparation } from '../../encoders/embed-recording.ts';
import { embeddingRows } from '../../encoders/embedding-rows.ts';
import type { Encoder } from '../../encoders/types.ts';
import { InputError, inputMessage } from '../../signal/errors.ts';
import type { ChannelChoice, Part } from '../../signal/segments.ts';
import type { ArchiveAnswer, ArchiveEmbedding, ArchiveJob, ArchivePlan, ArchiveScore } from './archive-job.ts';
import { type PreparedDetector, preparationOf } from './hear.ts';
import type { Prepared } from './prepared.node.ts';
import { openSound } from './sound.node.ts';

/** Decoded, of all channels together: what one file may take of a worker's memory is 1 GiB. */
const MOST_SAMPLES = 2 ** 28;

const partOf = ({ part }: ArchivePlan): Part | undefined =>
  part && { ...part, to: part.to ?? Number.POSITIVE_INFINITY };

const channelName = (channel: ChannelChoice): string => (typeof channel === 'number' ? String(channel + 1) : channel);

type Tools = { encoder: Encoder; preparation: Preparation & { channel: ChannelChoice }; known?: PreparedDetector };

async function toolsFor({ plan, detector }: ArchiveJob, prepared: Prepared): Promise<Tools> {
  const part = partOf(plan);
  if (plan.kind === 'score') {
    if (!detector) throw new InputError('archive: expected the detector of the plan, got none');
    const known = await prepared.detector(detector);
    if (!known.scorer) throw new InputError('archive: this detector has labelled faults only; use diagnose');
    const preparation = { ...preparationOf(known.detector, plan.resample), ...(part && { part }) };
    return { encoder: await prepared.encoderFor(known.detector), preparation, known };
  }
  const encoder = await prepared.encoder(plan.encoder.name);
  if (encoder.fingerprint !== plan.encoder.fingerprint) {
    throw new InputError(
      `archive: the weights of ${plan.encoder.name} are others here (${encoder.fingerprint}) than where the command was given (${plan.encoder.fingerprint})`,
    );
  }
  const { channel, segmentSeconds, sampleRate } = plan;
  const resampled = sampleRate !== undefined && { sampleRate, resample: true };
  return { encoder, preparation: { channel, segmentSeconds, ...resampled, ...(part && { part }) } };
}

/** Rows of a scored file; `segment` counts within each recording. */
function scoreRows(scored: readonly ScoredRecording[], { detector }: PreparedDetector): ArchiveScore[] {
  const counts = new Map<string, number>();
  return scored.flatMap(({ name, startSeconds, durationSeconds, verdict, diagnosis }): ArchiveScore[] => {
    if (!verdict || detector.threshold === undefined) return [];
    const segment = counts.get(name) ?? 0;
    counts.set(name, segment + 1);
    return [
      {
        recording: name,
        channel: channelName(detector.signal.channel),
        segment,
        start: startSeconds,
        seconds: durationSeconds,
        score: verdict.score,
        threshold: detector.threshold,
        pValue: verdict.pValue,
        anomalous: verdict.anomalous,
        ...(diagnosis && { diagnosis: diagnosis.label, confidence: diagnosis.confidence }),
      },
    ];
  });
}

/** Embeds or scores one file, as `thrum embed` and `thrum score` do. */
export async function hearArchive(job: ArchiveJob, prepared: Prepared): Promise<ArchiveAnswer> {
  const { plan, sound, name } = job;
  let tools: Tools;
  try {
    tools = await toolsFor(job, prepared);
  } catch (error) {
    return { refused: inputMessage(error) };
  }
  const { encoder, preparation, known } = tools;
  const read = { ...plan.read, maxSamples: MOST_SAMPLES };
  const frames = plan.kind === 'embed' && plan.frames;
  const embedded = await embedOpened(encoder, { path: name, preparation, detail: frames ? 'values' : 'none' }, () =>
    openSound(sound.kind === 'recording' ? sound : { ...sound, read }, name),
  );
  if (known) {
    const { scored, failures } = await scoreEmbedded(embedded, known, plan.kind === 'score' && plan.perSegment);
    return { scores: scoreRows(scored, known), embeddings: [], failures };
  }
  const failures = [...embedded.failures];
  const embeddings = embedded.recordings.flatMap((recording) =>
    embeddingRows(recording, frames).map(
      ({ file, sampleRate, start, end, vector }, segment): ArchiveEmbedding => ({
        recording: file,
        channel: channelName(preparation.channel),
        segment,
        start,
        seconds: end - start,
        sampleRate,
        vector,
      }),
    ),
  );
  if (embeddings.length === 0 && embedded.recordings.length > 0) {
    const message = `${name}: this encoder has no features over time; leave --frames out`;
    failures.push({ file: name, message });
  }
  return { scores: [], embeddings, failures };
}
