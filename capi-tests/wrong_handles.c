/* NULL, closed and foreign handles given to every call that takes one. */
#include "common.h"

/* Looks like no socket: room enough to be read as one. */
static char foreign[8192];

static void every_call (void *s)
{
    int value = 0;
    size_t len = sizeof value;
    zmq_msg_t msg;
    MUST (zmq_msg_init (&msg) == 0);
    RC (zmq_send (s, "x", 1, 0));
    RC (zmq_send (s, "x", 1, ZMQ_DONTWAIT));
    RC (zmq_send_const (s, "x", 1, 0));
    RC (zmq_recv (s, &value, 1, 0));
    RC (zmq_msg_send (&msg, s, 0));
    RC (zmq_msg_recv (&msg, s, 0));
    RC (zmq_sendmsg (s, &msg, 0));
    RC (zmq_recvmsg (s, &msg, 0));
    RC (zmq_bind (s, "inproc://x"));
    RC (zmq_connect (s, "inproc://x"));
    RC (zmq_unbind (s, "inproc://x"));
    RC (zmq_disconnect (s, "inproc://x"));
    RC (zmq_setsockopt (s, ZMQ_LINGER, &value, sizeof value));
    RC (zmq_getsockopt (s, ZMQ_LINGER, &value, &len));
    RC (zmq_socket_monitor (s, "inproc://m", ZMQ_EVENT_ALL));
    RC (zmq_close (s));
    RC (zmq_msg_close (&msg));
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    PART ("NULL");
    every_call (NULL);
    PART ("not a socket");
    memset (foreign, 0, sizeof foreign);
    every_call (foreign);
    PART ("a context is not a socket");
    int value;
    RC (zmq_send (ctx, "x", 1, 0));
    RC (zmq_recv (ctx, &value, 1, 0));
    RC (zmq_close (ctx));
    PART ("a socket is not a context");
    void *s = sock (ctx, ZMQ_PAIR);
    RC (zmq_ctx_get (s, ZMQ_IO_THREADS));
    RC (zmq_ctx_set (s, ZMQ_IO_THREADS, 1));
    RC (zmq_ctx_shutdown (s));
    RC (zmq_ctx_term (s));
    PTR (zmq_socket (s, ZMQ_PAIR));
    RC (zmq_ctx_term (foreign));
    done (s);

    PART ("NULL where something else is due");
    s = sock (ctx, ZMQ_PAIR);
    RC (zmq_send (s, NULL, 0, ZMQ_DONTWAIT));
    RC (zmq_recv (s, NULL, 0, ZMQ_DONTWAIT));
    zmq_msg_t msg;
    RC (zmq_msg_init (&msg));
    RC (zmq_msg_close (&msg));
    RC (zmq_msg_recv (&msg, s, ZMQ_DONTWAIT));
    done (s);
    RC (zmq_poll (NULL, 1, 0));
    RC (zmq_poll (NULL, 0, 0));
    RC (zmq_proxy (NULL, NULL, NULL));
    RC (zmq_proxy_steerable (NULL, NULL, NULL, NULL));
    RC (zmq_timers_destroy (&(void *) {NULL}));
    term (ctx);
    return 0;
}
