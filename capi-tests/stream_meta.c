/* Raw connections: properties of messages, monitor events, ipc. */
#include "tcp.h"

static void show_properties (const char *label, void *s, int fd_of_first)
{
    static int first = -1;
    for (int i = 0; i < 2; i++) {
        zmq_msg_t msg;
        MUST (zmq_msg_init (&msg) == 0);
        MUST (zmq_msg_recv (&msg, s, 0) >= 0);
        const char *address = zmq_msg_gets (&msg, "Peer-Address");
        const char *type = zmq_msg_gets (&msg, "Socket-Type");
        const char *id = zmq_msg_gets (&msg, "Routing-Id");
        int fd = zmq_msg_get (&msg, ZMQ_SRCFD);
        if (fd_of_first)
            first = fd;
        printf ("%s %s: %s, %s, %s, %s, %s\n", label, i ? "data" : "id",
                address ? address : "no address", type ? type : "no type",
                id ? id : "no id", fd >= 0 ? "a descriptor" : "none",
                fd == first ? "the same" : "another");
        MUST (zmq_msg_close (&msg) == 0);
    }
}

static const struct {
    int number;
    const char *name;
} event_names[] = {
  {ZMQ_EVENT_CONNECTED, "CONNECTED"},
  {ZMQ_EVENT_CONNECT_DELAYED, "CONNECT_DELAYED"},
  {ZMQ_EVENT_CONNECT_RETRIED, "CONNECT_RETRIED"},
  {ZMQ_EVENT_LISTENING, "LISTENING"},
  {ZMQ_EVENT_ACCEPTED, "ACCEPTED"},
  {ZMQ_EVENT_CLOSED, "CLOSED"},
  {ZMQ_EVENT_DISCONNECTED, "DISCONNECTED"},
  {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, "HANDSHAKE_SUCCEEDED"},
  {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, "HANDSHAKE_FAILED_NO_DETAIL"},
  {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, "HANDSHAKE_FAILED_PROTOCOL"},
  {ZMQ_EVENT_MONITOR_STOPPED, "MONITOR_STOPPED"},
};

/* Receives an event; its value is shown where it is an errno. */
static int show_event (void *m)
{
    unsigned char body[6];
    uint16_t event;
    uint32_t value;
    char text[ENDPOINT];
    if (zmq_recv (m, body, sizeof body, 0) != sizeof body) {
        printf ("event: %s\n", errno_name (zmq_errno ()));
        return 0;
    }
    MUST (zmq_recv (m, text, sizeof text, 0) >= 0);
    memcpy (&event, body, 2);
    memcpy (&value, body + 2, 4);
    for (int i = 0; i < COUNT (event_names); i++)
        if (event_names[i].number == event)
            printf ("event: %s", event_names[i].name);
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        printf (" %s", value == EPIPE ? "EPIPE" : errno_name ((int) value));
    putchar ('\n');
    return event;
}

static void *watch (void *ctx, void *s, const char *name)
{
    MUST (zmq_socket_monitor (s, name, ZMQ_EVENT_ALL) == 0);
    void *m = sock (ctx, ZMQ_PAIR);
    MUST (zmq_connect (m, name) == 0);
    return m;
}

static void until (void *m, int last)
{
    for (int i = 0; i < 10 && show_event (m) != last; i++)
        ;
}

static void accepted (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM), *m = watch (ctx, s, "inproc://accepted");
    PART ("an accepted connection");
    bind_any (s, "tcp", endpoint);
    show_event (m);
    int fd = tcp_connect (endpoint);
    show_properties ("comes", s, 1);
    tcp_write (fd, "x", 1);
    show_properties ("writes", s, 0);
    close (fd);
    show_properties ("goes", s, 0);
    until (m, ZMQ_EVENT_DISCONNECTED);
    PART ("closed by us");
    fd = tcp_connect (endpoint);
    struct id id = take ("comes", s);
    until (m, ZMQ_EVENT_ACCEPTED);
    give (s, id, "", 0);
    tcp_show_end ("client", fd, s);
    close (fd);
    show_empty ("event", m);
    MUST (zmq_unbind (s, endpoint) == 0);
    until (m, ZMQ_EVENT_CLOSED);
    done (s);
    until (m, ZMQ_EVENT_MONITOR_STOPPED);
    done (m);
}

static void connected (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM), *m = watch (ctx, s, "inproc://connected");
    PART ("a connection made");
    int listener = tcp_listen (endpoint);
    set_int (s, ZMQ_RECONNECT_IVL, 20);
    MUST (zmq_connect (s, endpoint) == 0);
    int fd = tcp_accept (listener);
    show_properties ("made", s, 1);
    until (m, ZMQ_EVENT_CONNECTED);
    tcp_write (fd, "x", 1);
    show_properties ("data", s, 0);
    close (fd);
    show_properties ("lost", s, 0);
    until (m, ZMQ_EVENT_DISCONNECTED);
    fd = tcp_accept (listener);
    show_properties ("again", s, 1);
    until (m, ZMQ_EVENT_CONNECTED);
    close (fd);
    until (m, ZMQ_EVENT_CONNECT_RETRIED);
    close (listener);
    done (s);
    done (m);
}

static void zmtp_peer (void *ctx)
{
    char endpoint[ENDPOINT];
    unsigned char greeting[16];
    void *s = sock (ctx, ZMQ_STREAM), *dealer = sock (ctx, ZMQ_DEALER);
    PART ("a greeting is data like any other");
    bind_any (s, "tcp", endpoint);
    MUST (zmq_connect (dealer, endpoint) == 0);
    struct id id = take ("comes", s), from;
    from.size = zmq_recv (s, from.bytes, sizeof from.bytes, 0);
    SHOW (same (id, from));
    int n = zmq_recv (s, greeting, sizeof greeting, 0);
    MUST (n >= 10);
    print_bytes (greeting, 10);
    putchar ('\n');
    done (dealer);
    done (s);
}

static void ipc (void *ctx)
{
    char endpoint[ENDPOINT];
    void *a = sock (ctx, ZMQ_STREAM), *b = sock (ctx, ZMQ_STREAM);
    PART ("ipc does as well");
    snprintf (endpoint, sizeof endpoint, "ipc://stream-%d.sock", (int) getpid ());
    RC (zmq_bind (a, endpoint) * 0);
    RC (zmq_connect (b, endpoint) * 0);
    struct id at_a = take ("a", a), at_b = take ("b", b);
    give (b, at_b, "over ipc", 8);
    SHOW (same (at_a, take ("a", a)));
    give (a, at_a, "", 0);
    nudge (a, b);
    SHOW (same (at_b, take ("b", b)));
    done (b);
    done (a);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    accepted (ctx);
    connected (ctx);
    zmtp_peer (ctx);
    ipc (ctx);
    term (ctx);
    return 0;
}
