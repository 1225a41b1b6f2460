/* Properties of messages: MORE, SHARED, the source fd and metadata. */
#include "common.h"

static void gets (zmq_msg_t *msg, const char *name)
{
    errno = 0;
    const char *value = zmq_msg_gets (msg, name);
    printf ("%s: %s\n", name, value ? value : errno_name (zmq_errno ()));
}

static void receive (void *s, const char *label)
{
    static const char *names[] = {"Socket-Type", "Identity",     "Routing-Id",
                                  "User-Id",     "Peer-Address", "X-Nothing",
                                  "socket-type", ""};
    zmq_msg_t msg;
    MUST (zmq_msg_init (&msg) == 0);
    MUST (zmq_msg_recv (&msg, s, 0) >= 0);
    PART (label);
    printf ("%zu bytes, more %d, shared %d\n", zmq_msg_size (&msg),
            zmq_msg_get (&msg, ZMQ_MORE), zmq_msg_get (&msg, ZMQ_SHARED));
    int fd = zmq_msg_get (&msg, ZMQ_SRCFD);
    printf ("source fd %s\n", fd >= 0 ? "known" : errno_name (zmq_errno ()));
    for (int i = 0; i < COUNT (names); i++) {
        if (strcmp (names[i], "Peer-Address") == 0) {
            /* Of an ipc peer it may carry process numbers. */
            const char *value = zmq_msg_gets (&msg, names[i]);
            printf ("Peer-Address: %.9s\n", value ? value : "none");
        } else
            gets (&msg, names[i]);
    }
    zmq_msg_t copy;
    MUST (zmq_msg_init (&copy) == 0 && zmq_msg_copy (&copy, &msg) == 0);
    MUST (zmq_msg_close (&msg) == 0);
    PART ("its copy");
    gets (&copy, "Socket-Type");
    printf ("more %d\n", zmq_msg_more (&copy));
    MUST (zmq_msg_close (&copy) == 0);
}

static void over (const char *transport)
{
    void *ctx = zmq_ctx_new ();
    void *in = sock (ctx, ZMQ_DEALER), *out = sock (ctx, ZMQ_DEALER);
    char big[200] = "b";
    MUST (zmq_setsockopt (out, ZMQ_ROUTING_ID, "sender", 6) == 0);
    PART (transport);
    join (in, out, transport);
    MUST (zmq_send (out, "first", 5, ZMQ_SNDMORE) == 5);
    MUST (zmq_send (out, "", 0, ZMQ_SNDMORE) == 0);
    MUST (zmq_send (out, big, sizeof big, 0) == sizeof big);
    receive (in, "first part");
    receive (in, "empty part");
    receive (in, "last part");
    done (in);
    done (out);
    term (ctx);
}

int main (void)
{
    zmq_msg_t msg;
    start ();
    PART ("a message of our own");
    MUST (zmq_msg_init_size (&msg, 100) == 0);
    RC (zmq_msg_get (&msg, ZMQ_MORE));
    RC (zmq_msg_get (&msg, ZMQ_SHARED));
    RC (zmq_msg_get (&msg, ZMQ_SRCFD));
    RC (zmq_msg_get (&msg, 0));
    RC (zmq_msg_get (&msg, 4711));
    RC (zmq_msg_set (&msg, ZMQ_MORE, 1));
    RC (zmq_msg_set (&msg, ZMQ_SHARED, 1));
    RC (zmq_msg_set (&msg, 0, 0));
    RC (zmq_msg_more (&msg));
    gets (&msg, "Socket-Type");
    gets (&msg, "");
    RC (zmq_msg_close (&msg));
    over ("inproc");
    over ("tcp");
    over ("ipc");
    return 0;
}
