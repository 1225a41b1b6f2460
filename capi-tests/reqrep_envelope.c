/* What REQ puts in front of a request and what REP keeps of it. */
#include "common.h"

static void req_with_router (void *ctx, const char *transport)
{
    void *req = sock (ctx, ZMQ_REQ), *router = sock (ctx, ZMQ_ROUTER);
    PART ("REQ seen by a ROUTER");
    MUST (zmq_setsockopt (req, ZMQ_ROUTING_ID, "me", 2) == 0);
    join (router, req, transport);
    send_parts (req, "body", "two", NULL);
    show_message ("router", router);
    send_parts (router, "me", "", "reply", "x", NULL);
    show_message ("req", req);
    /* A reply without the delimiter is none; over inproc it is only skipped. */
    if (strcmp (transport, "inproc") == 0) {
        send_parts (req, "again", NULL);
        show_message ("router", router);
        send_parts (router, "me", "no delimiter", NULL);
        send_parts (router, "me", "", "proper", NULL);
        show_message ("req", req);
        send_parts (req, "third", NULL);
        show_message ("router", router);
        send_parts (router, "me", "", "", NULL);
        show_message ("req", req);
    }
    done (req);
    done (router);
}

static void dealer_with_rep (void *ctx, const char *transport)
{
    void *dealer = sock (ctx, ZMQ_DEALER), *rep = sock (ctx, ZMQ_REP);
    PART ("REP asked by a DEALER");
    join (rep, dealer, transport);
    send_parts (dealer, "", "plain", NULL);
    show_message ("rep", rep);
    send_parts (rep, "answer", NULL);
    show_message ("dealer", dealer);
    send_parts (dealer, "hop 1", "hop 2", "", "far", "away", NULL);
    show_message ("rep", rep);
    send_parts (rep, "way", "back", NULL);
    show_message ("dealer", dealer);
    /* Without a delimiter it is no request, and is dropped. */
    send_parts (dealer, "nothing", "here", NULL);
    send_parts (dealer, "", "after it", NULL);
    show_message ("rep", rep);
    send_parts (rep, "", NULL);
    show_message ("dealer", dealer);
    /* Two requests wait for one another. */
    send_parts (dealer, "", "1", NULL);
    send_parts (dealer, "", "2", NULL);
    show_message ("rep", rep);
    send_parts (rep, "a1", NULL);
    show_message ("rep", rep);
    send_parts (rep, "a2", NULL);
    show_message ("dealer", dealer);
    show_message ("dealer", dealer);
    done (dealer);
    done (rep);
}

static void correlate (void *ctx)
{
    void *req = sock (ctx, ZMQ_REQ), *router = sock (ctx, ZMQ_ROUTER);
    uint32_t first, second;
    char text[16];
    PART ("ZMQ_REQ_CORRELATE");
    set_int (req, ZMQ_REQ_CORRELATE, 1);
    MUST (zmq_setsockopt (req, ZMQ_ROUTING_ID, "me", 2) == 0);
    join (router, req, "inproc");
    send_parts (req, "one", NULL);
    recv_text (router, text, sizeof text);
    SHOW (zmq_recv (router, &first, sizeof first, 0));
    show_message ("router", router);
    /* An answer to some other request is not taken for this one's. */
    uint32_t other = first + 17;
    MUST (zmq_send (router, "me", 2, ZMQ_SNDMORE) == 2);
    MUST (zmq_send (router, &other, 4, ZMQ_SNDMORE) == 4);
    send_parts (router, "", "wrong", NULL);
    MUST (zmq_send (router, "me", 2, ZMQ_SNDMORE) == 2);
    MUST (zmq_send (router, &first, 4, ZMQ_SNDMORE) == 4);
    send_parts (router, "", "right", NULL);
    show_message ("req", req);
    send_parts (req, "two", NULL);
    recv_text (router, text, sizeof text);
    SHOW (zmq_recv (router, &second, sizeof second, 0));
    SHOW (second - first);
    show_message ("router", router);
    done (req);
    done (router);
}

static void relaxed (void *ctx)
{
    void *req = sock (ctx, ZMQ_REQ), *rep = sock (ctx, ZMQ_REP);
    PART ("ZMQ_REQ_RELAXED with ZMQ_REQ_CORRELATE");
    set_int (req, ZMQ_REQ_CORRELATE, 1);
    set_int (req, ZMQ_REQ_RELAXED, 1);
    join (rep, req, "tcp");
    send_parts (req, "first", NULL);
    show_message ("rep", rep);
    RC (zmq_send (req, "second", 6, 0));
    send_parts (rep, "answer to the first", NULL);
    show_message ("rep", rep);
    send_parts (rep, "answer to the second", NULL);
    show_message ("req", req);
    done (req);
    done (rep);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    req_with_router (ctx, "inproc");
    req_with_router (ctx, "tcp");
    dealer_with_rep (ctx, "inproc");
    dealer_with_rep (ctx, "ipc");
    correlate (ctx);
    relaxed (ctx);
    term (ctx);
    return 0;
}
