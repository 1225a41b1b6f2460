/* zmq_msg_send and zmq_msg_recv: who owns the message afterwards. */
#include "common.h"

static int freed;

static void count_free (void *data, void *hint)
{
    (void) data;
    (void) hint;
    freed++;
}

static void over (void *ctx, const char *transport)
{
    static const size_t sizes[] = {0, 1, 33, 34, 1000, 100000};
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    zmq_msg_t out, in;
    PART (transport);
    join (a, b, transport);
    MUST (zmq_msg_init (&in) == 0);
    for (int i = 0; i < COUNT (sizes); i++) {
        MUST (zmq_msg_init_size (&out, sizes[i]) == 0);
        memset (zmq_msg_data (&out), 'k', sizes[i]);
        int more = i % 2 == 0 ? ZMQ_SNDMORE : 0;
        int sent = zmq_msg_send (&out, a, more);
        printf ("%zu: sent %d, left %zu", sizes[i], sent, zmq_msg_size (&out));
        MUST (zmq_msg_close (&out) == 0);
        if (more) {
            MUST (zmq_send (a, "tail", 4, 0) == 4);
        }
        /* One message is used for all that come. */
        int got = zmq_msg_recv (&in, b, 0);
        printf (", got %d, size %zu, more %d\n", got, zmq_msg_size (&in),
                zmq_msg_more (&in));
        if (more)
            MUST (zmq_msg_recv (&in, b, 0) == 4);
    }
    /* The flag decides, not what the message was once. */
    MUST (zmq_send (a, "1", 1, ZMQ_SNDMORE) == 1 && zmq_send (a, "2", 1, 0) == 1);
    MUST (zmq_msg_recv (&in, b, 0) == 1);
    SHOW (zmq_msg_more (&in));
    MUST (zmq_msg_send (&in, b, 0) == 1);
    show_message ("a", a);
    MUST (zmq_msg_close (&in) == 0);
    show_message ("b", b);
    done (a);
    done (b);
}

int main (void)
{
    zmq_msg_t msg;
    static char mine[64] = "my own bytes";
    start ();
    void *ctx = zmq_ctx_new ();
    over (ctx, "inproc");
    over (ctx, "tcp");

    PART ("a receive that fails empties the message all the same");
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    join (a, b, "inproc");
    MUST (zmq_msg_init_data (&msg, mine, sizeof mine, count_free, NULL) == 0);
    RC (zmq_msg_recv (&msg, b, ZMQ_DONTWAIT));
    SHOW (freed);
    SHOW (zmq_msg_size (&msg));
    MUST (zmq_msg_close (&msg) == 0);
    SHOW (freed);

    PART ("a send that fails leaves it");
    freed = 0;
    void *pull = sock (ctx, ZMQ_PULL), *lonely = sock (ctx, ZMQ_PUSH);
    MUST (zmq_msg_init_data (&msg, mine, sizeof mine, count_free, NULL) == 0);
    RC (zmq_msg_send (&msg, pull, 0));
    SHOW (zmq_msg_size (&msg));
    RC (zmq_msg_send (&msg, lonely, ZMQ_DONTWAIT));
    SHOW (zmq_msg_size (&msg));
    RC (zmq_msg_send (&msg, NULL, 0));
    SHOW (zmq_msg_size (&msg));
    RC (zmq_msg_send (&msg, a, 0));
    SHOW (zmq_msg_size (&msg));
    show_message ("b", b);
    SHOW (freed);
    MUST (zmq_msg_close (&msg) == 0);

    PART ("the old names");
    MUST (zmq_msg_init_size (&msg, 3) == 0);
    memcpy (zmq_msg_data (&msg), "old", 3);
    RC (zmq_sendmsg (a, &msg, 0));
    RC (zmq_recvmsg (b, &msg, 0));
    print_bytes (zmq_msg_data (&msg), zmq_msg_size (&msg));
    putchar ('\n');
    MUST (zmq_msg_close (&msg) == 0);
    done (pull);
    done (lonely);
    done (a);
    done (b);
    term (ctx);
    return 0;
}
