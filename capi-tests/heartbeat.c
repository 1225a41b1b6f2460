/* Heartbeats, with a peer made of bytes: who asks, who answers, who gives up. */
#include "monitor.h"

static void *ctx;

static const unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
static const unsigned char ready[] = "\004\034\005READY\013Socket-Type\000\000\000\006DEALER";

static void get (int fd, void *to, size_t size)
{
    struct timeval limit = {PATIENCE / 1000, 0};
    MUST (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    for (size_t have = 0; have < size;) {
        ssize_t n = read (fd, (char *) to + have, size - have);
        MUST (n > 0);
        have += (size_t) n;
    }
}

/* Reads a short frame; returns the size of its body. */
static int get_frame (int fd, unsigned char *flags, unsigned char *body)
{
    unsigned char head[2];
    get (fd, head, 2);
    MUST (head[0] == 0 || head[0] == 1 || head[0] == 4);
    *flags = head[0];
    get (fd, body, head[1]);
    return head[1];
}

static void show_frame (const char *label, int fd)
{
    unsigned char flags, body[256];
    int size = get_frame (fd, &flags, body);
    printf ("%s: flags %d, ", label, flags);
    print_bytes (body, (size_t) size);
    putchar ('\n');
}

static void put (int fd, const void *bytes, size_t size)
{
    MUST (write (fd, bytes, size) == (ssize_t) size);
}

static void shake_hands (int fd)
{
    unsigned char theirs[64], flags, body[256];
    put (fd, greeting, sizeof greeting);
    get (fd, theirs, sizeof theirs);
    put (fd, ready, sizeof ready - 1);
    MUST (get_frame (fd, &flags, body) > 6 && memcmp (body, "\005READY", 6) == 0);
}

/* The library asks; at last nobody answers. */
static void asks (const char *what, int ttl, int timeout)
{
    printf ("-- %s\n", what);
    char endpoint[ENDPOINT];
    int listener = raw_listen (endpoint);
    void *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_HEARTBEAT_IVL, 150);
    if (ttl >= 0)
        set_int (client, ZMQ_HEARTBEAT_TTL, ttl);
    if (timeout >= 0)
        set_int (client, ZMQ_HEARTBEAT_TIMEOUT, timeout);
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    void *mon = watch (ctx, client, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
                                      | ZMQ_EVENT_MONITOR_STOPPED);
    MUST (zmq_connect (client, endpoint) == 0);
    int fd = accept (listener, NULL, NULL);
    MUST (fd >= 0);
    shake_hands (fd);
    show_event ("client", mon, PATIENCE, RETRY);
    show_frame ("asked", fd);
    long since = now_ms ();
    put (fd, "\004\005\004PONG", 7);
    show_frame ("asked again", fd);
    show_event ("client", mon, PATIENCE, RETRY);
    printf ("given up: %s\n", coarse (now_ms () - since, timeout >= 0 ? timeout : 150));
    close (fd);
    close (listener);
    done_watched ("client", client, mon);
}

/* The peer asks and says how long to wait for it. */
static void is_asked (void)
{
    PART ("asked by the peer");
    char endpoint[ENDPOINT];
    void *server = sock (ctx, ZMQ_DEALER);
    bind_any (server, "tcp", endpoint);
    void *mon = watch (ctx, server, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
                                      | ZMQ_EVENT_MONITOR_STOPPED);
    int fd = raw_connect (endpoint);
    shake_hands (fd);
    show_event ("server", mon, PATIENCE, RETRY);
    put (fd, "\004\007\004PING\000\000", 9);
    show_frame ("answer", fd);
    put (fd, "\004\015\004PING\000\000such a", 15);
    show_frame ("answer", fd);
    put (fd, "\000\005hello", 7);
    show_message ("server", server);
    long since = now_ms ();
    put (fd, "\004\007\004PING\000\003", 9);
    show_frame ("answer", fd);
    show_event ("server", mon, PATIENCE, RETRY);
    printf ("given up: %s\n", coarse (now_ms () - since, 300));
    close (fd);
    done_watched ("server", server, mon);
}

/* Two ends of the library keep each other alive. */
static void lasts (void)
{
    PART ("both ends ask");
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    void *const ends[] = {server, client};
    for (int i = 0; i < 2; i++) {
        set_int (ends[i], ZMQ_HEARTBEAT_IVL, 20);
        set_int (ends[i], ZMQ_HEARTBEAT_TIMEOUT, 5000);
        set_int (ends[i], ZMQ_HEARTBEAT_TTL, 5000);
    }
    void *mon = watch (ctx, client, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED);
    join (server, client, "tcp");
    send_parts (client, "first", NULL);
    show_message ("server", server);
    show_quiet ("client", mon);
    send_parts (server, "second", NULL);
    show_message ("client", client);
    done_watched ("client", client, mon);
    done (server);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    asks ("an interval", -1, -1);
    asks ("an interval and a time", -1, 400);
    asks ("an interval, a time and a time to live", 2550, 300);
    is_asked ();
    lasts ();
    term (ctx);
    return 0;
}
