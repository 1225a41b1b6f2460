/* REQ and REP take turns: every step out of turn, on both sides. */
#include "common.h"

static void out_of_turn (void *ctx, const char *transport)
{
    void *req = sock (ctx, ZMQ_REQ), *rep = sock (ctx, ZMQ_REP);
    char c;
    PART (transport);
    join (rep, req, transport);
    RC (zmq_recv (req, &c, 1, ZMQ_DONTWAIT));
    RC (zmq_recv (req, &c, 1, 0));
    RC (zmq_send (rep, "x", 1, 0));
    RC (zmq_send (rep, "x", 1, ZMQ_DONTWAIT));
    SHOW (get_int (rep, ZMQ_EVENTS));
    MUST (wait_for (req, ZMQ_POLLOUT, PATIENCE));
    SHOW (get_int (req, ZMQ_EVENTS));
    send_parts (req, "question", "with", "parts", NULL);
    RC (zmq_send (req, "again", 5, 0));
    RC (zmq_recv (req, &c, 1, ZMQ_DONTWAIT));
    SHOW (get_int (req, ZMQ_EVENTS));
    /* In the middle of the request the REP may not answer yet. */
    MUST (zmq_recv (rep, &c, 1, 0) == 8);
    RC (zmq_send (rep, "early", 5, 0));
    SHOW (get_int (rep, ZMQ_EVENTS));
    MUST (zmq_recv (rep, &c, 1, 0) == 4);
    RC (zmq_send (rep, "early", 5, 0));
    MUST (zmq_recv (rep, &c, 1, 0) == 5);
    RC (zmq_recv (rep, &c, 1, ZMQ_DONTWAIT));
    RC (zmq_recv (rep, &c, 1, 0));
    SHOW (get_int (rep, ZMQ_EVENTS));
    RC (zmq_send (rep, "answer", 6, ZMQ_SNDMORE));
    RC (zmq_recv (rep, &c, 1, ZMQ_DONTWAIT));
    RC (zmq_send (rep, "end", 3, 0));
    RC (zmq_send (rep, "more", 4, 0));
    SHOW (wait_for (req, ZMQ_POLLIN, PATIENCE));
    RC (zmq_send (req, "again", 5, 0));
    MUST (zmq_recv (req, &c, 1, 0) == 6);
    RC (zmq_send (req, "again", 5, 0));
    MUST (zmq_recv (req, &c, 1, 0) == 3);
    RC (zmq_recv (req, &c, 1, ZMQ_DONTWAIT));
    send_parts (req, "second", NULL);
    show_message ("rep", rep);
    send_parts (rep, "second answer", NULL);
    show_message ("req", req);
    done (req);
    done (rep);
}

static void alone (void *ctx)
{
    char c;
    PART ("without a peer");
    void *req = sock (ctx, ZMQ_REQ), *rep = sock (ctx, ZMQ_REP);
    RC (zmq_send (req, "x", 1, ZMQ_DONTWAIT));
    RC (zmq_recv (req, &c, 1, ZMQ_DONTWAIT));
    RC (zmq_recv (rep, &c, 1, ZMQ_DONTWAIT));
    RC (zmq_send (rep, "x", 1, ZMQ_DONTWAIT));
    done (req);
    done (rep);
}

static void requester_gone (void *ctx)
{
    char endpoint[ENDPOINT], c;
    PART ("the requester is gone before the answer");
    void *rep = sock (ctx, ZMQ_REP), *req = sock (ctx, ZMQ_REQ);
    bind_any (rep, "inproc", endpoint);
    RC (zmq_connect (req, endpoint));
    send_parts (req, "bye", NULL);
    show_message ("rep", rep);
    RC (zmq_disconnect (req, endpoint));
    done (req);
    RC (zmq_send (rep, "to nobody", 9, 0));
    RC (zmq_recv (rep, &c, 1, ZMQ_DONTWAIT));
    req = sock (ctx, ZMQ_REQ);
    RC (zmq_connect (req, endpoint));
    send_parts (req, "next", NULL);
    show_message ("rep", rep);
    send_parts (rep, "answer", NULL);
    show_message ("req", req);
    done (req);
    done (rep);
}

static void replier_gone (void *ctx)
{
    char endpoint[ENDPOINT];
    PART ("the replier is gone before the answer");
    void *rep = sock (ctx, ZMQ_REP), *req = sock (ctx, ZMQ_REQ);
    bind_any (rep, "inproc", endpoint);
    RC (zmq_connect (req, endpoint));
    send_parts (req, "lost", NULL);
    show_message ("rep", rep);
    done (rep);
    set_int (req, ZMQ_RCVTIMEO, 100);
    show_message ("req waits on", req);
    RC (zmq_send (req, "x", 1, ZMQ_DONTWAIT));
    done (req);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    out_of_turn (ctx, "inproc");
    out_of_turn (ctx, "tcp");
    out_of_turn (ctx, "ipc");
    alone (ctx);
    requester_gone (ctx);
    replier_gone (ctx);
    term (ctx);
    return 0;
}
