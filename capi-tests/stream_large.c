/* STREAM: much data, the size of what is received at once, full pipes. */
#include "tcp.h"

enum { TOTAL = 3 * 1000 * 1000 + 17 };

static unsigned char *pattern (void)
{
    unsigned char *data = malloc (TOTAL);
    MUST (data != NULL);
    for (size_t i = 0; i < TOTAL; i++)
        data[i] = (unsigned char) (i * 7 + i / 251);
    return data;
}

struct job {
    int fd;
    unsigned char *data;
};

static void *writer (void *arg)
{
    struct job *job = arg;
    tcp_write (job->fd, job->data, TOTAL);
    return NULL;
}

static void *reader (void *arg)
{
    struct job *job = arg;
    static unsigned char got[TOTAL];
    size_t have = 0;
    while (have < TOTAL) {
        ssize_t n = recv (job->fd, got + have, TOTAL - have, 0);
        if (n <= 0)
            break;
        have += (size_t) n;
    }
    printf ("client: %zu bytes, %s\n", have,
            memcmp (got, job->data, TOTAL) == 0 ? "as sent" : "different");
    return NULL;
}

static void receive (void *ctx, unsigned char *data)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    PART ("in: messages of 8192 bytes at most");
    /* Of no effect here, as the parts are not of the peer's making. */
    int64_t limit = 100;
    MUST (zmq_setsockopt (s, ZMQ_MAXMSGSIZE, &limit, sizeof limit) == 0);
    bind_any (s, "tcp", endpoint);
    struct job job = {tcp_connect (endpoint), data};
    struct id id = take ("comes", s);
    pthread_t thread;
    MUST (pthread_create (&thread, NULL, writer, &job) == 0);
    size_t have = 0, largest = 0;
    int wrong = 0;
    while (have < TOTAL) {
        static unsigned char part[100000];
        struct id from;
        from.size = zmq_recv (s, from.bytes, sizeof from.bytes, 0);
        int n = zmq_recv (s, part, sizeof part, 0);
        MUST (n > 0 && (size_t) n <= TOTAL - have);
        wrong += !same (id, from) || memcmp (part, data + have, (size_t) n);
        have += (size_t) n;
        if ((size_t) n > largest)
            largest = (size_t) n;
    }
    SHOW (wrong);
    SHOW (largest);
    MUST (pthread_join (thread, NULL) == 0);
    close (job.fd);
    SHOW (same (id, take ("goes", s)));
    done (s);
}

static void transmit (void *ctx, unsigned char *data, size_t part, int end)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    printf ("-- out: in messages of %zu bytes\n", part);
    bind_any (s, "tcp", endpoint);
    struct job job = {tcp_connect (endpoint), data};
    struct id id = take ("comes", s);
    pthread_t thread;
    MUST (pthread_create (&thread, NULL, reader, &job) == 0);
    for (size_t at = 0; at < TOTAL; at += part)
        give (s, id, data + at, TOTAL - at < part ? TOTAL - at : part);
    MUST (pthread_join (thread, NULL) == 0);
    if (end) {
        give (s, id, "", 0);
        tcp_show_end ("client", job.fd, s);
    }
    close (job.fd);
    done (s);
}

static void full (void *ctx)
{
    enum { CHUNK = 100000 };
    static char chunk[CHUNK];
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_STREAM);
    PART ("a peer that does not read makes its sender wait, and only that");
    set_int (s, ZMQ_SNDHWM, 3);
    set_int (s, ZMQ_SNDTIMEO, 30);
    bind_any (s, "tcp", endpoint);
    int lazy = tcp_connect (endpoint);
    struct id slow = take ("comes", s);
    int keen = tcp_connect (endpoint);
    struct id quick = take ("comes", s);
    int rc = 0;
    for (int i = 0; i < 1000 && rc != -1; i++) {
        rc = zmq_send (s, slow.bytes, 5, ZMQ_SNDMORE);
        if (rc == 5)
            MUST (zmq_send (s, chunk, CHUNK, 0) == CHUNK);
    }
    printf ("slow: %s\n", rc == -1 ? errno_name (zmq_errno ()) : "endless");
    SHOW (get_int (s, ZMQ_EVENTS));
    give (s, quick, "quick", 5);
    tcp_show ("quick", keen, 5);
    RC (zmq_send (s, slow.bytes, 5, ZMQ_SNDMORE | ZMQ_DONTWAIT));
    PART ("it goes on when the peer reads");
    set_int (s, ZMQ_SNDTIMEO, PATIENCE);
    pid_t child = fork ();
    MUST (child >= 0);
    if (child == 0) {
        while (recv (lazy, chunk, CHUNK, 0) > 0)
            ;
        _exit (0);
    }
    RC (zmq_send (s, slow.bytes, 5, ZMQ_SNDMORE));
    RC (zmq_send (s, "tail", 4, 0));
    MUST (shutdown (lazy, SHUT_RDWR) == 0);
    close (lazy);
    close (keen);
    done (s);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    unsigned char *data = pattern ();
    receive (ctx, data);
    transmit (ctx, data, 100, 0);
    transmit (ctx, data, 5000, 1);
    transmit (ctx, data, 70000, 0);
    transmit (ctx, data, TOTAL, 1);
    full (ctx);
    free (data);
    term (ctx);
    return 0;
}
