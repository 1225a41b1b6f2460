/* Several repliers take turns; several requesters are served in turn. */
#include "common.h"

enum { N = 3 };

static void one_req (void *ctx, const char *transport)
{
    void *req = sock (ctx, ZMQ_REQ), *rep[N];
    char endpoint[ENDPOINT], text[32];
    PART ("one REQ, three REP");
    for (int i = 0; i < N; i++) {
        rep[i] = sock (ctx, ZMQ_REP);
        bind_any (rep[i], transport, endpoint);
        MUST (zmq_connect (req, endpoint) == 0);
    }
    for (int round = 0; round < 2 * N; round++) {
        snprintf (text, sizeof text, "question %d", round);
        send_parts (req, text, NULL);
        void *one = rep[round % N];
        MUST (wait_for (one, ZMQ_POLLIN, PATIENCE));
        printf ("rep %d ", round % N);
        show_message ("got", one);
        snprintf (text, sizeof text, "from rep %d", round % N);
        send_parts (one, text, NULL);
        show_message ("req", req);
    }
    done (req);
    for (int i = 0; i < N; i++)
        done (rep[i]);
}

static void one_rep (void *ctx, const char *transport)
{
    void *rep = sock (ctx, ZMQ_REP), *req[N];
    char endpoint[ENDPOINT], text[32];
    PART ("three REQ, one REP");
    bind_any (rep, transport, endpoint);
    for (int i = 0; i < N; i++) {
        req[i] = sock (ctx, ZMQ_REQ);
        MUST (zmq_connect (req[i], endpoint) == 0);
        snprintf (text, sizeof text, "from req %d", i);
        send_parts (req[i], text, NULL);
    }
    /* Whoever comes first is served first; each gets its own answer. */
    for (int i = 0; i < N; i++) {
        int n = recv_text (rep, text, sizeof text);
        MUST (zmq_send (rep, text, (size_t) n, 0) == n);
    }
    for (int i = 0; i < N; i++)
        show_message ("req", req[i]);
    for (int i = 0; i < N; i++)
        done (req[i]);
    done (rep);
}

static void late_rep (void *ctx)
{
    void *req = sock (ctx, ZMQ_REQ), *rep = sock (ctx, ZMQ_REP);
    PART ("the REP comes after the request");
    RC (zmq_connect (req, "inproc://late"));
    RC (zmq_send (req, "early", 5, 0));
    RC (zmq_bind (rep, "inproc://late"));
    show_message ("rep", rep);
    send_parts (rep, "late", NULL);
    show_message ("req", req);
    done (req);
    done (rep);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    one_req (ctx, "inproc");
    one_rep (ctx, "inproc");
    one_rep (ctx, "tcp");
    one_rep (ctx, "ipc");
    late_rep (ctx);
    term (ctx);
    return 0;
}
