// Everything that runs in Node and in a browser alike: signals, graphs, encoders, detection, evaluation, reports.

// detection
export { pValue, thresholdFor } from './detection/calibration.ts';
export { type Detector, type DetectorSettings, fitDetector, withThreshold } from './detection/detector.ts';
export { readDetector, writeDetector } from './detection/detector-file.ts';
export { createDiagnoser, type Diagnosis } from './detection/diagnose.ts';
export { deviationMap } from './detection/explain.ts';
export { gammaThreshold } from './detection/gamma.ts';
export { type Metric, nearestNeighbours } from './detection/knn.ts';
export { createScorer, type Scorer, type Verdict } from './detection/score.ts';
// encoders
export { buildEncoder, randomWeights, recogniseWeights } from './encoders/build.ts';
export { findStateDict } from './encoders/checkpoint/state-dict.ts';
export { readTorchFile } from './encoders/checkpoint/torch-file.ts';
export { type EmbeddedRecording, embedRecording, type Preparation } from './encoders/embed-recording.ts';
export { families } from './encoders/families.ts';
export { createSpectral, spectralSettings } from './encoders/spectral.ts';
export type { Band, Embedding, Encoder, Frames } from './encoders/types.ts';
// evaluation
export { dataSetById, dataSets } from './evaluation/datasets/registry.ts';
export type { DataSet } from './evaluation/datasets/types.ts';
export { phmScore } from './evaluation/life/rul.ts';
export { classificationFigures, groupedAccuracy, relativeDecay } from './evaluation/metrics/classification.ts';
export { arithmeticMean, harmonicMean } from './evaluation/metrics/means.ts';
export type { Measured } from './evaluation/metrics/measured.ts';
export { bootstrapInterval, dcaseJackknife } from './evaluation/metrics/resampling.ts';
export { partialAuc, rocAuc, rocCurve } from './evaluation/metrics/roc.ts';
export type { BenchResult } from './evaluation/result.ts';
export { benchCsv } from './evaluation/tables/csv.ts';
export { formatBench } from './evaluation/tables/text.ts';
// graph: symbolic tensors, differentiation, ONNX, execution
export { gradients, vectorJacobian } from './graph/gradients.ts';
export { toOnnx } from './graph/onnx.ts';
export * as operators from './graph/operators.ts';
export { loadProgram } from './graph/program.ts';
export { type Feeds, float32, type Program, type Provider, type RuntimeOptions, type Value } from './graph/runtime.ts';
export { readSafetensors, writeSafetensors } from './graph/safetensors.ts';
export { type StoredTensor, toFloat32 } from './graph/stored-tensor.ts';
export { constant, type Dim, input, parameter, type Shape, type Tensor } from './graph/tensor.ts';
// report
export { renderBenchPage } from './report/bench-page.ts';
export { renderReport } from './report/report.ts';
export type { ReportData } from './report/types.ts';
// signal: recordings, readers, front ends, simulated machines
export { InputError } from './signal/errors.ts';
export { createFft, createRealFft } from './signal/fft.ts';
export { beatsFbank, eatFbank, kaldiFbank } from './signal/kaldi-fbank.ts';
export { autoencoderLogMel, sceneLogMel2023, sceneLogMel2024, stackFrames } from './signal/log-mel.ts';
export { echoSpectrogram, fisherSpectrogram } from './signal/log-spectrogram.ts';
export { melFilterbank } from './signal/mel.ts';
export { readRecordings } from './signal/readers/index.ts';
export { writeWav } from './signal/readers/wav-write.ts';
export { duration, type ReadOptions, type Recording, sampleCount } from './signal/recording.ts';
export { resample } from './signal/resample.ts';
export { type ChannelChoice, type Part, pickChannel, segmentRecording, takePart } from './signal/segments.ts';
export { type MachineName, machineNames, machines, type SimulateOptions, simulate } from './signal/simulate/index.ts';
export { magnitudeSpectrogram, type Spectrogram } from './signal/spectrogram.ts';
