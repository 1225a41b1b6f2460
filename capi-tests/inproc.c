/* inproc: either order, names, address in use, ends of connections. */
#include "common.h"

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    PART ("connect before bind");
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    RC (zmq_connect (push, "inproc://first"));
    RC (zmq_send (push, "waiting", 7, 0));
    RC (zmq_send (push, "too", 3, 0));
    RC (zmq_bind (pull, "inproc://first"));
    show_message ("pull", pull);
    show_message ("pull", pull);
    send_parts (push, "later", NULL);
    show_message ("pull", pull);

    PART ("in use");
    void *other = sock (ctx, ZMQ_PULL);
    RC (zmq_bind (other, "inproc://first"));
    RC (zmq_bind (pull, "inproc://first"));
    RC (zmq_unbind (pull, "inproc://first"));
    RC (zmq_bind (other, "inproc://first"));
    send_parts (push, "the old connection lives", NULL);
    show_message ("pull", pull);
    done (pull);
    PART ("the binder is gone");
    long limit = now_ms () + PATIENCE;
    while (zmq_send (push, "?", 1, ZMQ_DONTWAIT) == 1 && now_ms () < limit)
        ;
    RC (zmq_send (push, "x", 1, ZMQ_DONTWAIT));
    RC (zmq_connect (push, "inproc://first"));
    RC (zmq_send (push, "to the other", 12, 0));
    show_message ("other", other);
    done (push);
    done (other);

    PART ("several wait for one bind");
    void *three[3];
    for (int i = 0; i < 3; i++) {
        char text[8];
        three[i] = sock (ctx, ZMQ_PUSH);
        snprintf (text, sizeof text, "no %d", i);
        RC (zmq_connect (three[i], "inproc://crowd"));
        send_parts (three[i], text, NULL);
    }
    pull = sock (ctx, ZMQ_PULL);
    RC (zmq_bind (pull, "inproc://crowd"));
    for (int i = 0; i < 3; i++)
        show_message ("pull", pull);
    for (int i = 0; i < 3; i++)
        done (three[i]);
    done (pull);

    PART ("a connect that never meets a bind");
    push = sock (ctx, ZMQ_PUSH);
    RC (zmq_connect (push, "inproc://never"));
    RC (zmq_send (push, "lost", 4, 0));
    RC (zmq_disconnect (push, "inproc://never"));
    RC (zmq_disconnect (push, "inproc://never"));
    RC (zmq_send (push, "x", 1, ZMQ_DONTWAIT));
    done (push);
    push = sock (ctx, ZMQ_PUSH);
    RC (zmq_connect (push, "inproc://never"));
    RC (zmq_send (push, "lost", 4, 0));
    done (push);

    PART ("names");
    static const char *names[] = {"inproc://a", "inproc://a/b", "inproc://A",
                                  "inproc://a b", "inproc://*", "inproc://://",
                                  "inproc://127.0.0.1:80"};
    pull = sock (ctx, ZMQ_PULL);
    for (int i = 0; i < COUNT (names); i++) {
        char last[ENDPOINT];
        int rc = zmq_bind (pull, names[i]);
        last_endpoint (pull, last);
        printf ("%s: %s, last endpoint %s\n", names[i],
                rc ? errno_name (zmq_errno ()) : "ok", last);
    }
    char longest[1024] = "inproc://";
    memset (longest + 9, 'n', 1000);
    longest[1009] = 0;
    RC (zmq_bind (pull, longest));
    push = sock (ctx, ZMQ_PUSH);
    RC (zmq_connect (push, longest));
    send_parts (push, "long name", NULL);
    show_message ("pull", pull);
    done (push);
    done (pull);

    PART ("a socket connected to itself");
    void *self = sock (ctx, ZMQ_DEALER);
    RC (zmq_bind (self, "inproc://self"));
    RC (zmq_connect (self, "inproc://self"));
    send_parts (self, "me", NULL);
    show_message ("self", self);
    done (self);
    term (ctx);
    return 0;
}
