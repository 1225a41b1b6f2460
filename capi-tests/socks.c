/*
 * ZMQ_SOCKS_PROXY: what the proxy is told, and the events. (A proxy that refuses
 * makes the reference abort; tests/socks.rs has those.)
 */
#include "monitor.h"

static void *ctx;

/* A proxy for one connection. */
struct proxy {
    int listener;
    char endpoint[ENDPOINT];
    const char *forward; /* where to, whatever is asked for */
    unsigned char method;
    char heard[2048]; /* shown in the end, not in between */
    pthread_t thread;
};

static void get (int fd, unsigned char *to, int size)
{
    for (int have = 0; have < size;) {
        ssize_t n = read (fd, to + have, (size_t) (size - have));
        MUST (n > 0);
        have += (int) n;
    }
}

static void note (struct proxy *proxy, const char *what, const unsigned char *bytes, int size)
{
    size_t used = strlen (proxy->heard), room = sizeof proxy->heard;
    used += (size_t) snprintf (proxy->heard + used, room - used, "proxy: %s", what);
    for (int i = 0; i < size; i++)
        used += (size_t) snprintf (proxy->heard + used, room - used, " %02x", bytes[i]);
    snprintf (proxy->heard + used, room - used, "\n");
}

static void relay (int a, int b)
{
    char buffer[4096];
    int ends[2] = {a, b};
    for (;;) {
        zmq_pollitem_t items[] = {{NULL, a, ZMQ_POLLIN, 0}, {NULL, b, ZMQ_POLLIN, 0}};
        if (zmq_poll (items, 2, PATIENCE) <= 0)
            return;
        for (int i = 0; i < 2; i++) {
            if (!items[i].revents)
                continue;
            ssize_t n = read (ends[i], buffer, sizeof buffer);
            if (n <= 0 || write (ends[!i], buffer, (size_t) n) != n)
                return;
        }
    }
}

/* Answers byte by byte, so that no answer comes in one piece. */
static void answer (int fd, const unsigned char *bytes, int size)
{
    for (int i = 0; i < size; i++) {
        MUST (write (fd, bytes + i, 1) == 1);
        usleep (1000);
    }
}

static void negotiate (struct proxy *proxy, int fd)
{
    unsigned char in[600];
    get (fd, in, 2);
    get (fd, in + 2, in[1]);
    note (proxy, "greeting", in, 2 + in[1]);
    answer (fd, (unsigned char[]){5, proxy->method}, 2);
    if (proxy->method == 2) {
        get (fd, in, 2);
        get (fd, in + 2, in[1] + 1);
        int password = in[2 + in[1]];
        get (fd, in + 3 + in[1], password);
        note (proxy, "login", in, 3 + in[1] + password);
        answer (fd, (unsigned char[]){1, 0}, 2);
    }
    get (fd, in, 5);
    int rest = in[3] == 1 ? 3 : in[3] == 4 ? 15 : in[4];
    get (fd, in + 5, rest);
    note (proxy, "request", in, 5 + rest);
    get (fd, in, 2); /* a port, which differs */
    answer (fd, (unsigned char[]){5, 0, 0, 3, 3, 'a', '.', 'b', 0, 80}, 10);
}

static void *serve (void *arg)
{
    struct proxy *proxy = arg;
    int fd = accept (proxy->listener, NULL, NULL);
    MUST (fd >= 0);
    negotiate (proxy, fd);
    int onward = raw_connect (proxy->forward);
    relay (fd, onward);
    close (onward);
    close (fd);
    return NULL;
}

static void *through (struct proxy *proxy, const char *user, const char *password, void **mon)
{
    proxy->listener = raw_listen (proxy->endpoint);
    MUST (pthread_create (&proxy->thread, NULL, serve, proxy) == 0);
    void *client = sock (ctx, ZMQ_DEALER);
    const char *address = proxy->endpoint + strlen ("tcp://");
    MUST (zmq_setsockopt (client, ZMQ_SOCKS_PROXY, address, strlen (address)) == 0);
    if (user) {
        MUST (zmq_setsockopt (client, ZMQ_SOCKS_USERNAME, user, strlen (user)) == 0);
        MUST (zmq_setsockopt (client, ZMQ_SOCKS_PASSWORD, password, strlen (password)) == 0);
    }
    set_int (client, ZMQ_RECONNECT_IVL, 60000);
    *mon = watch (ctx, client, ZMQ_EVENT_ALL);
    return client;
}

static void works (const char *what, const char *target, int named, const char *user)
{
    printf ("-- %s\n", what);
    char endpoint[ENDPOINT], text[ENDPOINT];
    void *server = sock (ctx, ZMQ_DEALER), *mon;
    bind_any (server, "tcp", endpoint);
    struct proxy proxy = {.forward = endpoint, .method = user ? 2 : 0};
    void *client = through (&proxy, user, user ? "secret" : NULL, &mon);
    snprintf (text, sizeof text, target, named ? 5555 : atoi (strrchr (endpoint, ':') + 1));
    MUST (zmq_connect (client, text) == 0);
    show_until ("client", mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    send_parts (client, "through", "the proxy", NULL);
    show_message ("server", server);
    send_parts (server, "and back", NULL);
    show_message ("client", client);
    last_endpoint (client, text);
    printf ("last endpoint");
    print_address (text);
    done_watched ("client", client, mon);
    pthread_join (proxy.thread, NULL);
    printf ("%s", proxy.heard);
    close (proxy.listener);
    done (server);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    works ("a numeric target", "tcp://127.0.0.1:%d", 0, NULL);
    works ("a name, which the proxy resolves", "tcp://some.host.invalid:%d", 1, NULL);
    works ("an IPv6 target", "tcp://[::1]:%d", 1, NULL);
    works ("a login", "tcp://some.host.invalid:%d", 1, "me");
    term (ctx);
    return 0;
}
