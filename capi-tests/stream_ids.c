/* STREAM: ids given, chosen and unknown; options; several peers. */
#include "tcp.h"

static struct id routing_id (void *s)
{
    struct id id;
    size_t len = sizeof id.bytes;
    memset (&id, 0, sizeof id);
    MUST (zmq_getsockopt (s, ZMQ_ROUTING_ID, id.bytes, &len) == 0);
    id.size = (int) len;
    return id;
}

/* The counter in an automatic id. */
static unsigned counter (struct id id)
{
    MUST (id.size == 5);
    return (unsigned) id.bytes[1] << 24 | (unsigned) id.bytes[2] << 16
           | (unsigned) id.bytes[3] << 8 | id.bytes[4];
}

static void options (void *ctx)
{
    void *s = sock (ctx, ZMQ_STREAM);
    char small[4], text[300];
    size_t len;
    PART ("options");
    static const int values[] = {-1, 0, 1, 2};
    for (int i = 0; i < COUNT (values); i++)
        RC (zmq_setsockopt (s, ZMQ_STREAM_NOTIFY, &values[i], sizeof (int)));
    RC (zmq_setsockopt (s, ZMQ_STREAM_NOTIFY, small, 1));
    len = sizeof (int);
    RC (zmq_getsockopt (s, ZMQ_STREAM_NOTIFY, small, &len));
    RC (zmq_getsockopt (s, ZMQ_CONNECT_ROUTING_ID, small, &len));
    RC (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, NULL, 0));
    RC (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "", 0));
    memset (text, 'n', sizeof text);
    RC (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, text, sizeof text));
    RC (zmq_setsockopt (s, ZMQ_ROUTER_MANDATORY, &values[2], sizeof (int)));
    RC (zmq_setsockopt (s, ZMQ_PROBE_ROUTER, &values[2], sizeof (int)));
    SHOW (get_int (s, ZMQ_EVENTS));
    SHOW (get_int (s, ZMQ_TYPE));
    done (s);
}

static void announced (void *ctx)
{
    char endpoint[ENDPOINT], small[4];
    void *a = sock (ctx, ZMQ_STREAM), *b = sock (ctx, ZMQ_STREAM);
    PART ("the latest id is the routing id");
    SHOW (routing_id (b).size);
    RC (zmq_setsockopt (b, ZMQ_ROUTING_ID, "mine", 4));
    SHOW (routing_id (b).size);
    bind_any (a, "tcp", endpoint);
    MUST (zmq_connect (b, endpoint) == 0);
    struct id first = routing_id (b);
    SHOW (first.size);
    SHOW (first.bytes[0]);
    size_t len = sizeof small;
    RC (zmq_getsockopt (b, ZMQ_ROUTING_ID, small, &len));
    SHOW (same (first, take ("b", b)));
    MUST (zmq_connect (b, endpoint) == 0);
    struct id second = routing_id (b);
    SHOW (counter (second) - counter (first));
    SHOW (same (second, take ("b", b)));
    RC (zmq_setsockopt (b, ZMQ_ROUTING_ID, "again", 5));
    SHOW (routing_id (b).size);
    PART ("the accepting side counts as well");
    struct id at_a[2];
    at_a[0] = take ("a", a);
    at_a[1] = take ("a", a);
    SHOW (counter (at_a[1]) - counter (at_a[0]));
    SHOW (same (routing_id (a), at_a[1]));
    PART ("both ways");
    give (b, first, "first", 5);
    struct id from = take ("a", a);
    give (a, from, "to the first", 12);
    SHOW (same (first, take ("b", b)));
    give (b, second, "second", 6);
    SHOW (same (from, take ("a", a)));
    PART ("one STREAM closes, the other hears");
    give (b, first, "", 0);
    nudge (b, a);
    SHOW (same (from, take ("a", a)));
    show_empty ("b", b);
    done (b);
    take ("a", a);
    done (a);
}

