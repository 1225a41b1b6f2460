/* ZMQ_IMMEDIATE: a queue only to those who are really there. */
#include "common.h"

int main (void)
{
    char endpoint[ENDPOINT];
    start ();
    void *ctx = zmq_ctx_new ();
    PART ("off: a queue at once");
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    RC (zmq_connect (push, "tcp://127.0.0.1:1"));
    RC (zmq_send (push, "x", 1, ZMQ_DONTWAIT));
    SHOW (get_int (push, ZMQ_EVENTS));
    done (push);

    PART ("on: none until the handshake is done");
    push = sock (ctx, ZMQ_PUSH);
    set_int (push, ZMQ_IMMEDIATE, 1);
    RC (zmq_connect (push, "tcp://127.0.0.1:1"));
    RC (zmq_send (push, "x", 1, ZMQ_DONTWAIT));
    SHOW (get_int (push, ZMQ_EVENTS));
    set_int (push, ZMQ_SNDTIMEO, 30);
    RC (zmq_send (push, "x", 1, 0));
    set_int (push, ZMQ_SNDTIMEO, PATIENCE);

    PART ("messages go only to the one that is there");
    bind_any (pull, "tcp", endpoint);
    MUST (zmq_connect (push, endpoint) == 0);
    for (int i = 0; i < 6; i++)
        send_parts (push, "here", NULL);
    for (int i = 0; i < 6; i++)
        show_message ("pull", pull);
    SHOW (get_int (push, ZMQ_EVENTS));
    done (push);
    done (pull);

    PART ("the same with DEALER and REQ");
    static const int types[] = {ZMQ_DEALER, ZMQ_REQ};
    for (int i = 0; i < 2; i++) {
        void *s = sock (ctx, types[i]), *router = sock (ctx, ZMQ_ROUTER);
        set_int (s, ZMQ_IMMEDIATE, 1);
        MUST (zmq_setsockopt (s, ZMQ_ROUTING_ID, "me", 2) == 0);
        RC (zmq_connect (s, "ipc://nobody"));
        RC (zmq_send (s, "x", 1, ZMQ_DONTWAIT));
        bind_any (router, "ipc", endpoint);
        MUST (zmq_connect (s, endpoint) == 0);
        SHOW (wait_for (s, ZMQ_POLLOUT, PATIENCE));
        send_parts (s, "now", NULL);
        show_message ("router", router);
        done (s);
        done (router);
    }

    PART ("inproc knows no handshake");
    push = sock (ctx, ZMQ_PUSH);
    set_int (push, ZMQ_IMMEDIATE, 1);
    RC (zmq_connect (push, "inproc://later"));
    RC (zmq_send (push, "queued", 6, ZMQ_DONTWAIT));
    pull = sock (ctx, ZMQ_PULL);
    RC (zmq_bind (pull, "inproc://later"));
    show_message ("pull", pull);
    done (push);
    done (pull);
    term (ctx);
    return 0;
}
