// Work that takes longer than a request: fits and what learning from labels does, one after the other; and scores of the
// past, one after the other beside them. Newest results are kept.
import { randomUUID } from 'node:crypto';
import { createLanes } from '../monitor/lanes.ts';
import type { DetectorVersion } from '../monitor/store/types.ts';
import { InputError, oneLine } from '../signal/errors.ts';
import { HttpError, tooMany } from './http-error.ts';
import type { ApiJob } from './schemas.ts';
import { detectorView } from './view.ts';

export type JobResult = { detector?: DetectorVersion; warnings?: string[]; failures?: ApiJob['failures'] };
export type Progress = (done: number, total: number) => void;

export type Jobs = {
  /** Resolves at once; `work` is done when those before it are. @throws HttpError 429 where too many wait. */
  start(kind: ApiJob['kind'], work: (progress: Progress) => Promise<JobResult>): ApiJob;
  get(id: string): ApiJob | undefined;
  /** Lets what runs end; what waits fails. */
  close(): Promise<void>;
};

export type JobsOptions = {
  onChange(job: ApiJob): void;
  /** Hears of errors that are no bad input; what the client is told names none of their details. */
  onError(error: unknown): void;
  maxWaiting?: number;
  maxKept?: number;
};

export function createJobs({ onChange, onError, maxWaiting = 16, maxKept = 500 }: JobsOptions): Jobs {
  const jobs = new Map<string, ApiJob>();
  const lanes = createLanes();
  const running = new Set<Promise<void>>();
  let closed = false;

  const change = (id: string, part: Partial<ApiJob>): void => {
    const job = jobs.get(id);
    if (!job) return;
    const next = { ...job, ...part };
    jobs.set(id, next);
    onChange(next);
  };
  const forget = (): void => {
    for (const [id, { state }] of jobs) {
      if (jobs.size <= maxKept) return;
      if (state === 'done' || state === 'failed') jobs.delete(id);
    }
  };
  const messageOf = (error: unknown): string => {
    if (error instanceof InputError || error instanceof HttpError) return oneLine(error.message);
    onError(error);
    return 'something failed on this side; its log says what';
  };

  const run = async (id: string, work: (progress: Progress) => Promise<JobResult>): Promise<void> => {
    if (closed) return change(id, { state: 'failed', error: 'the service was stopped before' });
    change(id, { state: 'running' });
    let shown = 0;
    try {
      const {
        detector,
        warnings = [],
        failures = [],
      } = await work((done, total) => {
        // A hundred messages are enough for any bar.
        if (done < total && done - shown < total / 100) return;
        shown = done;
        change(id, { done, total });
      });
      change(id, { state: 'done', warnings, failures, ...(detector && { detector: detectorView(detector) }) });
    } catch (error) {
      change(id, { state: 'failed', error: messageOf(error) });
    }
  };

  return {
    start(kind, work) {
      const waiting = [...jobs.values()].filter(({ state }) => state === 'waiting').length;
      if (waiting >= maxWaiting) throw tooMany(`${waiting} jobs wait already`, 30);
      const id = randomUUID();
      const job: ApiJob = { id, kind, state: 'waiting', done: 0, total: 0, warnings: [], failures: [] };
      jobs.set(id, job);
      forget();
      const done = lanes(kind === 'rescore' ? 'past' : 'detectors', () => run(id, work));
      running.add(done);
      void done.finally(() => running.delete(done));
      return job;
    },
    get: (id) => jobs.get(id),
    async close() {
      closed = true;
      await Promise.all(running);
    },
  };
}
