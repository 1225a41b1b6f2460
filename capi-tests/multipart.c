/* Messages of many parts: all or nothing, and up to many thousand parts. */
#include "common.h"

static void many (void *ctx, const char *transport, int parts, size_t size)
{
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    unsigned char *body = malloc (size + 1), *got = malloc (size + 1);
    int wrong = 0, more = 1, n = 0;
    MUST (body && got);
    join (pull, push, transport);
    for (int p = 0; p < parts; p++) {
        memset (body, p & 255, size);
        MUST (zmq_send (push, body, size, p + 1 < parts ? ZMQ_SNDMORE : 0)
              == (int) size);
    }
    while (more) {
        int rc = zmq_recv (pull, got, size, 0);
        wrong += rc != (int) size || (size && got[size - 1] != (n & 255));
        more = get_int (pull, ZMQ_RCVMORE);
        n++;
    }
    printf ("%s %d x %zu: %d parts, %d wrong\n", transport, parts, size, n, wrong);
    free (body);
    free (got);
    done (push);
    done (pull);
}

static void hidden_until_whole (void *ctx, const char *transport)
{
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    PART ("nothing is seen before the last part is sent");
    join (pull, push, transport);
    send_parts (push, "first", NULL);
    show_message ("pull", pull);
    MUST (zmq_send (push, "begun", 5, ZMQ_SNDMORE) == 5);
    MUST (zmq_send (push, "still", 5, ZMQ_SNDMORE) == 5);
    SHOW (wait_for (pull, ZMQ_POLLIN, 50));
    show_empty ("pull", pull);
    MUST (zmq_send (push, "end", 3, 0) == 3);
    show_message ("pull", pull);
    done (push);
    done (pull);
}

static void given_up (void *ctx, const char *transport)
{
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    char endpoint[ENDPOINT];
    PART ("a message begun and never ended is not delivered");
    set_int (push, ZMQ_LINGER, -1);
    bind_any (pull, transport, endpoint);
    MUST (zmq_connect (push, endpoint) == 0);
    send_parts (push, "whole", "message", NULL);
    MUST (zmq_send (push, "begun", 5, ZMQ_SNDMORE) == 5);
    done (push);
    show_message ("pull", pull);
    push = sock (ctx, ZMQ_PUSH);
    MUST (zmq_connect (push, endpoint) == 0);
    send_parts (push, "of the next sender", NULL);
    show_message ("pull", pull);
    show_empty ("pull", pull);
    done (push);
    done (pull);
}

static void half_read (void *ctx)
{
    void *a = sock (ctx, ZMQ_PUSH), *b = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    char endpoint[ENDPOINT], text[16];
    PART ("a message is read to its end before the next sender's turn");
    bind_any (pull, "inproc", endpoint);
    MUST (zmq_connect (a, endpoint) == 0 && zmq_connect (b, endpoint) == 0);
    send_parts (a, "a1", "a2", "a3", NULL);
    send_parts (b, "b1", "b2", "b3", NULL);
    send_parts (a, "a4", "a5", NULL);
    for (int i = 0; i < 8; i++) {
        recv_text (pull, text, sizeof text);
        printf ("%s%s", text, get_int (pull, ZMQ_RCVMORE) ? "+" : "\n");
    }
    done (a);
    done (b);
    done (pull);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    static const char *transports[] = {"inproc", "tcp", "ipc"};
    for (int t = 0; t < 3; t++) {
        many (ctx, transports[t], 2, 0);
        many (ctx, transports[t], 100, 1);
        many (ctx, transports[t], 300, 33);
        many (ctx, transports[t], 300, 34);
        many (ctx, transports[t], 50, 10000);
        many (ctx, transports[t], 20000, 1);
        hidden_until_whole (ctx, transports[t]);
        given_up (ctx, transports[t]);
    }
    half_read (ctx);
    term (ctx);
    return 0;
}
