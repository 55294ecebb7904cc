/* Motet: collective communication between processes, threads and (later) accelerators. The stable C
 * interface.
 *
 * Every rank makes a communicator (motet_comm_create), then all ranks make the same calls in the
 * same order. Each function returns motet_ok or why it failed; motet_last_error() then says it for
 * a person, naming rank, peer, transport and call. Once a call has failed in flight its
 * communicator is aborted: every later call on it fails with that first cause.
 *
 * Threads: several threads may make calls on one communicator at the same time. Collectives must be
 * started in the same order on all ranks, whichever threads start them: a blocking call is started
 * at some time while it lasts, so order it after what has returned. Sends to a rank, and receives
 * from it, are counted in the order of their starts as well. Two threads may not wait for the same
 * request, and a communicator is destroyed when no other thread is inside a call on it.
 * Communicators that one thread makes share an engine, and so do those made beside another
 * (motet_config.beside): progress of one is progress of all. Whoever waits drives it; what was
 * started goes on meanwhile only then, or with a progress thread (motet_config.progress_thread). */
#ifndef MOTET_MOTET_H
#define MOTET_MOTET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NOLINTBEGIN(modernize-use-using): C has no other way. */

#define MOTET_API __attribute__((visibility("default")))

typedef enum motet_status {
  motet_ok = 0,
  motet_invalid_argument = 1, /* nothing was changed; or ranks make calls that differ, and their
                                 communicator is aborted */
  motet_unavailable = 2,      /* something that is needed is not there */
  motet_timeout = 3,
  motet_peer_lost = 4, /* a rank is gone */
  motet_aborted = 5,   /* motet_comm_abort, here or elsewhere, or destroyed while under way */
  motet_system = 6     /* the operating system refused */
} motet_status;

typedef enum motet_type {
  motet_int8 = 0,
  motet_int16,
  motet_int32,
  motet_int64,
  motet_uint8,
  motet_uint16,
  motet_uint32,
  motet_uint64,
  motet_float16,  /* IEEE binary16; combined in float32 */
  motet_bfloat16, /* combined in float32 */
  motet_float32,
  motet_float64
} motet_type;

typedef enum motet_op {
  motet_sum = 0,
  motet_prod,
  motet_min, /* NaN wins, -0 < +0 */
  motet_max,
  motet_avg, /* sum divided by the number of ranks; integers round toward zero */
  motet_and, /* bitwise: integers only */
  motet_or,
  motet_xor,
  motet_premul_sum, /* sum of what each rank's input is when multiplied by its motet_call.scale:
                       floats only; 16-bit ones are multiplied in float32 */
  motet_user        /* what motet_call.reduction says */
} motet_op;

typedef enum motet_collective {
  motet_collective_allreduce = 0,
  motet_collective_allgather,
  motet_collective_reduce_scatter,
  motet_collective_broadcast,
  motet_collective_reduce,
  motet_collective_alltoall,
  motet_collective_gather,
  motet_collective_scatter,
  motet_collective_barrier,
  motet_collective_send,
  motet_collective_recv,
  motet_collective_allgatherv,
  motet_collective_reduce_scatterv,
  motet_collective_alltoallv,
  motet_collective_gatherv,
  motet_collective_scatterv
} motet_collective;

typedef struct motet_comm motet_comm;
typedef struct motet_request motet_request;
typedef struct motet_plan motet_plan;

/* ---- Making a communicator ------------------------------------------------------------------- */

/* Made by one rank and carried to the others by the user's own means (MPI broadcast, a file, ...).
 * Holds the job's secret: whoever has it can join, so it is never printed. */
typedef struct motet_unique_id {
  char bytes[256];
} motet_unique_id;

/* Called by the process of rank 0: starts serving the ranks' set-up on a TCP port of its own. */
MOTET_API motet_status motet_unique_id_create(motet_unique_id* id);

