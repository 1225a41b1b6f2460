/* Peers that connect and never finish the handshake: they end after
   ZMQ_HANDSHAKE_IVL, there is a bound to their number and memory, and peers that
   mean well get in all the same, also when 10,000 of them come at once.
   run alone */
#include "robust.h"
#include <stddef.h>
#include <sys/un.h>

#define SILENT 6000
#define HONEST 10000
#define MOST 4096 /* unfinished handshakes at a listener */
#define MEMORY 8  /* KiB for each of them */

/* One end is this program, the other a process of its own with the socket. */
static pid_t server;
static int to_server;
static char endpoint[64];

static void *echo (void *rep)
{
    char text[64];
    int size;
    while ((size = zmq_recv (rep, text, sizeof text, 0)) >= 0)
        OK (zmq_send (rep, text, (size_t) size, 0));
    return NULL;
}

static void serve (int handshake_ivl, int in, int out)
{
    void *ctx = zmq_ctx_new (), *rep = zmq_socket (ctx, ZMQ_REP);
    set_int (rep, ZMQ_HANDSHAKE_IVL, handshake_ivl);
    set_int (rep, ZMQ_BACKLOG, 4096);
    set_int (rep, ZMQ_LINGER, 0);
    bind_tcp (rep, endpoint);
    pthread_t thread;
    pthread_create (&thread, NULL, echo, rep);
    CHECK (write (out, endpoint, sizeof endpoint) == sizeof endpoint, "the endpoint is told");
    char byte;
    CHECK (read (in, &byte, 1) == 0, "goes on until the other end is closed");
    double begun = now ();
    zmq_ctx_shutdown (ctx);
    pthread_join (thread, NULL);
    zmq_close (rep);
    OK (zmq_ctx_term (ctx));
    CHECK (now () - begun < 5, "a socket with many connections ends soon");
}

static void start_server (int handshake_ivl)
{
    int down[2], up[2];
    OK (pipe2 (down, O_CLOEXEC));
    OK (pipe2 (up, O_CLOEXEC));
    server = fork ();
    if (server == 0) {
        close (down[1]);
        close (up[0]);
        serve (handshake_ivl, down[0], up[1]);
        exit (done ());
    }
    close (down[0]);
    close (up[1]);
    to_server = down[1];
    CHECK (read (up[0], endpoint, sizeof endpoint) == sizeof endpoint, "the server is there");
    close (up[0]);
}

static void end_server (void)
{
    int status = 0;
    close (to_server);
    OK (waitpid (server, &status, 0));
    CHECK (status == 0, "the server ends well");
}

static void raise_limit (void)
{
    struct rlimit limit;
    getrlimit (RLIMIT_NOFILE, &limit);
    /* root may raise both */
    limit.rlim_max = limit.rlim_max < HONEST + 1000 ? HONEST + 1000 : limit.rlim_max;
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
    getrlimit (RLIMIT_NOFILE, &limit);
    CHECK (limit.rlim_cur >= HONEST + 100, "this needs descriptors");
}

/* A new peer asks once; how long it takes. */
static double ask (void)
{
    void *ctx = zmq_ctx_new (), *req = zmq_socket (ctx, ZMQ_REQ);
    char text[8];
    set_int (req, ZMQ_RCVTIMEO, 5000);
    set_int (req, ZMQ_LINGER, 0);
    double begun = now ();
    OK (zmq_connect (req, endpoint));
    OK (zmq_send (req, "hello", 5, 0));
    CHECK (zmq_recv (req, text, sizeof text, 0) == 5, "an honest peer gets in");
    double took = now () - begun;
    zmq_close (req);
    zmq_ctx_term (ctx);
    return took;
}

