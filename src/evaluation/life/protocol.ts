// Condition over life: health curves, first alarms and remaining useful life, from the scores of machines run to failure.
import { InputError } from '../../signal/errors.ts';
import { arithmeticMean } from '../metrics/means.ts';
import { combine, type Measured, measured, measuredOf, undefinedBecause } from '../metrics/measured.ts';
import { type AlarmRule, type AlarmSummary, checkAlarmRule, defaultAlarmRule, firstAlarm } from './first-alarm.ts';
import { healthIndicator, monotonicity, onsetOf, prognosability, trendability } from './health.ts';
import {
  ageRemainingLife,
  constantRemainingLife,
  estimateRemainingLife,
  type FinishedLife,
  phmScore,
  type RulEstimate,
} from './rul.ts';
import type { ScoredLife } from './score-life.ts';

/** `trend` is the method; `age` and `constant` are the baselines that listen to nothing. */
export const RUL_METHODS = ['trend', 'age', 'constant'] as const;
export type RulMethod = (typeof RUL_METHODS)[number];

export type LifeSettings = {
  /** The health indicator looks back this far, in s. */
  smoothSeconds: number;
  alarm: AlarmRule;
  /** Shares of life, above 0 and below 1, at which remaining life is predicted. */
  shares: readonly number[];
};

const defaultLifeSettings: LifeSettings = {
  smoothSeconds: 500,
  alarm: defaultAlarmRule,
  shares: [0.3, 0.5, 0.7, 0.8, 0.9],
};

/** Prediction for one bearing, truncated at a share of its life, by what the other bearings' lives teach. */
export type RulPrediction = {
  share: number;
  /** Age at the last record that the prediction may use. */
  ageSeconds: number;
  actualSeconds: number;
  /** What `trend` rests on here: it goes by age where there is no trend. */
  basis: RulEstimate['basis'];
  predictedSeconds: Record<RulMethod, number>;
  /** Of the PHM 2012 challenge. */
  score: Record<RulMethod, number>;
};

export type BearingResult = Pick<ScoredLife, 'bearing' | 'condition' | 'fitted' | 'threshold'> & {
  records: number;
  /** From the first record to the last. */
  lifeSeconds: number;
  /** Records that the health indicator looks back on, its own included. */
  window: number;
  curve: { ageSeconds: readonly number[]; score: readonly number[]; health: readonly number[] };
  alarm: AlarmSummary;
  monotonicity: Measured;
  trendability: Measured;
  rul: RulPrediction[];
  rulScore: Record<RulMethod, Measured>;
};

export type LifeResult = {
  kind: 'life';
  /** In words. */
  protocol: string;
  encoder: { id: string; fingerprint: string };
  channel: number | 'all';
  settings: LifeSettings;
  bearings: BearingResult[];
  /** Over the bearings. */
  mean: {
    firstAlarm: Measured;
    falseAlarms: Measured;
    earlyAlarms: Measured;
    monotonicity: Measured;
    trendability: Measured;
    rulScore: Record<RulMethod, Measured>;
  };
  prognosability: Measured;
  /** Lines about the data as found. */
  problems: string[];
  provenance?: { version: string; command: string };
};

type Curve = Omit<BearingResult, 'rul' | 'rulScore'>;

/** Records in `smoothSeconds`, by the usual time between records; at least 1. */
export function windowRecords(ageSeconds: readonly number[], smoothSeconds: number): number {
  const steps = ageSeconds.slice(1).map((age, i) => age - ageSeconds[i]);
  if (steps.length === 0) return 1;
  const usual = steps.sort((a, b) => a - b)[steps.length >> 1];
  return Math.max(1, Math.round(smoothSeconds / usual));
}

function curveOf(life: ScoredLife, settings: LifeSettings): Curve {
  const { bearing, condition, ageSeconds, score, fitted, threshold } = life;
  const window = windowRecords(ageSeconds, settings.smoothSeconds);
  const health = healthIndicator(score, window);
  return {
    bearing,
    condition,
    fitted,
    threshold,
    records: score.length,
    lifeSeconds: ageSeconds[ageSeconds.length - 1],
    window,
    curve: { ageSeconds, score, health },
    alarm: firstAlarm({ scores: score, ages: ageSeconds, threshold, fitted }, settings.alarm),
    monotonicity: monotonicity(health),
    trendability: trendability(health, ageSeconds),
  };
}

const finishedOf = ({ lifeSeconds, curve: { health } }: Curve): FinishedLife => ({
  lifeSeconds,
  finalHealth: health[health.length - 1],
});

