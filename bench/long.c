/*
 * PUSH to PULL, long messages that the sender only shows: long <transport> <size> <seconds>
 * Beside the rate it tells the processor time for each MiB on both sides, in us.
 */
#include "bench.h"

/* Queued on each side at most; the clock is looked at for every message. */
enum { QUEUED = 256 << 20 };

static void leave (void *data, void *hint)
{
    (void) data, (void) hint;
}

static void *open_end (struct side *side, int type, int hwm)
{
    void *s = open_socket (side, type);
    int most = (int) (QUEUED / side->size);
    set_int (s, hwm, most < 2 ? 2 : most);
    return s;
}

static double mib (const struct side *side, double count)
{
    return (double) side->size * count / (1 << 20);
}

static void show (struct side *side)
{
    void *s = open_end (side, ZMQ_PUSH, ZMQ_SNDHWM);
    char *body = malloc (side->size);
    double until = now () + side->seconds, count = 0, begin;
    MUST (body);
    memset (body, 7, side->size);
    MUST (zmq_connect (s, side->endpoint) == 0);
    begin = used ();
    do {
        zmq_msg_t msg;
        MUST (zmq_msg_init_data (&msg, body, side->size, leave, NULL) == 0);
        MUST (zmq_msg_send (&msg, s, 0) == (int) side->size);
        count++;
    } while (now () < until);
    MUST (zmq_send (s, "e", 1, 0) == 1);
    wait_for_end (side);
    report (side, (used () - begin) * 1e6 / mib (side, count), 0, 0);
    MUST (zmq_close (s) == 0);
    free (body);
}

static void take (struct side *side)
{
    void *s = open_end (side, ZMQ_PULL, ZMQ_RCVHWM);
    double start = 0, begin = 0, count = -1, seconds, theirs[REPORTED];
    char extra[80];
    zmq_msg_t msg;
    int n;
    announce (side, s);
    MUST (zmq_msg_init (&msg) == 0);
    while ((n = zmq_msg_recv (&msg, s, 0)) != 1) {
        MUST (n == (int) side->size && ((char *) zmq_msg_data (&msg))[n - 1] == 7);
        if (count++ < 0)
            start = now (), begin = used ();
    }
    seconds = now () - start;
    begin = used () - begin;
    /* The peer hears that everything is here. */
    close (side->announce[0]);
    side->announce[0] = -1;
    read_report (side, theirs);
    MUST (zmq_msg_close (&msg) == 0 && zmq_close (s) == 0);
    snprintf (extra, sizeof extra, "receiver=%.6g sender=%.6g", begin * 1e6 / mib (side, count),
              theirs[0]);
    result (count / seconds, seconds, count, extra);
}

int main (int argc, char **argv)
{
    if (argc != 4 || strcmp (argv[1], "inproc") == 0 || atoi (argv[2]) < 2) {
        fprintf (stderr, "usage: long tcp|ipc size seconds\n");
        return 2;
    }
    run_sides (argv[1], (size_t) atoi (argv[2]), atof (argv[3]), 1, take, show);
    return 0;
}
