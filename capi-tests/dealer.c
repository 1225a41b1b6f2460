/* DEALER: turns among peers when sending, fair among peers when receiving. */
#include "common.h"

enum { N = 3 };

static void turns (void *ctx)
{
    void *out = sock (ctx, ZMQ_DEALER), *in[N];
    char endpoint[ENDPOINT], text[16];
    PART ("sending in turn");
    for (int i = 0; i < N; i++) {
        in[i] = sock (ctx, ZMQ_DEALER);
        bind_any (in[i], "inproc", endpoint);
        MUST (zmq_connect (out, endpoint) == 0);
    }
    for (int i = 0; i < 7; i++) {
        snprintf (text, sizeof text, "m%d", i);
        /* All parts of a message go to one peer. */
        send_parts (out, text, "second", NULL);
    }
    for (int i = 0; i < N; i++) {
        printf ("peer %d\n", i);
        while (wait_for (in[i], ZMQ_POLLIN, 0))
            show_message ("got", in[i]);
    }
    PART ("a full peer is left out");
    for (int i = 0; i < N; i++)
        done (in[i]);
    done (out);
    out = sock (ctx, ZMQ_DEALER);
    for (int i = 0; i < 2; i++) {
        in[i] = sock (ctx, ZMQ_DEALER);
        set_int (in[i], ZMQ_RCVHWM, i == 0 ? 1 : 5);
        set_int (out, ZMQ_SNDHWM, 1);
        bind_any (in[i], "inproc", endpoint);
        MUST (zmq_connect (out, endpoint) == 0);
    }
    int n = 0;
    while (n < 100 && zmq_send (out, "x", 1, ZMQ_DONTWAIT) == 1)
        n++;
    printf ("sent %d, then %s\n", n, errno_name (zmq_errno ()));
    for (int i = 0; i < 2; i++) {
        int got = 0;
        char c;
        while (zmq_recv (in[i], &c, 1, ZMQ_DONTWAIT) == 1)
            got++;
        printf ("peer %d has %d\n", i, got);
        done (in[i]);
    }
    done (out);
}

static void fair (void *ctx)
{
    void *in = sock (ctx, ZMQ_DEALER), *out[N];
    char endpoint[ENDPOINT], text[16];
    PART ("receiving fairly");
    bind_any (in, "inproc", endpoint);
    for (int i = 0; i < N; i++) {
        out[i] = sock (ctx, ZMQ_DEALER);
        MUST (zmq_connect (out[i], endpoint) == 0);
    }
    for (int i = 0; i < N; i++)
        for (int m = 0; m < 3; m++) {
            snprintf (text, sizeof text, "%d/%d", i, m);
            send_parts (out[i], text, "tail", NULL);
        }
    for (int i = 0; i < 3 * N; i++)
        show_message ("got", in);
    show_empty ("then", in);
    for (int i = 0; i < N; i++)
        done (out[i]);
    done (in);
}

static void no_peer (void *ctx)
{
    char endpoint[ENDPOINT];
    PART ("no peer");
    void *s = sock (ctx, ZMQ_DEALER), *peer = sock (ctx, ZMQ_DEALER);
    RC (zmq_send (s, "x", 1, ZMQ_DONTWAIT));
    set_int (s, ZMQ_SNDTIMEO, 50);
    RC (zmq_send (s, "x", 1, 0));
    SHOW (get_int (s, ZMQ_EVENTS));
    bind_any (s, "inproc", endpoint);
    RC (zmq_send (s, "x", 1, ZMQ_DONTWAIT));
    MUST (zmq_connect (peer, endpoint) == 0);
    SHOW (get_int (s, ZMQ_EVENTS));
    RC (zmq_send (s, "x", 1, ZMQ_DONTWAIT));
    show_message ("peer", peer);
    MUST (zmq_disconnect (peer, endpoint) == 0);
    SHOW (get_int (s, ZMQ_EVENTS));
    RC (zmq_send (s, "x", 1, ZMQ_DONTWAIT));
    done (s);
    done (peer);
}

static void over (void *ctx, const char *transport)
{
    void *a = sock (ctx, ZMQ_DEALER), *b = sock (ctx, ZMQ_DEALER);
    PART (transport);
    join (a, b, transport);
    for (int i = 0; i < 3; i++) {
        send_parts (a, "a", "", NULL);
        send_parts (b, "", "b", NULL);
    }
    for (int i = 0; i < 3; i++) {
        show_message ("a", a);
        show_message ("b", b);
    }
    done (a);
    done (b);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    turns (ctx);
    fair (ctx);
    no_peer (ctx);
    over (ctx, "tcp");
    over (ctx, "ipc");
    term (ctx);
    return 0;
}
