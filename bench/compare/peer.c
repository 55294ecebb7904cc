#include "peer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double size_us = 60000;  // as motet-perf is told
static const double fewest_batches = 4;
static const size_t fewest_calls = 5;
static const size_t most_batch_calls = (size_t)1 << 20;
static const int warmup_calls = 10;  // likewise
// Of one size and mode, barriers and filling included: libraries that wait for each other's time
// slices would take hours otherwise. Not reached by a sane one.
static const double longest_us = 3e6;

// Every rank's stream of elements repeats after a prime number of them, so no two parts look alike.
enum { tile_count = 4099 };
enum { sum_of_all = -1 };

// Small integers: their sums are exact in every order.
static float element(const struct library* library, int source, size_t index) {
  if (source != sum_of_all) return (float)((index % tile_count * 5 + (size_t)source * 37) % 256);
  float sum = 0;
  for (int rank = 0; rank < library->ranks; ++rank) sum += element(library, rank, index);
  return sum;
}

static void make_tile(const struct library* library, int source, float* tile) {
  for (size_t i = 0; i < tile_count; ++i) tile[i] = element(library, source, i);
}

// A rank's buffers for one call, and what it fills them with.
struct job {
  const struct library* library;
  struct call call;
  size_t in_count, out_count;
  int start_together;  // each call at the same time of the clock, not as ranks leave the barrier
  // As motet-perf --batch-ms: long enough that the ranks' leaving the barrier at different times
  // does not show.
  double batch_us;
  float tile[tile_count];
};

static int has_parts(enum collective collective) {
  return collective == allgather || collective == reduce_scatter || collective == alltoall;
}

static size_t count_of(enum collective collective, size_t bytes, int ranks) {
  if (collective == barrier) return 0;
  const size_t unit = sizeof(float) * (has_parts(collective) ? (size_t)ranks : 1);
  return bytes < unit ? 1 : bytes / unit;
}

static void lay_out(struct job* job) {
  const size_t count = job->call.count;
  const size_t all = count * (size_t)job->library->ranks;
  const enum collective collective = job->call.collective;
  const int in_whole = collective == reduce_scatter || collective == alltoall;
  const int out_whole = collective == allgather || collective == alltoall;
  job->in_count = in_whole ? all : count;
  if (collective == broadcast && job->library->rank != 0) job->in_count = 0;
  job->out_count = out_whole ? all : count;
}

static void fill(const struct job* job) {
  memset(job->call.out, 0xA5, job->out_count * sizeof(float));
  for (size_t done = 0; done < job->in_count; done += tile_count) {
    const size_t left = job->in_count - done;
    memcpy(job->call.in + done, job->tile, (left < tile_count ? left : tile_count) * sizeof(float));
  }
}

static void read_output(const struct job* job) {
  const size_t line_count = 64 / sizeof(float);
  for (size_t at = 0; at < job->out_count; at += line_count)
    (void)*(const volatile float*)(job->call.out + at);
}

// How many of `count` elements at `have` differ from the source's stream from `start` on.
static size_t count_wrong(const struct library* library, int source, size_t start, size_t count,
                          const float* have) {
  static float tile[tile_count];
  make_tile(library, source, tile);
  size_t wrong = 0;
  for (size_t i = 0; i < count; ++i)
    if (have[i] != tile[(start + i) % tile_count]) ++wrong;
  return wrong;
}

static size_t count_wrong_of_output(const struct job* job) {
  const struct library* library = job->library;
  const size_t count = job->call.count;
  const size_t mine = count * (size_t)library->rank;
  const float* out = job->call.out;
  size_t wrong = 0;
  switch (job->call.collective) {
    case allreduce:
      return count_wrong(library, sum_of_all, 0, count, out);
    case broadcast:
      return count_wrong(library, 0, 0, count, out);
    case reduce_scatter:
      return count_wrong(library, sum_of_all, mine, count, out);
    case allgather:
    case alltoall:
      for (int rank = 0; rank < library->ranks; ++rank)
        wrong += count_wrong(library, rank, job->call.collective == alltoall ? mine : 0, count,
                             out + count * (size_t)rank);
      return wrong;
    case barrier:
      break;
  }
  return 0;
}

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

