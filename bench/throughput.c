/* PUSH to PULL, as many messages as go: throughput <transport> <size> <seconds> */
#include "bench.h"

/* The end of the stream: shorter than any message that is measured. */
static void push (struct side *side)
{
    void *s = connect_socket (side, ZMQ_PUSH);
    char *body = calloc (1, side->size);
    /* How often to look at the clock: about every 64 KiB. */
    size_t batch = side->size < 4096 ? 65536 / side->size : 16;
    double until = now () + side->seconds;
    MUST (body);
    do {
        for (size_t i = 0; i < batch; i++)
            if (zmq_send (s, body, side->size, 0) != (int) side->size)
                fail ("send");
    } while (now () < until);
    MUST (zmq_send (s, "e", 1, 0) == 1);
    wait_for_end (side);
    MUST (zmq_close (s) == 0);
    free (body);
}

static void pull (struct side *side)
{
    void *s = open_socket (side, ZMQ_PULL);
    double start = 0, count = -1, seconds;
    zmq_msg_t msg;
    announce (side, s);
    MUST (zmq_msg_init (&msg) == 0);
    while (zmq_msg_recv (&msg, s, 0) != 1) {
        if (zmq_msg_size (&msg) != side->size)
            fail ("a message of the wrong size");
        if (count++ < 0)
            start = now ();
    }
    seconds = now () - start;
    MUST (zmq_msg_close (&msg) == 0);
    MUST (zmq_close (s) == 0);
    result (count / seconds, seconds, count, "");
}

int main (int argc, char **argv)
{
    if (argc != 4 || atoi (argv[2]) < 2) {
        fprintf (stderr, "usage: throughput transport size seconds\n");
        return 2;
    }
    run_sides (argv[1], (size_t) atoi (argv[2]), atof (argv[3]), 1, pull, push);
    return 0;
}
