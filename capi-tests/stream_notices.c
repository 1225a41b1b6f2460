/* STREAM: what tells of connections that come, go and are closed. */
#include "tcp.h"

static void accepted (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    PART ("a client comes, writes and goes");
    bind_any (s, "tcp", endpoint);
    int fd = tcp_connect (endpoint);
    struct id first = take ("comes", s);
    tcp_write (fd, "one", 3);
    SHOW (same (first, take ("writes", s)));
    tcp_write (fd, "last", 4);
    close (fd);
    SHOW (same (first, take ("writes", s)));
    SHOW (same (first, take ("goes", s)));
    show_empty ("after it", s);
    PART ("the next one is another");
    fd = tcp_connect (endpoint);
    struct id second = take ("comes", s);
    SHOW (same (first, second));
    PART ("a reset");
    struct linger abrupt = {1, 0};
    MUST (setsockopt (fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt) == 0);
    close (fd);
    SHOW (same (second, take ("goes", s)));
    show_empty ("after it", s);
    PART ("half a close is a whole one");
    fd = tcp_connect (endpoint);
    struct id third = take ("comes", s);
    tcp_write (fd, "request", 7);
    MUST (shutdown (fd, SHUT_WR) == 0);
    SHOW (same (third, take ("writes", s)));
    SHOW (same (third, take ("goes", s)));
    tcp_show_end ("client", fd, s);
    close (fd);
    done (s);
}

static void closed_here (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    PART ("an empty part closes, without a notice");
    bind_any (s, "tcp", endpoint);
    int fd = tcp_connect (endpoint), other = tcp_connect (endpoint);
    struct id a = take ("comes", s), b = take ("comes", s);
    /* Which one is which shows by what it is told. */
    give (s, a, "a", 1);
    give (s, b, "b", 1);
    char told;
    MUST (recv (fd, &told, 1, 0) == 1);
    if (told == 'b') {
        int swap = fd;
        fd = other;
        other = swap;
    }
    give (s, a, "", 0);
    tcp_show_end ("closed", fd, s);
    RC (zmq_send (s, a.bytes, 5, ZMQ_SNDMORE));
    show_empty ("notice", s);
    PART ("the other one lives on");
    give (s, b, "still here", 10);
    tcp_write (other, "yes", 3);
    SHOW (same (b, take ("other", s)));
    close (fd);
    PART ("closing the socket ends it");
    done (s);
    char rest[32];
    SHOW (recv (other, rest, sizeof rest, MSG_WAITALL));
    close (other);
}

static void connected (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    PART ("a connection that is lost is made again, under the same id");
    int listener = tcp_listen (endpoint);
    set_int (s, ZMQ_RECONNECT_IVL, 20);
    MUST (zmq_connect (s, endpoint) == 0);
    struct id id;
    size_t len = sizeof id.bytes;
    memset (&id, 0, sizeof id);
    MUST (zmq_getsockopt (s, ZMQ_ROUTING_ID, id.bytes, &len) == 0);
    id.size = (int) len;
    for (int i = 0; i < 3; i++) {
        int fd = tcp_accept (listener);
        SHOW (same (id, take ("made", s)));
        give (s, id, "hello", 5);
        tcp_show ("server", fd, 5);
        tcp_write (fd, "bye", 3);
        close (fd);
        SHOW (same (id, take ("data", s)));
        SHOW (same (id, take ("lost", s)));
    }
    int fd = tcp_accept (listener);
    SHOW (same (id, take ("made", s)));
    PART ("disconnected, it is over without a notice");
    RC (zmq_disconnect (s, endpoint) * 0);
    tcp_show_end ("server", fd, s);
    RC (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE));
    show_empty ("notice", s);
    close (fd);
    PART ("closed by an empty part, it is not made again");
    MUST (zmq_connect (s, endpoint) == 0);
    fd = tcp_accept (listener);
    struct id fresh = take ("made", s);
    SHOW (same (id, fresh));
    give (s, fresh, "", 0);
    tcp_show_end ("server", fd, s);
    struct pollfd again = {listener, POLLIN, 0};
    SHOW (poll (&again, 1, 100));
    show_empty ("notice", s);
    RC (zmq_disconnect (s, endpoint) * 0);
    close (fd);
    close (listener);
    done (s);
}

static void quiet (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    PART ("no notices on request");
    set_int (s, ZMQ_STREAM_NOTIFY, 0);
    bind_any (s, "tcp", endpoint);
    int fd = tcp_connect (endpoint);
    tcp_write (fd, "only this", 9);
    struct id id = take ("data", s);
    give (s, id, "answer", 6);
    tcp_show ("client", fd, 6);
    close (fd);
    show_gone ("lost", s, id, 1);
    show_empty ("notice", s);
    done (s);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    accepted (ctx);
    closed_here (ctx);
    connected (ctx);
    quiet (ctx);
    term (ctx);
    return 0;
}
