// C code of the small program that a file is with NAME_MAIN: it hears a recording, or takes the time of a window.

const recording = String.raw`
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A 16-bit WAV file of one channel, or samples as floats and nothing else. */
typedef struct {
  FILE *file;
  long data, count;
  int is_wav;
} $n_recording;

static unsigned long $n_little(const unsigned char *bytes, int count)
{
  unsigned long value = 0;
  while (count-- > 0) value = value << 8 | bytes[count];
  return value;
}

/* Returns what is wrong with the file, or NULL. */
static const char *$n_open($n_recording *recording, const char *path)
{
  unsigned char head[16];
  long size;
  int known = 0;
  recording->file = fopen(path, "rb");
  recording->data = 0;
  if (!recording->file) return "cannot be opened";
  if (fseek(recording->file, 0, SEEK_END) != 0 || (size = ftell(recording->file)) < 0) return "cannot be read";
  rewind(recording->file);
  recording->is_wav = fread(head, 1, 12, recording->file) == 12 && !memcmp(head, "RIFF", 4) && !memcmp(head + 8, "WAVE", 4);
  recording->count = size / 4;
  if (!recording->is_wav) return NULL;
  for (long at = 12; fseek(recording->file, at, SEEK_SET) == 0 && fread(head, 1, 8, recording->file) == 8;) {
    const unsigned long length = $n_little(head + 4, 4);
    at += 8;
    if (!memcmp(head, "fmt ", 4)) {
      if (length < 16 || fread(head, 1, 16, recording->file) != 16) return "has a broken header";
      if ($n_little(head, 2) != 1 || $n_little(head + 14, 2) != 16) return "is not of 16-bit samples";
      if ($n_little(head + 2, 2) != 1) return "has more than one channel";
      if ($n_little(head + 4, 4) != $N_SAMPLE_RATE) return "has another sample rate";
      known = 1;
    } else if (!memcmp(head, "data", 4)) {
      recording->data = at;
      recording->count = (long)(length < (unsigned long)(size - at) ? length : (unsigned long)(size - at)) / 2;
      return known ? NULL : "has a broken header";
    }
    if (length > (unsigned long)(size - at)) break;
    at += (long)(length + length % 2);
  }
  return "has no samples";
}

/* Samples from start on; a recording shorter than a window is repeated. Returns 0 where the file breaks off. */
static int $n_read(const $n_recording *recording, long start, float *samples)
{
  const long count = recording->count < $N_WINDOW_SAMPLES ? recording->count : $N_WINDOW_SAMPLES;
  if (fseek(recording->file, recording->data + start * (recording->is_wav ? 2 : 4), SEEK_SET) != 0) return 0;
  for (long i = 0; i < count; i++) {
    unsigned char bytes[2];
    if (!recording->is_wav) {
      if (fread(samples + i, sizeof *samples, 1, recording->file) != 1) return 0;
      continue;
    }
    if (fread(bytes, 1, 2, recording->file) != 2) return 0;
    samples[i] = (float)((int)(bytes[0] | bytes[1] << 8) - (bytes[1] & 0x80 ? 65536 : 0)) / 32768.0f;
  }
  for (long i = count; i < $N_WINDOW_SAMPLES; i++) samples[i] = samples[i - count];
  return 1;
}

static float $n_window_samples[$N_WINDOW_SAMPLES], $n_window_features[$N_FEATURES], $n_window_outputs[$N_OUTPUTS];

/* Times count windows of noise. */
static int $n_time(long count)
{
  uint32_t state = 1;
  clock_t begin, between, end;
  for (int i = 0; i < $N_WINDOW_SAMPLES; i++) {
    state = state * 1664525u + 1013904223u;
    $n_window_samples[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
  }
  begin = clock();
  for (long i = 0; i < count; i++) $n_features($n_window_samples, $n_window_features);
  between = clock();
  for (long i = 0; i < count; i++) $n_run($n_window_features, NULL, $n_window_outputs);
  end = clock();
  printf("front end: %.1f us per window\n", 1e6 * (double)(between - begin) / CLOCKS_PER_SEC / (double)count);
  printf("network: %.1f us per window\n", 1e6 * (double)(end - between) / CLOCKS_PER_SEC / (double)count);
  return 0;
}
`;

const scores = String.raw`
static void $n_print(void)
{
  const int best = $n_largest($n_window_outputs);
  float sum = 0.0f;
  for (int i = 0; i < $N_LABELS; i++) sum += expf($n_window_outputs[i] - $n_window_outputs[best]);
  printf("%s %.3f\n", $n_label(best), 1.0f / sum);
}
`;

const embedding = String.raw`
static void $n_print(void)
{
  for (int i = 0; i < $N_OUTPUTS; i++) printf("%.6g%c", $n_window_outputs[i], i + 1 < $N_OUTPUTS ? ' ' : '\n');
}
`;

const main = String.raw`
/* Windows follow one another; the last one ends with the recording. */
static int $n_hear(const char *path)
{
  $n_recording recording;
  const char *problem = $n_open(&recording, path);
  if (!problem && recording.count == 0) problem = "has no samples";
  for (long start = 0; !problem && (start == 0 || start < recording.count);) {
    if (!$n_read(&recording, start, $n_window_samples)) {
      problem = "breaks off";
      break;
    }
    $n_features($n_window_samples, $n_window_features);
    $n_run($n_window_features, NULL, $n_window_outputs);
    printf("%.3f s  ", (double)start / $N_SAMPLE_RATE);
    $n_print();
    start += $N_WINDOW_SAMPLES;
    if (start < recording.count && start + $N_WINDOW_SAMPLES > recording.count) start = recording.count - $N_WINDOW_SAMPLES;
  }
  if (recording.file) fclose(recording.file);
  if (problem) fprintf(stderr, "%s %s; give 16-bit WAV or float32 samples of one channel at %d Hz\n", path, problem, $N_SAMPLE_RATE);
  return problem ? 1 : 0;
}

int main(int count, char **arguments)
{
  if (count == 3 && !strcmp(arguments[1], "--time") && atol(arguments[2]) > 0) return $n_time(atol(arguments[2]));
  if (count == 2 && arguments[1][0] != '-') return $n_hear(arguments[1]);
  fprintf(stderr, "usage: %s RECORDING | --time WINDOWS\n", arguments[0]);
  return 2;
}
`;

/** The program; it prints labels with their probabilities, or all outputs. */
export const mainCode = (labelled: boolean): string => `${recording}${labelled ? scores : embedding}${main}`;
