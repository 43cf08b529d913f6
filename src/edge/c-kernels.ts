// C code of the layers of an int8 network. Pictures lie as [rows, columns, channels], so that channels are neighbours.

const round = `
/*
 * The nearest whole number, ties to the even one. Adding and taking away 1.5 * 2^23 does it without a call, where floats
 * are computed as floats.
 */
static int32_t $n_round(float value)
{
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0 && !defined(__FAST_MATH__)
  return (int32_t)((value + 12582912.0f) - 12582912.0f);
#else
  return (int32_t)lrintf(value);
#endif
}

/* The code of a value in units of its scale, saturated: that is also what applies the activation of a layer. */
static uint8_t $n_code(float value, int zero)
{
  const float low = (float)(0 - zero), high = (float)(255 - zero);
  value = value > low ? value : low;
  value = value < high ? value : high;
  return (uint8_t)($n_round(value) + zero);
}
`;

const geometry = `
/* How a kernel goes over a picture; zero is the code of 0 in it. */
typedef struct {
  int rows, columns, channels, made_rows, made_columns;
  int kernel_rows, kernel_columns, stride_rows, stride_columns, zero;
} $n_geometry;
`;

const input = `
/* Codes of a picture. */
static void $n_input(const float *x, uint8_t *y, int pixels, float scale, int zero)
{
  for (int p = 0; p < pixels; p++) y[p] = $n_code(x[p] / scale, zero);
}
`;

const bandInput = `
/* Codes of a band: its picture, and two planes of one code each, which say where it lies. */
static void $n_band_input(const float *x, uint8_t *y, int pixels, float scale, int zero, const uint8_t *place)
{
  for (int p = 0; p < pixels; p++, y += 3) {
    y[0] = $n_code(x[p] / scale, zero);
    y[1] = place[0];
    y[2] = place[1];
  }
}
`;

const pointwise = `
/*
 * Every output of a pixel is a row of weights times the pixel. Biases hold what the zero point of x takes away: minus
 * zero point times the sum of the row. Four pixels at a time, so that weights are read a quarter as often.
 */
static void $n_pointwise(const uint8_t *restrict x, uint8_t *restrict y, const int8_t *restrict weights,
                         const int32_t *restrict biases, const float *restrict scales, int pixels, int inputs,
                         int outputs, int zero)
{
  int p = 0;
  for (; p + 4 <= pixels; p += 4, x += 4 * inputs, y += 4 * outputs) {
    const uint8_t *x1 = x + inputs, *x2 = x1 + inputs, *x3 = x2 + inputs;
    const int8_t *row = weights;
    for (int o = 0; o < outputs; o++, row += inputs) {
      int32_t sum0 = biases[o], sum1 = sum0, sum2 = sum0, sum3 = sum0;
      for (int i = 0; i < inputs; i++) {
        sum0 += row[i] * x[i];
        sum1 += row[i] * x1[i];
        sum2 += row[i] * x2[i];
        sum3 += row[i] * x3[i];
      }
      y[o] = $n_code((float)sum0 * scales[o], zero);
      y[outputs + o] = $n_code((float)sum1 * scales[o], zero);
      y[2 * outputs + o] = $n_code((float)sum2 * scales[o], zero);
      y[3 * outputs + o] = $n_code((float)sum3 * scales[o], zero);
    }
  }
  for (; p < pixels; p++, x += inputs, y += outputs) {
    const int8_t *row = weights;
    for (int o = 0; o < outputs; o++, row += inputs) {
      int32_t sum = biases[o];
      for (int i = 0; i < inputs; i++) sum += row[i] * x[i];
      y[o] = $n_code((float)sum * scales[o], zero);
    }
  }
}
`;