/* A framework's own key-value store. All return 0 on success. Keys are text. `get` waits until the
 * key is there, at most timeout_ms; it copies at most *bytes bytes into value and sets *bytes to
 * the length of the value (call again with more room if it is longer). Both are called inside
 * motet_comm_create only, by the thread that called it; of a group, inside motet_group_end by
 * threads of the library, those of several communicators at the same time.
 *
 * Communicators made over stores of one name are numbered per process and rank, and the name and
 * the number are part of their keys: every rank makes as many of them, in the same order. So a rank
 * that is started again cannot meet ranks that go on, and all that start again would read the words
 * of their former lives: give every start of a job a store, or a prefix of keys, of its own. */
typedef struct motet_store {
  size_t size; /* sizeof(motet_store) */
  void* user;
  int (*set)(void* user, const char* key, const void* value, size_t bytes);
  int (*get)(void* user, const char* key, void* value, size_t* bytes, int timeout_ms);
  const char* name; /* NULL: the one that all without a name have. Where different ranks meet over
                       one store in different orders, each group of them needs a name */
} motet_store;

/* How to join. Zero everything, set size, then what is needed. Exactly one way of meeting is used,
 * the first of: `id`; `store`; the environment (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, or what
 * mpirun and srun set). All that it points to is needed until motet_comm_create returns. */
typedef struct motet_config {
  size_t size; /* sizeof(motet_config) */
  int rank;    /* with id and store; with the environment both may be 0 */
  int world_size;
  const motet_unique_id* id;
  const motet_store* store;
  const char* secret;       /* with store: 64 hexadecimal digits that all ranks know; NULL: carried
                               through the store */
  const char* transport;    /* "shm,tcp": in order of preference; NULL: MOTET_TRANSPORT, else all */
  int setup_timeout_ms;     /* 0: MOTET_SETUP_TIMEOUT_MS, else 120 s */
  int timeout_ms;           /* of one call; 0: MOTET_TIMEOUT_MS, else 30 min */
  const motet_comm* beside; /* whose engine it shares, with that one's transports, whichever thread
                               has made that one or uses it meanwhile; NULL: that of the
                               communicators that this thread has made. Each rank may do as it
                               likes. Beside one engine one is made at a time; several threads may,
                               in any order, as long as those that meet over stores or the
                               environment are made in the same order on all ranks, as everywhere */
  int progress_thread; /* 1: a thread of Motet's drives the engine while something is under way and
                          no thread waits there; 0: MOTET_PROGRESS_THREAD, else none; -1: none,
                          unless another communicator of the engine has asked for it */
} motet_config;

/* Collective over world_size ranks. NULL: everything from the environment. Fails after the set-up
 * deadline with an error that names who is missing. The communicator is the caller's until
 * motet_comm_destroy. */
MOTET_API motet_status motet_comm_create(const motet_config* config, motet_comm** comm);

/* Collective over comm: ranks with equal colour >= 0 form a communicator, ordered by key, then by
 * rank. A negative colour joins none and gets NULL. An engine numbers its communicators up to
 * 16383, each split counts as one, motet_comm_create between several nodes as two, and destroyed
 * ones stay counted: then motet_unavailable, until the engine's last communicator has been
 * destroyed. */
MOTET_API motet_status motet_comm_split(motet_comm* comm, int color, int key, motet_comm** out);

/* Local. Ends outstanding calls as aborted; requests must still be waited for. Only then, and while
 * a peer is in the middle of reading this rank's memory, does it wait: at most 100 ms, and 10 s
 * more for ranks that are threads of this process; and for callbacks (motet_call.on_done) that are
 * being called, so it is not called inside one, nor with a lock held that one takes. NULL is
 * allowed. */
MOTET_API motet_status motet_comm_destroy(motet_comm* comm);

/* From any thread: all pending and later calls on this communicator fail on every rank. `reason`
 * (may be NULL) is in their text. */
MOTET_API motet_status motet_comm_abort(motet_comm* comm, const char* reason);

/* motet_ok, or the first cause why the communicator is aborted; motet_last_error() has its text. */
MOTET_API motet_status motet_comm_error(motet_comm* comm);

