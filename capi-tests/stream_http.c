/* STREAM: as server and client of a text protocol, against plain sockets. */
#include "tcp.h"

static const char request[] = "GET / HTTP/1.0\r\n\r\n";
static const char head[] = "HTTP/1.0 200 OK\r\n\r\n";

/* Answers and closes at once: the answer has to arrive whole. */
static void serve (void *ctx, size_t size)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    printf ("-- an answer of %zu bytes and the end\n", size);
    bind_any (s, "tcp", endpoint);
    for (int i = 0; i < 3; i++) {
        int fd = tcp_connect (endpoint);
        struct id id = take ("comes", s);
        tcp_write (fd, request, sizeof request - 1);
        SHOW (same (id, take ("request", s)));
        char *body = malloc (size);
        MUST (body != NULL);
        memset (body, 'b', size);
        give (s, id, head, sizeof head - 1);
        give (s, id, body, size);
        give (s, id, "", 0);
        size_t total = 0;
        long limit = now_ms () + PATIENCE;
        while (now_ms () < limit) {
            char got[4096];
            struct pollfd in = {fd, POLLIN, 0};
            MUST (get_int (s, ZMQ_EVENTS) >= 0);
            if (poll (&in, 1, 2) == 0)
                continue;
            ssize_t n = recv (fd, got, sizeof got, 0);
            if (n <= 0)
                break;
            total += (size_t) n;
        }
        SHOW (total == size + sizeof head - 1);
        show_empty ("notice", s);
        free (body);
        close (fd);
    }
    done (s);
}

static void ask (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    struct id id;
    size_t len = sizeof id.bytes;
    PART ("a client that asks before the connection stands");
    int listener = tcp_listen (endpoint);
    MUST (zmq_connect (s, endpoint) == 0);
    MUST (zmq_getsockopt (s, ZMQ_ROUTING_ID, id.bytes, &len) == 0);
    id.size = (int) len;
    give (s, id, request, sizeof request - 1);
    int fd = tcp_accept (listener);
    tcp_show ("server", fd, sizeof request - 1);
    struct id made = take ("made", s);
    SHOW (memcmp (made.bytes, id.bytes, 5));
    tcp_write (fd, head, sizeof head - 1);
    take ("answer", s);
    PART ("the server closes, the client gives up");
    close (listener);
    close (fd);
    take ("lost", s);
    give (s, id, "", 0);
    show_empty ("after it", s);
    done (s);
}

static void parts (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    PART ("more parts than two are messages of their own");
    bind_any (s, "tcp", endpoint);
    int fd = tcp_connect (endpoint);
    struct id id = take ("comes", s);
    RC (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE));
    RC (zmq_send (s, "more", 4, ZMQ_SNDMORE));
    tcp_show ("client", fd, 4);
    RC (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE));
    RC (zmq_send (s, "and more", 8, 0));
    tcp_show ("client", fd, 8);
    PART ("an id alone takes the next part with it");
    RC (zmq_send (s, id.bytes, 5, 0));
    RC (zmq_send (s, "lost", 4, 0));
    RC (zmq_send (s, "", 0, 0));
    RC (zmq_send (s, "lost too", 8, ZMQ_SNDMORE));
    give (s, id, "found", 5);
    tcp_show ("client", fd, 5);
    PART ("one byte at a time");
    for (int i = 0; i < 3; i++) {
        tcp_write (fd, "abc" + i, 1);
        take ("byte", s);
    }
    for (int i = 0; i < 3; i++)
        give (s, id, "xyz" + i, 1);
    tcp_show ("client", fd, 3);
    close (fd);
    done (s);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    serve (ctx, 100);
    serve (ctx, 20000);
    ask (ctx);
    parts (ctx);
    term (ctx);
    return 0;
}
