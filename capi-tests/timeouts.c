/* How long calls wait: RCVTIMEO, SNDTIMEO, zmq_poll; in coarse classes. */
#include "common.h"

#define TIMED(expected, ...)                                                   \
    do {                                                                       \
        long begin = now_ms ();                                                \
        RC (__VA_ARGS__);                                                      \
        printf ("... %s\n", coarse (now_ms () - begin, expected));             \
    } while (0)

static void *late_sender (void *ctx)
{
    void *s = sock (ctx, ZMQ_PUSH);
    struct timespec pause = {0, 100000000};
    MUST (zmq_connect (s, "inproc://late") == 0);
    nanosleep (&pause, NULL);
    send_parts (s, "late", NULL);
    done (s);
    return NULL;
}

int main (void)
{
    char c;
    start ();
    void *ctx = zmq_ctx_new ();
    void *pull = zmq_socket (ctx, ZMQ_PULL), *push = zmq_socket (ctx, ZMQ_PUSH);
    MUST (pull && push);
    PART ("receiving");
    static const int waits[] = {0, 1, 20, 150, 400};
    for (int i = 0; i < COUNT (waits); i++) {
        set_int (pull, ZMQ_RCVTIMEO, waits[i]);
        printf ("%d ms\n", waits[i]);
        TIMED (waits[i], zmq_recv (pull, &c, 1, 0));
        TIMED (0, zmq_recv (pull, &c, 1, ZMQ_DONTWAIT));
    }
    PART ("receiving, a thousand times and more");
    set_int (pull, ZMQ_RCVTIMEO, 1);
    int ended = 0;
    for (int i = 0; i < 1100; i++)
        ended += zmq_recv (pull, &c, 1, 0) == -1 && errno == EAGAIN;
    SHOW (ended);
    PART ("sending");
    for (int i = 0; i < COUNT (waits); i++) {
        set_int (push, ZMQ_SNDTIMEO, waits[i]);
        printf ("%d ms\n", waits[i]);
        TIMED (waits[i], zmq_send (push, "x", 1, 0));
        TIMED (0, zmq_send (push, "x", 1, ZMQ_DONTWAIT));
    }
    PART ("polling");
    for (int i = 0; i < COUNT (waits); i++) {
        zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
        printf ("%d ms\n", waits[i]);
        TIMED (waits[i], zmq_poll (&item, 1, waits[i]));
        TIMED (waits[i], zmq_poll (NULL, 0, waits[i]));
    }
    PART ("a message ends the wait");
    pthread_t thread;
    set_int (pull, ZMQ_RCVTIMEO, PATIENCE);
    MUST (zmq_bind (pull, "inproc://late") == 0);
    MUST (pthread_create (&thread, NULL, late_sender, ctx) == 0);
    TIMED (0, zmq_recv (pull, &c, 1, 0));
    pthread_join (thread, NULL);
    PART ("without a limit");
    set_int (pull, ZMQ_RCVTIMEO, -1);
    MUST (pthread_create (&thread, NULL, late_sender, ctx) == 0);
    TIMED (0, zmq_recv (pull, &c, 1, 0));
    pthread_join (thread, NULL);
    MUST (pthread_create (&thread, NULL, late_sender, ctx) == 0);
    zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
    TIMED (0, zmq_poll (&item, 1, -1));
    TIMED (0, zmq_recv (pull, &c, 1, 0));
    pthread_join (thread, NULL);
    set_int (push, ZMQ_LINGER, 0);
    done (push);
    done (pull);
    term (ctx);
    return 0;
}
