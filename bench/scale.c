/*
 * How cost grows: scale <what> <transport> <count> <seconds>
 *
 *   in       one PULL with <count> connections, all from one PUSH: messages a
 *            second over all of them, over one alone beside the others (one=),
 *            us to make a connection (connect_us=), bytes of memory for each on
 *            the PULL's side (bytes=), and what they cost while nothing happens
 *            (idle=, percent of a processor)
 *   out      one PUB with <count> connections to one XSUB: messages a second
 *            delivered over all of them, and connect_us=, bytes=
 *   threads  8 PUSH processes to one PULL with <count> I/O threads
 */
#include "bench.h"

#include <poll.h>
#include <sys/resource.h>

enum { BATCH = 100, PUSHERS = 8 };

static int count;

/* ---- descriptors ---- */

/* As many as needed if the system lets us; says so and ends if not. */
static void need_descriptors (int n)
{
    struct rlimit limit;
    rlim_t need = (rlim_t) n + 200;
    MUST (getrlimit (RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur >= need)
        return;
    rlim_t allowed = limit.rlim_max;
    if (limit.rlim_max < need)
        limit.rlim_max = need;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit (RLIMIT_NOFILE, &limit) != 0) {
        fprintf (stderr, "%d connections need %ld descriptors, the limit is %ld\n", n,
                 (long) need, (long) allowed);
        _exit (1);
    }
}

/* ---- making the connections, a batch at a time ---- */

static void token (struct side *side)
{
    MUST (write (side->announce[0], "t", 1) == 1);
}

static void wait_token (struct side *side)
{
    char c;
    MUST (read (side->orders, &c, 1) == 1);
}

/* The peer: the next batch when the last one is through. */
static void connect_many (struct side *side, void *s)
{
    for (int i = 1; i <= count; i++) {
        MUST (zmq_connect (s, side->endpoint) == 0);
        if (i % BATCH == 0 || i == count)
            wait_token (side);
    }
}

static int16_t next_event (void *monitor)
{
    int16_t event;
    char first[6], address[256];
    MUST (zmq_recv (monitor, first, sizeof first, 0) == sizeof first);
    MUST (zmq_recv (monitor, address, sizeof address, 0) >= 0);
    memcpy (&event, first, sizeof event);
    return event;
}

