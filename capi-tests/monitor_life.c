/* Events of connections that work: their order, values and addresses. */
#include "monitor.h"

static void *ctx;

static void *client_of (const char *endpoint, void **mon)
{
    void *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, RETRY);
    *mon = watch (ctx, client, ZMQ_EVENT_ALL);
    MUST (zmq_connect (client, endpoint) == 0);
    return client;
}

/* A name with "localhost" instead of the numbers. */
static void by_name (char *endpoint)
{
    char port[16];
    snprintf (port, sizeof port, "%s", strrchr (endpoint, ':'));
    snprintf (endpoint, ENDPOINT, "tcp://localhost%s", port);
}

static void life (const char *transport, int named)
{
    printf ("-- %s%s\n", transport, named ? " by name" : "");
    char endpoint[ENDPOINT];
    void *server = sock (ctx, ZMQ_DEALER), *client_mon;
    void *server_mon = watch (ctx, server, ZMQ_EVENT_ALL);
    bind_any (server, transport, endpoint);
    show_until ("server", server_mon, ZMQ_EVENT_LISTENING);
    char target[ENDPOINT];
    snprintf (target, sizeof target, "%s", endpoint);
    if (named)
        by_name (target);

    PART ("a connection");
    void *client = client_of (target, &client_mon);
    show_until ("client", client_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    show_until ("server", server_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    PART ("its client closes");
    done (client);
    show_until ("client", client_mon, ZMQ_EVENT_MONITOR_STOPPED);
    show_until ("server", server_mon, ZMQ_EVENT_DISCONNECTED);
    done (client_mon);

    PART ("disconnect");
    client = client_of (target, &client_mon);
    show_until ("client", client_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    show_until ("server", server_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    MUST (zmq_disconnect (client, target) == 0);
    poke (client);
    show_until ("server", server_mon, ZMQ_EVENT_DISCONNECTED);
    show_quiet ("client", client_mon);
    done_watched ("client", client, client_mon);

    PART ("unbind");
    client = client_of (target, &client_mon);
    show_until ("client", client_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    show_until ("server", server_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    MUST (zmq_unbind (server, endpoint) == 0);
    poke (server);
    show_until ("server", server_mon, ZMQ_EVENT_CLOSED);
    show_quiet ("server", server_mon);
    PART ("seen by the client, which tries again");
    show_until ("client", client_mon, ZMQ_EVENT_CONNECT_RETRIED);
    show_until ("client", client_mon, ZMQ_EVENT_CONNECT_RETRIED);
    PART ("bound again");
    MUST (zmq_bind (server, endpoint) == 0);
    show_until ("server", server_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    show_past_attempts ("client", client_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    PART ("the server closes");
    done_watched ("server", server, server_mon);
    show_until ("client", client_mon, ZMQ_EVENT_CONNECT_RETRIED);
    done_retrying ("client", client, client_mon);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    life ("tcp", 0);
    life ("tcp", 1);
    life ("ipc", 0);
    term (ctx);
    return 0;
}
