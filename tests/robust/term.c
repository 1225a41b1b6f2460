/* Ends of contexts. Sockets under load from several threads, over and over: each
   zmq_ctx_term is back within the linger time and a second. With a linger time, a
   slow reader gets everything; without, nothing is waited for; over tcp and ipc
   alike. 300 cycles in `make test`, 10,000 with ROBUST_SCALE=100. */
#include "robust.h"

enum { WORKERS = 4 };

static unsigned seed;

static unsigned dice (unsigned sides)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % sides;
}

/* ---- cycles under load ------------------------------------------------- */

static const int pairs[][2] = {{ZMQ_PULL, ZMQ_PUSH}, {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_PUB, ZMQ_SUB},
                               {ZMQ_REP, ZMQ_REQ},   {ZMQ_PAIR, ZMQ_PAIR},     {ZMQ_XSUB, ZMQ_XPUB}};

/* Uses a socket in whatever way it allows until the context ends. */
static void *user (void *socket)
{
    char buffer[256] = "";
    for (;;) {
        int rc = zmq_send (socket, buffer, sizeof buffer, ZMQ_DONTWAIT);
        if (rc < 0 && errno == ETERM)
            break;
        rc = zmq_recv (socket, buffer, sizeof buffer, rc < 0 ? 0 : ZMQ_DONTWAIT);
        if (rc < 0 && errno == ETERM)
            break;
    }
    OK (zmq_close (socket));
    return NULL;
}

static void *opened (void *context, int type, int linger)
{
    void *socket = zmq_socket (context, type);
    set_int (socket, ZMQ_LINGER, linger);
    set_int (socket, ZMQ_RCVTIMEO, 1);
    if (type == ZMQ_SUB)
        OK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0));
    return socket;
}

/* One cycle; how much longer than the linger time the end took. */
static double cycle (void)
{
    static const char *const transports[] = {"tcp://127.0.0.1:*", "ipc://term-%d", "inproc://term"};
    static const int lingers[] = {0, 0, 30, 100};
    int linger = lingers[dice (4)];
    const int *types = pairs[dice (sizeof pairs / sizeof *pairs)];
    void *context = zmq_ctx_new ();
    void *binds = opened (context, types[0], linger), *connects = opened (context, types[1], linger);
    void *lost = opened (context, ZMQ_DEALER, linger); /* nobody listens there */
    char wanted[64], endpoint[64];
    size_t size = sizeof endpoint;
    snprintf (wanted, sizeof wanted, transports[dice (3)], (int) getpid ());
    OK (zmq_bind (binds, wanted));
    OK (zmq_getsockopt (binds, ZMQ_LAST_ENDPOINT, endpoint, &size));
    OK (zmq_connect (connects, endpoint));
    OK (zmq_connect (lost, dice (2) ? "tcp://127.0.0.1:9" : "ipc://term-nowhere"));
    pthread_t threads[3];
    pthread_create (&threads[0], NULL, user, binds);
    pthread_create (&threads[1], NULL, user, connects);
    pthread_create (&threads[2], NULL, user, lost);
    nap (dice (4) * 0.0005);
    if (dice (3) == 0)
        OK (zmq_ctx_shutdown (context));
    double start = now ();
    OK (zmq_ctx_term (context));
    double took = now () - start - linger * 1e-3;
    for (int i = 0; i < 3; i++)
        pthread_join (threads[i], NULL);
    return took;
}

/* Cycles in a process of their own. Its report is the longest excess. */
static void worker (int number, long count, int report)
{
    double worst = 0;
    seed = (unsigned) number + 12345;
    for (long i = 0; i < count; i++) {
        double took = cycle ();
        worst = took > worst ? took : worst;
    }
    CHECK (count_fds () <= 5, "no descriptor is left over");
    for (double start = now (); count_threads () > 1 && now () - start < 1;)
        nap (0.001); /* the kernel may still be at it after a join */
    CHECK (count_threads () == 1, "and no thread");
    OK (write (report, &worst, sizeof worst));
    _exit (done ());
}

static void cycles (void)
{
    long count = scale () > 1 ? 100 * scale () : 300;
    double worst = 0, start = now ();
    int report[2];
    OK (pipe (report));
    for (int i = 0; i < WORKERS; i++)
        if (fork () == 0)
            worker (i, (count + WORKERS - 1) / WORKERS, report[1]);
    jitter_start ();
    for (int i = 0; i < WORKERS; i++) {
        int status;
        double one;
        wait (&status);
        CHECK (status == 0, "each process comes to its end");
        if (status == 0 && read (report[0], &one, sizeof one) == sizeof one && one > worst)
            worst = one;
    }
    double jitter = jitter_end ();
    say ("%ld cycles in %.1f s; the longest zmq_ctx_term took %.3f s more than its linger time (jitter %.3f s)", count,
         now () - start, worst, jitter);
    CHECK (worst < 1 + 3 * jitter, "each zmq_ctx_term is back within its linger time and a second");
}

