/* A peer on a plain socket that breaks off in the middle of something. */
#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int connect_raw (const char *endpoint)
{
    struct sockaddr_in to;
    memset (&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
    to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    MUST (fd >= 0 && connect (fd, (struct sockaddr *) &to, sizeof to) == 0);
    return fd;
}

static void put (int fd, const void *data, size_t size)
{
    MUST (write (fd, data, size) == (ssize_t) size);
}

static void take (int fd, size_t size)
{
    char c;
    while (size-- > 0)
        MUST (read (fd, &c, 1) == 1);
}

/* ZMTP 3.0 with NULL security, up to where messages may follow. */
static int greet (const char *endpoint, const char *type)
{
    int fd = connect_raw (endpoint);
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    unsigned char ready[64] = "\4\0\5READY\13Socket-Type\0\0\0\0", size;
    size_t n = strlen (type);
    put (fd, greeting, sizeof greeting);
    take (fd, 64);
    memcpy (ready + 24, type, n);
    ready[23] = (unsigned char) n;
    ready[1] = (unsigned char) (22 + n);
    put (fd, ready, 24 + n);
    take (fd, 1);
    MUST (read (fd, &size, 1) == 1);
    take (fd, size);
    return fd;
}

static void broken_message (void *ctx)
{
    void *pull = sock (ctx, ZMQ_PULL);
    char endpoint[ENDPOINT];
    PART ("a message that breaks off");
    bind_any (pull, "tcp", endpoint);
    int fd = greet (endpoint, "PUSH");
    put (fd, "\0\5whole", 7);
    show_message ("pull", pull);
    /* Two whole parts of three, and half of a frame. */
    put (fd, "\1\3one\1\3two\0\5ha", 14);
    close (fd);
    fd = greet (endpoint, "PUSH");
    put (fd, "\0\4next", 6);
    show_message ("pull", pull);
    put (fd, "\1\1a", 3);
    put (fd, "\0\1b", 3);
    show_message ("pull", pull);
    show_empty ("pull", pull);
    close (fd);
    done (pull);
}

static void broken_greetings (void *ctx)
{
    static const struct {
        const char *what;
        const char *bytes;
        size_t size;
    } starts[] = {
      {"nothing", "", 0},
      {"one byte", "\377", 1},
      {"half a greeting", "\377\0\0\0\0\0\0\0\1\177\3\0NUL", 15},
      {"text", "GET / HTTP/1.1\r\nHost: here\r\n\r\n", 30},
      {"zeros", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16},
    };
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    char endpoint[ENDPOINT];
    PART ("greetings that break off");
    bind_any (pull, "tcp", endpoint);
    for (int i = 0; i < COUNT (starts); i++) {
        int fd = connect_raw (endpoint);
        put (fd, starts[i].bytes, starts[i].size);
        close (fd);
        printf ("%s\n", starts[i].what);
    }
    MUST (zmq_connect (push, endpoint) == 0);
    send_parts (push, "all is well", NULL);
    show_message ("pull", pull);
    done (push);
    done (pull);
}

static void lost_requester (void *ctx)
{
    void *rep = sock (ctx, ZMQ_REP);
    char endpoint[ENDPOINT];
    PART ("a requester that goes");
    bind_any (rep, "tcp", endpoint);
    int fd = greet (endpoint, "REQ");
    put (fd, "\1\0\0\3ask", 7);
    show_message ("rep", rep);
    close (fd);
    RC (zmq_send (rep, "to nobody", 9, 0));
    fd = greet (endpoint, "REQ");
    put (fd, "\1\0\0\5again", 9);
    show_message ("rep", rep);
    RC (zmq_send (rep, "ok", 2, 0));
    unsigned char reply[6];
    for (size_t i = 0; i < sizeof reply; i++)
        MUST (read (fd, reply + i, 1) == 1);
    print_bytes (reply, sizeof reply);
    putchar ('\n');
    close (fd);
    done (rep);
}

static void lost_subscriber (void *ctx)
{
    void *pub = sock (ctx, ZMQ_XPUB);
    char endpoint[ENDPOINT];
    PART ("a subscriber that goes");
    bind_any (pub, "tcp", endpoint);
    int fd = greet (endpoint, "SUB");
    put (fd, "\0\3\1ab", 5);
    show_message ("pub", pub);
    put (fd, "\0\3\1xy", 5);
    show_message ("pub", pub);
    close (fd);
    show_message ("pub", pub);
    show_message ("pub", pub);
    RC (zmq_send (pub, "ab", 2, 0));
    show_empty ("pub", pub);
    done (pub);
}

static void dead_push_peer (void *ctx)
{
    void *push = sock (ctx, ZMQ_PUSH);
    char endpoint[ENDPOINT];
    PART ("a receiver that goes leaves no peer");
    bind_any (push, "tcp", endpoint);
    int fd = greet (endpoint, "PULL");
    SHOW (wait_for (push, ZMQ_POLLOUT, PATIENCE));
    close (fd);
    long limit = now_ms () + PATIENCE;
    int rc;
    do {
        rc = zmq_send (push, "x", 1, ZMQ_DONTWAIT);
    } while (rc == 1 && now_ms () < limit);
    printf ("at last %s\n", rc == -1 ? errno_name (zmq_errno ()) : "no error");
    done (push);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    broken_message (ctx);
    broken_greetings (ctx);
    lost_requester (ctx);
    lost_subscriber (ctx);
    dead_push_peer (ctx);
    term (ctx);
    return 0;
}
