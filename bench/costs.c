/*
 * What must not be paid for speed: costs <what> <transport> <count> <seconds>
 *
 *   idle   percent of a processor that a process with <count> connections uses
 *          while nothing happens
 *   push   percent of a processor for <count> messages a second, PUSH to PULL,
 *          both processes together
 *   trip   the same for round trips, REQ to REP
 *   rare   us of a round trip at 10 a second: p99, and p50
 *   busy   <count> pairs of threads, PUSH to PULL, messages a second of all
 *   hogs   round trips a second beside <count> processes that do nothing but
 *          use the processors
 *   alone  us of a round trip at <count> a second where both processes have one
 *          processor: p99, and p50 and p90
 *   beside the same, with one process beside them that does nothing but use it
 */
#define _GNU_SOURCE
#include "bench.h"
#include <sched.h>

static int count;

static void sleep_until (double when)
{
    struct timespec t;
    t.tv_sec = (time_t) when;
    t.tv_nsec = (long) ((when - (double) t.tv_sec) * 1e9);
    while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        ;
}

static void send_byte (void *s, const char *byte)
{
    MUST (zmq_send (s, byte, 1, 0) == 1);
}

static char recv_byte (void *s)
{
    char byte;
    MUST (zmq_recv (s, &byte, 1, 0) == 1);
    return byte;
}

/* ---- an idle process with many connections ---- */

/* Percent of a processor: half of the time in a call that waits, half outside. */
static double idle (void *s, double seconds)
{
    char c;
    sleep_until (now () + 0.1);
    double begin = now (), before = used ();
    set_int (s, ZMQ_RCVTIMEO, (int) (seconds * 500));
    MUST (zmq_recv (s, &c, 1, 0) == -1 && zmq_errno () == EAGAIN);
    set_int (s, ZMQ_RCVTIMEO, -1);
    sleep_until (begin + seconds);
    return (used () - before) / (now () - begin) * 100;
}

static void idle_clients (struct side *side)
{
    void **s = calloc ((size_t) count, sizeof *s);
    MUST (s);
    for (int i = 0; i < count; i++) {
        s[i] = connect_socket (side, ZMQ_DEALER);
        send_byte (s[i], "h");
        MUST (recv_byte (s[i]) == 'h');
    }
    report (side, 0, 0, 0);
    report (side, idle (s[0], side->seconds), 0, 0);
    wait_for_end (side);
    for (int i = 0; i < count; i++)
        MUST (zmq_close (s[i]) == 0);
    free (s);
}

static void idle_server (struct side *side)
{
    void *s = open_socket (side, ZMQ_ROUTER);
    double ready[REPORTED], theirs[REPORTED];
    announce (side, s);
    for (int i = 0; i < count; i++) {
        char id[256];
        int n = zmq_recv (s, id, sizeof id, 0);
        MUST (n > 0 && recv_byte (s) == 'h');
        MUST (zmq_send (s, id, (size_t) n, ZMQ_SNDMORE) == n);
        send_byte (s, "h");
    }
    read_report (side, ready);
    double begin = now (), ours = idle (s, side->seconds);
    double seconds = now () - begin;
    read_report (side, theirs);
    MUST (zmq_close (s) == 0);
    /* The one of the two processes that used more. */
    result (ours > theirs[0] ? ours : theirs[0], seconds, count, "");
}

/* ---- few messages: what one costs when nobody is in a hurry ---- */

/* Calls `act` as often as is due, from a start that all know of. */
static double paced (double seconds, double rate, void (*act) (void *), void *s)
{
    double begin = now ();
    int n = (int) (seconds * rate);
    for (int i = 0; i < n; i++) {
        sleep_until (begin + i / rate);
        act (s);
    }
    sleep_until (begin + seconds);
    return n;
}

static void push_one (void *s)
{
    send_byte (s, "m");
}

static void trip_one (void *s)
{
    send_byte (s, "m");
    MUST (recv_byte (s) == 'm');
}

/* Receives, and answers if it is asked to, until told to end. */
static void serve (struct side *side, int type)
{
    void *s = connect_socket (side, type);
    double before = 0;
    char byte;
    do {
        byte = recv_byte (s);
        if (before == 0)
            before = used ();
        if (type == ZMQ_REP)
            send_byte (s, &byte);
    } while (byte != 'e');
    report (side, used () - before, 0, 0);
    wait_for_end (side);
    MUST (zmq_close (s) == 0);
}

static void serve_pull (struct side *side)
{
    serve (side, ZMQ_PULL);
}

static void serve_rep (struct side *side)
{
    serve (side, ZMQ_REP);
}

