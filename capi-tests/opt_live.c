/* Options that change with what happens: EVENTS, RCVMORE, LAST_ENDPOINT. */
#include "common.h"
#include "options.h"

static void show_last (void *s)
{
    char text[ENDPOINT];
    last_endpoint (s, text);
    printf ("last endpoint: %s\n", text);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    PART ("EVENTS before and after a peer is there");
    for (int t = 0; t < COUNT (socket_types); t++) {
        static const int peer[] = {ZMQ_PAIR,   ZMQ_SUB,  ZMQ_PUB, ZMQ_REP,
                                   ZMQ_REQ,    ZMQ_PUSH, ZMQ_PULL, ZMQ_DEALER,
                                   ZMQ_SUB,    ZMQ_PUB,  ZMQ_DEALER, -1};
        if (peer[t] == -1)
            continue;
        void *a = sock (ctx, socket_types[t].number), *b = sock (ctx, peer[t]);
        int before = get_int (a, ZMQ_EVENTS);
        join (a, b, "inproc");
        printf ("%s: %d, then %d\n", socket_types[t].name, before,
                get_int (a, ZMQ_EVENTS));
        done (a);
        done (b);
    }

    PART ("RCVMORE");
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    join (a, b, "inproc");
    send_parts (a, "1", "2", "3", NULL);
    char c;
    for (int i = 0; i < 3; i++) {
        SHOW (get_int (b, ZMQ_EVENTS));
        MUST (zmq_recv (b, &c, 1, 0) == 1);
        SHOW (get_int (b, ZMQ_RCVMORE));
    }
    SHOW (get_int (b, ZMQ_EVENTS));
    RC (zmq_recv (b, &c, 1, ZMQ_DONTWAIT));
    SHOW (get_int (b, ZMQ_RCVMORE));
    send_parts (a, "1", "2", NULL);
    MUST (zmq_recv (b, &c, 1, 0) == 1);
    SHOW (get_int (a, ZMQ_RCVMORE));
    SHOW (get_int (b, ZMQ_RCVMORE));
    MUST (zmq_recv (b, &c, 1, 0) == 1);
    done (a);
    done (b);

    PART ("LAST_ENDPOINT");
    a = sock (ctx, ZMQ_PULL);
    show_last (a);
    RC (zmq_bind (a, "inproc://one"));
    show_last (a);
    RC (zmq_bind (a, "inproc://one"));
    show_last (a);
    RC (zmq_connect (a, "inproc://two"));
    show_last (a);
    RC (zmq_connect (a, "tcp://127.0.0.1:7"));
    show_last (a);
    RC (zmq_connect (a, "tcp://localhost:7"));
    show_last (a);
    RC (zmq_bind (a, "ipc://somewhere"));
    show_last (a);
    RC (zmq_unbind (a, "ipc://somewhere"));
    show_last (a);
    RC (zmq_bind (a, "tcp://nowhere"));
    show_last (a);
    char text[ENDPOINT];
    size_t len = 5;
    RC (zmq_getsockopt (a, ZMQ_LAST_ENDPOINT, text, &len));
    len = strlen ("ipc://somewhere");
    RC (zmq_getsockopt (a, ZMQ_LAST_ENDPOINT, text, &len));
    len++;
    RC (zmq_getsockopt (a, ZMQ_LAST_ENDPOINT, text, &len));
    SHOW (len);
    done (a);

    PART ("HWM changed on a live pipe");
    a = sock (ctx, ZMQ_PUSH);
    b = sock (ctx, ZMQ_PULL);
    set_int (a, ZMQ_SNDHWM, 2);
    set_int (b, ZMQ_RCVHWM, 3);
    join (b, a, "inproc");
    int n = 0;
    while (n < 4 && zmq_send (a, "x", 1, ZMQ_DONTWAIT) == 1)
        n++;
    printf ("sent %d\n", n);
    set_int (a, ZMQ_SNDHWM, 5);
    while (n < 100 && zmq_send (a, "x", 1, ZMQ_DONTWAIT) == 1)
        n++;
    printf ("sent %d\n", n);
    done (a);
    done (b);
    term (ctx);
    be_alone ();
    return 0;
}
