/*
 * Shared by the measuring programs: starting the peers, clocks, the result.
 *
 * Each program is one measurement: it starts its peers itself (processes for
 * tcp and ipc, threads for inproc) and prints which library it runs on and
 * one line "result <figure> <seconds> <count> [<name>=<figure>]...".
 */
#ifndef BENCH_H
#define BENCH_H

#include <zmq.h>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__ ((unused))
#define COUNT(a) ((int) (sizeof (a) / sizeof ((a)[0])))

/* A measurement takes a second or two; one that hangs is ended by SIGALRM. */
enum { MAX_PEERS = 64, REPORTED = 3, TIME_LIMIT = 25 };

/* What one side of a measurement knows. */
struct side {
    void *ctx;
    const char *transport;
    char endpoint[256]; /* known to the peers, not to the measuring side */
    int index;          /* of a peer, or of an announced socket, from 0 */
    size_t size;        /* of a message, bytes */
    double seconds;     /* how long to measure */
    int announce[MAX_PEERS]; /* pipes to the peers: the endpoint, then the end */
    int peers;
    int orders;     /* of a peer: its end of the pipe */
    int reports[2]; /* a pipe from all peers to the measuring side */
};

static UNUSED void fail (const char *what)
{
    fprintf (stderr, "%s: %s\n", what, zmq_strerror (zmq_errno ()));
    _exit (1);
}