const conv = `
/* Any convolution: what the kernel sees is gathered in patch, [kernel rows, kernel columns, inputs], then as above. */
static void $n_conv(const uint8_t *x, uint8_t *y, uint8_t *patch, const int8_t *weights, const int32_t *biases,
                    const float *scales, const $n_geometry *g, int groups, int outputs, int zero)
{
  const int inputs = g->channels / groups, made = outputs / groups;
  const int size = g->kernel_rows * g->kernel_columns * inputs;
  for (int r = 0; r < g->made_rows; r++) {
    for (int c = 0; c < g->made_columns; c++, y += outputs) {
      for (int group = 0; group < groups; group++) {
        uint8_t *to = patch;
        for (int i = 0; i < g->kernel_rows; i++) {
          const int row = r * g->stride_rows + i - g->kernel_rows / 2;
          for (int j = 0; j < g->kernel_columns; j++, to += inputs) {
            const int column = c * g->stride_columns + j - g->kernel_columns / 2;
            if (row < 0 || row >= g->rows || column < 0 || column >= g->columns) memset(to, g->zero, (size_t)inputs);
            else memcpy(to, x + (row * g->columns + column) * g->channels + group * inputs, (size_t)inputs);
          }
        }
        $n_pointwise(patch, y + group * made, weights + group * made * size, biases + group * made,
                     scales + group * made, 1, size, made, zero);
      }
    }
  }
}
`;

const depthwise = `
/* Every channel by itself; weights [kernel rows, kernel columns, channels]. What lies outside is 0 and left out. */
static void $n_depthwise(const uint8_t *restrict x, uint8_t *restrict y, const int8_t *restrict weights,
                         const int32_t *restrict biases, const float *restrict scales, const $n_geometry *g, int zero)
{
  const int channels = g->channels, x_zero = g->zero;
  for (int r = 0; r < g->made_rows; r++) {
    for (int c = 0; c < g->made_columns; c++, y += channels) {
      for (int from = 0; from < channels; from += $N_BLOCK) {
        const int count = channels - from < $N_BLOCK ? channels - from : $N_BLOCK;
        int32_t sums[$N_BLOCK];
        for (int k = 0; k < count; k++) sums[k] = biases[from + k];
        for (int i = 0; i < g->kernel_rows; i++) {
          const int row = r * g->stride_rows + i - g->kernel_rows / 2;
          if (row < 0 || row >= g->rows) continue;
          for (int j = 0; j < g->kernel_columns; j++) {
            const int column = c * g->stride_columns + j - g->kernel_columns / 2;
            const uint8_t *pixel = x + (row * g->columns + column) * channels + from;
            const int8_t *weight = weights + (i * g->kernel_columns + j) * channels + from;
            if (column < 0 || column >= g->columns) continue;
            for (int k = 0; k < count; k++) sums[k] += (pixel[k] - x_zero) * weight[k];
          }
        }
        for (int k = 0; k < count; k++) y[from + k] = $n_code((float)sums[k] * scales[from + k], zero);
      }
    }
  }
}
`;

const averagePool = `
/* Sums under the kernel times scale; zeros beyond the sides count. */
static void $n_average_pool(const uint8_t *restrict x, uint8_t *restrict y, const $n_geometry *g, float scale, int zero)
{
  const int channels = g->channels;
  for (int r = 0; r < g->made_rows; r++) {
    for (int c = 0; c < g->made_columns; c++, y += channels) {
      for (int from = 0; from < channels; from += $N_BLOCK) {
        const int count = channels - from < $N_BLOCK ? channels - from : $N_BLOCK;
        int32_t sums[$N_BLOCK] = { 0 };
        for (int i = 0; i < g->kernel_rows; i++) {
          const int row = r * g->stride_rows + i - g->kernel_rows / 2;
          if (row < 0 || row >= g->rows) continue;
          for (int j = 0; j < g->kernel_columns; j++) {
            const int column = c * g->stride_columns + j - g->kernel_columns / 2;
            const uint8_t *pixel = x + (row * g->columns + column) * channels + from;
            if (column < 0 || column >= g->columns) continue;
            for (int k = 0; k < count; k++) sums[k] += pixel[k] - g->zero;
          }
        }
        for (int k = 0; k < count; k++) y[from + k] = $n_code((float)sums[k] * scale, zero);
      }
    }
  }
}
`;

