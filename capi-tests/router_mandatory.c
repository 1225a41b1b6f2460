/* ZMQ_ROUTER_MANDATORY: unknown and full peers are errors. */
#include "common.h"

int main (void)
{
    char endpoint[ENDPOINT];
    start ();
    void *ctx = zmq_ctx_new ();
    void *router = sock (ctx, ZMQ_ROUTER), *dealer = sock (ctx, ZMQ_DEALER);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    set_int (router, ZMQ_SNDHWM, 2);
    set_int (dealer, ZMQ_RCVHWM, 3);
    MUST (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "peer", 4) == 0);
    bind_any (router, "inproc", endpoint);

    PART ("nobody there");
    SHOW (get_int (router, ZMQ_EVENTS));
    RC (zmq_send (router, "peer", 4, ZMQ_SNDMORE));
    RC (zmq_send (router, "peer", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT));
    RC (zmq_send (router, "", 0, ZMQ_SNDMORE));
    RC (zmq_send (router, "alone", 5, 0));

    PART ("there");
    MUST (zmq_connect (dealer, endpoint) == 0);
    send_parts (dealer, "hello", NULL);
    show_message ("router", router);
    SHOW (get_int (router, ZMQ_EVENTS));
    RC (zmq_send (router, "other", 5, ZMQ_SNDMORE));
    RC (zmq_send (router, "peer", 4, ZMQ_SNDMORE));
    RC (zmq_send (router, "body", 4, 0));
    show_message ("dealer", dealer);

    PART ("full");
    int n = 0, rc;
    while ((rc = zmq_send (router, "peer", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT)) == 4
           && n < 100) {
        MUST (zmq_send (router, "m", 1, ZMQ_DONTWAIT) == 1);
        n++;
    }
    printf ("sent %d, then %s\n", n, errno_name (zmq_errno ()));
    SHOW (get_int (router, ZMQ_EVENTS) & ZMQ_POLLOUT);
    set_int (router, ZMQ_SNDTIMEO, 50);
    RC (zmq_send (router, "peer", 4, ZMQ_SNDMORE));
    RC (zmq_send (router, "other", 5, ZMQ_SNDMORE));
    set_int (router, ZMQ_SNDTIMEO, PATIENCE);
    for (int i = 0; i < n; i++) {
        char c;
        MUST (zmq_recv (dealer, &c, 1, 0) == 1);
    }
    SHOW (wait_for (router, ZMQ_POLLOUT, PATIENCE));
    send_parts (router, "peer", "room again", NULL);
    show_message ("dealer", dealer);

    PART ("gone");
    MUST (zmq_disconnect (dealer, endpoint) == 0);
    done (dealer);
    show_empty ("router", router);
    long limit = now_ms () + PATIENCE;
    do {
        rc = zmq_send (router, "peer", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        if (rc == 4)
            zmq_send (router, "", 0, ZMQ_DONTWAIT);
    } while (rc == 4 && now_ms () < limit);
    printf ("at last %s\n", errno_name (zmq_errno ()));

    PART ("not mandatory any more");
    set_int (router, ZMQ_ROUTER_MANDATORY, 0);
    RC (zmq_send (router, "peer", 4, ZMQ_SNDMORE));
    RC (zmq_send (router, "dropped", 7, 0));

    PART ("without mandatory a full peer loses messages");
    void *other = sock (ctx, ZMQ_DEALER);
    set_int (other, ZMQ_RCVHWM, 3);
    MUST (zmq_setsockopt (other, ZMQ_ROUTING_ID, "slow", 4) == 0);
    MUST (zmq_connect (other, endpoint) == 0);
    send_parts (other, "hello", NULL);
    show_message ("router", router);
    for (int i = 0; i < 50; i++)
        send_parts (router, "slow", "m", "second part", NULL);
    n = 0;
    char buffer[32];
    while (zmq_recv (other, buffer, sizeof buffer, ZMQ_DONTWAIT) >= 0)
        n++;
    printf ("%d parts arrived\n", n);
    done (other);
    done (router);
    term (ctx);
    return 0;
}
