/* STREAM: plain TCP peers behind an address of five bytes. */
#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
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

static void served (void *ctx, int notify)
{
    void *s = sock (ctx, ZMQ_STREAM);
    unsigned char id[16], other[16];
    char endpoint[ENDPOINT], text[64];
    printf ("-- a client, notify %d\n", notify);
    set_int (s, ZMQ_STREAM_NOTIFY, notify);
    bind_any (s, "tcp", endpoint);
    int fd = connect_raw (endpoint);
    if (notify) {
        SHOW (zmq_recv (s, id, sizeof id, 0));
        SHOW (zmq_recv (s, text, sizeof text, 0));
        SHOW (get_int (s, ZMQ_RCVMORE));
    }
    MUST (write (fd, "hello", 5) == 5);
    SHOW (zmq_recv (s, other, sizeof other, 0));
    SHOW (other[0]);
    if (notify)
        SHOW (memcmp (id, other, 5));
    memcpy (id, other, 5);
    SHOW (get_int (s, ZMQ_RCVMORE));
    SHOW (zmq_recv (s, text, sizeof text, 0));
    print_bytes (text, 5);
    putchar ('\n');
    MUST (zmq_send (s, id, 5, ZMQ_SNDMORE) == 5);
    SHOW (zmq_send (s, "good bye", 8, 0));
    MUST (recv (fd, text, 8, MSG_WAITALL) == 8);
    print_bytes (text, 8);
    putchar ('\n');
    /* An empty part closes the connection. */
    MUST (zmq_send (s, id, 5, ZMQ_SNDMORE) == 5);
    SHOW (zmq_send (s, "", 0, 0));
    struct pollfd end = {fd, POLLIN, 0};
    long limit = now_ms () + PATIENCE;
    /* The end is arranged inside calls. */
    while (poll (&end, 1, 5) == 0 && now_ms () < limit)
        MUST (get_int (s, ZMQ_EVENTS) >= 0);
    SHOW (read (fd, text, 1));
    close (fd);
    RC (zmq_send (s, "12345", 5, ZMQ_SNDMORE));
    done (s);
}

static void client (void *ctx)
{
    void *a = sock (ctx, ZMQ_STREAM), *b = sock (ctx, ZMQ_STREAM);
    unsigned char id_a[16], id_b[16];
    char text[64];
    size_t len = sizeof id_b;
    PART ("one STREAM connects to another");
    join (a, b, "tcp");
    RC (zmq_getsockopt (b, ZMQ_ROUTING_ID, id_b, &len));
    SHOW (len);
    SHOW (zmq_recv (a, id_a, sizeof id_a, 0));
    SHOW (zmq_recv (a, text, sizeof text, 0));
    SHOW (zmq_recv (b, text, sizeof text, 0));
    SHOW (memcmp (text, id_b, 5));
    SHOW (zmq_recv (b, text, sizeof text, 0));
    MUST (zmq_send (b, id_b, 5, ZMQ_SNDMORE) == 5);
    MUST (zmq_send (b, "raw", 3, 0) == 3);
    SHOW (zmq_recv (a, text, sizeof text, 0));
    SHOW (memcmp (text, id_a, 5));
    SHOW (zmq_recv (a, text, sizeof text, 0));
    done (b);
    PART ("and leaves");
    SHOW (zmq_recv (a, text, sizeof text, 0));
    SHOW (memcmp (text, id_a, 5));
    SHOW (zmq_recv (a, text, sizeof text, 0));
    done (a);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    PART ("options");
    void *s = sock (ctx, ZMQ_STREAM);
    SHOW (get_int (s, ZMQ_TYPE));
    SHOW (get_int (s, ZMQ_EVENTS));
    static const int values[] = {-1, 0, 1, 2};
    for (int i = 0; i < COUNT (values); i++)
        RC (zmq_setsockopt (s, ZMQ_STREAM_NOTIFY, &values[i], sizeof (int)));
    RC (zmq_send (s, "12345", 5, ZMQ_SNDMORE));
    show_empty ("alone", s);
    done (s);
    served (ctx, 1);
    served (ctx, 0);
    client (ctx);
    term (ctx);
    return 0;
}