#define MUST(...)                                                              \
    do {                                                                       \
        if (!(__VA_ARGS__))                                                    \
            fail (#__VA_ARGS__);                                               \
    } while (0)

static UNUSED double now (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* Resident memory of this process in bytes. */
static UNUSED double resident (void)
{
    long pages = 0, rest = 0;
    FILE *f = fopen ("/proc/self/statm", "r");
    MUST (f && fscanf (f, "%ld %ld", &rest, &pages) == 2);
    fclose (f);
    return (double) pages * (double) sysconf (_SC_PAGESIZE);
}

/* Processor time of this process, all threads, seconds. */
static UNUSED double used (void)
{
    struct timespec t;
    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* The file that the functions really come from. */
static UNUSED void print_library (void)
{
    union {
        int (*function) (zmq_msg_t *, void *, int);
        void *address;
    } send = {zmq_msg_send};
    Dl_info where;
    int version[3];
    MUST (dladdr (send.address, &where) && where.dli_fname);
    zmq_version (&version[0], &version[1], &version[2]);
    printf ("library %s %d.%d.%d\n", where.dli_fname, version[0], version[1], version[2]);
    fflush (stdout);
}

/* The figure of the run; `extra` is any further text, or "". */
static UNUSED void result (double figure, double seconds, double count,
                           const char *extra)
{
    printf ("result %.6g %.6g %.0f %s\n", figure, seconds, count, extra);
    fflush (stdout);
}

static UNUSED void set_int (void *s, int option, int value)
{
    MUST (zmq_setsockopt (s, option, &value, sizeof value) == 0);
}

static UNUSED void *open_socket (struct side *side, int type)
{
    void *s = zmq_socket (side->ctx, type);
    MUST (s);
    /* The only option that is not as it comes: it ends the programs sooner. */
    set_int (s, ZMQ_LINGER, 0);
    return s;
}

/* Binds the measuring side's socket and tells the peers where. */
static UNUSED void announce (struct side *side, void *s)
{
    char address[256];
    size_t len = sizeof side->endpoint;
    if (strcmp (side->transport, "tcp") == 0)
        snprintf (address, sizeof address, "tcp://127.0.0.1:*");
    else if (strcmp (side->transport, "ipc") == 0)
        snprintf (address, sizeof address, "ipc://@ferro-bench-%ld-%d",
                  (long) getpid (), side->index);
    else
        snprintf (address, sizeof address, "inproc://bench-%d", side->index);
    MUST (zmq_bind (s, address) == 0);
    memset (side->endpoint, 0, sizeof side->endpoint);
    MUST (zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, side->endpoint, &len) == 0);
    for (int i = 0; i < side->peers; i++)
        MUST (write (side->announce[i], side->endpoint, sizeof side->endpoint)
              == (ssize_t) sizeof side->endpoint);
}

/*
 * A peer that is done stays until the measuring side has everything: a
 * receiver under back-pressure may lose what a closed ipc peer left behind.
 */
static UNUSED void wait_for_end (struct side *side)
{
    char c;
    MUST (read (side->orders, &c, 1) == 0);
}

/* From a peer to the measuring side: a few figures, in one piece. */
static UNUSED void report (struct side *side, double a, double b, double c)
{
    double figures[REPORTED] = {a, b, c};
    MUST (write (side->reports[1], figures, sizeof figures)
          == (ssize_t) sizeof figures);
}

static UNUSED void read_report (struct side *side, double *figures)
{
    size_t size = REPORTED * sizeof *figures;
    MUST (read (side->reports[0], figures, size) == (ssize_t) size);
}

static UNUSED void *connect_socket (struct side *side, int type)
{
    void *s = open_socket (side, type);
    MUST (zmq_connect (s, side->endpoint) == 0);
    return s;
}

/* A peer that sends as fast as it goes, and "e" at the end. */
static UNUSED void push (struct side *side)
{
    void *s = connect_socket (side, ZMQ_PUSH);
    char *body = calloc (1, side->size);
    double until = now () + side->seconds;
    MUST (body);
    do {
        for (int i = 0; i < 64; i++)
            MUST (zmq_send (s, body, side->size, 0) == (int) side->size);
    } while (now () < until);
    MUST (zmq_send (s, "e", 1, 0) == 1);
    wait_for_end (side);
    MUST (zmq_close (s) == 0);
    free (body);
}

/* Receives from so many of them on a bound socket. */
static UNUSED void pull_from (struct side *side, void *s, int pushers)
{
    double start = 0, count = -1, seconds;
    zmq_msg_t msg;
    int ended = 0;
    announce (side, s);
    MUST (zmq_msg_init (&msg) == 0);
    while (ended < pushers) {
        int n = zmq_msg_recv (&msg, s, 0);
        MUST (n == 1 || n == (int) side->size);
        ended += n == 1;
        if (n != 1 && count++ < 0)
            start = now ();
    }
    seconds = now () - start;
    MUST (zmq_msg_close (&msg) == 0 && zmq_close (s) == 0);
    result (count / seconds, seconds, count, "");
}

typedef void (side_fn) (struct side *);

struct peer_thread {
    struct side side;
    side_fn *run;
};

static UNUSED void read_endpoint (struct side *side)
{
    size_t have = 0;
    while (have < sizeof side->endpoint) {
        ssize_t n = read (side->orders, side->endpoint + have,
                          sizeof side->endpoint - have);
        if (n <= 0)
            _exit (1);
        have += (size_t) n;
    }
}

static UNUSED void *thread_main (void *arg)
{
    struct peer_thread *peer = arg;
    read_endpoint (&peer->side);
    peer->run (&peer->side);
    return NULL;
}

static UNUSED pid_t start_process (const struct side *base, side_fn *run,
                                   int index, int from, int to)
{
    pid_t pid = fork ();
    MUST (pid >= 0);
    if (pid == 0) {
        struct side side = *base;
        close (to);
        alarm (TIME_LIMIT);
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < index; i++)
            close (side.announce[i]);
        side.index = index;
        side.peers = 0;
        side.orders = from;
        read_endpoint (&side);
        side.ctx = zmq_ctx_new ();
        MUST (side.ctx);
        run (&side);
        MUST (zmq_ctx_term (side.ctx) == 0);
        _exit (0);
    }
    close (from);
    return pid;
}

/*
 * Runs `measure` here and `peers` times `peer` beside it, each with a context
 * of its own in a process of its own, or as threads of one context (inproc).
 */
static UNUSED void run_sides (const char *transport, size_t size,
                              double seconds, int peers, side_fn *measure,
                              side_fn *peer)
{
    static struct peer_thread threads[MAX_PEERS];
    pthread_t ids[MAX_PEERS];
    pid_t pids[MAX_PEERS];
    int inproc = strcmp (transport, "inproc") == 0;
    struct side side;
    memset (&side, 0, sizeof side);
    side.transport = transport;
    side.size = size;
    side.seconds = seconds;
    MUST (peers <= MAX_PEERS);
    MUST (pipe (side.reports) == 0);
    alarm (TIME_LIMIT);
    signal (SIGPIPE, SIG_IGN);
    if (inproc)
        side.ctx = zmq_ctx_new ();
    for (int i = 0; i < peers; i++) {
        int ends[2];
        MUST (pipe (ends) == 0);
        side.announce[i] = ends[1];
        if (inproc) {
            threads[i].side = side;
            threads[i].side.peers = 0;
            threads[i].side.index = i;
            threads[i].run = peer;
            threads[i].side.orders = ends[0];
            MUST (pthread_create (&ids[i], NULL, thread_main, &threads[i]) == 0);
        } else
            pids[i] = start_process (&side, peer, i, ends[0], ends[1]);
    }
    side.peers = peers;
    if (!inproc)
        side.ctx = zmq_ctx_new ();
    MUST (side.ctx);
    print_library ();
    measure (&side);
    for (int i = 0; i < peers; i++)
        close (side.announce[i]);
    for (int i = 0; i < peers; i++) {
        int status = 0;
        if (inproc)
            MUST (pthread_join (ids[i], NULL) == 0);
        else
            MUST (waitpid (pids[i], &status, 0) == pids[i] && status == 0);
    }
    MUST (zmq_ctx_term (side.ctx) == 0);
}

#endif
