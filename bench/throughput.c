/* PUSH to PULL, as many messages as go: throughput <transport> <size> <seconds> [curve] */
#include "bench.h"

static int curve;
static char server_key[41], server_secret[41], client_key[41], client_secret[41];

static void make_keys (void)
{
    MUST (zmq_curve_keypair (server_key, server_secret) == 0);
    MUST (zmq_curve_keypair (client_key, client_secret) == 0);
}

static void set_key (void *s, int option, const char *key)
{
    MUST (zmq_setsockopt (s, option, key, 41) == 0);
}

/* The end of the stream: shorter than any message that is measured. */
static void stream (struct side *side)
{
    void *s = open_socket (side, ZMQ_PUSH);
    char *body = calloc (1, side->size);
    /* How often to look at the clock: about every 64 KiB. */
    size_t batch = side->size < 4096 ? 65536 / side->size : 16;
    double until = now () + side->seconds;
    MUST (body);
    if (curve) {
        set_key (s, ZMQ_CURVE_SERVERKEY, server_key);
        set_key (s, ZMQ_CURVE_PUBLICKEY, client_key);
        set_key (s, ZMQ_CURVE_SECRETKEY, client_secret);
    }
    MUST (zmq_connect (s, side->endpoint) == 0);
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
    if (curve) {
        set_int (s, ZMQ_CURVE_SERVER, 1);
        set_key (s, ZMQ_CURVE_SECRETKEY, server_secret);
    }
    pull_from (side, s, 1);
}

int main (int argc, char **argv)
{
    curve = argc == 5 && strcmp (argv[4], "curve") == 0;
    if ((argc != 4 && !curve) || atoi (argv[2]) < 2) {
        fprintf (stderr, "usage: throughput transport size seconds [curve]\n");
        return 2;
    }
    if (curve)
        make_keys ();
    run_sides (argv[1], (size_t) atoi (argv[2]), atof (argv[3]), 1, pull, stream);
    return 0;
}
