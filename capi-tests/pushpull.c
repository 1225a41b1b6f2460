/* PUSH and PULL: turns when sending, fairness when receiving, nobody there. */
#include "common.h"

enum { N = 3 };

static void turns (void *ctx)
{
    void *push = sock (ctx, ZMQ_PUSH), *pull[N];
    char endpoint[ENDPOINT], text[16];
    PART ("in turn");
    for (int i = 0; i < N; i++) {
        pull[i] = sock (ctx, ZMQ_PULL);
        bind_any (pull[i], "inproc", endpoint);
        MUST (zmq_connect (push, endpoint) == 0);
    }
    for (int i = 0; i < 8; i++) {
        snprintf (text, sizeof text, "%d", i);
        send_parts (push, text, "x", "y", NULL);
    }
    for (int i = 0; i < N; i++) {
        printf ("pull %d\n", i);
        while (wait_for (pull[i], ZMQ_POLLIN, 0))
            show_message ("got", pull[i]);
    }
    PART ("one of them leaves");
    done (pull[1]);
    long limit = now_ms () + PATIENCE;
    /* It is out once a whole turn passes it by. */
    int left = 0;
    while (left < 4 && now_ms () < limit) {
        send_parts (push, "t", NULL);
        for (int i = 0; i < N; i += 2)
            if (wait_for (pull[i], ZMQ_POLLIN, 5)) {
                char c;
                MUST (zmq_recv (pull[i], &c, 1, 0) == 1);
                left++;
                break;
            }
    }
    SHOW (left);
    done (pull[0]);
    done (pull[2]);
    done (push);
}

static void fair (void *ctx)
{
    void *pull = sock (ctx, ZMQ_PULL), *push[N];
    char endpoint[ENDPOINT], text[16];
    PART ("fair");
    bind_any (pull, "inproc", endpoint);
    for (int i = 0; i < N; i++) {
        push[i] = sock (ctx, ZMQ_PUSH);
        MUST (zmq_connect (push[i], endpoint) == 0);
    }
    for (int i = 0; i < N; i++)
        for (int m = 0; m <= i; m++) {
            snprintf (text, sizeof text, "%d/%d", i, m);
            send_parts (push[i], text, "part", NULL);
        }
    for (int i = 0; i < 6; i++)
        show_message ("got", pull);
    show_empty ("then", pull);
    for (int i = 0; i < N; i++)
        done (push[i]);
    done (pull);
}

static void counted (void *ctx, const char *transport)
{
    /* Everything arrives, in order, from each sender. */
    void *pull = sock (ctx, ZMQ_PULL), *push[N];
    char endpoint[ENDPOINT];
    int next[N] = {0}, wrong = 0, total = 0, word[2];
    PART (transport);
    bind_any (pull, transport, endpoint);
    for (int i = 0; i < N; i++) {
        push[i] = sock (ctx, ZMQ_PUSH);
        MUST (zmq_connect (push[i], endpoint) == 0);
    }
    for (int m = 0; m < 200; m++)
        for (int i = 0; i < N; i++) {
            word[0] = i;
            word[1] = m;
            MUST (zmq_send (push[i], word, sizeof word, 0) == sizeof word);
        }
    while (total < 200 * N) {
        MUST (zmq_recv (pull, word, sizeof word, 0) == sizeof word);
        wrong += word[0] < 0 || word[0] >= N || word[1] != next[word[0]]++;
        total++;
    }
    printf ("%d messages, %d out of order\n", total, wrong);
    for (int i = 0; i < N; i++)
        done (push[i]);
    done (pull);
}

static void nobody (void *ctx)
{
    PART ("nobody there");
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    RC (zmq_send (push, "x", 1, ZMQ_DONTWAIT));
    SHOW (get_int (push, ZMQ_EVENTS));
    set_int (push, ZMQ_SNDTIMEO, 30);
    RC (zmq_send (push, "x", 1, 0));
    RC (zmq_send (push, "x", 1, ZMQ_SNDMORE));
    show_empty ("pull", pull);
    SHOW (get_int (pull, ZMQ_EVENTS));
    /* A connecting side has a queue at once, whoever is there. */
    RC (zmq_connect (push, "tcp://127.0.0.1:1"));
    RC (zmq_send (push, "x", 1, ZMQ_DONTWAIT));
    SHOW (get_int (push, ZMQ_EVENTS));
    done (push);
    done (pull);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    turns (ctx);
    fair (ctx);
    counted (ctx, "inproc");
    counted (ctx, "tcp");
    counted (ctx, "ipc");
    nobody (ctx);
    term (ctx);
    return 0;
}