// As motet-perf --start-together: who leaves the barrier first must not begin first.
static void wait_for_common_time(void) {
  const double step_us = 16;
  const double enough_us = 2;
  const double start = (floor((now_us() + enough_us) / step_us) + 1) * step_us;
  while (now_us() < start) {
  }
}

// Of this rank.
struct span {
  double begin_us, end_us;
};

static struct span time_batch(const struct job* job, size_t calls) {
  job->library->barrier();
  if (job->start_together) wait_for_common_time();
  const double begin_us = now_us();
  for (size_t i = 0; i < calls; ++i) job->library->invoke(&job->call);
  return (struct span){begin_us, now_us()};
}

struct batches {
  size_t batches, calls;
};

static struct batches plan_batches(const struct job* job, double call_us, size_t calls, int fresh) {
  const double all_us = fmax(size_us, fewest_batches * job->batch_us);
  const size_t enough = (size_t)ceil(all_us / fmax(call_us, 1e-3));
  const size_t total = enough < fewest_calls ? fewest_calls : enough;
  const size_t each = fresh ? 1 : (calls < total ? calls : total);
  return (struct batches){(total + each - 1) / each, each};
}

// Of the rank that takes longest.
static double slowest_batch_us(const struct job* job, size_t calls) {
  const struct span span = time_batch(job, calls);
  double slowest = span.end_us - span.begin_us;
  job->library->largest(&slowest, 1);
  return slowest;
}

// Doubles the batch until it is long enough; all ranks see the same times, so they agree. As in
// motet-perf a disturbed batch, or the first of all, must not pass for a long one: of two, the
// shorter counts.
static struct batches calibrate(const struct job* job, int fresh) {
  const double beyond_doubt_us = 1e6;  // no disturbance lasts so long
  for (size_t calls = 1;; calls *= 2) {
    double us = slowest_batch_us(job, calls);
    if (us < beyond_doubt_us) us = fmin(us, slowest_batch_us(job, calls));
    if (us >= job->batch_us || calls >= most_batch_calls)
      return plan_batches(job, us / (double)calls, calls, fresh);
  }
}

static int compare(const void* a, const void* b) {
  const double left = *(const double*)a;
  const double right = *(const double*)b;
  return (left > right) - (left < right);
}

// Nearest rank, as motet-perf has it.
static double median(double* values, size_t count) {
  qsort(values, count, sizeof *values, compare);
  return values[(count + 1) / 2 - 1];
}

static void* allocate(size_t bytes) {
  const size_t page = 4096;
  void* memory = aligned_alloc(page, (bytes / page + 1) * page);
  if (memory == NULL) {
    fprintf(stderr, "not enough memory for %zu bytes\n", bytes);
    exit(1);
  }
  return memory;
}

static void time_batches(const struct job* job, size_t calls, int fresh, struct span* spans,
                         size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (fresh) fill(job);
    spans[i] = time_batch(job, calls);
    if (!fresh) continue;
    job->library->barrier();  // who is done must not take the cores of those who are not
    read_output(job);
  }
}

// How many of the planned batches fit into `longest_us`, if `count` took `taken_us`.
static size_t fitting(const struct job* job, size_t planned, size_t count, double taken_us) {
  job->library->largest(&taken_us, 1);
  const double most = fmax((double)count, longest_us / taken_us * (double)count);
  return (double)planned < most ? planned : (size_t)most;
}

// Of one call in each batch: the slowest rank's time, or, of fresh calls, the time from the first
// rank's beginning to the last one's end. All ranks have one clock, and leave a barrier at
// different times.
static void combine(const struct job* job, const struct span* spans, size_t calls, int fresh,
                    double* times, size_t count) {
  double* begins = allocate(count * sizeof *begins);
  for (size_t i = 0; i < count; ++i) {
    begins[i] = fresh ? -spans[i].begin_us : 0;
    times[i] = fresh ? spans[i].end_us : spans[i].end_us - spans[i].begin_us;
  }
  job->library->largest(begins, count);
  job->library->largest(times, count);
  for (size_t i = 0; i < count; ++i) times[i] = (times[i] + begins[i]) / (double)calls;
  free(begins);
}