const mean = `
/* Sums of every channel times scale. */
static void $n_mean(const uint8_t *restrict x, uint8_t *restrict y, int pixels, int channels, int x_zero, float scale,
                    int zero)
{
  for (int from = 0; from < channels; from += $N_BLOCK) {
    const int count = channels - from < $N_BLOCK ? channels - from : $N_BLOCK;
    int32_t sums[$N_BLOCK] = { 0 };
    for (int p = 0; p < pixels; p++) {
      for (int k = 0; k < count; k++) sums[k] += x[p * channels + from + k] - x_zero;
    }
    for (int k = 0; k < count; k++) y[from + k] = $n_code((float)sums[k] * scale, zero);
  }
}
`;

const add = `
/* Sums of two pictures; ratios are their scales in units of that of y. */
static void $n_add(const uint8_t *restrict a, const uint8_t *restrict b, uint8_t *restrict y, int count, int a_zero,
                   float a_ratio, int b_zero, float b_ratio, int zero)
{
  for (int i = 0; i < count; i++) {
    y[i] = $n_code((float)(a[i] - a_zero) * a_ratio + (float)(b[i] - b_zero) * b_ratio, zero);
  }
}
`;

const residualNorm = `
/*
 * lambda x + (x - mean) / deviation, row by row. Both moments are exact, being those of whole numbers; a row is then one
 * straight line from codes to codes.
 */
static void $n_residual_norm(const uint8_t *restrict x, uint8_t *restrict y, int rows, int count, int x_zero,
                             float x_scale, float lambda, float scale, int zero)
{
  for (int row = 0; row < rows; row++, x += count, y += count) {
    int64_t sum = 0, squares = 0;
    float gain, shift, variance;
    for (int i = 0; i < count; i++) {
      const int32_t value = x[i] - x_zero;
      sum += value;
      squares += value * value;
    }
    variance = (float)(count * squares - sum * sum) / ((float)count * (float)count) * x_scale * x_scale;
    gain = x_scale / sqrtf(variance + 1e-5f);
    shift = -gain * ((float)sum / (float)count) / scale;
    gain = (gain + lambda * x_scale) / scale;
    for (int i = 0; i < count; i++) y[i] = $n_code(gain * (float)(x[i] - x_zero) + shift, zero);
  }
}
`;

const responseNorm = `
/* x + gamma x n + beta, n being the norm of a channel in units of the mean of all channels' norms. */
static void $n_response_norm(const uint8_t *restrict x, uint8_t *restrict y, float *restrict gains, int pixels,
                             int channels, int x_zero, float x_scale, float gamma, float beta, float scale, int zero)
{
  float mean = 0.0f;
  for (int c = 0; c < channels; c++) {
    int64_t squares = 0;
    for (int p = 0; p < pixels; p++) {
      const int32_t value = x[p * channels + c] - x_zero;
      squares += value * value;
    }
    gains[c] = x_scale * sqrtf((float)squares);
    mean += gains[c];
  }
  mean /= (float)channels;
  for (int c = 0; c < channels; c++) gains[c] = (1.0f + gamma * (gains[c] / (mean + 1e-6f))) * x_scale / scale;
  for (int p = 0; p < pixels; p++, x += channels, y += channels) {
    for (int c = 0; c < channels; c++) y[c] = $n_code((float)(x[c] - x_zero) * gains[c] + beta / scale, zero);
  }
}
`;

/** By name, in the order in which a file holds them: `conv` calls `pointwise`. */
const kernels = {
  input,
  bandInput,
  pointwise,
  conv,
  depthwise,
  averagePool,
  mean,
  add,
  residualNorm,
  responseNorm,
};

export type Kernel = keyof typeof kernels;

/** Only what is used: compilers complain of the rest. Channels of a block have their sums on the stack. */
export function kernelCode(used: ReadonlySet<Kernel>): string {
  const windowed: readonly Kernel[] = ['conv', 'depthwise', 'averagePool'];
  const blocked: readonly Kernel[] = ['depthwise', 'averagePool', 'mean'];
  const needed = (kernel: Kernel): boolean => used.has(kernel) || (kernel === 'pointwise' && used.has('conv'));
  return [
    blocked.some(needed) ? '\n/* Channels that are summed at a time. */\n#define $N_BLOCK 32\n' : '',
    windowed.some(needed) ? geometry : '',
    round,
    ...(Object.keys(kernels) as Kernel[]).filter(needed).map((kernel) => kernels[kernel]),
  ].join('');
}
