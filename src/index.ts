// The public API in Node.

export { type FitFilesOptions, fitFiles } from './detection/fit-files.node.ts';
export { labelsFromFolders, namesFromTable } from './detection/labels.node.ts';
export { type ScoredRecording, type ScoreFilesOptions, scoreFiles } from './detection/score-files.node.ts';
export { embedFiles } from './encoders/embed-pool.node.ts';
export { importWeights } from './encoders/import.node.ts';
export { type EncoderSpec, loadEncoder } from './encoders/load.node.ts';
export { evaluateDcaseFolders } from './evaluation/dcase/evaluate-folder.node.ts';
export { listenersFrom } from './evaluation/suites/listeners.node.ts';
export { runSuite } from './evaluation/suites/run.node.ts';
export { loadProgramInWorker } from './graph/executor.node.ts';
export { createHearingPool, type HearingPoolOptions, QueueFullError } from './monitor/hearing/pool.node.ts';
export { openStore } from './monitor/store/open.node.ts';
export { openBlobs } from './monitor/store/open-blobs.node.ts';
export { StoreError } from './monitor/store/store-error.ts';
export type * from './monitor/store/types.ts';
export * from './portable.ts';
export { buildScoreReport } from './report/score-report.node.ts';
export { collectFiles } from './signal/collect-files.node.ts';
export { readRecordingFile } from './signal/read-file.node.ts';
