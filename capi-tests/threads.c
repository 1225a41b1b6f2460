/* Many threads with a socket each; nothing is lost and nothing is mixed up. */
#include "common.h"

enum { THREADS = 6, MESSAGES = 400 };

struct worker {
    void *ctx;
    const char *endpoint;
    int number, wrong;
};

static void *pusher (void *arg)
{
    struct worker *w = arg;
    void *s = sock (w->ctx, ZMQ_PUSH);
    MUST (zmq_connect (s, w->endpoint) == 0);
    for (int i = 0; i < MESSAGES; i++) {
        int word[2] = {w->number, i};
        MUST (zmq_send (s, &word[0], sizeof (int), ZMQ_SNDMORE) == sizeof (int));
        MUST (zmq_send (s, &word[1], sizeof (int), 0) == sizeof (int));
    }
    set_int (s, ZMQ_LINGER, -1);
    done (s);
    return NULL;
}

static void collect (const char *transport)
{
    void *ctx = zmq_ctx_new (), *pull = sock (ctx, ZMQ_PULL);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    int next[THREADS] = {0}, wrong = 0, who, what;
    char endpoint[ENDPOINT];
    bind_any (pull, transport, endpoint);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker) {ctx, endpoint, i, 0};
        MUST (pthread_create (&threads[i], NULL, pusher, &workers[i]) == 0);
    }
    for (int n = 0; n < THREADS * MESSAGES; n++) {
        MUST (zmq_recv (pull, &who, sizeof who, 0) == sizeof who);
        MUST (get_int (pull, ZMQ_RCVMORE));
        MUST (zmq_recv (pull, &what, sizeof what, 0) == sizeof what);
        wrong += who < 0 || who >= THREADS || next[who]++ != what;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join (threads[i], NULL);
    printf ("%s: %d messages, %d wrong\n", transport, THREADS * MESSAGES, wrong);
    show_empty ("then", pull);
    done (pull);
    term (ctx);
}

static void *asker (void *arg)
{
    struct worker *w = arg;
    void *s = sock (w->ctx, ZMQ_REQ);
    MUST (zmq_connect (s, w->endpoint) == 0);
    for (int i = 0; i < MESSAGES / 4; i++) {
        int ask = w->number * 1000 + i, answer = 0;
        MUST (zmq_send (s, &ask, sizeof ask, 0) == sizeof ask);
        MUST (zmq_recv (s, &answer, sizeof answer, 0) == sizeof answer);
        w->wrong += answer != ask + 1;
    }
    done (s);
    return NULL;
}

static void *answerer (void *arg)
{
    struct worker *w = arg;
    void *s = sock (w->ctx, ZMQ_REP);
    int ask;
    MUST (zmq_connect (s, "inproc://workers") == 0);
    while (zmq_recv (s, &ask, sizeof ask, 0) == sizeof ask) {
        ask++;
        if (zmq_send (s, &ask, sizeof ask, 0) == -1)
            break;
    }
    w->wrong = zmq_errno () != ETERM;
    done (s);
    return NULL;
}

static void *middle (void *arg)
{
    void **ends = arg;
    zmq_proxy (ends[0], ends[1], NULL);
    zmq_close (ends[0]);
    zmq_close (ends[1]);
    return NULL;
}

static void broker (const char *transport)
{
    void *ctx = zmq_ctx_new ();
    void *ends[2] = {sock (ctx, ZMQ_ROUTER), sock (ctx, ZMQ_DEALER)};
    struct worker askers[THREADS], answerers[2];
    pthread_t threads[THREADS], others[3];
    char endpoint[ENDPOINT];
    int wrong = 0;
    bind_any (ends[0], transport, endpoint);
    MUST (zmq_bind (ends[1], "inproc://workers") == 0);
    MUST (pthread_create (&others[2], NULL, middle, ends) == 0);
    for (int i = 0; i < 2; i++) {
        answerers[i] = (struct worker) {ctx, NULL, i, 0};
        MUST (pthread_create (&others[i], NULL, answerer, &answerers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (struct worker) {ctx, endpoint, i, 0};
        MUST (pthread_create (&threads[i], NULL, asker, &askers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
        wrong += askers[i].wrong;
    }
    MUST (zmq_ctx_shutdown (ctx) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join (others[i], NULL);
    printf ("%s: broker, %d wrong, workers end with ETERM %d\n", transport, wrong,
            !answerers[0].wrong && !answerers[1].wrong);
    term (ctx);
}

static void *maker (void *ctx)
{
    for (int i = 0; i < 100; i++) {
        void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
        char name[64], c;
        snprintf (name, sizeof name, "inproc://%p-%d", a, i);
        MUST (zmq_bind (a, name) == 0 && zmq_connect (b, name) == 0);
        MUST (zmq_send (a, "x", 1, 0) == 1 && zmq_recv (b, &c, 1, 0) == 1);
        done (a);
        done (b);
    }
    return NULL;
}

int main (void)
{
    start ();
    collect ("inproc");
    collect ("tcp");
    collect ("ipc");
    broker ("inproc");
    broker ("tcp");
    PART ("making and closing sockets in several threads");
    void *ctx = zmq_ctx_new ();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        MUST (pthread_create (&threads[i], NULL, maker, ctx) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join (threads[i], NULL);
    term (ctx);
    printf ("done\n");
    return 0;
}
