/* ZMQ_LINGER: what was sent before close arrives, or is given up in time. */
#include "common.h"

static void delivered (void *ctx, const char *transport, int linger)
{
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    char c[8];
    int n = 0;
    printf ("-- %s, linger %d\n", transport, linger);
    join (pull, push, transport);
    set_int (push, ZMQ_LINGER, linger);
    for (int i = 0; i < 500; i++)
        send_parts (push, "message", NULL);
    done (push);
    while (n < 500 && zmq_recv (pull, c, sizeof c, 0) == 7)
        n++;
    printf ("%d arrived\n", n);
    done (pull);
}

static void own_context (const char *transport)
{
    /* zmq_ctx_term waits until everything has left. */
    void *there = zmq_ctx_new (), *here = zmq_ctx_new ();
    void *pull = sock (there, ZMQ_PULL), *push = zmq_socket (here, ZMQ_PUSH);
    char c[8];
    int n = 0;
    printf ("-- %s, the context ends\n", transport);
    set_int (pull, ZMQ_RCVHWM, 0);
    join (pull, push, transport);
    for (int i = 0; i < 900; i++)
        send_parts (push, "message", NULL);
    done (push);
    RC (zmq_ctx_term (here));
    while (n < 900 && zmq_recv (pull, c, sizeof c, 0) == 7)
        n++;
    printf ("%d arrived\n", n);
    done (pull);
    term (there);
}

static void given_up (int linger, int through_option)
{
    void *ctx = zmq_ctx_new ();
    void *push = zmq_socket (ctx, ZMQ_PUSH);
    printf ("-- nobody takes it, linger %d\n", linger);
    if (through_option)
        set_int (push, ZMQ_LINGER, linger);
    MUST (zmq_connect (push, "tcp://127.0.0.1:1") == 0);
    send_parts (push, "for nobody", NULL);
    done (push);
    long begin = now_ms ();
    RC (zmq_ctx_term (ctx));
    printf ("... %s\n", coarse (now_ms () - begin, linger));
}

static void not_blocky (void)
{
    void *ctx = zmq_ctx_new ();
    PART ("ZMQ_BLOCKY 0");
    RC (zmq_ctx_set (ctx, ZMQ_BLOCKY, 0));
    void *push = zmq_socket (ctx, ZMQ_PUSH);
    MUST (zmq_connect (push, "tcp://127.0.0.1:1") == 0);
    send_parts (push, "for nobody", NULL);
    done (push);
    RC (zmq_ctx_term (ctx));
}

static void nothing_sent (void)
{
    void *ctx = zmq_ctx_new ();
    PART ("nothing was sent, so nothing is waited for");
    void *push = zmq_socket (ctx, ZMQ_PUSH), *req = zmq_socket (ctx, ZMQ_REQ);
    MUST (zmq_connect (push, "tcp://127.0.0.1:1") == 0);
    MUST (zmq_connect (req, "inproc://nobody") == 0);
    done (push);
    done (req);
    RC (zmq_ctx_term (ctx));
}

static void after_disconnect (void *ctx)
{
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    char endpoint[ENDPOINT], c[8];
    int n = 0;
    PART ("disconnect lingers too");
    bind_any (pull, "tcp", endpoint);
    set_int (push, ZMQ_LINGER, -1);
    MUST (zmq_connect (push, endpoint) == 0);
    for (int i = 0; i < 300; i++)
        send_parts (push, "message", NULL);
    MUST (zmq_disconnect (push, endpoint) == 0);
    while (n < 300 && zmq_recv (pull, c, sizeof c, 0) == 7)
        n++;
    printf ("%d arrived\n", n);
    done (push);
    done (pull);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    delivered (ctx, "inproc", -1);
    delivered (ctx, "inproc", 0);
    delivered (ctx, "tcp", -1);
    delivered (ctx, "tcp", 5000);
    delivered (ctx, "ipc", -1);
    after_disconnect (ctx);
    term (ctx);
    own_context ("tcp");
    own_context ("ipc");
    given_up (0, 1);
    given_up (200, 1);
    not_blocky ();
    nothing_sent ();
    return 0;
}