static void paced_cost (struct side *side, int type, void (*act) (void *))
{
    void *s = open_socket (side, type);
    double theirs[REPORTED];
    announce (side, s);
    act (s);
    sleep_until (now () + 0.05);
    double begin = now (), before = used ();
    double done = paced (side->seconds, count, act, s);
    double ours = used () - before, seconds = now () - begin;
    send_byte (s, "e");
    if (type == ZMQ_REQ)
        MUST (recv_byte (s) == 'e');
    read_report (side, theirs);
    MUST (zmq_close (s) == 0);
    result ((ours + theirs[0]) / seconds * 100, seconds, done, "");
}

static void push_cost (struct side *side)
{
    paced_cost (side, ZMQ_PUSH, push_one);
}

static void trip_cost (struct side *side)
{
    paced_cost (side, ZMQ_REQ, trip_one);
}

/* ---- ten round trips a second, by several that know nothing of each other ---- */

enum { CLIENTS = 8, RARE_RATE = 10, MAX_TRIPS = 1000 };

struct client {
    struct side side;
    pthread_t thread;
    double taken[MAX_TRIPS];
    int n;
};

static void *rare_client (void *arg)
{
    struct client *client = arg;
    struct side *side = &client->side;
    side->ctx = zmq_ctx_new ();
    MUST (side->ctx);
    void *s = open_socket (side, ZMQ_REQ);
    announce (side, s);
    trip_one (s);
    double begin = now () + 0.1 + side->index * 0.1 / CLIENTS;
    int n = (int) (side->seconds * RARE_RATE);
    for (int i = 0; i < n && i < MAX_TRIPS; i++) {
        sleep_until (begin + (double) i / RARE_RATE);
        double before = now ();
        trip_one (s);
        client->taken[client->n++] = (now () - before) * 1e6;
    }
    send_byte (s, "e");
    MUST (recv_byte (s) == 'e');
    MUST (zmq_close (s) == 0 && zmq_ctx_term (side->ctx) == 0);
    return NULL;
}

static int by_size (const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static void rare (struct side *side)
{
    static struct client clients[CLIENTS];
    static double all[CLIENTS * MAX_TRIPS];
    char extra[64];
    int n = 0;
    double begin = now ();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].side = *side;
        clients[i].side.index = i;
        clients[i].side.peers = 1;
        clients[i].side.announce[0] = side->announce[i];
        MUST (pthread_create (&clients[i].thread, NULL, rare_client, &clients[i]) == 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        MUST (pthread_join (clients[i].thread, NULL) == 0);
        memcpy (all + n, clients[i].taken, (size_t) clients[i].n * sizeof *all);
        n += clients[i].n;
    }
    MUST (n > 0);
    qsort (all, (size_t) n, sizeof *all, by_size);
    snprintf (extra, sizeof extra, "p50=%.2f", all[n / 2]);
    result (all[n - 1 - n / 100], now () - begin, n, extra);
}

/* ---- one processor for both sides ---- */

static void one_processor (struct side *side)
{
    static double taken[MAX_TRIPS * 10];
    char extra[64];
    void *s = open_socket (side, ZMQ_REQ);
    int n = (int) (side->seconds * count);
    announce (side, s);
    trip_one (s);
    MUST (n > 0 && n <= COUNT (taken));
    double begin = now () + 0.05;
    for (int i = 0; i < n; i++) {
        sleep_until (begin + (double) i / count);
        double before = now ();
        trip_one (s);
        taken[i] = (now () - before) * 1e6;
    }
    send_byte (s, "e");
    MUST (recv_byte (s) == 'e');
    MUST (zmq_close (s) == 0);
    qsort (taken, (size_t) n, sizeof *taken, by_size);
    snprintf (extra, sizeof extra, "p50=%.2f p90=%.2f", taken[n / 2], taken[n - 1 - n / 10]);
    result (taken[n - 1 - n / 100], now () - begin, n, extra);
}

static void use_one_processor (void)
{
    cpu_set_t all, one;
    int cpu = 0;
    MUST (sched_getaffinity (0, sizeof all, &all) == 0);
    while (!CPU_ISSET (cpu, &all))
        cpu++;
    CPU_ZERO (&one);
    CPU_SET (cpu, &one);
    MUST (sched_setaffinity (0, sizeof one, &one) == 0);
}

/* ---- more busy threads than processors ---- */

struct pair {
    void *push, *pull;
    pthread_t threads[2];
    double until, received, last;
};

static void *busy_push (void *arg)
{
    struct pair *pair = arg;
    char body[64] = "";
    do {
        for (int i = 0; i < 64; i++)
            MUST (zmq_send (pair->push, body, sizeof body, 0) == sizeof body);
    } while (now () < pair->until);
    send_byte (pair->push, "e");
    return NULL;
}