/** The prediction at one share of life. Nothing behind the truncation is looked at, but for the actual remaining life. */
function predictAt(share: number, own: Curve, others: readonly FinishedLife[], shares: readonly number[]) {
  const { lifeSeconds, window, fitted, threshold } = own;
  const count = own.curve.ageSeconds.findLastIndex((age) => age <= share * lifeSeconds) + 1;
  const ageSeconds = own.curve.ageSeconds.slice(0, count);
  const health = own.curve.health.slice(0, count);
  const now = ageSeconds[count - 1];
  const onset = onsetOf(health, threshold, { from: fitted, least: window });
  const trend = estimateRemainingLife({ ageSeconds, health, onset }, others);
  const lives = others.map((other) => other.lifeSeconds);
  const predictedSeconds: Record<RulMethod, number> = {
    trend: trend.seconds,
    age: ageRemainingLife(lives, now),
    constant: constantRemainingLife(lives, shares),
  };
  const actualSeconds = lifeSeconds - now;
  return {
    share,
    ageSeconds: now,
    actualSeconds,
    basis: trend.basis,
    predictedSeconds,
    score: byMethod((method) => phmScore(actualSeconds, predictedSeconds[method])),
  };
}

const byMethod = <T>(of: (method: RulMethod) => T): Record<RulMethod, T> => ({
  trend: of('trend'),
  age: of('age'),
  constant: of('constant'),
});

const NO_OTHERS = 'remaining life is learnt from other bearings, and there is only one';

/** Undefined where it is for one bearing, which the reason then names. */
const meanOf = (bearings: readonly BearingResult[], of: (bearing: BearingResult) => Measured): Measured =>
  combine(
    bearings.map((one) => measuredOf(one.bearing, of(one))),
    arithmeticMean,
  );

function checkLives(lives: readonly ScoredLife[], { smoothSeconds, alarm, shares }: LifeSettings): void {
  if (lives.length === 0) throw new InputError('evaluateLives: expected at least 1 life, got none');
  if (!(smoothSeconds > 0)) throw new InputError(`evaluateLives: expected to smooth over some s, got ${smoothSeconds}`);
  checkAlarmRule(alarm);
  const odd = shares.find((share) => !(share > 0 && share < 1));
  if (shares.length === 0 || odd !== undefined) {
    throw new InputError(`evaluateLives: expected shares of life between 0 and 1, got ${odd ?? 'none'}`);
  }
  for (const { bearing, ageSeconds, score } of lives) {
    if (score.length >= 2 && ageSeconds.length === score.length) continue;
    throw new InputError(
      `evaluateLives: expected an age and a score for each of at least 2 records of ${bearing}, got ${ageSeconds.length} and ${score.length}`,
    );
  }
}

/** `30 %`, `33.3 %` */
export const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;

/** How it was done, in words. */
const describe = ({ smoothSeconds, alarm, shares }: LifeSettings): string =>
  `health: geometric mean of the scores of the last ${smoothSeconds} s; first alarm: ${alarm.k} of ${alarm.n} records at or above the threshold; early alarms: those raised in the first ${percent(alarm.early)} of life; remaining life: leave one bearing out, truncated at ${shares.map(percent).join(', ')} of life, PHM 2012 score`;

export type EvaluateLivesInput = Pick<LifeResult, 'encoder' | 'channel'> & {
  lives: readonly ScoredLife[];
  settings?: Partial<LifeSettings>;
  problems?: readonly string[];
};

/**
 * Measures of every life and their means. Remaining life is predicted for each bearing by what all the others teach
 * (how long they lived, and their health at the end), whatever their operating condition.
 * @throws InputError for no lives, settings that make no sense, and scores that are negative or not finite
 */
export function evaluateLives({ lives, settings: given, ...rest }: EvaluateLivesInput): LifeResult {
  const settings = { ...defaultLifeSettings, ...given };
  checkLives(lives, settings);
  const curves = lives.map((life) => curveOf(life, settings));
  const bearings = curves.map((own): BearingResult => {
    const others = curves.filter((other) => other !== own).map(finishedOf);
    const rul = others.length === 0 ? [] : settings.shares.map((one) => predictAt(one, own, others, settings.shares));
    const scoreBy = (method: RulMethod): Measured =>
      rul.length === 0 ? undefinedBecause(NO_OTHERS) : arithmeticMean(rul.map(({ score }) => score[method]));
    return { ...own, rul, rulScore: byMethod(scoreBy) };
  });
  return {
    kind: 'life',
    protocol: describe(settings),
    encoder: rest.encoder,
    channel: rest.channel,
    settings,
    bearings,
    mean: {
      firstAlarm: meanOf(bearings, ({ alarm }) => alarm.shareOfLife),
      falseAlarms: meanOf(bearings, ({ alarm }) => measured(alarm.falseAlarms)),
      earlyAlarms: meanOf(bearings, ({ alarm }) => measured(alarm.earlyAlarms)),
      monotonicity: meanOf(bearings, (one) => one.monotonicity),
      trendability: meanOf(bearings, (one) => one.trendability),
      rulScore: byMethod((method) => meanOf(bearings, (one) => one.rulScore[method])),
    },
    // The indicator's first value that is a mean over a whole window; before, it is that of fewer records.
    prognosability: prognosability(
      curves.map(({ window, curve: { health } }) => ({
        initial: health[Math.min(window, health.length) - 1],
        final: health[health.length - 1],
      })),
    ),
    problems: [...(rest.problems ?? [])],
  };
}
