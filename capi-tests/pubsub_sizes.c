/* Topics of 0 to 300 bytes, and of bytes that are no text. */
#include "common.h"

static void over (void *ctx, const char *transport)
{
    void *pub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    unsigned char topic[320], got[400];
    int asked = 0, wrong = 0, received = 0;
    PART (transport);
    join (pub, sub, transport);
    for (size_t n = 0; n <= 300; n += n < 40 || n > 240 ? 1 : 7) {
        /* On the wire libzmq 4.3.4 mangles subscriptions of these sizes. */
        if (n >= 246 && n <= 255 && strcmp (transport, "inproc") != 0)
            continue;
        for (size_t i = 0; i < n; i++)
            topic[i] = (unsigned char) (i + n * 3);
        MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, n) == 0);
        int size = zmq_recv (pub, got, sizeof got, 0);
        wrong += size != (int) n + 1 || got[0] != 1 || memcmp (got + 1, topic, n) != 0;
        asked++;
        MUST (zmq_send (pub, topic, n, ZMQ_SNDMORE) == (int) n);
        MUST (zmq_send (pub, "b", 1, 0) == 1);
        size = zmq_recv (sub, got, sizeof got, 0);
        wrong += size != (int) n || memcmp (got, topic, n) != 0;
        MUST (zmq_recv (sub, got, sizeof got, 0) == 1);
        received++;
        MUST (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, topic, n) == 0);
        size = zmq_recv (pub, got, sizeof got, 0);
        wrong += size != (int) n + 1 || got[0] != 0 || memcmp (got + 1, topic, n) != 0;
        /* Nobody listens any more. */
        MUST (zmq_send (pub, topic, n, 0) == (int) n);
    }
    printf ("%d topics, %d messages, %d wrong\n", asked, received, wrong);
    show_empty ("sub", sub);
    done (sub);
    done (pub);
}

static void long_message (void *ctx)
{
    void *pub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    static char body[100000];
    char word[32];
    PART ("a topic that is the beginning of a large message");
    memset (body, 'm', sizeof body);
    join (pub, sub, "tcp");
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, body, 20) == 0);
    SHOW (zmq_recv (pub, word, sizeof word, 0));
    SHOW (zmq_send (pub, body, 19, 0));
    SHOW (zmq_send (pub, body, sizeof body, 0));
    SHOW (zmq_recv (sub, body, sizeof body, 0));
    done (sub);
    done (pub);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    over (ctx, "inproc");
    over (ctx, "tcp");
    over (ctx, "ipc");
    long_message (ctx);
    term (ctx);
    return 0;
}