/* Local, and also when the communicator is aborted. -1, or a NULL text, where comm is NULL or
 * `rank` is none of its ranks. */
MOTET_API int motet_comm_rank(const motet_comm* comm);
MOTET_API int motet_comm_size(const motet_comm* comm);
/* Nodes are numbered from 0; ranks of one node can share memory. */
MOTET_API int motet_comm_node(const motet_comm* comm, int rank);
MOTET_API int motet_comm_node_count(const motet_comm* comm);
MOTET_API int motet_comm_local_rank(const motet_comm* comm, int rank);
/* "shm", "tcp", "self": how this rank reaches `rank`. Valid while the communicator lives. */
MOTET_API const char* motet_comm_transport(const motet_comm* comm, int rank);

/* ---- Collectives ----------------------------------------------------------------------------- */

/* How two elements are combined, by a function of the user's. Zero everything, set size, combine
 * and what is needed. How operands are grouped must not matter. */
typedef struct motet_reduction {
  size_t size; /* sizeof(motet_reduction) */
  /* out[i] = a[i] op b[i] for `count` elements. `out` is a, or b, or overlaps neither. Aligned to
   * the largest power of two that divides the bytes of an element, at most 16, where the buffers of
   * the call are. Called inside calls of Motet, by whoever makes progress for this rank, and on
   * each rank for other elements: it must not call Motet, wait for other ranks or threads, or
   * throw, and the result must depend on the elements alone. Meanwhile this rank's other threads
   * wait in their calls of Motet: it has a block of elements at a time, and is to be quick. */
  void (*combine)(void* out, const void* a, const void* b, size_t count, motet_type type,
                  void* user);
  void* user;
  int commutative;      /* not 0: a op b is b op a, so more algorithms serve; else operands are
                           combined in the order of the ranks */
  size_t element_bytes; /* of a struct, or several of the type in a row: a multiple of the type's,
                           at most 1024. Counts are of such elements. 0: the type's */
} motet_reduction;

/* How one call is made. NULL instead: blocking, with the communicator's defaults. Zero everything,
 * set size. Needed, with its text, until the function returns. */
typedef struct motet_call {
  size_t size;             /* sizeof(motet_call) */
  motet_request** request; /* not NULL: return at once; the buffers stay untouched by the caller
                              until it is done. Set only where motet_ok is returned */
  int timeout_ms;          /* 0: the communicator's */
  const char* algorithm;   /* NULL: the planner chooses; all ranks must give the same */
  int determinism;         /* 0: all ranks get the same bits; 1: and every later call too */
  double scale;            /* with motet_premul_sum, which needs it; with all else 0. Ranks may
                              differ; 0 is a number like others there */
  motet_plan** plan;       /* not NULL: nothing is run, but bound for later: see motet_plan_run.
                              Without `request` and `on_done`. Set only where motet_ok is
                              returned */
  int (*interrupted)(void* user);   /* NULL; or asked about every 100 ms by a thread that waits for
                                       the call, also in motet_wait: not 0 ends the wait, and aborts
                                       the communicator. It must not make calls on it */
  const motet_reduction* reduction; /* with motet_user, which needs it; with all else NULL. What it
                                       says must be the same on all ranks; its `user` is needed
                                       until the call is done */
  /* Not NULL: return at once, also without `request`; called once when the call is over, with why
     it failed or motet_ok and "", also when the communicator is aborted or destroyed. Only where
     motet_ok is returned, and possibly before that. By any thread that drives the engine, several
     at a time: it hands over to another thread and must not call Motet. motet_wait for the same
     call may return before it has. */
  void (*on_done)(motet_status status, const char* message, void* user);
  void* user; /* for interrupted and on_done: needed until the call is done */
} motet_call;

/* Counts are elements. The input stays unchanged unless in place. Buffers may be NULL only where
 * their count is 0 or where this rank has none. In place means: exactly the positions named here;
 * any other overlap is an error. */