static void *busy_pull (void *arg)
{
    struct pair *pair = arg;
    char body[64];
    while (zmq_recv (pair->pull, body, sizeof body, 0) == sizeof body)
        pair->received++;
    pair->last = now ();
    return NULL;
}

static void busy (const char *transport, double seconds)
{
    struct pair pairs[MAX_PEERS];
    struct side side = {.ctx = zmq_ctx_new (), .transport = transport};
    double received = 0, begin, end = 0;
    MUST (side.ctx && count <= MAX_PEERS);
    for (int i = 0; i < count; i++) {
        side.index = i;
        pairs[i].pull = open_socket (&side, ZMQ_PULL);
        announce (&side, pairs[i].pull);
        pairs[i].push = connect_socket (&side, ZMQ_PUSH);
        send_byte (pairs[i].push, "h");
        MUST (recv_byte (pairs[i].pull) == 'h');
    }
    begin = now ();
    for (int i = 0; i < count; i++) {
        pairs[i].until = begin + seconds;
        pairs[i].received = 0;
        MUST (pthread_create (&pairs[i].threads[0], NULL, busy_push, &pairs[i]) == 0);
        MUST (pthread_create (&pairs[i].threads[1], NULL, busy_pull, &pairs[i]) == 0);
    }
    for (int i = 0; i < count; i++) {
        MUST (pthread_join (pairs[i].threads[0], NULL) == 0);
        MUST (pthread_join (pairs[i].threads[1], NULL) == 0);
        received += pairs[i].received;
        if (pairs[i].last > end)
            end = pairs[i].last;
        MUST (zmq_close (pairs[i].push) == 0 && zmq_close (pairs[i].pull) == 0);
    }
    MUST (zmq_ctx_term (side.ctx) == 0);
    result (received / (end - begin), end - begin, received, "");
}

static void trips (struct side *side)
{
    void *s = open_socket (side, ZMQ_REQ);
    double begin, done = 0, end;
    announce (side, s);
    trip_one (s);
    begin = now ();
    do {
        trip_one (s);
        done++;
        end = now ();
    } while (end < begin + side->seconds);
    send_byte (s, "e");
    MUST (recv_byte (s) == 'e');
    MUST (zmq_close (s) == 0);
    result (done / (end - begin), end - begin, done, "");
}

static void beside_hogs (const char *transport, double seconds, int number, side_fn *measure)
{
    pid_t hogs[MAX_PEERS];
    MUST (number <= MAX_PEERS);
    for (int i = 0; i < number; i++) {
        hogs[i] = fork ();
        MUST (hogs[i] >= 0);
        if (hogs[i] == 0) {
            alarm (TIME_LIMIT);
            prctl (PR_SET_PDEATHSIG, SIGKILL);
            for (volatile unsigned n = 0;; n++)
                ;
        }
    }
    run_sides (transport, 1, seconds, 1, measure, serve_rep);
    for (int i = 0; i < number; i++) {
        MUST (kill (hogs[i], SIGKILL) == 0);
        MUST (waitpid (hogs[i], NULL, 0) == hogs[i]);
    }
}

int main (int argc, char **argv)
{
    static const struct {
        const char *name;
        side_fn *measure, *peer;
        int peers;
    } kinds[] = {{"idle", idle_server, idle_clients, 1},
                 {"push", push_cost, serve_pull, 1},
                 {"trip", trip_cost, serve_rep, 1},
                 {"rare", rare, serve_rep, CLIENTS}};
    if (argc == 5 && (count = atoi (argv[3])) > 0) {
        double seconds = atof (argv[4]);
        for (int i = 0; i < COUNT (kinds); i++)
            if (strcmp (argv[1], kinds[i].name) == 0) {
                run_sides (argv[2], 1, seconds, kinds[i].peers, kinds[i].measure,
                           kinds[i].peer);
                return 0;
            }
        if (strcmp (argv[1], "busy") == 0) {
            alarm (TIME_LIMIT);
            print_library ();
            busy (argv[2], seconds);
            return 0;
        }
        if (strcmp (argv[1], "hogs") == 0) {
            beside_hogs (argv[2], seconds, count, trips);
            return 0;
        }
        int neighbours = strcmp (argv[1], "beside") == 0;
        if (neighbours || strcmp (argv[1], "alone") == 0) {
            use_one_processor ();
            beside_hogs (argv[2], seconds, neighbours, one_processor);
            return 0;
        }
    }
    fprintf (stderr, "usage: costs idle|push|trip|rare|busy|hogs|alone|beside transport count "
                     "seconds\n");
    return 2;
}
