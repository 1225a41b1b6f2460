/* ZMQ_RECONNECT_STOP (109, not in every zmq.h): when connecting is given up. */
#include "monitor.h"

enum { REFUSED = 1, HANDSHAKE = 2 };

static void *ctx;

static void nobody (const char *what, int flags, const char *endpoint, int ends)
{
    printf ("-- %s\n", what);
    void *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, LATER);
    set_int (client, ZMQ_RECONNECT_STOP, flags);
    SHOW (get_int (client, ZMQ_RECONNECT_STOP));
    void *mon = watch (ctx, client, ZMQ_EVENT_ALL);
    MUST (zmq_connect (client, endpoint) == 0);
    show_until_at ("client", mon, ends ? ZMQ_EVENT_CLOSED : ZMQ_EVENT_CONNECT_RETRIED, LATER);
    if (ends)
        show_quiet ("client", mon);
    poke (client);
    RC (zmq_disconnect (client, endpoint));
    poke (client);
    if (ends) {
        /* Given up is not for ever. */
        void *server = sock (ctx, ZMQ_DEALER);
        MUST (zmq_bind (server, endpoint) == 0);
        MUST (zmq_connect (client, endpoint) == 0);
        send_parts (client, "hello", NULL);
        show_message ("server", server);
        done (server);
        show_until ("client", mon, ZMQ_EVENT_DISCONNECTED);
    }
    done_watched ("client", client, mon);
}

int main (void)
{
    char endpoint[ENDPOINT];
    start ();
    ctx = zmq_ctx_new ();
    close (raw_listen (endpoint));
    nobody ("a refused connect", REFUSED, endpoint, 1);
    nobody ("without the flag", 0, endpoint, 0);
    nobody ("with another flag", HANDSHAKE, endpoint, 0);
    nobody ("ipc, which the flag is not for", REFUSED, "ipc://nobody", 0);
    term (ctx);
    return 0;
}
