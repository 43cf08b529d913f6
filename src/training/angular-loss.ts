// Angular classifiers: logits from the angles between embeddings and class centres, with a margin on the right class or none.
import { add, div, exp, greater, log, maximum, mul, sqrt, stopGradient, sub, where } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { reduceMax } from '../graph/reduce.ts';
import { reduceSum, reshape } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { classShares } from './class-loss.ts';

/**
 * What stands for cos(θ + m) on the right class. `plain`: that, always (Deng et al. 2019, ArcFace, equation 3). The
 * others keep it falling in θ, for beyond π - m it rises again: there `th_mm` takes cos θ - m sin(π - m), as ArcFace's
 * own code, and `th_mmm` cos θ - 1 - cos(π - m), as WeSpeaker. `easy`: a margin only where cos θ > 0.
 */
export type MarginConvention = 'plain' | 'th_mm' | 'th_mmm' | 'easy';

export type ClassCentres = {
  /** C. */
  classes: number;
  /** K, centres of each class. Default 1. */
  centres?: number;
};

export type MarginOptions = ClassCentres & {
  /** s. Default 30. */
  scale?: number;
  /** m in radians. Default 0.2. */
  margin?: number;
  /** Default `th_mm`. */
  convention?: MarginConvention;
};

/** Both [B, C]. The cosines are what a classifier decides by; the logits go into `crossEntropy`. */
export type AngularLogits = { logits: Tensor; cosines: Tensor };

/** Squared length below which a vector counts as zero. */
const LENGTH_FLOOR = 1e-12;
/** Of 1 - cos²: next to ±1 float32 gives 1.2e-7, so only a cosine of ±1, or rounded beyond, meets it. */
const SINE_FLOOR = 5e-8;

const unitVectors = (x: Tensor): Tensor => div(x, sqrt(maximum(reduceSum(mul(x, x), [1], true), LENGTH_FLOOR)));

function checkCentres(what: string, { classes, centres = 1 }: ClassCentres): number {
  const whole = Number.isInteger(classes) && Number.isInteger(centres) && classes >= 1 && centres >= 1;
  if (!whole)
    throw new InputError(`${what}: expected whole numbers of classes and centres, found ${classes} and ${centres}`);
  return centres;
}

/**
 * Cosines between embeddings [B, D] and the centres of all classes, [B, C, K]. Parameter `name.weight` [C K, D]: row
 * c K + k is centre k of class c. Only directions count.
 */
export function centreCosines(scope: ParameterScope, name: string, embeddings: Tensor, of: ClassCentres): Tensor {
  const centres = checkCentres('centreCosines', of);
  const width = staticDim(embeddings, 1, 'centreCosines');
  const weight = scope(`${name}.weight`, [of.classes * centres, width]);
  const cosines = linear(unitVectors(embeddings), unitVectors(weight)); // [B, C K]
  return reshape(cosines, [embeddings.shape[0], of.classes, centres]);
}

/** cos(θ + margin), or what the convention puts in its place. */
function withMargin(cosine: Tensor, margin: number, convention: MarginConvention): Tensor {
  // The floor keeps the gradient of the root finite; at cos θ = ±1 the angle then passes none.
  const sine = sqrt(maximum(sub(1, mul(cosine, cosine)), SINE_FLOOR));
  const moved = sub(mul(cosine, Math.cos(margin)), mul(sine, Math.sin(margin)));
  const turn = Math.cos(Math.PI - margin);
  switch (convention) {
    case 'plain':
      return moved;
    case 'easy':
      return where(greater(cosine, 0), moved, cosine);
    case 'th_mm':
      return where(greater(cosine, turn), moved, sub(cosine, margin * Math.sin(Math.PI - margin)));
    case 'th_mmm':
      return where(greater(cosine, turn), moved, sub(cosine, 1 + turn));
  }
}

/**
 * Additive angular margin softmax (Deng et al. 2019): logits s cos(θ + m) for the class of the label, s cos θ for the
 * others. embeddings: [B, D]; labels: int64 [B] or shares [B, C], which take their share of the margin:
 * y cos(θ + m) + (1 - y) cos θ. With several centres the best of a class counts (Deng et al. 2020, Sub-center ArcFace).
 * Parameter `name.weight` as in `centreCosines`.
 * @throws InputError for a margin outside [0, π/2), a scale that is not positive, and numbers of classes that are not whole.
 */
export function marginLogits(
  scope: ParameterScope,
  name: string,
  embeddings: Tensor,
  labels: Tensor,
  { scale = 30, margin = 0.2, convention = 'th_mm', ...of }: MarginOptions,
): AngularLogits {
  if (!(margin >= 0 && margin < Math.PI / 2) || !(scale > 0)) {
    throw new InputError(
      `marginLogits: expected a margin from 0 to π/2 and a scale above 0, found ${margin} and ${scale}; 0.2 and 30 are usual`,
    );
  }
  const cosines = reduceMax(centreCosines(scope, name, embeddings, of), [2]); // [B, C]
  const shares = classShares(labels, of.classes);
  const step = mul(shares, sub(withMargin(cosines, margin, convention), cosines));
  return { logits: mul(add(cosines, step), scale), cosines };
}

/** Fixed scale of AdaCos, sqrt(2) ln(C K - 1) (Zhang et al. 2019, equation 12). */
export const adaCosScale = ({ classes, centres = 1 }: ClassCentres): number =>
  Math.SQRT2 * Math.log(classes * centres - 1);

/**
 * Sub-cluster AdaCos with a fixed scale and no margin (Wilkinghoff 2021): softmax over all C K centres, the probability
 * of a class is the sum over its K. logits: log of the sum over its centres of e^(s cos θ), of which softmax is that.
 * cosines: the best of each class. embeddings: [B, D]; parameter `name.weight` as in `centreCosines`.
 * @throws InputError where C K is below 3, for which the scale is not positive.
 */
export function adaCosLogits(scope: ParameterScope, name: string, embeddings: Tensor, of: ClassCentres): AngularLogits {
  const centres = checkCentres('adaCosLogits', of);
  if (of.classes * centres < 3) {
    throw new InputError(
      `adaCosLogits: expected at least 3 centres in all, found ${of.classes * centres}; take more centres per class`,
    );
  }
  const each = centreCosines(scope, name, embeddings, of); // [B, C, K]
  const cosines = reduceMax(each, [2]);
  const scale = adaCosScale(of);
  const largest = stopGradient(reduceMax(each, [2], true));
  const sums = reduceSum(exp(mul(sub(each, largest), scale)), [2]); // [B, C], from 1 to K
  const best = mul(reshape(largest, cosines.shape), scale);
  return { logits: add(log(sums), best), cosines };
}
