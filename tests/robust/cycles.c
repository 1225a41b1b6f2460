/* Sockets opened and closed over and over: no EMFILE, and memory, descriptors and
   threads stay level. A million times for bare sockets, fewer with endpoints and
   messages (ROBUST_SCALE times as many). */
#include "robust.h"

static const int types[] = {ZMQ_PAIR, ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_REP,   ZMQ_DEALER,
                            ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM};
enum { TYPES = sizeof types / sizeof *types };

static void bare (void *context, long i)
{
    void *socket = zmq_socket (context, types[i % TYPES]);
    if (!socket)
        say ("FAILED: zmq_socket, cycle %ld: %s", i, zmq_strerror (errno)), exit (1);
    OK (zmq_close (socket));
}

static void own_context (void *unused, long i)
{
    (void) unused;
    void *context = zmq_ctx_new ();
    bare (context, i);
    OK (zmq_ctx_term (context));
}

static void talk (void *context, const char *wanted)
{
    void *in = zmq_socket (context, ZMQ_PULL), *out = zmq_socket (context, ZMQ_PUSH);
    char endpoint[64], word[8];
    size_t size = sizeof endpoint, fd_size = sizeof (int);
    int fd;
    set_int (in, ZMQ_RCVTIMEO, 5000);
    OK (zmq_bind (in, wanted));
    OK (zmq_getsockopt (in, ZMQ_LAST_ENDPOINT, endpoint, &size));
    OK (zmq_connect (out, endpoint));
    OK (zmq_getsockopt (in, ZMQ_FD, &fd, &fd_size));
    OK (zmq_send (out, "word", 4, 0));
    OK (zmq_recv (in, word, sizeof word, 0));
    OK (zmq_close (out));
    OK (zmq_close (in));
}

static void over_tcp (void *context, long i)
{
    (void) i;
    talk (context, "tcp://127.0.0.1:*");
}

static void over_ipc (void *context, long i)
{
    (void) i;
    talk (context, "ipc://cycles");
}

static void over_inproc (void *context, long i)
{
    (void) i;
    talk (context, "inproc://cycles");
}

/* Nobody is there, and then the socket is closed in the middle of trying. */
static void to_nobody (void *context, long i)
{
    void *socket = zmq_socket (context, ZMQ_DEALER);
    set_int (socket, ZMQ_LINGER, 0);
    OK (zmq_connect (socket, i % 2 ? "tcp://127.0.0.1:9" : "ipc://cycles-nobody"));
    OK (zmq_send (socket, "lost", 4, 0));
    OK (zmq_close (socket));
}

static void repeat (const char *what, void (*cycle) (void *, long), long count)
{
    void *context = zmq_ctx_new ();
    double start = now ();
    long level = 0, fds = 0, threads = 0;
    for (long i = 0; i < count; i++) {
        if (i == count / 10) {
            nap (0.2); /* what lingers is over */
            level = rss ();
            fds = count_fds ();
            threads = count_threads ();
        }
        cycle (context, i);
    }
    double took = now () - start;
    nap (0.2);
    long growth = rss () - level;
    say ("%s: %ld cycles in %.1f s; since the first tenth: %+ld KiB, %+ld descriptors, %+ld threads", what, count,
         took, growth, count_fds () - fds, count_threads () - threads);
    CHECK (growth < 1024, "memory stays level");
    CHECK (count_fds () <= fds && count_threads () <= threads, "and so do descriptors and threads");
    OK (zmq_ctx_term (context));
}

int main (void)
{
    struct rlimit few = {64, 64};
    OK (setrlimit (RLIMIT_NOFILE, &few));
    repeat ("sockets", bare, 1000000);
    repeat ("contexts", own_context, 100000);
    repeat ("inproc pairs", over_inproc, 10000 * scale ());
    repeat ("ipc pairs", over_ipc, 1000 * scale ());
    repeat ("tcp pairs", over_tcp, scale () > 1 ? 10000 : 1000);
    repeat ("to nobody", to_nobody, 2000 * scale ());
    CHECK (count_fds () <= 3, "no descriptor is left");
    return done ();
}
