/* Which messages a SUB gets: prefixes, counting, unsubscribing, empty topics. */
#include "common.h"

static void subscribe (void *s, const char *topic)
{
    MUST (zmq_setsockopt (s, ZMQ_SUBSCRIBE, topic, strlen (topic)) == 0);
}

static void unsubscribe (void *s, const char *topic)
{
    MUST (zmq_setsockopt (s, ZMQ_UNSUBSCRIBE, topic, strlen (topic)) == 0);
}

/* Publishes one of each and shows what comes through. */
static void round_trip (const char *label, void *pub, void *sub)
{
    static const char *topics[] = {"",  "a",  "ab", "abc", "abcd", "b",
                                   "A", "ba", "z",  "aab"};
    PART (label);
    settle (pub, sub);
    for (int i = 0; i < COUNT (topics); i++)
        send_parts (pub, topics[i], "body", NULL);
    /* An own topic behind them marks the end. */
    subscribe (sub, "\376end");
    settle (pub, sub);
    for (int i = 0; i < COUNT (topics); i++)
        send_parts (pub, topics[i], "body", NULL);
    send_parts (pub, "\376end", NULL);
    char text[64];
    for (;;) {
        int n = recv_text (sub, text, sizeof text);
        if (strcmp (text, "\376end") == 0)
            break;
        print_bytes (text, (size_t) n);
        putchar (' ');
        MUST (get_int (sub, ZMQ_RCVMORE) == 1);
        recv_text (sub, text, sizeof text);
        MUST (strcmp (text, "body") == 0 && get_int (sub, ZMQ_RCVMORE) == 0);
    }
    putchar ('\n');
    unsubscribe (sub, "\376end");
}

static void over (void *ctx, const char *transport, int type)
{
    void *pub = sock (ctx, type), *sub = sock (ctx, ZMQ_SUB);
    PART (transport);
    join (pub, sub, transport);
    round_trip ("nothing asked for", pub, sub);
    subscribe (sub, "ab");
    round_trip ("ab", pub, sub);
    subscribe (sub, "ab");
    subscribe (sub, "abc");
    unsubscribe (sub, "ab");
    round_trip ("ab twice, taken back once, and abc", pub, sub);
    unsubscribe (sub, "ab");
    round_trip ("only abc", pub, sub);
    unsubscribe (sub, "ab");
    unsubscribe (sub, "never asked for");
    round_trip ("unsubscribed too often", pub, sub);
    subscribe (sub, "");
    round_trip ("everything", pub, sub);
    unsubscribe (sub, "");
    round_trip ("no longer everything", pub, sub);
    unsubscribe (sub, "abc");
    round_trip ("nothing", pub, sub);
    done (pub);
    done (sub);
}

static void several (void *ctx)
{
    void *pub = sock (ctx, ZMQ_PUB), *sub[3];
    static const char *topics[3] = {"a", "ab", ""};
    char endpoint[ENDPOINT];
    PART ("three subscribers");
    bind_any (pub, "inproc", endpoint);
    for (int i = 0; i < 3; i++) {
        sub[i] = sock (ctx, ZMQ_SUB);
        subscribe (sub[i], topics[i]);
        MUST (zmq_connect (sub[i], endpoint) == 0);
    }
    for (int i = 0; i < 3; i++)
        settle (pub, sub[i]);
    while (wait_for (sub[2], ZMQ_POLLIN, 0)) {
        char skip[64];
        recv_text (sub[2], skip, sizeof skip);
    }
    send_parts (pub, "a1", NULL);
    send_parts (pub, "ab2", NULL);
    send_parts (pub, "c3", NULL);
    for (int i = 0; i < 3; i++) {
        printf ("subscriber of '%s'\n", topics[i]);
        while (wait_for (sub[i], ZMQ_POLLIN, 0))
            show_message ("got", sub[i]);
        done (sub[i]);
    }
    done (pub);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    over (ctx, "inproc", ZMQ_PUB);
    over (ctx, "inproc", ZMQ_XPUB);
    over (ctx, "tcp", ZMQ_XPUB);
    over (ctx, "ipc", ZMQ_XPUB);
    several (ctx);
    term (ctx);
    return 0;
}