static int is_over (int fd)
{
    char bytes[64];
    ssize_t n;
    while ((n = recv (fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    }
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static int count_over (const int *fds, int count)
{
    int over = 0;
    for (int i = 0; i < count; i++)
        over += is_over (fds[i]);
    return over;
}

static int fds[HONEST];

static void close_all (int count)
{
    for (int i = 0; i < count; i++)
        close (fds[i]);
}

/* The silent ones are more than there may be, and have all the time. */
static void bound (void)
{
    start_server (60000);
    ask ();
    int before = count_fds_of (server);
    long memory = status_of (server, "VmRSS:");
    double begun = now (), worst = 0;
    for (int i = 0; i < SILENT; i++) {
        fds[i] = dial (port_of (endpoint));
        if (i % 500 == 499) {
            double took = ask ();
            worst = took > worst ? took : worst;
        }
    }
    nap (2);
    double took = ask ();
    worst = took > worst ? took : worst;
    int there = count_fds_of (server) - before;
    memory = status_of (server, "VmRSS:") - memory;
    int over = count_over (fds, SILENT);
    say ("%d silent connections in %.1f s: %d stay, %d ended, %ld KiB, asking took %.3f s at worst",
         SILENT, now () - begun, there, over, memory, worst);
    CHECK (there >= MOST * 9 / 10 && there <= MOST + 64, "as many as there may be");
    CHECK (over >= SILENT - MOST - 64, "the oldest were ended");
    CHECK (!is_over (fds[SILENT - 1]), "the newest was not");
    CHECK (memory < (long) MOST * MEMORY, "bounded memory");
    CHECK (worst < 2.5, "honest peers get in");
    close_all (SILENT);
    end_server ();
}

/* The silent ones are few enough, and their time is over. */
static void time_limit (void)
{
    start_server (1000);
    ask ();
    int before = count_fds_of (server);
    for (int i = 0; i < 1000; i++)
        fds[i] = dial (port_of (endpoint));
    for (int i = 0; i < 1000; i += 2) /* some say a part of it */
        CHECK (send (fds[i], "\377\0\0\0\0\0\0\0\1\177\3", 11, MSG_NOSIGNAL) == 11, "a part");
    double begun = now ();
    nap (0.3);
    int early = count_over (fds, 1000);
    while (count_over (fds, 1000) < 1000 && now () < begun + 5)
        nap (0.02);
    double took = now () - begun;
    say ("1000 unfinished handshakes ended after %.2f s", took);
    CHECK (early == 0 && took > 0.5 && took < 3, "they end with ZMQ_HANDSHAKE_IVL, 1 s");
    CHECK (count_fds_of (server) - before <= 2, "nothing is left of them");
    close_all (1000);
    end_server ();
}

/* 10,000 at once, all of whom finish. */
static void rush (void)
{
    static const char hello[] = "\377\0\0\0\0\0\0\0\1\177\3\1NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\4\31\5READY\13Socket-Type\0\0\0\3REQ";
    _Static_assert (sizeof hello - 1 == 91, "greeting and READY");
    start_server (30000);
    ask ();
    double begun = now ();
    for (int i = 0; i < HONEST; i++) {
        fds[i] = dial (port_of (endpoint));
        /* Half of them take their time to say who they are. */
        int says = i % 2 == 0 ? i : i - 1000;
        if (says >= 0)
            CHECK (send (fds[says], hello, 91, MSG_NOSIGNAL) == 91, "hello");
    }
    for (int i = HONEST - 999; i < HONEST; i += 2)
        CHECK (send (fds[i], hello, 91, MSG_NOSIGNAL) == 91, "hello");
    int welcome = 0;
    for (int i = 0; i < HONEST; i++) {
        struct timeval patience = {10, 0};
        char bytes[64 + 2];
        setsockopt (fds[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        welcome += recv (fds[i], bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes;
    }
    say ("%d of %d honest peers were welcomed in %.1f s", welcome, HONEST, now () - begun);
    CHECK (welcome == HONEST, "all of them");
    nap (0.1);
    CHECK (count_over (fds, HONEST) == 0, "and they stay");
    ask ();
    close_all (HONEST);
    end_server ();
}

static void *answer_all (void *handler)
{
    char frame[256];
    static const char *reply[] = {"1.0", "1", "200", "", "", ""};
    while (zmq_recv (handler, frame, sizeof frame, 0) >= 0) {
        int more = 1;
        size_t size = sizeof more;
        if (zmq_getsockopt (handler, ZMQ_RCVMORE, &more, &size) < 0)
            break; /* the context is shut down */
        for (int i = 0; !more && i < 6; i++)
            zmq_send (handler, reply[i], strlen (reply[i]), i < 5 ? ZMQ_SNDMORE : 0);
    }
    return NULL;
}

/* A connection to an abstract name, or -1 if the queue is full. */
static int dial_ipc (const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    socklen_t size = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + strlen (name));
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    memcpy (to.sun_path + 1, name + 1, strlen (name) - 1);
    if (connect (fd, (struct sockaddr *) &to, size) == 0)
        return fd;
    close (fd);
    return -1;
}

/* The ZAP handler sleeps, and peers ask to be let in and go away. What waits for
   the handler is bounded; when it wakes up, an honest peer gets in. */
static void sleeping_handler (void)
{
    static const char hello[] = "\377\0\0\0\0\0\0\0\1\177\3\1PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\4\21\5HELLO\5admin\4pass";
    _Static_assert (sizeof hello - 1 == 83, "greeting and HELLO");
    void *ctx = zmq_ctx_new (), *rep = zmq_socket (ctx, ZMQ_REP);
    void *handler = zmq_socket (ctx, ZMQ_REP);
    OK (zmq_bind (handler, "inproc://zeromq.zap.01"));
    set_int (rep, ZMQ_PLAIN_SERVER, 1);
    snprintf (endpoint, sizeof endpoint, "ipc://@robust-crowd-%d", (int) getpid ());
    OK (zmq_bind (rep, endpoint));
    int asked = 0;
    long memory[3] = {rss (), 0, 0};
    for (int i = 0; i < 16000; i++) {
        int fd = dial_ipc (endpoint + 6);
        struct pollfd item = {fd, POLLIN, 0};
        if (fd >= 0 && send (fd, hello, 83, MSG_NOSIGNAL) == 83) {
            poll (&item, 1, 1); /* a greeting: it was accepted */
            asked++;
        }
        close (fd);
        if (i == 7999)
            memory[1] = rss ();
    }
    memory[2] = rss ();
    say ("%d of 16000 peers asked, none was answered: %ld KiB, then %ld KiB more", asked,
         memory[1] - memory[0], memory[2] - memory[1]);
    CHECK (memory[2] - memory[1] < 4096, "memory levels off");
    pthread_t thread;
    pthread_create (&thread, NULL, answer_all, handler);
    void *req = zmq_socket (ctx, ZMQ_REQ);
    char text[8];
    OK (zmq_setsockopt (req, ZMQ_PLAIN_USERNAME, "admin", 5));
    OK (zmq_setsockopt (req, ZMQ_PLAIN_PASSWORD, "pass", 4));
    set_int (rep, ZMQ_RCVTIMEO, 5000);
    set_int (req, ZMQ_LINGER, 0);
    OK (zmq_connect (req, endpoint));
    OK (zmq_send (req, "hello", 5, 0));
    CHECK (zmq_recv (rep, text, sizeof text, 0) == 5, "an honest peer gets in");
    zmq_close (req);
    zmq_close (rep);
    zmq_ctx_shutdown (ctx);
    pthread_join (thread, NULL);
    zmq_close (handler);
    OK (zmq_ctx_term (ctx));
}

int main (void)
{
    raise_limit ();
    bound ();
    time_limit ();
    rush ();
    sleeping_handler ();
    return done ();
}
