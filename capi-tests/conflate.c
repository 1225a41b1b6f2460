/* ZMQ_CONFLATE: only the last message is kept. */
#include "common.h"

static void keep_last (void *ctx, const char *name, int out_type, int in_type,
                       int on_sender)
{
    void *out = sock (ctx, out_type), *in = sock (ctx, in_type);
    char text[16];
    PART (name);
    set_int (in, ZMQ_CONFLATE, 1);
    if (on_sender)
        set_int (out, ZMQ_CONFLATE, 1);
    if (in_type == ZMQ_SUB)
        MUST (zmq_setsockopt (in, ZMQ_SUBSCRIBE, "", 0) == 0);
    join (in, out, "inproc");
    if (in_type == ZMQ_SUB) {
        /* The publisher has to see the subscription before it sends. */
        long limit = now_ms () + PATIENCE;
        do {
            send_parts (out, "sync", NULL);
        } while (!wait_for (in, ZMQ_POLLIN, 5) && now_ms () < limit);
    }
    for (int i = 0; i < 100; i++) {
        snprintf (text, sizeof text, "number %d", i);
        send_parts (out, text, NULL);
    }
    show_message ("in", in);
    show_empty ("in", in);
    send_parts (out, "another", NULL);
    show_message ("in", in);
    show_empty ("in", in);
    done (in);
    done (out);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    keep_last (ctx, "PULL, both ends", ZMQ_PUSH, ZMQ_PULL, 1);
    keep_last (ctx, "DEALER, both ends", ZMQ_DEALER, ZMQ_DEALER, 1);
    keep_last (ctx, "SUB, both ends", ZMQ_PUB, ZMQ_SUB, 1);

    PART ("the sender never blocks");
    void *push = sock (ctx, ZMQ_PUSH);
    set_int (push, ZMQ_CONFLATE, 1);
    set_int (push, ZMQ_SNDHWM, 1);
    RC (zmq_connect (push, "tcp://127.0.0.1:1"));
    int n = 0;
    while (n < 2000 && zmq_send (push, "m", 1, ZMQ_DONTWAIT) == 1)
        n++;
    printf ("%d sent\n", n);
    done (push);

    PART ("over tcp, to a receiver that starts to read late");
    void *pull = sock (ctx, ZMQ_PULL);
    push = sock (ctx, ZMQ_PUSH);
    set_int (pull, ZMQ_CONFLATE, 1);
    join (pull, push, "tcp");
    for (int i = 0; i < 200; i++)
        send_parts (push, "old", NULL);
    send_parts (push, "last", NULL);
    /* Some old one may be read before the last has come, but the last comes. */
    char text[8] = "";
    int reads = 0;
    while (strcmp (text, "last") != 0 && reads++ < 300)
        recv_text (pull, text, sizeof text);
    printf ("%s\n", text);
    show_empty ("pull", pull);
    done (push);
    done (pull);
    term (ctx);
    return 0;
}
