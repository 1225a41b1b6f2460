/* 100,000 topics survive the publisher: it is killed, or ends in an orderly way,
   another takes its place, and every topic matches again, while the subscriber
   makes no call. High-water marks of 1 make no difference. */
#include "robust.h"

#define TOPICS 100000L

static char endpoint[64];

static int topic (char *text, long number)
{
    return sprintf (text, "stock/%06ld.", number);
}

/* A publisher process. XPUB, so that it knows when all subscriptions are in. It
   says so on `report`, sends each topic once, and stays or ends in order. */
static void publisher (int report, int hwm, int orderly)
{
    void *context = zmq_ctx_new (), *pub = zmq_socket (context, ZMQ_XPUB);
    char text[64];
    set_int (pub, ZMQ_SNDHWM, hwm);
    set_int (pub, ZMQ_RCVHWM, hwm);
    set_int (pub, ZMQ_XPUB_NODROP, 1);
    set_int (pub, ZMQ_RCVTIMEO, 20000);
    /* The port may rest for a moment. */
    double start = now ();
    while (zmq_bind (pub, endpoint) < 0 && now () - start < 10)
        nap (0.01);
    long heard = 0;
    while (heard < TOPICS && zmq_recv (pub, text, sizeof text, 0) > 0)
        heard += text[0] == 1;
    double took = now () - start;
    /* Anything beyond is one topic told twice. */
    while (zmq_recv (pub, text, sizeof text, ZMQ_DONTWAIT) > 0)
        heard++;
    double answer[2] = {(double) heard, took};
    if (write (report, answer, sizeof answer) != sizeof answer)
        _exit (1);
    for (long i = 0; i < TOPICS; i++)
        OK (zmq_send (pub, text, (size_t) topic (text, i), 0));
    if (orderly) {
        OK (zmq_close (pub));
        OK (zmq_ctx_term (context));
        _exit (0);
    }
    pause ();
}

static pid_t start_publisher (int report[2], int hwm, int orderly)
{
    OK (pipe (report));
    pid_t child = fork ();
    OK (child);
    if (child == 0)
        publisher (report[1], hwm, orderly);
    close (report[1]);
    return child;
}

static void round_trip (const char *transport, int hwm, int orderly)
{
    int report[2];
    char text[64];
    if (strcmp (transport, "tcp") == 0)
        snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", free_port ());
    else
        snprintf (endpoint, sizeof endpoint, "ipc://pub-%d-%d.sock", hwm, orderly);
    pid_t child = start_publisher (report, hwm, orderly);
    void *context = zmq_ctx_new (), *sub = zmq_socket (context, ZMQ_SUB);
    set_int (sub, ZMQ_SNDHWM, hwm);
    set_int (sub, ZMQ_RCVHWM, hwm);
    set_int (sub, ZMQ_RECONNECT_IVL, 10);
    set_int (sub, ZMQ_RCVTIMEO, 20000);
    for (long i = 0; i < TOPICS / 2; i++)
        OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, text, (size_t) topic (text, i)));
    OK (zmq_connect (sub, endpoint));
    for (long i = TOPICS / 2; i < TOPICS; i++)
        OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, text, (size_t) topic (text, i)));
    char *seen = calloc (1, TOPICS);
    for (int life = 0; life < 3; life++) {
        /* No call on the socket until the publisher has heard all. */
        double answer[2] = {0, 0};
        if (read (report[0], answer, sizeof answer) != sizeof answer)
            say ("FAILED: the publisher is gone");
        memset (seen, 0, TOPICS);
        long got = 0;
        for (; got < TOPICS && zmq_recv (sub, text, sizeof text, 0) > 0; got++)
            seen[atol (text + 6)]++;
        long once = 0;
        for (long i = 0; i < TOPICS; i++)
            once += seen[i] == 1;
        say ("%s, HWM %d, publisher %d%s: %ld subscriptions after %.2f s, %ld topics matched",
             transport, hwm, life + 1, life == 0 ? "" : orderly ? " (orderly)" : " (killed)",
             (long) answer[0], answer[1], once);
        CHECK ((long) answer[0] == TOPICS, "each topic was told, once");
        CHECK (once == TOPICS, "each topic matches");
        if (!orderly)
            kill (child, SIGKILL);
        waitpid (child, NULL, 0);
        close (report[0]);
        if (life < 2)
            child = start_publisher (report, hwm, orderly);
    }
    free (seen);
    OK (zmq_close (sub));
    OK (zmq_ctx_term (context));
}

int main (void)
{
    round_trip ("tcp", 1000, 0);
    round_trip ("ipc", 1000, 1);
    round_trip ("tcp", 1, 1);
    round_trip ("ipc", 1, 0);
    return done ();
}
