/* bind, unbind, connect, disconnect: order, repetition, what stays alive. */
#include "common.h"

#include <poll.h>

static void over (void *ctx, const char *transport)
{
    char endpoint[ENDPOINT];
    PART (transport);
    void *a = sock (ctx, ZMQ_PULL), *b = sock (ctx, ZMQ_PUSH), *c = sock (ctx, ZMQ_PULL);
    bind_any (a, transport, endpoint);
    int same = zmq_bind (a, endpoint);
    printf ("bind twice: %s\n", same ? errno_name (zmq_errno ()) : "ok");
    if (strcmp (transport, "ipc") != 0) {
        int other = zmq_bind (c, endpoint);
        printf ("bind by another: %s\n", other ? errno_name (zmq_errno ()) : "ok");
    }
    int rc = zmq_disconnect (c, endpoint);
    printf ("disconnect of a stranger: %s\n", rc ? errno_name (zmq_errno ()) : "ok");
    rc = zmq_unbind (c, endpoint);
    printf ("unbind of a stranger: %s\n", rc ? errno_name (zmq_errno ()) : "ok");
    RC (zmq_connect (b, endpoint));
    send_parts (b, "before", NULL);
    show_message ("got", a);
    RC (zmq_unbind (a, endpoint));
    RC (zmq_unbind (a, endpoint));
    /* Does a connection made before the unbind go on? */
    send_parts (b, "after the unbind", NULL);
    set_int (a, ZMQ_RCVTIMEO, 300);
    show_message ("got", a);
    RC (zmq_disconnect (b, endpoint));
    RC (zmq_disconnect (b, endpoint));
    RC (zmq_send (b, "x", 1, ZMQ_DONTWAIT));
    /* The address is free again, though the listener may close a little later. */
    long limit = now_ms () + PATIENCE;
    while ((rc = zmq_bind (c, endpoint)) != 0 && zmq_errno () == EADDRINUSE
           && now_ms () < limit)
        poll (NULL, 0, 2);
    printf ("bind again: %s\n", rc ? errno_name (zmq_errno ()) : "ok");
    RC (zmq_connect (b, endpoint));
    send_parts (b, "to the new one", NULL);
    show_message ("got", c);
    done (a);
    done (b);
    done (c);
}

static void repeated_connect (void *ctx, const char *name, int type, int peer)
{
    /* Some types take a second connect to one address for the same connection. */
    void *in = sock (ctx, peer), *out = sock (ctx, type);
    char endpoint[ENDPOINT];
    bind_any (in, "tcp", endpoint);
    MUST (zmq_connect (out, endpoint) == 0);
    int second = zmq_connect (out, endpoint);
    int d1 = zmq_disconnect (out, endpoint);
    int d2 = zmq_disconnect (out, endpoint);
    printf ("%s: second connect %d, disconnects %d %d\n", name, second, d1, d2);
    done (in);
    done (out);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    over (ctx, "inproc");
    over (ctx, "tcp");
    over (ctx, "ipc");
    PART ("connected twice");
    repeated_connect (ctx, "DEALER", ZMQ_DEALER, ZMQ_DEALER);
    repeated_connect (ctx, "SUB", ZMQ_SUB, ZMQ_PUB);
    repeated_connect (ctx, "PUB", ZMQ_PUB, ZMQ_SUB);
    repeated_connect (ctx, "REQ", ZMQ_REQ, ZMQ_REP);
    repeated_connect (ctx, "PUSH", ZMQ_PUSH, ZMQ_PULL);
    repeated_connect (ctx, "PULL", ZMQ_PULL, ZMQ_PUSH);

    PART ("several addresses on one socket");
    void *in = sock (ctx, ZMQ_PULL);
    char endpoints[3][ENDPOINT];
    bind_any (in, "tcp", endpoints[0]);
    bind_any (in, "ipc", endpoints[1]);
    bind_any (in, "inproc", endpoints[2]);
    for (int i = 0; i < 3; i++) {
        void *out = sock (ctx, ZMQ_PUSH);
        MUST (zmq_connect (out, endpoints[i]) == 0);
        send_parts (out, "through", NULL);
        show_message ("got", in);
        done (out);
    }
    done (in);

    PART ("wildcards cannot be unbound");
    void *s = sock (ctx, ZMQ_PULL);
    RC (zmq_bind (s, "tcp://127.0.0.1:*"));
    RC (zmq_unbind (s, "tcp://127.0.0.1:*"));
    RC (zmq_bind (s, "ipc://*"));
    RC (zmq_unbind (s, "ipc://*"));
    done (s);
    term (ctx);
    return 0;
}
