/* A SUB that binds and then makes no call at all: what a PUB that connects to it
   sends arrives, 5 of 5, because an I/O thread tells it the subscriptions. */
#include "robust.h"

#define TIMES 20

/* How many of 5 messages arrive. XPUB is told when the subscription is there;
   for PUB, half a second has to do, as in a user's program. Over inproc it is
   there when zmq_connect returns. */
static int arrive (const char *where, int sub_type, int pub_type)
{
    void *context = zmq_ctx_new ();
    void *sub = zmq_socket (context, sub_type), *pub = zmq_socket (context, pub_type);
    char endpoint[64] = "", text[16];
    size_t size = sizeof endpoint;
    if (sub_type == ZMQ_SUB)
        OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "a", 1));
    else
        OK (zmq_send (sub, "\001a", 2, 0));
    OK (zmq_bind (sub, where));
    OK (zmq_getsockopt (sub, ZMQ_LAST_ENDPOINT, endpoint, &size));
    OK (zmq_connect (pub, endpoint));
    if (pub_type == ZMQ_XPUB) {
        set_int (pub, ZMQ_RCVTIMEO, 5000);
        int got = zmq_recv (pub, text, sizeof text, 0);
        CHECK (got == 2 && text[0] == 1 && text[1] == 'a', "the subscription comes by itself");
    } else if (strncmp (where, "inproc", 6) != 0)
        nap (0.5);
    for (int i = 0; i < 5; i++)
        OK (zmq_send (pub, i % 2 ? "abc" : "a", i % 2 ? 3 : 1, 0));
    int count = 0;
    set_int (sub, ZMQ_RCVTIMEO, 1000);
    while (count < 5 && zmq_recv (sub, text, sizeof text, 0) >= 0)
        count++;
    OK (zmq_close (pub));
    OK (zmq_close (sub));
    OK (zmq_ctx_term (context));
    return count;
}

int main (void)
{
    static const char *const places[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://here"};
    for (int place = 0; place < 3; place++) {
        int fewest = 5;
        for (int i = 0; i < TIMES * scale (); i++) {
            int count = arrive (places[place], i % 2 ? ZMQ_SUB : ZMQ_XSUB, ZMQ_XPUB);
            fewest = count < fewest ? count : fewest;
        }
        say ("XPUB connects to SUB at %s: at least %d of 5", places[place], fewest);
        CHECK (fewest == 5, "all arrive");
        int count = arrive (places[place], ZMQ_SUB, ZMQ_PUB);
        say ("PUB connects to SUB at %s: %d of 5", places[place], count);
        CHECK (count == 5, "all arrive");
    }
    return done ();
}
