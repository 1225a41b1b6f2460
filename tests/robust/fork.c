/* Forks of a process with a context at work in several threads. The child may
   close its sockets and terminate the context, whose end holds nothing up, and
   begin anew; or just leave. The parent notices nothing. 200 forks in `make test`,
   ROBUST_SCALE times as many at full length. */
#include "robust.h"

static atomic_int ends;
static atomic_long exchanged;

struct pair {
    void *server, *client;
};

static void *serve (void *socket)
{
    char buffer[64];
    int size;
    while ((size = zmq_recv (socket, buffer, sizeof buffer, 0)) >= 0)
        if (zmq_send (socket, buffer, (size_t) size, 0) < 0)
            break;
    return NULL;
}

/* Sends numbers and wants them back in order: what is lost, torn or doubled shows. */
static void *ask (void *socket)
{
    for (long number = 0; !ends; number++) {
        long answer = -1;
        if (zmq_send (socket, &number, sizeof number, 0) < 0
            || zmq_recv (socket, &answer, sizeof answer, 0) != sizeof answer || answer != number) {
            CHECK (0, "the parent's requests are answered");
            break;
        }
        exchanged++;
    }
    return NULL;
}

static struct pair joined (void *context, const char *wanted)
{
    struct pair pair = {zmq_socket (context, ZMQ_REP), zmq_socket (context, ZMQ_REQ)};
    char endpoint[96];
    size_t size = sizeof endpoint;
    set_int (pair.client, ZMQ_RCVTIMEO, 10000);
    OK (zmq_bind (pair.server, wanted));
    OK (zmq_getsockopt (pair.server, ZMQ_LAST_ENDPOINT, endpoint, &size));
    OK (zmq_connect (pair.client, endpoint));
    return pair;
}

/* A new life in the child, in the old context or a new one. */
static int begins_anew (void *context)
{
    char buffer[8];
    struct pair pair = joined (context, "tcp://127.0.0.1:*");
    set_int (pair.server, ZMQ_RCVTIMEO, 10000);
    OK (zmq_send (pair.client, "child", 5, 0));
    OK (zmq_recv (pair.server, buffer, sizeof buffer, 0));
    OK (zmq_send (pair.server, "fine", 4, 0));
    int fine = zmq_recv (pair.client, buffer, sizeof buffer, 0) == 4;
    OK (zmq_close (pair.client));
    OK (zmq_close (pair.server));
    return fine;
}

static void child (int kind, void *context, struct pair *pairs, int count)
{
    alarm (20); /* a hang is a signal */
    if (kind == 0)
        exit (0); /* with whatever runs at an exit */
    if (kind >= 2)
        for (int i = 0; i < count; i++) {
            zmq_close (pairs[i].server);
            zmq_close (pairs[i].client);
        }
    int fine = kind == 1 ? begins_anew (context) : 1;
    OK (zmq_ctx_term (context));
    if (kind == 3) {
        context = zmq_ctx_new ();
        fine = begins_anew (context);
        OK (zmq_ctx_term (context));
    }
    _exit (fine ? 0 : 1);
}

int main (void)
{
    enum { PAIRS = 3 };
    static const char *const endpoints[PAIRS] = {"tcp://127.0.0.1:*", "ipc://fork.sock", "inproc://fork"};
    void *context = zmq_ctx_new ();
    struct pair pairs[PAIRS];
    pthread_t threads[2 * PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = joined (context, endpoints[i]);
        pthread_create (&threads[2 * i], NULL, serve, pairs[i].server);
        pthread_create (&threads[2 * i + 1], NULL, ask, pairs[i].client);
    }
    long forks = 200 * scale (), fine = 0;
    double start = now ();
    for (long i = 0; i < forks; i++) {
        pid_t pid = fork ();
        if (pid == 0)
            child ((int) (i % 4), context, pairs, PAIRS);
        int status = -1;
        waitpid (pid, &status, 0);
        if (WIFSIGNALED (status))
            say ("FAILED: a child (%d): %s", (int) (i % 4),
                 WTERMSIG (status) == SIGALRM ? "hangs" : strsignal (WTERMSIG (status)));
        fine += status == 0;
    }
    double took = now () - start;
    CHECK (fine == forks, "every child comes to a good end");
    struct stat st;
    CHECK (stat ("fork.sock", &st) == 0, "the parent's ipc file is still there");
    long before = exchanged;
    nap (0.2);
    say ("%ld of %ld children fine in %.1f s; %ld requests of the parent answered meanwhile", fine, forks, took, before);
    CHECK (exchanged > before, "the parent works on");
    ends = 1;
    for (int i = 0; i < PAIRS; i++)
        pthread_join (threads[2 * i + 1], NULL);
    OK (zmq_ctx_shutdown (context));
    for (int i = 0; i < PAIRS; i++) {
        pthread_join (threads[2 * i], NULL);
        OK (zmq_close (pairs[i].server));
        OK (zmq_close (pairs[i].client));
    }
    OK (zmq_ctx_term (context));
    return done ();
}
