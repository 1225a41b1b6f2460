/* Options that tcp hands to the kernel, as the kernel shows them. */
#include "monitor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static void *ctx;

/* The descriptor of the connection that a message comes from. */
static int connection_of (void *from, void *to)
{
    zmq_msg_t msg;
    send_parts (from, "hello", NULL);
    MUST (zmq_msg_init (&msg) == 0);
    MUST (zmq_msg_recv (&msg, to, 0) == 5);
    int fd = zmq_msg_get (&msg, ZMQ_SRCFD);
    MUST (fd >= 0);
    MUST (zmq_msg_close (&msg) == 0);
    return fd;
}

static int kernel (int fd, int level, int name)
{
    int value = -77;
    socklen_t size = sizeof value;
    MUST (getsockopt (fd, level, name, &value, &size) == 0);
    return value;
}

static void show_kernel (const char *label, int fd)
{
    char device[32] = "";
    socklen_t size = sizeof device;
    printf ("%s: keepalive %d", label, kernel (fd, SOL_SOCKET, SO_KEEPALIVE));
    printf (" count %d", kernel (fd, IPPROTO_TCP, TCP_KEEPCNT));
    printf (" idle %d", kernel (fd, IPPROTO_TCP, TCP_KEEPIDLE));
    printf (" interval %d", kernel (fd, IPPROTO_TCP, TCP_KEEPINTVL));
    printf (" patience %d", kernel (fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
    printf (" service %d", kernel (fd, IPPROTO_IP, IP_TOS));
    printf (" no delay %d", kernel (fd, IPPROTO_TCP, TCP_NODELAY));
    MUST (getsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size) == 0);
    printf (" device '%s'\n", size > 0 ? device : "");
}

struct setting {
    int option;
    int binder;
    int connecter;
};

/* Sets options on both ends and shows what became of their connection. */
static void connection (const char *what, const struct setting *set, int count)
{
    printf ("-- %s\n", what);
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    for (int i = 0; i < count; i++) {
        set_int (server, set[i].option, set[i].binder);
        set_int (client, set[i].option, set[i].connecter);
    }
    join (server, client, "tcp");
    show_kernel ("accepted", connection_of (client, server));
    show_kernel ("connected", connection_of (server, client));
    done (client);
    done (server);
}

static void buffers (int binder, int connecter)
{
    printf ("-- buffers of %d and %d\n", binder, connecter);
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    void *const ends[] = {server, client};
    set_int (server, ZMQ_SNDBUF, binder);
    set_int (server, ZMQ_RCVBUF, binder + 1000);
    set_int (client, ZMQ_SNDBUF, connecter);
    set_int (client, ZMQ_RCVBUF, connecter + 1000);
    join (server, client, "tcp");
    for (int i = 0; i < 2; i++) {
        int fd = connection_of (ends[!i], ends[i]);
        printf ("%s: out %d in %d\n", i ? "connected" : "accepted",
                kernel (fd, SOL_SOCKET, SO_SNDBUF), kernel (fd, SOL_SOCKET, SO_RCVBUF));
    }
    done (client);
    done (server);
}

/* The kernel tells a listener's limit where it tells a connection's losses. */
static void backlog (int value)
{
    void *server = sock (ctx, ZMQ_DEALER);
    struct tcp_info info;
    socklen_t size = sizeof info;
    unsigned char head[6];
    char text[ENDPOINT];
    int32_t fd;
    if (value >= 0)
        set_int (server, ZMQ_BACKLOG, value);
    void *mon = watch (ctx, server, ZMQ_EVENT_LISTENING);
    bind_any (server, "tcp", text);
    MUST (zmq_recv (mon, head, sizeof head, 0) == sizeof head);
    recv_text (mon, text, sizeof text);
    memcpy (&fd, head + 2, sizeof fd);
    MUST (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
    printf ("backlog %d: %u\n", value, info.tcpi_sacked);
    done (server);
    done (mon);
}

static void device (void)
{
    PART ("bound to a device");
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    MUST (zmq_setsockopt (server, ZMQ_BINDTODEVICE, "lo", 2) == 0);
    MUST (zmq_setsockopt (client, ZMQ_BINDTODEVICE, "lo", 2) == 0);
    join (server, client, "tcp");
    show_kernel ("accepted", connection_of (client, server));
    show_kernel ("connected", connection_of (server, client));
    done (client);
    done (server);
    server = sock (ctx, ZMQ_DEALER);
    MUST (zmq_setsockopt (server, ZMQ_BINDTODEVICE, "no-such-dev", 11) == 0);
    RC (zmq_bind (server, "tcp://127.0.0.1:*"));
    done (server);
}

int main (void)
{
    static const struct setting keepalive[] = {
      {ZMQ_TCP_KEEPALIVE, 1, 1},
      {ZMQ_TCP_KEEPALIVE_CNT, 5, 6},
      {ZMQ_TCP_KEEPALIVE_IDLE, 50, 60},
      {ZMQ_TCP_KEEPALIVE_INTVL, 15, 16}};
    static const struct setting one_side[] = {
      {ZMQ_TCP_KEEPALIVE, 0, 1},
      {ZMQ_TCP_KEEPALIVE_IDLE, 50, 60}};
    static const struct setting unset[] = {
      {ZMQ_TCP_KEEPALIVE_CNT, 5, 6},
      {ZMQ_TCP_KEEPALIVE_IDLE, 50, 60},
      {ZMQ_TCP_KEEPALIVE_INTVL, 15, 16}};
    static const struct setting others[] = {
      {ZMQ_TOS, 0x28, 0x48},
      {ZMQ_TCP_MAXRT, 1234, 5678}};
    static const int limits[] = {-1, 0, 1, 7, 100, 1000000};
    start ();
    ctx = zmq_ctx_new ();
    connection ("nothing set", NULL, 0);
    connection ("keepalive", keepalive, COUNT (keepalive));
    connection ("keepalive of one side", one_side, COUNT (one_side));
    connection ("keepalive not switched on", unset, COUNT (unset));
    connection ("type of service, patience", others, COUNT (others));
    buffers (20000, 40000);
    buffers (100000, 5000);
    PART ("backlog");
    for (int i = 0; i < COUNT (limits); i++)
        backlog (limits[i]);
    device ();
    term (ctx);
    return 0;
}
