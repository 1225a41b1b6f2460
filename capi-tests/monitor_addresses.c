/* What events call the two ends: a listener by what it is bound to, an accepted peer by the
   address that it came to, a connection by what was asked for. */
#include "monitor.h"

#include <net/if.h>

static void *ctx;

static void *watched (int type, int ipv6, void **mon)
{
    void *s = sock (ctx, type);
    set_int (s, ZMQ_IPV6, ipv6);
    set_int (s, ZMQ_RECONNECT_IVL, 5 * RETRY);
    *mon = watch (ctx, s, ZMQ_EVENT_ALL);
    return s;
}

/* Binds at `bound`, and connects to `host` at the port that this gave, or to all of it;
   `again`: twice. */
static void meet (const char *bound, const char *host, int ipv6, int again)
{
    printf ("-- %s from %s%s\n", bound, host ? host : "the same", ipv6 ? ", IPv6" : "");
    char endpoint[ENDPOINT], target[ENDPOINT];
    void *server_mon, *client_mon;
    void *server = watched (ZMQ_PULL, ipv6, &server_mon), *client = watched (ZMQ_PUSH, ipv6, &client_mon);
    if (zmq_bind (server, bound) == -1) {
        printf ("cannot bind: %s\n", errno_name (zmq_errno ()));
        show_until ("server", server_mon, ZMQ_EVENT_BIND_FAILED);
        done_watched ("server", server, server_mon);
        done_watched ("client", client, client_mon);
        return;
    }
    last_endpoint (server, endpoint);
    snprintf (target, sizeof target, "%s%s", host ? host : endpoint, host ? strrchr (endpoint, ':') : "");
    MUST (zmq_connect (client, target) == 0);
    show_until ("server", server_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    show_until ("client", client_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    if (again) {
        MUST (zmq_unbind (server, endpoint) == 0);
        poke (server);
        show_until ("server", server_mon, ZMQ_EVENT_CLOSED);
        MUST (zmq_bind (server, endpoint) == 0);
        show_until ("client", client_mon, ZMQ_EVENT_CONNECT_RETRIED);
        show_past_attempts ("client", client_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        show_until ("server", server_mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    }
    MUST (zmq_disconnect (client, target) == 0);
    poke (client);
    show_until ("server", server_mon, ZMQ_EVENT_DISCONNECTED);
    done_watched ("client", client, client_mon);
    done_watched ("server", server, server_mon);
}

/* Peers of a wildcard's listener that fail: one that is silent, until its time is over, and
   one with another mechanism. */
static void failures (int silent)
{
    printf ("-- %s at a wildcard\n", silent ? "silence" : "another mechanism");
    char endpoint[ENDPOINT], greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0PLAIN";
    void *mon, *server = watched (ZMQ_PULL, 0, &mon);
    set_int (server, ZMQ_HANDSHAKE_IVL, silent ? 100 : 0);
    MUST (zmq_bind (server, "tcp://*:*") == 0);
    last_endpoint (server, endpoint);
    show_until ("server", mon, ZMQ_EVENT_LISTENING);
    int fd = raw_connect (endpoint);
    if (!silent)
        MUST (write (fd, greeting, sizeof greeting) == sizeof greeting);
    show_until ("server", mon, ZMQ_EVENT_DISCONNECTED);
    close (fd);
    done_watched ("server", server, mon);
}

static void refused (void)
{
    PART ("a filter");
    char endpoint[ENDPOINT];
    void *mon, *server = watched (ZMQ_PULL, 0, &mon);
    MUST (zmq_setsockopt (server, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.0/8", 10) == 0);
    MUST (zmq_bind (server, "tcp://*:*") == 0);
    last_endpoint (server, endpoint);
    int fd = raw_connect (endpoint);
    show_until ("server", mon, ZMQ_EVENT_ACCEPT_FAILED);
    close (fd);
    done_watched ("server", server, mon);
}

/* A plain peer, which has no handshake. */
static void plain (void)
{
    PART ("STREAM at a wildcard");
    char endpoint[ENDPOINT];
    void *mon, *server = watched (ZMQ_STREAM, 0, &mon);
    MUST (zmq_bind (server, "tcp://*:*") == 0);
    last_endpoint (server, endpoint);
    int fd = raw_connect (endpoint);
    show_until ("server", mon, ZMQ_EVENT_ACCEPTED);
    close (fd);
    show_until ("server", mon, ZMQ_EVENT_DISCONNECTED);
    done_watched ("server", server, mon);
}

/* An address that needs its zone, if the system has one. */
static void zones (void)
{
    FILE *list = fopen ("/proc/net/if_inet6", "r");
    char digits[33], name[IF_NAMESIZE], bound[ENDPOINT], host[ENDPOINT - 2];
    unsigned index, length, scope, flags;
    while (list && fscanf (list, "%32s %x %x %x %x %15s", digits, &index, &length, &scope, &flags, name) == 6) {
        if (scope != 0x20)
            continue;
        size_t at = (size_t) snprintf (host, sizeof host, "tcp://[");
        for (int i = 0; i < 32; i += 4)
            at += (size_t) snprintf (host + at, sizeof host - at, "%.4s%s", digits + i, i < 28 ? ":" : "");
        snprintf (host + at, sizeof host - at, "%%%s]", name);
        snprintf (bound, sizeof bound, "%s:*", host);
        meet (bound, NULL, 1, 0);
        meet ("tcp://*:*", host, 1, 0);
        break;
    }
    if (list)
        fclose (list);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    meet ("tcp://*:*", "tcp://127.0.0.1", 0, 1);
    meet ("tcp://*:*", "tcp://127.1.2.3", 0, 0);
    meet ("tcp://127.0.0.1:*", NULL, 0, 0);
    meet ("tcp://lo:*", "tcp://localhost", 0, 1);
    meet ("tcp://0.0.0.0:*", NULL, 0, 0);
    meet ("tcp://*:*", "tcp://127.0.0.1", 1, 0);
    meet ("tcp://*:*", "tcp://[::1]", 1, 0);
    meet ("tcp://[::1]:*", NULL, 1, 0);
    meet ("tcp://10.255.255.1:*", NULL, 0, 0);
    meet ("tcp://[::]:*", "tcp://[::1]", 1, 0);
    meet ("tcp://[::]:*", "tcp://127.0.0.1", 1, 1);
    meet ("tcp://127.0.0.1:*", "tcp://127.0.0.1:0;127.0.0.1", 0, 0);
    meet ("tcp://[::1]:*", "tcp://[::1]:0;[::1]", 1, 0);
    meet ("ipc://here", NULL, 0, 1);
    meet ("ipc://./here", NULL, 0, 0);
    meet ("ipc://@monitor-addresses", NULL, 0, 0);
    meet ("ipc:///no/such/place", NULL, 0, 0);
    zones ();
    failures (0);
    failures (1);
    refused ();
    plain ();
    term (ctx);
    return 0;
}