// The median over batches.
static double measure(const struct job* job, int fresh) {
  for (int i = 0; i < warmup_calls; ++i) job->library->invoke(&job->call);
  const struct batches plan = calibrate(job, fresh);
  const size_t first = plan.batches < fewest_calls ? plan.batches : fewest_calls;
  struct span* spans = allocate(plan.batches * sizeof *spans);
  double* times = allocate(plan.batches * sizeof *times);
  const double start = now_us();
  time_batches(job, plan.calls, fresh, spans, first);
  const size_t batches = fitting(job, plan.batches, first, now_us() - start);
  time_batches(job, plan.calls, fresh, spans + first, batches - first);
  combine(job, spans, plan.calls, fresh, times, batches);
  const double result = median(times, batches);
  free(times);
  free(spans);
  return result;
}

static size_t check(const struct job* job) {
  fill(job);
  job->library->barrier();
  job->library->invoke(&job->call);
  double wrong = (double)count_wrong_of_output(job);
  job->library->largest(&wrong, 1);
  return (size_t)wrong;
}

static const char* const names[] = {"allreduce",      "allgather", "broadcast",
                                    "reduce_scatter", "alltoall",  "barrier"};

// How calls are timed, beyond the mode.
struct timing {
  int start_together;  // fresh ones
  double batch_us;
};

static size_t run_mode(struct job* job, const char* mode, const struct timing* timing) {
  const struct library* library = job->library;
  const int fresh = strcmp(mode, "fresh") == 0;
  job->start_together = fresh && timing->start_together;
  job->batch_us = timing->batch_us;
  fill(job);
  library->invoke(&job->call);
  const double time_us = measure(job, fresh);
  const size_t wrong = check(job);
  if (library->rank != 0) return wrong;
  const size_t parts = has_parts(job->call.collective) ? (size_t)library->ranks : 1;
  printf(
      "{\"collective\": \"%s\", \"ranks\": %d, \"bytes\": %zu, \"mode\": \"%s\", "
      "\"time_us_median\": %.4f, \"wrong\": %zu}\n",
      names[job->call.collective], library->ranks, job->call.count * parts * sizeof(float), mode,
      time_us, wrong);
  fflush(stdout);
  return wrong;
}

static size_t run_size(const struct library* library, enum collective collective, size_t bytes,
                       const char* modes, const struct timing* timing) {
  static struct job job;
  job.library = library;
  job.call.collective = collective;
  job.call.count = count_of(collective, bytes, library->ranks);
  lay_out(&job);
  make_tile(library, library->rank, job.tile);
  const int shared = collective == broadcast || library->in_place(collective);
  const size_t larger = job.in_count > job.out_count ? job.in_count : job.out_count;
  job.call.out = allocate((shared ? larger : job.out_count) * sizeof(float));
  job.call.in = shared ? job.call.out : allocate(job.in_count * sizeof(float));
  fill(&job);
  library->prepare(&job.call);
  size_t wrong = 0;
  if (strstr(modes, "hot") != NULL) wrong += run_mode(&job, "hot", timing);
  if (strstr(modes, "fresh") != NULL) wrong += run_mode(&job, "fresh", timing);
  library->barrier();
  if (!shared) free(job.call.in);
  free(job.call.out);
  return wrong;
}

// False where there are others.
static int take_options(int argc, char** argv, struct timing* timing) {
  for (int i = 0; i < argc; ++i) {
    if (strcmp(argv[i], "--start-together") == 0) {
      timing->start_together = 1;
    } else if (strcmp(argv[i], "--batch-ms") == 0 && i + 1 < argc) {
      timing->batch_us = 1000 * atof(argv[++i]);
    } else {
      return 0;
    }
  }
  return 1;
}

int measure_peer(int argc, char** argv, const struct library* library) {
  const int known = (int)(sizeof names / sizeof *names);
  int collective = 0;
  struct timing timing = {.start_together = 0, .batch_us = 1000};
  while (argc >= 4 && collective < known && strcmp(argv[1], names[collective]) != 0) ++collective;
  if (argc < 4 || collective == known || !library->offers((enum collective)collective) ||
      !take_options(argc - 4, argv + 4, &timing)) {
    fprintf(
        stderr,
        "usage: peer COLLECTIVE SIZES MODES [--start-together] [--batch-ms N], and a collective "
        "that the library has\n");
    return 2;
  }
  size_t wrong = 0;
  for (char* size = strtok(argv[2], ","); size != NULL; size = strtok(NULL, ","))
    wrong +=
        run_size(library, (enum collective)collective, strtoull(size, NULL, 10), argv[3], &timing);
  return wrong == 0 ? 0 : 1;
}