/* out[i] = in[i] of all ranks, combined. In place: in == out. */
MOTET_API motet_status motet_allreduce(const void* in, void* out, size_t count, motet_type type,
                                       motet_op op, motet_comm* comm, const motet_call* call);
/* As allreduce, at the root alone; elsewhere out is ignored. In place: in == out at the root. */
MOTET_API motet_status motet_reduce(const void* in, void* out, size_t count, motet_type type,
                                    motet_op op, int root, motet_comm* comm,
                                    const motet_call* call);
/* The root's in (ignored elsewhere) reaches every out. In place: in == out at the root. */
MOTET_API motet_status motet_broadcast(const void* in, void* out, size_t count, motet_type type,
                                       int root, motet_comm* comm, const motet_call* call);
/* out holds `count` elements of every rank, in rank order. In place: in == out + rank * count. */
MOTET_API motet_status motet_allgather(const void* in, void* out, size_t count, motet_type type,
                                       motet_comm* comm, const motet_call* call);
/* in holds size * count elements; out gets this rank's `count` of the combined ones. In place: out
 * == in + rank * count; the rest of in is then lost. */
MOTET_API motet_status motet_reduce_scatter(const void* in, void* out, size_t count,
                                            motet_type type, motet_op op, motet_comm* comm,
                                            const motet_call* call);
/* in and out hold size * count elements; part r of in goes to rank r, part r of out comes from rank
 * r. In place: in == out. */
MOTET_API motet_status motet_alltoall(const void* in, void* out, size_t count, motet_type type,
                                      motet_comm* comm, const motet_call* call);
/* The root's out gets `count` elements of every rank. In place at the root: in == out + root *
 * count. */
MOTET_API motet_status motet_gather(const void* in, void* out, size_t count, motet_type type,
                                    int root, motet_comm* comm, const motet_call* call);
/* Part r of the root's in reaches rank r. In place at the root: out == in + root * count. */
MOTET_API motet_status motet_scatter(const void* in, void* out, size_t count, motet_type type,
                                     int root, motet_comm* comm, const motet_call* call);

/* The v-forms: every rank's part has a length of its own, which may be 0. Parts lie one after the
 * other in rank order; there are no displacements, on purpose: what lies apart is copied together
 * or sent by several calls. `counts` (one for each rank, in elements) are needed until the function
 * returns. A message whose two ends count differently fails the communicator with an error that
 * names both. */

/* counts[r]: of rank r's part, the same on every rank. in is this rank's, out holds all. In place:
 * in == out + the parts before rank's. */
MOTET_API motet_status motet_allgatherv(const void* in, void* out, const size_t* counts,
                                        motet_type type, motet_comm* comm, const motet_call* call);
/* counts[r]: of rank r's part, the same on every rank. in holds all parts; out gets this rank's of
 * the combined ones. In place: out == in + the parts before rank's; the rest of in is then lost. */
MOTET_API motet_status motet_reduce_scatterv(const void* in, void* out, const size_t* counts,
                                             motet_type type, motet_op op, motet_comm* comm,
                                             const motet_call* call);
/* send_counts[r] elements of in go to rank r, recv_counts[r] of out come from rank r. Each rank
 * gives its own; those that it sends itself are equal. Not in place. Goes straight from rank to
 * rank: the choice of the algorithm cannot heed lengths that are not known to all. */
MOTET_API motet_status motet_alltoallv(const void* in, const size_t* send_counts, void* out,
                                       const size_t* recv_counts, motet_type type, motet_comm* comm,
                                       const motet_call* call);
/* The root's out gets counts[r] elements of every rank r. `count` is this rank's; `counts` are
 * needed at the root alone, where counts[root] == count, and ignored elsewhere. In place at the
 * root: in == out + the parts before the root's. */
MOTET_API motet_status motet_gatherv(const void* in, size_t count, void* out, const size_t* counts,
                                     motet_type type, int root, motet_comm* comm,
                                     const motet_call* call);