/* ---- linger ------------------------------------------------------------ */

enum { BODY = 4096 };

static void name_for (const char *transport, char *wanted)
{
    snprintf (wanted, 64, "%s", strcmp (transport, "tcp") ? "ipc://term-linger" : "tcp://127.0.0.1:*");
}

/* Reads in a process of its own, so many messages a second, and tells their number. */
static pid_t reader (const char *transport, double rate, int report)
{
    pid_t child = fork ();
    if (child != 0)
        return child;
    void *context = zmq_ctx_new (), *pull = zmq_socket (context, ZMQ_PULL);
    char wanted[64], endpoint[64] = "";
    static char body[BODY];
    size_t size = sizeof endpoint;
    long heard = 0;
    set_int (pull, ZMQ_RCVHWM, 10);
    set_int (pull, ZMQ_RCVTIMEO, 5000);
    name_for (transport, wanted);
    OK (zmq_bind (pull, wanted));
    OK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &size));
    OK (write (report, endpoint, sizeof endpoint));
    if (rate == 0)
        pause ();
    double start = now ();
    while (zmq_recv (pull, body, sizeof body, 0) == BODY) {
        heard++;
        double ahead = (double) heard / rate - (now () - start);
        if (ahead > 0.01)
            nap (ahead);
    }
    OK (write (report, &heard, sizeof heard));
    _exit (0);
}

/* Sends, closes at once and ends; the time that took. */
static double leave (const char *endpoint, long messages, int linger)
{
    static char body[BODY];
    void *context = zmq_ctx_new (), *push = zmq_socket (context, ZMQ_PUSH);
    set_int (push, ZMQ_SNDHWM, 0);
    set_int (push, ZMQ_LINGER, linger);
    OK (zmq_connect (push, endpoint));
    for (long i = 0; i < messages; i++)
        OK (zmq_send (push, body, sizeof body, 0));
    double start = now ();
    OK (zmq_close (push));
    OK (zmq_ctx_term (context));
    return now () - start;
}

static void slow_reader (const char *transport)
{
    long rate = 4000, messages = rate * (scale () > 1 ? 40 : 3), heard = -1;
    char endpoint[64];
    int report[2];
    OK (pipe (report));
    pid_t child = reader (transport, (double) rate, report[1]);
    OK (read (report[0], endpoint, sizeof endpoint));
    double start = now (), took = leave (endpoint, messages, 60000), whole = now () - start;
    OK (read (report[0], &heard, sizeof heard));
    waitpid (child, NULL, 0);
    say ("%s, linger 60 s: %ld of %ld messages reach a slow reader; zmq_ctx_term was back after %.1f s", transport,
         heard, messages, took);
    CHECK (heard == messages, "everything is delivered");
    CHECK (took < 60 && whole > 0.5 * (double) messages / (double) rate, "the end came with the last messages");
    close (report[0]);
    close (report[1]);
}

/* A peer that never reads, and one that is not there. */
static void no_reader (const char *transport, int linger)
{
    char endpoint[64];
    int report[2];
    OK (pipe (report));
    pid_t child = reader (transport, 0, report[1]);
    OK (read (report[0], endpoint, sizeof endpoint));
    jitter_start ();
    double unread = leave (endpoint, 10000, linger);
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
    double absent = leave (endpoint, 10, linger), jitter = jitter_end ();
    say ("%s, linger %d ms: over after %.3f s if the peer does not read, after %.3f s if there is none", transport,
         linger, unread, absent);
    double least = linger * 1e-3 - 0.01, most = linger * 1e-3 + 1 + 3 * jitter;
    CHECK (unread < most && absent < most, "not longer than the linger time");
    CHECK (unread > least && absent > least, "and not shorter");
    close (report[0]);
    close (report[1]);
}

int main (void)
{
    static const char *const transports[] = {"tcp", "ipc"};
    cycles ();
    for (int t = 0; t < 2; t++)
        if (fork () == 0) {
            no_reader (transports[t], 0);
            no_reader (transports[t], 700);
            slow_reader (transports[t]);
            _exit (done ());
        }
    for (int status, t = 0; t < 2; t++) {
        wait (&status);
        CHECK (status == 0, "lingering over tcp and ipc");
    }
    return done ();
}
