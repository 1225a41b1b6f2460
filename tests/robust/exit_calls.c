/* Calls at the end of a process and of a thread, when the thread's locals are gone: from
   atexit handlers, destructors of the program, and destructors of thread-specific data.
   Every call works as ever, and what was sent arrives. */
#include "robust.h"

enum { MESSAGES = 100 };

static void *context, *sender;
static const char *way, *endpoint;
static int rounds;

/* What a program may do last: everything. Twice, so that what the first round would leave
   in the thread's locals is missed by the second. */
static void last_words (void)
{
    char text[8];
    int fd, events;
    size_t size = sizeof fd;
    if (rounds++ > 1 || !sender)
        return;
    OK (zmq_send (sender, "bye", 3, 0));
    void *own = zmq_ctx_new (), *a = zmq_socket (own, ZMQ_PAIR), *b = zmq_socket (own, ZMQ_PAIR);
    char at[64];
    bind_tcp (a, at);
    OK (zmq_connect (b, at));
    set_int (b, ZMQ_RCVTIMEO, 5000);
    for (int i = 0; i < 3; i++) {
        zmq_pollitem_t item = {b, 0, ZMQ_POLLIN, 0};
        char *body = calloc (1, 100000);
        OK (zmq_send (a, body, 100000, ZMQ_SNDMORE));
        OK (zmq_send (a, "short", 5, 0));
        free (body);
        CHECK (zmq_poll (&item, 1, 5000) == 1, "zmq_poll");
        OK (zmq_recv (b, text, sizeof text, 0));
        OK (zmq_recv (b, text, sizeof text, 0));
    }
    OK (zmq_getsockopt (b, ZMQ_FD, &fd, &size));
    size = sizeof events;
    OK (zmq_getsockopt (b, ZMQ_EVENTS, &events, &size));
    set_int (b, ZMQ_RCVTIMEO, 30);
    CHECK (zmq_recv (b, text, sizeof text, 0) < 0 && errno == EAGAIN, "a wait that ends");
    OK (zmq_close (a));
    OK (zmq_close (b));
    OK (zmq_ctx_term (own));
    if (rounds == 2 || strcmp (way, "atexit") == 0) {
        OK (zmq_close (sender));
        OK (zmq_ctx_term (context));
        sender = NULL;
        if (failures)
            _exit (3);
    }
}

static void last_words_of_key (void *key)
{
    (void) key;
    last_words ();
}

static void at_exit (void)
{
    last_words ();
    rounds = 3;
}

__attribute__ ((destructor)) static void at_the_very_end (void)
{
    if (way && strcmp (way, "destructor") == 0) {
        last_words ();
        last_words ();
    }
}

static void *work (void *unused)
{
    (void) unused;
    context = zmq_ctx_new ();
    sender = zmq_socket (context, ZMQ_PUSH);
    OK (zmq_connect (sender, endpoint));
    for (int i = 0; i < MESSAGES; i++)
        OK (zmq_send (sender, "work", 4, 0));
    if (strcmp (way, "thread-specific data") == 0) {
        pthread_key_t first, second;
        pthread_key_create (&first, last_words_of_key);
        pthread_key_create (&second, last_words_of_key);
        pthread_setspecific (first, &first);
        pthread_setspecific (second, &second);
    }
    return NULL;
}

/* A child that sends, and the last words of which are said in the given way. */
static void child (void)
{
    alarm (30);
    if (strcmp (way, "thread-specific data") == 0) {
        pthread_t thread;
        pthread_create (&thread, NULL, work, NULL);
        pthread_join (thread, NULL);
        _exit (failures ? 3 : 0);
    }
    if (strcmp (way, "atexit") == 0)
        atexit (at_exit);
    work (NULL);
    exit (0);
}

int main (void)
{
    static const char *const ways[] = {"atexit", "destructor", "thread-specific data"};
    static const char *const places[] = {"tcp://127.0.0.1:%d", "ipc://exit-calls-%d"};
    for (int w = 0; w < 3; w++)
        for (int p = 0; p < 2; p++) {
            char at[64], text[8];
            int status, work_count = 0, bye = 0, n;
            snprintf (at, sizeof at, places[p], p ? w : free_port ());
            endpoint = at;
            pid_t pid = fork ();
            if (pid == 0) {
                way = ways[w];
                child ();
            }
            void *ctx = zmq_ctx_new (), *pull = zmq_socket (ctx, ZMQ_PULL);
            OK (zmq_bind (pull, at));
            set_int (pull, ZMQ_RCVTIMEO, 10000);
            int expected = w == 0 ? 1 : 2;
            while (bye < expected && (n = zmq_recv (pull, text, sizeof text, 0)) >= 0)
                *(n == 4 ? &work_count : &bye) += 1;
            waitpid (pid, &status, 0);
            say ("%s, %s: %d messages, %d last words", ways[w], p ? "ipc" : "tcp", work_count, bye);
            CHECK (work_count == MESSAGES && bye == expected, "all of it arrives");
            CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 0, "and the child ends in order");
            OK (zmq_close (pull));
            OK (zmq_ctx_term (ctx));
        }
    return done ();
}