/* counts[r] elements of the root's in reach rank r. `count` and `counts` as in gatherv. In place at
 * the root: out == in + the parts before the root's. */
MOTET_API motet_status motet_scatterv(const void* in, const size_t* counts, void* out, size_t count,
                                      motet_type type, int root, motet_comm* comm,
                                      const motet_call* call);

/* Returns when all ranks have entered. */
MOTET_API motet_status motet_barrier(motet_comm* comm, const motet_call* call);
/* The k-th send to a rank meets its k-th recv from here; count and type must be equal. */
MOTET_API motet_status motet_send(const void* in, size_t count, motet_type type, int peer,
                                  motet_comm* comm, const motet_call* call);
MOTET_API motet_status motet_recv(void* out, size_t count, motet_type type, int peer,
                                  motet_comm* comm, const motet_call* call);
/* Whether the message that this rank's next recv from `peer` will get has begun to come: *arrived
 * is 1 or 0. Moves what can be moved, never blocks. With it a rank takes messages from whoever
 * sends first. */
MOTET_API motet_status motet_probe(motet_comm* comm, int peer, int* arrived);

/* ---- Groups ---------------------------------------------------------------------------------- */

/* Collectives, sends, receives and motet_comm_create that this thread makes between the two are
 * checked, recorded and return at once; what is refused is not recorded. They begin together when
 * the group ends, in the order they were made: communicators first, all at once, by threads that
 * last as long; so do their buffers, configurations and stores. The counts of v-forms and the
 * motet_call are needed until the call returns, as always. motet_group_end returns when all but
 * those with `request` or `on_done` are over, and gives the first failure. `*request` and the new
 * `*comm` are set by then; NULL where it failed, and `on_done` hears of that too.
 *
 * So one thread can be several ranks: for each a motet_comm_create in one group, then for each a
 * call in one group. Each such rank has an engine of its own, and this thread drives all of them
 * whenever it waits. Those of the same unique id, those that meet by stores, and those of the
 * environment count as ranks of one job each. Groups nest: the outermost counts. Inside one
 * motet_comm_split, motet_comm_destroy, motet_wait, motet_test, motet_plan_run and motet_plan_start
 * are refused with motet_invalid_argument; motet_comm_abort works at once, and so does binding a
 * plan, which makes no call. Each thread has groups of its own; none ends by itself. */
MOTET_API motet_status motet_group_begin(void);
/* motet_invalid_argument outside of groups. */
MOTET_API motet_status motet_group_end(void);

/* ---- Requests and progress ------------------------------------------------------------------- */

/* Waits until it is done, frees it, sets *request to NULL and gives its result. NULL requests are
 * done. */
MOTET_API motet_status motet_wait(motet_request** request);
/* Without waiting: *done is 1 and the request freed as above, or 0. */
MOTET_API motet_status motet_test(motet_request** request, int* done);
/* Moves what can be moved for every communicator of comm's engine. Never blocks, unless in
 * callbacks. */
MOTET_API motet_status motet_progress(motet_comm* comm);

/* ---- Plans: calls that are made again and again ---------------------------------------------- */

/* What a call with motet_call.plan has bound: its arguments checked, its algorithm chosen, all that
 * it needs made ready. Any collective, send or recv; binding is local. Each run or start is then a
 * call like any other, in the order of calls, which on other ranks may be made without a plan. The
 * buffers, and what `user` of the call and of its reduction point to, stay where they are as long
 * as the plan lives; what is in them may change between calls. A plan is the caller's until
 * motet_plan_free, and used by one thread at a time. It fails once the communicator has been
 * destroyed. */

/* Blocks: the shortest way to make a call. */
MOTET_API motet_status motet_plan_run(motet_plan* plan);
/* Returns at once. Until the request has been found done, starting or running the plan again is an
 * error. *request is set only where motet_ok is returned. */
