/* Over tcp the marks hold too: a stuck receiver stops the sender, none is lost. */
#include "common.h"

static char big[65536];

static void stuck (void *ctx, const char *transport)
{
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    int n = 0, got = 0, wrong = 0;
    PART (transport);
    set_int (push, ZMQ_SNDHWM, 3);
    set_int (pull, ZMQ_RCVHWM, 3);
    set_int (push, ZMQ_SNDBUF, 32768);
    set_int (pull, ZMQ_RCVBUF, 32768);
    join (pull, push, transport);
    set_int (push, ZMQ_SNDTIMEO, 500);
    for (;;) {
        memcpy (big, &n, sizeof n);
        if (zmq_send (push, big, sizeof big, 0) == -1)
            break;
        if (++n > 5000)
            break;
    }
    printf ("stopped %d, %s\n", n < 5000, errno_name (zmq_errno ()));
    SHOW (get_int (push, ZMQ_EVENTS));
    RC (zmq_send (push, big, sizeof big, ZMQ_DONTWAIT));
    while (got < n) {
        int number;
        MUST (zmq_recv (pull, big, sizeof big, 0) == sizeof big);
        memcpy (&number, big, sizeof number);
        wrong += number != got++;
    }
    SHOW (got == n);
    SHOW (wrong);
    SHOW (wait_for (push, ZMQ_POLLOUT, PATIENCE));
    done (push);
    done (pull);
}

static void unconnected (void *ctx)
{
    PART ("a queue for nobody");
    void *push = sock (ctx, ZMQ_PUSH);
    int n = 0;
    set_int (push, ZMQ_SNDHWM, 7);
    RC (zmq_connect (push, "tcp://127.0.0.1:1"));
    while (n < 100 && zmq_send (push, "m", 1, ZMQ_DONTWAIT) == 1)
        n++;
    printf ("%d fit, then %s\n", n, errno_name (zmq_errno ()));
    RC (zmq_connect (push, "ipc://nobody"));
    n = 0;
    while (n < 100 && zmq_send (push, "m", 1, ZMQ_DONTWAIT) == 1)
        n++;
    printf ("%d more fit\n", n);
    done (push);
}

static void mute_publisher (void *ctx)
{
    void *pub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    int wrong = 0, last = -1, number, n = 0;
    PART ("a publisher drops for a stuck subscriber, but keeps the order");
    set_int (pub, ZMQ_SNDHWM, 3);
    set_int (sub, ZMQ_RCVHWM, 3);
    set_int (pub, ZMQ_SNDBUF, 32768);
    set_int (sub, ZMQ_RCVBUF, 32768);
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0) == 0);
    join (pub, sub, "tcp");
    show_message ("pub", pub);
    for (int i = 0; i < 1000; i++) {
        memcpy (big, &i, sizeof i);
        MUST (zmq_send (pub, big, sizeof big, ZMQ_SNDMORE) == sizeof big);
        MUST (zmq_send (pub, &i, sizeof i, 0) == sizeof i);
    }
    while (wait_for (sub, ZMQ_POLLIN, 300)) {
        int tail = -1;
        MUST (zmq_recv (sub, big, sizeof big, 0) == sizeof big);
        MUST (get_int (sub, ZMQ_RCVMORE) == 1);
        MUST (zmq_recv (sub, &tail, sizeof tail, 0) == sizeof tail);
        MUST (get_int (sub, ZMQ_RCVMORE) == 0);
        memcpy (&number, big, sizeof number);
        wrong += number != tail || number <= last;
        last = number;
        n++;
    }
    SHOW (n > 0 && n < 1000);
    SHOW (wrong);
    done (pub);
    done (sub);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    stuck (ctx, "tcp");
    stuck (ctx, "ipc");
    unconnected (ctx);
    mute_publisher (ctx);
    term (ctx);
    return 0;
}
