/* REQ to REP and back: latency <transport> <size> <seconds> */
#include "bench.h"

enum { KEPT = 1 << 20 };
static float taken[KEPT]; /* us of each round trip */

static void rep (struct side *side)
{
    void *s = connect_socket (side, ZMQ_REP);
    zmq_msg_t msg;
    int n;
    MUST (zmq_msg_init (&msg) == 0);
    do {
        n = zmq_msg_recv (&msg, s, 0);
        MUST (n >= 0);
        MUST (zmq_msg_send (&msg, s, 0) == n);
    } while (n != 1);
    wait_for_end (side);
    MUST (zmq_close (s) == 0);
}

static void trip (void *s, const char *body, char *answer, size_t size)
{
    if (zmq_send (s, body, size, 0) != (int) size)
        fail ("send");
    if (zmq_recv (s, answer, size, 0) != (int) size)
        fail ("recv");
}

static int by_size (const void *a, const void *b)
{
    float x = *(const float *) a, y = *(const float *) b;
    return (x > y) - (x < y);
}

static void req (struct side *side)
{
    void *s = open_socket (side, ZMQ_REQ);
    char *body = calloc (1, side->size), *answer = calloc (1, side->size);
    char extra[64];
    int n = 0;
    MUST (body && answer);
    announce (side, s);
    for (double until = now () + side->seconds / 8; now () < until;)
        trip (s, body, answer, side->size);
    double begin = now (), before = begin, after = begin;
    while (after < begin + side->seconds && n < KEPT) {
        trip (s, body, answer, side->size);
        after = now ();
        taken[n++] = (float) ((after - before) * 1e6);
        before = after;
    }
    trip (s, "e", answer, 1);
    MUST (zmq_close (s) == 0);
    qsort (taken, (size_t) n, sizeof taken[0], by_size);
    snprintf (extra, sizeof extra, "p50=%.2f p99=%.2f", taken[n / 2],
              taken[n - 1 - n / 100]);
    result ((after - begin) / n * 1e6, after - begin, n, extra);
    free (body);
    free (answer);
}

int main (int argc, char **argv)
{
    if (argc != 4 || atoi (argv[2]) < 2) {
        fprintf (stderr, "usage: latency transport size seconds\n");
        return 2;
    }
    run_sides (argv[1], (size_t) atoi (argv[2]), atof (argv[3]), 1, req, rep);
    return 0;
}
