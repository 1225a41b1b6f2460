/* zmq_poll over sockets: what is ready, how many, odd arguments. */
#include "common.h"

static void show_items (int rc, zmq_pollitem_t *items, int n)
{
    printf ("rc %d:", rc);
    for (int i = 0; i < n; i++)
        printf (" %d", items[i].revents);
    putchar ('\n');
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    void *a = sock (ctx, ZMQ_DEALER), *b = sock (ctx, ZMQ_DEALER);
    void *lone = sock (ctx, ZMQ_PULL), *pub = sock (ctx, ZMQ_PUB);
    char endpoint[ENDPOINT];
    bind_any (a, "inproc", endpoint);
    zmq_pollitem_t items[5];
    memset (items, 0, sizeof items);

    PART ("before the peer");
    items[0] = (zmq_pollitem_t) {a, 0, ZMQ_POLLIN | ZMQ_POLLOUT, -1};
    items[1] = (zmq_pollitem_t) {lone, 0, ZMQ_POLLIN | ZMQ_POLLOUT, -1};
    items[2] = (zmq_pollitem_t) {pub, 0, ZMQ_POLLIN | ZMQ_POLLOUT, -1};
    show_items (zmq_poll (items, 3, 0), items, 3);
    PART ("with it");
    MUST (zmq_connect (b, endpoint) == 0);
    show_items (zmq_poll (items, 3, 0), items, 3);
    send_parts (b, "one", "two", NULL);
    show_items (zmq_poll (items, 3, PATIENCE), items, 3);
    items[0].events = ZMQ_POLLIN;
    items[2].events = 0;
    show_items (zmq_poll (items, 3, PATIENCE), items, 3);
    items[0].events = ZMQ_POLLERR;
    show_items (zmq_poll (items, 3, 0), items, 3);
    items[0].events = ZMQ_POLLPRI;
    show_items (zmq_poll (items, 3, 0), items, 3);
    items[0].events = 0;
    show_items (zmq_poll (items, 3, 0), items, 3);
    PART ("between the parts");
    char text[8];
    items[0].events = ZMQ_POLLIN;
    recv_text (a, text, sizeof text);
    show_items (zmq_poll (items, 1, 0), items, 1);
    recv_text (a, text, sizeof text);
    show_items (zmq_poll (items, 1, 0), items, 1);

    PART ("one socket twice");
    send_parts (b, "x", NULL);
    items[0] = (zmq_pollitem_t) {a, 0, ZMQ_POLLIN, -1};
    items[1] = (zmq_pollitem_t) {a, 0, ZMQ_POLLOUT, -1};
    items[2] = (zmq_pollitem_t) {b, 0, ZMQ_POLLIN, -1};
    show_items (zmq_poll (items, 3, PATIENCE), items, 3);
    recv_text (a, text, sizeof text);

    PART ("arguments");
    RC (zmq_poll (items, 0, 0));
    RC (zmq_poll (NULL, 0, 10));
    RC (zmq_poll (NULL, 1, 10));
    RC (zmq_poll (items, -1, 0));
    items[0].events = ZMQ_POLLIN;
    RC (zmq_poll (items, 1, 0));
    SHOW (items[0].revents);

    PART ("state machines");
    void *req = sock (ctx, ZMQ_REQ), *rep = sock (ctx, ZMQ_REP);
    join (rep, req, "inproc");
    items[0] = (zmq_pollitem_t) {req, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    items[1] = (zmq_pollitem_t) {rep, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    show_items (zmq_poll (items, 2, 0), items, 2);
    send_parts (req, "q", NULL);
    show_items (zmq_poll (items, 2, PATIENCE), items, 2);
    recv_text (rep, text, sizeof text);
    show_items (zmq_poll (items, 2, 0), items, 2);
    send_parts (rep, "a", NULL);
    show_items (zmq_poll (items, 2, PATIENCE), items, 2);
    recv_text (req, text, sizeof text);
    show_items (zmq_poll (items, 2, 0), items, 2);
    done (req);
    done (rep);

    PART ("a hundred sockets");
    enum { MANY = 100 };
    static zmq_pollitem_t many[MANY];
    void *out[MANY];
    for (int i = 0; i < MANY; i++) {
        many[i] = (zmq_pollitem_t) {sock (ctx, ZMQ_PULL), 0, ZMQ_POLLIN, 0};
        out[i] = sock (ctx, ZMQ_PUSH);
        join (many[i].socket, out[i], "inproc");
    }
    SHOW (zmq_poll (many, MANY, 0));
    for (int i = 0; i < MANY; i += 7)
        send_parts (out[i], "x", NULL);
    SHOW (zmq_poll (many, MANY, PATIENCE));
    int wrong = 0;
    for (int i = 0; i < MANY; i++)
        wrong += many[i].revents != (i % 7 == 0 ? ZMQ_POLLIN : 0);
    SHOW (wrong);
    for (int i = 0; i < MANY; i++) {
        done (many[i].socket);
        done (out[i]);
    }
    done (a);
    done (b);
    done (lone);
    done (pub);
    term (ctx);
    return 0;
}
