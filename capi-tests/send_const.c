/* zmq_send_const: a buffer that is constant for the program's whole life. */
#include "common.h"

static const char small[] = "constant";
static char large[100000];

static void through (void *ctx, const char *transport)
{
    void *in = sock (ctx, ZMQ_PULL), *out = sock (ctx, ZMQ_PUSH);
    zmq_msg_t msg;
    PART (transport);
    join (in, out, transport);
    RC (zmq_send_const (out, small, 8, 0));
    show_message ("small", in);
    RC (zmq_send_const (out, small, 0, ZMQ_SNDMORE));
    RC (zmq_send_const (out, small, 1, ZMQ_SNDMORE));
    RC (zmq_send (out, "copied", 6, ZMQ_SNDMORE));
    RC (zmq_send_const (out, small + 3, 5, ZMQ_DONTWAIT));
    show_message ("parts", in);
    RC (zmq_send_const (out, large, sizeof large, 0));
    MUST (zmq_msg_init (&msg) == 0);
    RC (zmq_msg_recv (&msg, in, 0));
    SHOW (memcmp (zmq_msg_data (&msg), large, sizeof large) == 0);
    MUST (zmq_msg_close (&msg) == 0);
    RC (zmq_send_const (out, NULL, 0, 0));
    show_message ("nothing", in);
    done (out);
    done (in);
}

int main (void)
{
    start ();
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char) (i * 7 + i / 256);
    void *ctx = zmq_ctx_new ();
    through (ctx, "inproc");
    through (ctx, "ipc");
    through (ctx, "tcp");
    PART ("refused");
    void *s = sock (ctx, ZMQ_PULL);
    RC (zmq_send_const (s, small, 8, 0));
    done (s);
    s = sock (ctx, ZMQ_PUSH);
    RC (zmq_send_const (s, small, 8, ZMQ_DONTWAIT));
    done (s);
    RC (zmq_send_const (NULL, small, 8, 0));
    term (ctx);
    return 0;
}
