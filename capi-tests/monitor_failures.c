/* Events of what fails: connects, binds, handshakes. */
#include "monitor.h"

static void *ctx;

static void refused (const char *endpoint)
{
    printf ("-- connect where nobody listens, %.3s\n", endpoint);
    void *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, RETRY);
    void *mon = watch (ctx, client, ZMQ_EVENT_ALL);
    MUST (zmq_connect (client, endpoint) == 0);
    show_until ("client", mon, ZMQ_EVENT_CONNECT_RETRIED);
    show_until ("client", mon, ZMQ_EVENT_CONNECT_RETRIED);
    done_retrying ("client", client, mon);

    PART ("without retry");
    client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    mon = watch (ctx, client, ZMQ_EVENT_ALL);
    MUST (zmq_connect (client, endpoint) == 0);
    show_until ("client", mon, ZMQ_EVENT_CLOSED);
    show_quiet ("client", mon);
    RC (zmq_disconnect (client, endpoint));
    done_watched ("client", client, mon);
}

static void unresolved (void)
{
    PART ("an address that means nothing");
    void *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, RETRY);
    void *mon = watch (ctx, client, ZMQ_EVENT_ALL);
    MUST (zmq_connect (client, "tcp://127.0.0.1:65536") == 0);
    show_until ("client", mon, ZMQ_EVENT_CONNECT_RETRIED);
    show_until ("client", mon, ZMQ_EVENT_CONNECT_RETRIED);
    done_retrying ("client", client, mon);
}

static void lost_without_retry (void)
{
    PART ("a loss without retry");
    char endpoint[ENDPOINT];
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    void *mon = watch (ctx, client, ZMQ_EVENT_ALL);
    bind_any (server, "tcp", endpoint);
    MUST (zmq_connect (client, endpoint) == 0);
    show_until ("client", mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    done (server);
    show_until ("client", mon, ZMQ_EVENT_DISCONNECTED);
    show_quiet ("client", mon);
    RC (zmq_disconnect (client, endpoint));
    done_watched ("client", client, mon);
}

static void binds (void)
{
    static const char *addresses[] = {
      "tcp://no-such-interface0:5555", "tcp://192.0.2.1:5555", "tcp://x", "ipc:///no/such/directory/x",
    };
    PART ("binds that fail");
    void *server = sock (ctx, ZMQ_DEALER), *other = sock (ctx, ZMQ_DEALER);
    char endpoint[ENDPOINT];
    bind_any (other, "tcp", endpoint);
    void *mon = watch (ctx, server, ZMQ_EVENT_ALL);
    MUST (zmq_bind (server, endpoint) == -1);
    show_until ("server", mon, ZMQ_EVENT_BIND_FAILED);
    for (int i = 0; i < COUNT (addresses); i++) {
        printf ("%s: %d\n", addresses[i], zmq_bind (server, addresses[i]));
        while (show_event ("server", mon, 100, RETRY) != 0)
            ;
    }
    done_watched ("server", server, mon);
    done (other);
}

/* What a peer that does not shake hands does after what it says: nothing, until the time
   for the handshake is over; it closes its side; or what it says is enough. */
enum then { SILENCE, END, ENOUGH };

/* A listener meets peers that do not shake hands. */
static void accepted (const char *what, const void *bytes, size_t size, enum then then)
{
    printf ("-- accepted: %s\n", what);
    char endpoint[ENDPOINT];
    void *server = sock (ctx, ZMQ_DEALER);
    set_int (server, ZMQ_HANDSHAKE_IVL, then == SILENCE ? 200 : 0);
    bind_any (server, "tcp", endpoint);
    void *mon = watch (ctx, server, ZMQ_EVENT_ALL);
    int fd = raw_connect (endpoint);
    if (size > 0)
        MUST (write (fd, bytes, size) == (ssize_t) size);
    if (then == END) {
        usleep (50000);
        shutdown (fd, SHUT_WR);
    }
    show_until ("server", mon, ZMQ_EVENT_DISCONNECTED);
    show_quiet ("server", mon);
    close (fd);
    done_watched ("server", server, mon);
}

/* A connecting socket meets a peer that does not shake hands. If that is not for what it
   says, there is another attempt. */
static void connected (const char *what, const void *bytes, size_t size, enum then then)
{
    printf ("-- connected: %s\n", what);
    char endpoint[ENDPOINT];
    int listener = raw_listen (endpoint);
    void *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_HANDSHAKE_IVL, then == SILENCE ? 200 : 0);
    set_int (client, ZMQ_RECONNECT_IVL, LATER);
    void *mon = watch (ctx, client, ZMQ_EVENT_ALL);
    MUST (zmq_connect (client, endpoint) == 0);
    int fd = accept (listener, NULL, NULL);
    MUST (fd >= 0);
    if (size > 0)
        MUST (write (fd, bytes, size) == (ssize_t) size);
    if (then == END) {
        usleep (50000);
        shutdown (fd, SHUT_WR);
    }
    show_until ("client", mon, ZMQ_EVENT_DISCONNECTED);
    if (then != ENOUGH)
        show_event ("client", mon, PATIENCE, LATER);
    else
        show_quiet ("client", mon);
    RC (zmq_disconnect (client, endpoint));
    close (fd);
    close (listener);
    done_watched ("client", client, mon);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    refused ("tcp://127.0.0.1:9");
    refused ("ipc://nobody-here");
    unresolved ();
    lost_without_retry ();
    binds ();

    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    unsigned char plain[64], ready[96], command[96];
    memcpy (plain, greeting, 64);
    memcpy (plain + 12, "PLAIN", 5);
    memcpy (ready, greeting, 64);
    memcpy (ready + 64, "\004\007\005READX", 8);
    memcpy (command, greeting, 64);
    /* The type of a socket that has nothing to say to a DEALER. */
    memcpy (command + 64, "\004\031\005READY\013Socket-Type\000\000\000\003PUB", 27);
    void (*const sides[]) (const char *, const void *, size_t, enum then) = {accepted, connected};
    for (int i = 0; i < 2; i++) {
        sides[i] ("silence", NULL, 0, SILENCE);
        sides[i] ("the end at once", NULL, 0, END);
        sides[i] ("half a greeting and the end", greeting, 20, END);
        sides[i] ("a greeting and silence", greeting, 64, SILENCE);
        sides[i] ("a greeting and the end", greeting, 64, END);
        sides[i] ("another mechanism", plain, 64, ENOUGH);
        sides[i] ("half a command", ready, 72, SILENCE);
        sides[i] ("a type that does not fit", command, 91, ENOUGH);
    }
    term (ctx);
    return 0;
}
