/* ZMQ_ROUTER_RAW: a ROUTER for plain TCP peers, as it was before STREAM. */
#include "tcp.h"

static void serve (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_ROUTER);
    PART ("a client");
    set_int (s, ZMQ_ROUTER_RAW, 1);
    bind_any (s, "tcp", endpoint);
    int fd = tcp_connect (endpoint);
    struct id id = take ("comes", s);
    tcp_write (fd, "hello", 5);
    SHOW (same (id, take ("writes", s)));
    give (s, id, "answer", 6);
    tcp_show ("client", fd, 6);
    PART ("every part behind the id is a message");
    RC (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE));
    RC (zmq_send (s, "more", 4, ZMQ_SNDMORE));
    RC (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE));
    RC (zmq_send (s, "end", 3, 0));
    tcp_show ("client", fd, 7);
    PART ("nobody of that id");
    RC (zmq_send (s, "nobody", 6, ZMQ_SNDMORE));
    RC (zmq_send (s, "dropped", 7, 0));
    set_int (s, ZMQ_ROUTER_MANDATORY, 1);
    RC (zmq_send (s, "nobody", 6, ZMQ_SNDMORE));
    PART ("an empty part closes");
    give (s, id, "bye", 3);
    give (s, id, "", 0);
    tcp_show ("client", fd, 3);
    tcp_show_end ("client", fd, s);
    show_empty ("notice", s);
    close (fd);
    PART ("a client that goes");
    fd = tcp_connect (endpoint);
    id = take ("comes", s);
    close (fd);
    SHOW (same (id, take ("goes", s)));
    done (s);
}

static void off_again (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_ROUTER);
    PART ("switched off, it stays raw");
    set_int (s, ZMQ_ROUTER_RAW, 1);
    set_int (s, ZMQ_ROUTER_RAW, 0);
    bind_any (s, "tcp", endpoint);
    int fd = tcp_connect (endpoint);
    struct id id = take ("comes", s);
    give (s, id, "raw", 3);
    tcp_show ("client", fd, 3);
    close (fd);
    SHOW (same (id, take ("goes", s)));
    done (s);
}

static void connects (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_ROUTER);
    PART ("as a client, under a name");
    int listener = tcp_listen (endpoint);
    set_int (s, ZMQ_ROUTER_RAW, 1);
    MUST (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "server", 6) == 0);
    MUST (zmq_connect (s, endpoint) == 0);
    send_parts (s, "server", "question", NULL);
    int fd = tcp_accept (listener);
    tcp_show ("server", fd, 8);
    show_message ("made", s);
    tcp_write (fd, "reply", 5);
    show_message ("data", s);
    size_t len = 16;
    char id[16];
    RC (zmq_getsockopt (s, ZMQ_ROUTING_ID, id, &len));
    SHOW (len);
    close (fd);
    show_message ("lost", s);
    close (listener);
    done (s);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    serve (ctx);
    off_again (ctx);
    connects (ctx);
    term (ctx);
    return 0;
}