MOTET_API motet_status motet_plan_start(motet_plan* plan, motet_request** request);
/* NULL is allowed. What is under way goes on, and its request must still be waited for. */
MOTET_API motet_status motet_plan_free(motet_plan* plan);

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Local. Memory that ranks of the same node reach directly: faster from about 64 KiB on. Zeroed,
 * page-aligned; 0 bytes: NULL. Belongs to the engine of comm: any communicator of the engine frees
 * it, before the last one is destroyed. No call may be using it. Freeing NULL does
 * nothing. */
MOTET_API motet_status motet_mem_alloc(motet_comm* comm, size_t bytes, void** memory);
MOTET_API motet_status motet_mem_free(motet_comm* comm, void* memory);
/* Local. Makes an existing shared mapping (MAP_SHARED of `descriptor` at `offset`) reachable by
 * peers. At least one byte at any address, none of it registered already. The descriptor may be
 * closed afterwards; the caller keeps the memory mapped, and the file as long, until
 * motet_mem_deregister on the same communicator. After a call has failed the library may have
 * replaced the mapping by pages of its own with the same contents, so that late readers and writers
 * do no harm: the file is then no longer behind it. descriptor -1: other memory; allowed, changes
 * nothing on one node. */
MOTET_API motet_status motet_mem_register(motet_comm* comm, void* memory, size_t bytes,
                                          int descriptor, uint64_t offset);
MOTET_API motet_status motet_mem_deregister(motet_comm* comm, void* memory);

/* ---- What the library knows ------------------------------------------------------------------ */

/* The text of this thread's last failed call; "" if none failed. Valid until its next call. */
MOTET_API const char* motet_last_error(void);
/* The algorithm of this rank's last call on comm, of whichever thread: "two_shot"; "" before the
 * first, NULL where comm is NULL. Valid until the next call on comm. */
MOTET_API const char* motet_last_algorithm(const motet_comm* comm);
/* Why the planner chooses what for `count` elements of float32: a table of candidates. Writes at
 * most `bytes` bytes with a final 0; *needed (may be NULL) is the length of the whole text.
 * v-forms: as if every rank's count were `count`; but alltoallv, gatherv and scatterv are chosen,
 * and explained, as for parts of 256 KiB, since no rank knows all of their lengths. */
MOTET_API motet_status motet_explain(motet_comm* comm, motet_collective collective, size_t count,
                                     char* text, size_t bytes, size_t* needed);
/* What to expect of a call. Zero everything, set size. */
typedef struct motet_prediction {
  size_t size;           /* sizeof(motet_prediction) */
  double time_us;        /* that the planner thinks it takes */
  double bound_us;       /* that no algorithm beats: by the links of the fabric that MOTET_FABRIC
                            names, else by the fastest messages of the planner's model; 0 where
                            nothing has to be moved */
  const char* algorithm; /* that would run. Never freed */
} motet_prediction;
/* Local; plans anew each time: microseconds, or up to a second where a fabric joins thousands of
 * ranks. `root`: of rooted collectives, and the peer of send and recv. Of call, which may be NULL,
 * `algorithm` and `determinism` count. v-forms: as if every rank's count were `count`. */
MOTET_API motet_status motet_predict(motet_comm* comm, motet_collective collective, size_t count,
                                     motet_type type, int root, const motet_call* call,
                                     motet_prediction* prediction);
MOTET_API const char* motet_version(void); /* "0.1.0" */
MOTET_API size_t motet_element_bytes(motet_type type);

/* level: 0 error, 1 warning, 2 info, 3 debug. `line`: key=value, without a line's end, valid during
 * the call. Called from any thread, from several at a time, and in the middle of calls: it must not
 * call Motet. */
typedef void (*motet_log_callback)(int level, const char* line, void* user);
/* Where this process's lines go; NULL: stderr. By one thread at a time. Lines that are on their way
 * may still reach the former callback, so it and its `user` must live as long as the process. */
MOTET_API void motet_set_log(motet_log_callback callback, void* user);

/* NOLINTEND(modernize-use-using) */

#ifdef __cplusplus
}
#endif

#endif /* MOTET_MOTET_H */
