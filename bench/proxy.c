/* PUSH, a zmq_proxy in the middle, PULL: proxy <transport> <size> <seconds> */
#include "bench.h"

static struct side *proxy_side;

/* The proxy hands on to a PULL in this process and ends with the context. */
static void *run_proxy (void *ready)
{
    void *front = open_socket (proxy_side, ZMQ_PULL);
    void *back = open_socket (proxy_side, ZMQ_PUSH);
    MUST (zmq_connect (back, "inproc://behind") == 0);
    announce (proxy_side, front);
    MUST (ready != NULL);
    MUST (zmq_proxy (front, back, NULL) == -1 && zmq_errno () == ETERM);
    MUST (zmq_close (front) == 0 && zmq_close (back) == 0);
    return NULL;
}

static void pull (struct side *side)
{
    void *s = open_socket (side, ZMQ_PULL);
    double start = 0, count = -1, seconds;
    pthread_t proxy;
    zmq_msg_t msg;
    MUST (zmq_bind (s, "inproc://behind") == 0);
    proxy_side = side;
    MUST (pthread_create (&proxy, NULL, run_proxy, side) == 0);
    MUST (zmq_msg_init (&msg) == 0);
    while (zmq_msg_recv (&msg, s, 0) != 1) {
        MUST (zmq_msg_size (&msg) == side->size);
        if (count++ < 0)
            start = now ();
    }
    seconds = now () - start;
    MUST (zmq_ctx_shutdown (side->ctx) == 0);
    MUST (pthread_join (proxy, NULL) == 0);
    MUST (zmq_msg_close (&msg) == 0);
    MUST (zmq_close (s) == 0);
    result (count / seconds, seconds, count, "");
}

int main (int argc, char **argv)
{
    if (argc != 4 || atoi (argv[2]) < 2) {
        fprintf (stderr, "usage: proxy transport size seconds\n");
        return 2;
    }
    run_sides (argv[1], (size_t) atoi (argv[2]), atof (argv[3]), 1, pull, push);
    return 0;
}
