/* Shutting a context down and ending it: who gets ETERM, and when. */
#include "common.h"

static void *blocked_recv (void *s)
{
    char c;
    int rc = zmq_recv (s, &c, 1, 0);
    int e = zmq_errno ();
    zmq_close (s);
    return (void *) (intptr_t) (rc == -1 ? e : 0);
}

static void *blocked_poll (void *s)
{
    zmq_pollitem_t item = {s, 0, ZMQ_POLLIN, 0};
    int rc = zmq_poll (&item, 1, -1);
    int e = zmq_errno ();
    zmq_close (s);
    return (void *) (intptr_t) (rc == -1 ? e : 0);
}

static void *blocked_send (void *s)
{
    int rc = zmq_send (s, "x", 1, 0);
    int e = zmq_errno ();
    zmq_close (s);
    return (void *) (intptr_t) (rc == -1 ? e : 0);
}

static void end_from_outside (const char *what, int type, void *(*f) (void *),
                              int shutdown_first)
{
    void *ctx = zmq_ctx_new (), *result;
    void *s = zmq_socket (ctx, type);
    pthread_t thread;
    MUST (s && zmq_bind (s, "inproc://alone") == 0);
    MUST (pthread_create (&thread, NULL, f, s) == 0);
    if (shutdown_first)
        RC (zmq_ctx_shutdown (ctx));
    RC (zmq_ctx_term (ctx));
    pthread_join (thread, &result);
    printf ("%s: %s\n", what, errno_name ((int) (intptr_t) result));
}

int main (void)
{
    start ();
    PART ("no context");
    RC (zmq_ctx_term (NULL));
    RC (zmq_ctx_shutdown (NULL));
    RC (zmq_ctx_destroy (NULL));
    RC (zmq_term (NULL));

    PART ("empty contexts");
    RC (zmq_ctx_term (zmq_ctx_new ()));
    void *ctx = zmq_ctx_new ();
    RC (zmq_ctx_shutdown (ctx));
    RC (zmq_ctx_shutdown (ctx));
    PTR (zmq_socket (ctx, ZMQ_PAIR));
    RC (zmq_ctx_get (ctx, ZMQ_IO_THREADS));
    RC (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 2));
    RC (zmq_ctx_term (ctx));

    PART ("every call after a shutdown");
    ctx = zmq_ctx_new ();
    void *s = zmq_socket (ctx, ZMQ_DEALER);
    int value = 0;
    size_t len = sizeof value;
    zmq_pollitem_t item = {s, 0, ZMQ_POLLIN, 0};
    RC (zmq_ctx_shutdown (ctx));
    RC (zmq_send (s, "a", 1, 0));
    RC (zmq_send (s, "a", 1, ZMQ_DONTWAIT));
    RC (zmq_recv (s, &value, 1, 0));
    RC (zmq_recv (s, &value, 1, ZMQ_DONTWAIT));
    RC (zmq_bind (s, "inproc://x"));
    RC (zmq_connect (s, "inproc://x"));
    RC (zmq_unbind (s, "inproc://x"));
    RC (zmq_disconnect (s, "inproc://x"));
    RC (zmq_setsockopt (s, ZMQ_SNDHWM, &value, sizeof value));
    RC (zmq_getsockopt (s, ZMQ_SNDHWM, &value, &len));
    RC (zmq_poll (&item, 1, 0));
    PTR (zmq_socket (ctx, ZMQ_PAIR));
    RC (zmq_close (s));
    RC (zmq_ctx_term (ctx));

    PART ("a thread that waits");
    end_from_outside ("recv, term", ZMQ_PULL, blocked_recv, 0);
    end_from_outside ("recv, shutdown", ZMQ_PULL, blocked_recv, 1);
    end_from_outside ("send, term", ZMQ_PUSH, blocked_send, 0);
    end_from_outside ("poll, term", ZMQ_SUB, blocked_poll, 0);
    end_from_outside ("poll, shutdown", ZMQ_REP, blocked_poll, 1);

    PART ("two contexts do not see each other");
    void *one = zmq_ctx_new (), *two = zmq_ctx_new ();
    void *a = sock (one, ZMQ_PAIR), *b = sock (two, ZMQ_PAIR);
    RC (zmq_bind (a, "inproc://same"));
    RC (zmq_bind (b, "inproc://same"));
    RC (zmq_ctx_shutdown (one));
    RC (zmq_send (b, "x", 1, ZMQ_DONTWAIT));
    done (a);
    done (b);
    term (one);
    term (two);
    return 0;
}