static void chosen (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    int fd[3];
    PART ("ids of our choice hold for one connect");
    int listener = tcp_listen (endpoint);
    static const char *const names[] = {"ann", "a longer name than most have"};
    for (int i = 0; i < 2; i++) {
        RC (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, names[i],
                            strlen (names[i])));
        MUST (zmq_connect (s, endpoint) == 0);
        SHOW (routing_id (s).size);
        fd[i] = tcp_accept (listener);
        show_message ("made", s);
    }
    MUST (zmq_connect (s, endpoint) == 0);
    fd[2] = tcp_accept (listener);
    struct id id = take ("made", s);
    SHOW (same (id, routing_id (s)));
    for (int i = 0; i < 2; i++) {
        send_parts (s, names[i], names[i], NULL);
        tcp_show ("server", fd[i], strlen (names[i]));
        tcp_write (fd[i], "hi", 2);
        show_message ("client", s);
    }
    PART ("a name is free again when its peer is gone");
    send_parts (s, names[0], "", NULL);
    tcp_show_end ("server", fd[0], s);
    close (fd[0]);
    RC (zmq_send (s, names[0], 3, ZMQ_SNDMORE));
    RC (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, names[0], 3));
    MUST (zmq_connect (s, endpoint) == 0);
    fd[0] = tcp_accept (listener);
    show_message ("made", s);
    for (int i = 0; i < 3; i++)
        close (fd[i]);
    close (listener);
    done (s);
}

static void unknown (void *ctx)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    PART ("nobody of that id");
    RC (zmq_send (s, "12345", 5, ZMQ_SNDMORE));
    RC (zmq_send (s, "12345", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT));
    RC (zmq_send (s, "", 0, ZMQ_SNDMORE));
    bind_any (s, "tcp", endpoint);
    int fd = tcp_connect (endpoint);
    struct id id = take ("comes", s);
    RC (zmq_send (s, id.bytes, 4, ZMQ_SNDMORE));
    RC (zmq_send (s, "12345", 5, ZMQ_SNDMORE));
    give (s, id, "fine", 4);
    tcp_show ("client", fd, 4);
    PART ("a peer that went and was not heard of yet");
    close (fd);
    MUST (wait_for (s, ZMQ_POLLIN, PATIENCE));
    show_gone ("gone unheard", s, id, 0);
    SHOW (same (id, take ("goes", s)));
    done (s);
}

static void many (void *ctx)
{
    enum { N = 20 };
    char endpoint[ENDPOINT], text[16];
    void *s = sock (ctx, ZMQ_STREAM);
    int fd[N], wrong = 0;
    struct id id[N];
    PART ("many peers");
    bind_any (s, "tcp", endpoint);
    for (int i = 0; i < N; i++) {
        fd[i] = tcp_connect (endpoint);
        id[i].size = zmq_recv (s, id[i].bytes, sizeof id[i].bytes, 0);
        MUST (zmq_recv (s, text, sizeof text, 0) == 0);
        wrong += id[i].size != 5;
        for (int j = 0; j < i; j++)
            wrong += same (id[i], id[j]);
    }
    for (int i = N - 1; i >= 0; i--) {
        snprintf (text, sizeof text, "for %02d", i);
        give (s, id[i], text, 6);
    }
    for (int i = 0; i < N; i++) {
        char got[16], want[16];
        snprintf (want, sizeof want, "for %02d", i);
        wrong += recv (fd[i], got, 6, MSG_WAITALL) != 6
                 || memcmp (got, want, 6) != 0;
        tcp_write (fd[i], &i, sizeof i);
    }
    for (int i = 0; i < N; i++) {
        struct id from;
        int number = -1;
        from.size = zmq_recv (s, from.bytes, sizeof from.bytes, 0);
        wrong += zmq_recv (s, &number, sizeof number, 0) != sizeof number;
        wrong += number < 0 || number >= N || !same (from, id[number]);
    }
    SHOW (wrong);
    for (int i = 0; i < N; i++)
        close (fd[i]);
    for (int i = 0; i < N; i++) {
        wrong += zmq_recv (s, text, sizeof text, 0) != 5;
        wrong += zmq_recv (s, text, sizeof text, 0) != 0;
    }
    SHOW (wrong);
    show_empty ("after it", s);
    done (s);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    options (ctx);
    announced (ctx);
    chosen (ctx);
    unknown (ctx);
    many (ctx);
    term (ctx);
    return 0;
}
