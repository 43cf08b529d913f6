// The clips that pre-training hears, in batches made ahead of it: files are decoded and machines simulated on other threads.
import { InputError } from '../../signal/errors.ts';
import type { MakerData } from './clip-maker.node.ts';
import {
  type Batch,
  type BatchStream,
  batchStream,
  type ClipStreamOptions,
  checkPlaces,
  createWarnings,
} from './clip-pool.node.ts';
import { type OpenedSource, openSource } from './clip-source.node.ts';
import { type Response, readResponses } from './responses.node.ts';
import { clipPlan } from './sampler.ts';
import type { Clip, DataSpec } from './types.ts';

export type { ClipStreamOptions } from './clip-pool.node.ts';

export type ClipBatch = Batch<Clip>;

export type ClipStream = BatchStream<Clip>;

function checkSpec(spec: DataSpec): void {
  const { clipSeconds, gainDecibels, speedFactor, responses, views = 1 } = spec;
  const expect = (fine: boolean, what: string, got: number) => {
    if (!fine) throw new InputError(`openClipStream: expected ${what}, got ${got}`);
  };
  expect(clipSeconds > 0 && Number.isFinite(clipSeconds), 'clipSeconds above 0', clipSeconds);
  expect(gainDecibels >= 0 && gainDecibels <= 120, 'gainDecibels from 0 to 120', gainDecibels);
  expect(speedFactor >= 1 && speedFactor <= 10, 'speedFactor from 1 to 10', speedFactor);
  expect(Number.isInteger(views) && views >= 1, 'a whole number of views', views);
  const probability = responses?.probability ?? 0;
  expect(probability >= 0 && probability <= 1, 'a probability of responses from 0 to 1', probability);
}

async function openSources(spec: DataSpec): Promise<OpenedSource[]> {
  const opened: OpenedSource[] = [];
  try {
    for (const source of spec.sources) opened.push(await openSource(source));
    return opened;
  } catch (error) {
    for (const { close } of opened) await close();
    throw error;
  }
}

/**
 * Opens an endless stream of batches: clips `from`, `from` + 1, … of the run that data and seed make, or, with a `stride`
 * above `batch`, a part of them, where several processes share a run. Clips do not depend on the number of threads, on
 * `ahead`, or on where the stream began. At most `ahead` + 1 batches are in memory, besides what each thread keeps of the
 * files it read last (64 MiB). The stream is gone through once.
 * @throws InputError for settings out of range, a source that is not there or has no recordings, and (the iteration) a
 * source of which no file gives a clip. Single bad files are left out, with a warning each.
 */
export async function openClipStream(spec: DataSpec, options: ClipStreamOptions): Promise<ClipStream> {
  checkSpec(spec);
  const places = checkPlaces('openClipStream', options);
  const warnings = createWarnings();
  const { warn } = warnings;
  const recorded: Response[] =
    spec.responses === undefined ? [] : await readResponses(spec.responses.path, (message) => warn(message, message));
  const opened = await openSources(spec);
  for (const { remark } of opened) if (remark) warn(remark, remark);
  const data: MakerData = {
    settings: {
      clipSeconds: spec.clipSeconds,
      gainDecibels: spec.gainDecibels,
      speedFactor: spec.speedFactor,
      ...(spec.views !== undefined && { views: spec.views }),
    },
    seed: options.seed,
    sources: opened.map(({ listed }) => listed),
    responses: { recorded, probability: spec.responses?.probability ?? 0 },
  };
  const close = async () => {
    for (const source of opened) await source.close();
  };
  try {
    // Weights and their number are checked before any thread is started.
    clipPlan(
      places.from,
      options.seed,
      data.sources.map(({ weight, items }) => ({ weight, count: items?.length ?? null })),
    );
    return batchStream({ kind: 'clips', data }, places, warnings, close);
  } catch (error) {
    await close();
    throw error;
  }
}