/* The other side: seconds it took. */
static double accept_many (struct side *side, void *s)
{
    void *monitor = zmq_socket (side->ctx, ZMQ_PAIR);
    MUST (monitor);
    MUST (zmq_socket_monitor (s, "inproc://monitor", ZMQ_EVENT_HANDSHAKE_SUCCEEDED) == 0);
    MUST (zmq_connect (monitor, "inproc://monitor") == 0);
    announce (side, s);
    double begin = now ();
    for (int i = 1; i <= count; i++) {
        MUST (next_event (monitor) == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        if (i % BATCH == 0 || i == count)
            token (side);
    }
    double taken = now () - begin;
    MUST (zmq_socket_monitor (s, NULL, 0) == 0);
    MUST (zmq_close (monitor) == 0);
    return taken;
}

/* ---- many into one ---- */

static void push_for (struct side *side, void *s)
{
    char body[64] = "";
    double sent = 0;
    wait_token (side);
    double until = now () + side->seconds;
    do {
        for (int i = 0; i < 64; i++, sent++)
            MUST (zmq_send (s, body, sizeof body, 0) == sizeof body);
    } while (now () < until);
    report (side, sent, 0, 0);
}

/* Messages a second while they come; then waits for every one that was sent. */
static double pull_for (struct side *side, void *s)
{
    struct pollfd ended = {side->reports[0], POLLIN, 0};
    double sent[REPORTED] = {0}, got = 0, begin, rate = 0;
    char body[64];
    int known = 0;
    token (side);
    MUST (zmq_recv (s, body, sizeof body, 0) == sizeof body);
    begin = now ();
    set_int (s, ZMQ_RCVTIMEO, 20);
    for (got = 1; !known || got < sent[0];) {
        int n = zmq_recv (s, body, sizeof body, 0);
        MUST (n == sizeof body || (n == -1 && zmq_errno () == EAGAIN));
        got += n > 0;
        if (rate == 0 && ((long) got % 64 == 0 || n < 0) && now () > begin + side->seconds)
            rate = got / (now () - begin);
        if (rate != 0 && !known && poll (&ended, 1, 0) == 1) {
            read_report (side, sent);
            known = 1;
        }
    }
    MUST (got == sent[0]);
    set_int (s, ZMQ_RCVTIMEO, -1);
    return rate;
}

static void push_many (struct side *side)
{
    need_descriptors (count);
    void *s = open_socket (side, ZMQ_PUSH), *alone;
    connect_many (side, s);
    push_for (side, s);
    alone = connect_socket (side, ZMQ_PUSH);
    push_for (side, alone);
    wait_for_end (side);
    MUST (zmq_close (s) == 0 && zmq_close (alone) == 0);
}

static void pull_many (struct side *side)
{
    char extra[160];
    need_descriptors (count);
    void *s = open_socket (side, ZMQ_PULL);
    set_int (s, ZMQ_BACKLOG, 2 * BATCH);
    double memory = resident (), connecting = accept_many (side, s);
    memory = (resident () - memory) / count;
    double begin = now (), before = used ();
    MUST (nanosleep (&(struct timespec) {0, 300000000}, NULL) == 0);
    double idle = (used () - before) / (now () - begin) * 100;
    double all = pull_for (side, s), one = pull_for (side, s);
    MUST (zmq_close (s) == 0);
    snprintf (extra, sizeof extra, "one=%.6g connect_us=%.6g bytes=%.6g idle=%.6g", one,
              connecting / count * 1e6, memory, idle);
    result (all, side->seconds, count, extra);
}

/* ---- one to many ---- */

/* "p" and a number: a probe, to see when all subscriptions have arrived. */
static void subscribe_many (struct side *side)
{
    need_descriptors (count);
    void *s = open_socket (side, ZMQ_XSUB);
    unsigned long last = 0, probe;
    int copies = 0, n;
    char body[64];
    double begin = 0, got = 0;
    MUST (zmq_send (s, "\1", 1, 0) == 1);
    connect_many (side, s);
    while (copies < count) {
        n = zmq_recv (s, body, sizeof body - 1, 0);
        MUST (n > 1);
        body[n] = 0;
        probe = strtoul (body + 1, NULL, 10);
        copies = probe == last ? copies + 1 : 1;
        last = probe;
    }
    report (side, 0, 0, 0);
    do {
        n = zmq_recv (s, body, sizeof body, 0);
        MUST (n > 0);
        if (n == sizeof body && got++ == 0)
            begin = now ();
        /* The clock is read seldom: it is no part of receiving. */
    } while (n != sizeof body || (long) got % 64 != 0 || now () < begin + side->seconds);
    report (side, got / (now () - begin), 0, 0);
    wait_for_end (side);
    MUST (zmq_close (s) == 0);
}

/* Sends until the peer reports. */
static double publish_until (struct side *side, void *s, int probing)
{
    struct pollfd heard = {side->reports[0], POLLIN, 0};
    char body[64] = "";
    double figures[REPORTED];
    for (unsigned long i = 1;; i++) {
        if (probing)
            snprintf (body, sizeof body, "p%lu", i);
        size_t size = probing ? strlen (body) : sizeof body;
        MUST (zmq_send (s, body, size, 0) == (int) size);
        if (poll (&heard, 1, probing ? 10 + count / 20 : 0) == 1)
            break;
    }
    read_report (side, figures);
    return figures[0];
}

static void publish_many (struct side *side)
{
    char extra[160];
    need_descriptors (count);
    void *s = open_socket (side, ZMQ_PUB);
    set_int (s, ZMQ_BACKLOG, 2 * BATCH);
    double memory = resident (), connecting = accept_many (side, s);
    memory = (resident () - memory) / count;
    publish_until (side, s, 1);
    double rate = publish_until (side, s, 0);
    MUST (zmq_close (s) == 0);
    snprintf (extra, sizeof extra, "connect_us=%.6g bytes=%.6g", connecting / count * 1e6, memory);
    result (rate, side->seconds, count, extra);
}

/* ---- several I/O threads ---- */

static void pull (struct side *side)
{
    MUST (zmq_ctx_set (side->ctx, ZMQ_IO_THREADS, count) == 0);
    pull_from (side, open_socket (side, ZMQ_PULL), PUSHERS);
}

int main (int argc, char **argv)
{
    static const struct {
        const char *name;
        side_fn *measure, *peer;
        int peers;
    } kinds[] = {{"in", pull_many, push_many, 1},
                 {"out", publish_many, subscribe_many, 1},
                 {"threads", pull, push, PUSHERS}};
    if (argc == 5 && (count = atoi (argv[3])) > 0)
        for (int i = 0; i < COUNT (kinds); i++)
            if (strcmp (argv[1], kinds[i].name) == 0) {
                run_sides (argv[2], 64, atof (argv[4]), kinds[i].peers, kinds[i].measure,
                           kinds[i].peer);
                return 0;
            }
    fprintf (stderr, "usage: scale in|out|threads transport count seconds\n");
    return 2;
}
