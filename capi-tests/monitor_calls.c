/* zmq_socket_monitor itself: wrong calls, masks, replacing and ending a monitor. */
#include "monitor.h"

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    void *s = sock (ctx, ZMQ_DEALER), *taken = sock (ctx, ZMQ_PAIR);
    char endpoint[ENDPOINT];
    MUST (zmq_bind (taken, "inproc://taken") == 0);
    PART ("wrong calls");
    RC (zmq_socket_monitor (s, "tcp://127.0.0.1:5555", ZMQ_EVENT_ALL));
    RC (zmq_socket_monitor (s, "ipc://x", ZMQ_EVENT_ALL));
    RC (zmq_socket_monitor (s, "foo://x", ZMQ_EVENT_ALL));
    RC (zmq_socket_monitor (s, "inproc", ZMQ_EVENT_ALL));
    RC (zmq_socket_monitor (s, "inproc://", ZMQ_EVENT_ALL));
    RC (zmq_socket_monitor (s, "", ZMQ_EVENT_ALL));
    RC (zmq_socket_monitor (s, "inproc://taken", ZMQ_EVENT_ALL));
    RC (zmq_socket_monitor (s, "inproc://bits", 0x10000));
    RC (zmq_socket_monitor (s, "inproc://bits", -1));
    RC (zmq_socket_monitor (s, NULL, 0));
    RC (zmq_socket_monitor (s, NULL, -1));
    RC (zmq_socket_monitor (s, "inproc://nothing", 0));
    RC (zmq_socket_monitor (s, NULL, 0));

    PART ("a mask");
    void *mon = watch (ctx, s, ZMQ_EVENT_CLOSED | ZMQ_EVENT_LISTENING);
    bind_any (s, "tcp", endpoint);
    void *peer = sock (ctx, ZMQ_DEALER);
    MUST (zmq_connect (peer, endpoint) == 0);
    send_parts (peer, "hello", NULL);
    show_message ("received", s);
    MUST (zmq_unbind (s, endpoint) == 0);
    show_until ("socket", mon, ZMQ_EVENT_CLOSED);
    RC (zmq_socket_monitor (s, NULL, 0));
    show_quiet ("socket", mon);
    done (mon);

    PART ("replaced");
    mon = watch (ctx, s, ZMQ_EVENT_ALL);
    void *next = watch (ctx, s, ZMQ_EVENT_ALL);
    show_until ("first", mon, ZMQ_EVENT_MONITOR_STOPPED);
    bind_any (s, "tcp", endpoint);
    show_until ("second", next, ZMQ_EVENT_LISTENING);
    show_quiet ("first", mon);
    done (mon);

    PART ("ended");
    RC (zmq_socket_monitor (s, NULL, 0));
    show_until ("second", next, ZMQ_EVENT_MONITOR_STOPPED);
    done (next);
    PART ("the name is free again");
    long limit = now_ms () + PATIENCE;
    while (zmq_socket_monitor (s, "inproc://watch-2", ZMQ_EVENT_ALL) == -1)
        MUST (zmq_errno () == EADDRINUSE && now_ms () < limit);

    PART ("the monitored socket closes");
    mon = sock (ctx, ZMQ_PAIR);
    MUST (zmq_connect (mon, "inproc://watch-2") == 0);
    done (s);
    show_until ("socket", mon, ZMQ_EVENT_MONITOR_STOPPED);
    done (mon);

    PART ("the context ends");
    s = sock (ctx, ZMQ_DEALER);
    mon = watch (ctx, s, ZMQ_EVENT_ALL);
    MUST (zmq_ctx_shutdown (ctx) == 0);
    RC (zmq_socket_monitor (s, "inproc://late", ZMQ_EVENT_ALL));
    char c;
    RC (zmq_recv (mon, &c, 1, 0));
    done (mon);
    done (s);
    done (peer);
    done (taken);
    term (ctx);
    return 0;
}
