/* What peers without a name or key can do to a ZAP handler and its servers: a
   question ends with the connection that asked it, so that peers who ask and leave
   cost nothing, and good peers are served at once. A peer gets in by an answer to
   its own question and by nothing else.
   run alone */
#include "robust.h"

#define LIMIT 256 /* descriptors: half of them for unfinished handshakes */
#define EVIL 600  /* peers that ask and leave */

static char endpoint[64];
static void *context, *handler, *server;

static void open_server (int handler_type, int handshake_ivl)
{
    context = zmq_ctx_new ();
    handler = zmq_socket (context, handler_type);
    server = zmq_socket (context, ZMQ_PULL);
    set_int (handler, ZMQ_LINGER, 0);
    OK (zmq_bind (handler, "inproc://zeromq.zap.01"));
    set_int (server, ZMQ_LINGER, 0);
    set_int (server, ZMQ_PLAIN_SERVER, 1);
    set_int (server, ZMQ_HANDSHAKE_IVL, handshake_ivl);
    set_int (server, ZMQ_RCVTIMEO, 5000);
    bind_tcp (server, endpoint);
}

static void close_server (void)
{
    OK (zmq_close (server));
    if (handler)
        OK (zmq_close (handler));
    OK (zmq_ctx_term (context));
}

/* A PLAIN peer by hand: greeting and HELLO of a user. */
static int say_hello (const char *user)
{
    unsigned char hello[128] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'P', 'L', 'A', 'I', 'N'};
    size_t size = strlen (user);
    hello[64] = 4;
    hello[65] = (unsigned char) (6 + 1 + size + 1 + 1);
    memcpy (hello + 66, "\005HELLO", 6);
    hello[72] = (unsigned char) size;
    memcpy (hello + 73, user, size);
    hello[73 + size] = 1;
    hello[74 + size] = 'x';
    int fd = dial (port_of (endpoint));
    CHECK (send (fd, hello, 75 + size, MSG_NOSIGNAL) == (ssize_t) (75 + size), "HELLO is sent");
    return fd;
}

/* One that leaves when it was accepted, which the server's greeting shows. */
static int ask_and_leave (void)
{
    char greeting[64];
    int fd = say_hello ("evil"), accepted = read_all (fd, greeting, sizeof greeting, 3);
    close (fd);
    return accepted;
}

/* The seconds that a good peer needs to get in and say something. */
static double serve_good (void)
{
    void *ctx = zmq_ctx_new (), *push = zmq_socket (ctx, ZMQ_PUSH);
    char text[16];
    double begun = now ();
    set_int (push, ZMQ_LINGER, 0);
    OK (zmq_setsockopt (push, ZMQ_PLAIN_USERNAME, "good", 4));
    OK (zmq_setsockopt (push, ZMQ_PLAIN_PASSWORD, "x", 1));
    OK (zmq_connect (push, endpoint));
    OK (zmq_send (push, "hello", 5, 0));
    CHECK (zmq_recv (server, text, sizeof text, 0) == 5, "a good peer is served");
    OK (zmq_close (push));
    OK (zmq_ctx_term (ctx));
    return now () - begun;
}

/* ---- handlers -------------------------------------------------------------- */

static atomic_int asked;
static double think; /* seconds for each question */

/* Reads a question. Its parts go to `parts`; returns their number, 0 at the end. */
static int read_question (char parts[12][64])
{
    int count = 0, more = 1;
    size_t size = sizeof more;
    while (more) {
        char *part = parts[count < 12 ? count : 11];
        int length = zmq_recv (handler, part, 63, 0);
        if (length < 0 || zmq_getsockopt (handler, ZMQ_RCVMORE, &more, &size) < 0)
            return 0;
        part[length < 63 ? length : 63] = 0;
        count++;
    }
    return count;
}

/* The parts behind the delimiter. */
static void answer (const char *status)
{
    const char *reply[] = {"1.0", "1", status, "", "somebody", ""};
    for (int i = 0; i < 6; i++)
        zmq_send (handler, reply[i], strlen (reply[i]), i < 5 ? ZMQ_SNDMORE : 0);
}

/* A ROUTER that answers for good peers and ignores others. */
static void *ignore_evil (void *unused)
{
    char parts[12][64];
    while (read_question (parts)) {
        asked++;
        /* id, delimiter, version, request, domain, address, id, mechanism, user */
        if (strcmp (parts[8], "good") == 0) {
            zmq_send (handler, parts[0], 5, ZMQ_SNDMORE);
            zmq_send (handler, "", 0, ZMQ_SNDMORE);
            answer ("200");
        }
    }
    return unused;
}

/* A REP that thinks, then answers all. */
static void *answer_all (void *unused)
{
    char parts[12][64];
    while (read_question (parts)) {
        asked++;
        nap (think);
        answer (strcmp (parts[6], "good") == 0 ? "200" : "400");
    }
    return unused;
}

static void run_handler (pthread_t *thread, void *(*run) (void *) )
{
    asked = 0;
    pthread_create (thread, NULL, run, NULL);
}

static void end_handler (pthread_t thread)
{
    zmq_ctx_shutdown (context);
    pthread_join (thread, NULL);
}

/* ---- peers that ask and leave ----------------------------------------------- */

/* The questions of EVIL peers are read and never answered. */
static void ignored (void)
{
    pthread_t thread;
    open_server (ZMQ_ROUTER, 30000);
    run_handler (&thread, ignore_evil);
    double worst = serve_good ();
    int accepted = 0;
    for (int i = 0; i < EVIL && accepted == i; i++) {
        accepted += ask_and_leave ();
        if (i % 50 == 49) {
            double took = serve_good ();
            worst = took > worst ? took : worst;
        }
    }
    say ("%d peers asked, left, and were ignored; a good one took %.3f s at worst", accepted, worst);
    CHECK (accepted == EVIL, "new peers get in");
    CHECK (worst < 2, "good peers are served at once");
    end_handler (thread);
    close_server ();
}

/* A handler that makes no calls: no memory grows, and what it sees when it wakes up
   is what peers still wait for. */
static void asleep (void)
{
    pthread_t thread;
    long memory[3] = {0, 0, 0};
    open_server (ZMQ_REP, 30000);
    int accepted = 0;
    for (int i = 0; i < 10 * EVIL && accepted == i; i++) {
        if (i % (5 * EVIL) == EVIL)
            memory[i / (5 * EVIL)] = rss ();
        accepted += ask_and_leave ();
    }
    memory[2] = rss ();
    nap (0.1); /* the last one's loss is noticed */
    run_handler (&thread, answer_all);
    double took = serve_good ();
    say ("%d peers asked a handler that sleeps: %ld KiB more, then %ld KiB; it saw %d questions, "
         "a good peer took %.3f s", accepted, memory[1] - memory[0], memory[2] - memory[1], (int) asked, took);
    CHECK (accepted == 10 * EVIL, "new peers get in");
    CHECK (memory[2] - memory[0] < 1024, "memory does not grow");
    CHECK (asked <= 3, "questions of peers that have gone are withdrawn");
    CHECK (took < 2, "a good peer is served at once");
    end_handler (thread);
    close_server ();
}

/* A question that is withdrawn when the handler has read a part of it stays whole. */
static void half_read (int handler_type)
{
    char parts[12][64], part[64];
    open_server (handler_type, 30000);
    set_int (handler, ZMQ_RCVTIMEO, 5000);
    int evil = say_hello ("evil"), count = zmq_recv (handler, part, sizeof part, 0) >= 0;
    close (evil);
    for (double end = now () + 0.2; now () < end; nap (0.01)) {
        int events;
        size_t size = sizeof events;
        OK (zmq_getsockopt (handler, ZMQ_EVENTS, &events, &size)); /* reads its mail */
    }
    count += read_question (parts);
    int good = say_hello ("good"), whole = handler_type == ZMQ_REP ? 8 : 10;
    if (handler_type == ZMQ_REP)
        answer ("400");
    int next = read_question (parts);
    say ("a question withdrawn in its midst: %d parts, and %d of the next", count, next);
    CHECK (count == whole && next == whole, "both questions are whole");
    CHECK (strcmp (parts[whole - 2], "good") == 0, "the next is the next peer's");
    close (good);
    close_server ();
}

static atomic_int stop;

static void *keep_asking (void *count)
{
    while (!stop)
        *(int *) count += ask_and_leave ();
    return NULL;
}

/* A handler that needs 5 ms for a question, and peers that ask far more often. */
static void slow (void)
{
    pthread_t thread, evil;
    int accepted = 0;
    double worst = 0;
    think = 0.005;
    open_server (ZMQ_REP, 30000);
    run_handler (&thread, answer_all);
    stop = 0;
    pthread_create (&evil, NULL, keep_asking, &accepted);
    for (int i = 0; i < 5; i++) {
        nap (0.2);
        double took = serve_good ();
        worst = took > worst ? took : worst;
    }
    stop = 1;
    pthread_join (evil, NULL);
    say ("a slow handler: %d peers asked and left, it saw %d; a good one took %.3f s at worst", accepted,
         (int) asked, worst);
    CHECK (worst < 1, "a good peer does not wait for what was asked by others");
    think = 0;
    end_handler (thread);
    close_server ();
}

/* ---- who gets in ------------------------------------------------------------ */

/* Connects to the server, or the server to it. */
static void *plain_client (void *ctx, int server_connects)
{
    void *push = zmq_socket (ctx, ZMQ_PUSH);
    set_int (push, ZMQ_LINGER, 0);
    set_int (push, ZMQ_RECONNECT_IVL, 10);
    OK (zmq_setsockopt (push, ZMQ_PLAIN_USERNAME, "who", 3));
    OK (zmq_setsockopt (push, ZMQ_PLAIN_PASSWORD, "x", 1));
    if (server_connects) {
        char at[64];
        bind_tcp (push, at);
        set_int (server, ZMQ_RECONNECT_IVL, 10);
        OK (zmq_connect (server, at));
    } else {
        OK (zmq_connect (push, endpoint));
        OK (zmq_send (push, "hello", 5, 0));
    }
    return push;
}

/* The handler reads a question and ends. That is not the absence of a handler, and
   NULL peers, whom that would let in, stay out too. */
static void dies (int mechanism)
{
    char parts[12][64], text[8];
    open_server (ZMQ_REP, 300);
    if (mechanism == ZMQ_NULL) {
        set_int (server, ZMQ_PLAIN_SERVER, 0);
        OK (zmq_setsockopt (server, ZMQ_ZAP_DOMAIN, "domain", 6));
        bind_tcp (server, endpoint);
    }
    set_int (handler, ZMQ_RCVTIMEO, 5000);
    set_int (server, ZMQ_RCVTIMEO, 150);
    void *ctx = zmq_ctx_new (), *push = zmq_socket (ctx, ZMQ_PUSH);
    if (mechanism == ZMQ_NULL) {
        set_int (push, ZMQ_RECONNECT_IVL, -1);
        OK (zmq_connect (push, endpoint));
        OK (zmq_send (push, "hello", 5, 0));
    }
    void *plain = mechanism == ZMQ_PLAIN ? plain_client (ctx, 0) : NULL;
    CHECK (read_question (parts) > 0, "the handler is asked");
    OK (zmq_close (handler));
    handler = NULL;
    int got = zmq_recv (server, text, sizeof text, 0);
    say ("a handler that ends in mid-question: %s is %s", mechanism == ZMQ_NULL ? "NULL" : "PLAIN",
         got < 0 ? "not let in" : "LET IN");
    CHECK (got < 0, "a handler that ends does not let the peer in");
    set_int (push, ZMQ_LINGER, 0);
    OK (zmq_close (push));
    if (plain)
        OK (zmq_close (plain));
    OK (zmq_ctx_term (ctx));
    close_server ();
}

/* The answer to a question of before comes when the peer has asked again. */
static void stale (int server_connects)
{
    char first[12][64], second[12][64], text[8];
    open_server (ZMQ_ROUTER, 100);
    set_int (handler, ZMQ_RCVTIMEO, 5000);
    set_int (server, ZMQ_RCVTIMEO, 300);
    void *ctx = zmq_ctx_new (), *push = plain_client (ctx, server_connects);
    CHECK (read_question (first) > 0, "the handler is asked");
    CHECK (read_question (second) > 0, "and again after the time limit");
    CHECK (memcmp (first[0], second[0], 5) != 0, "by another peer");
    zmq_send (handler, first[0], 5, ZMQ_SNDMORE);
    zmq_send (handler, "", 0, ZMQ_SNDMORE);
    answer ("200");
    if (server_connects) {
        set_int (push, ZMQ_SNDTIMEO, 200);
        zmq_send (push, "hello", 5, 0); /* goes out if the peer is let in */
    }
    int got = zmq_recv (server, text, sizeof text, 0);
    say ("an answer that comes late, to one that %s: %s", server_connects ? "connects" : "binds",
         got < 0 ? "not let in" : "LET IN");
    CHECK (got < 0, "a late answer does not let the peer in");
    OK (zmq_close (push));
    OK (zmq_ctx_term (ctx));
    close_server ();
}

/* ---- memory ----------------------------------------------------------------- */

#define PENDING 100
#define READY 65000

/* Peers whose READY is as long as may be, of the shortest properties, wait for the
   handler: they hold what they sent and little more. */
static void pending (void)
{
    static unsigned char ready[64 + 9 + READY] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    int fds[PENDING];
    open_server (ZMQ_REP, 30000);
    set_int (server, ZMQ_PLAIN_SERVER, 0);
    OK (zmq_setsockopt (server, ZMQ_ZAP_DOMAIN, "domain", 6));
    bind_tcp (server, endpoint);
    ready[64] = 6;
    ready[64 + 7] = READY >> 8;
    ready[64 + 8] = READY & 255;
    memcpy (ready + 73, "\005READY\013Socket-Type\0\0\0\004PUSH", 26);
    int end = 73 + 26;
    while (end + 6 <= (int) sizeof ready) {
        memcpy (ready + end, "\001X\0\0\0\0", 6);
        end += 6;
    }
    ready[end - 1] = (unsigned char) (sizeof ready - (size_t) end); /* the last value takes the rest */
    long before = 0;
    for (int i = 0; i < PENDING; i++) {
        fds[i] = dial (port_of (endpoint));
        CHECK (send (fds[i], ready, sizeof ready, MSG_NOSIGNAL) == sizeof ready, "READY is sent");
        nap (0.002);
        if (i == 9) {
            nap (0.2);
            before = rss ();
        }
    }
    nap (0.3);
    long each = (rss () - before) / (PENDING - 10);
    int over = 0;
    for (int i = 0; i < PENDING; i++) {
        char bytes[128];
        over += recv (fds[i], bytes, sizeof bytes, MSG_DONTWAIT) == 0;
        close (fds[i]);
    }
    say ("%d peers wait after %d KiB of READY: %ld KiB for each", PENDING - over, READY / 1024, each);
    CHECK (over == 0, "they wait");
    CHECK (each <= 80, "at most about what came in");
    close_server ();
}

int main (void)
{
    struct rlimit limit = {LIMIT, LIMIT};
    OK (setrlimit (RLIMIT_NOFILE, &limit));
    ignored ();
    asleep ();
    slow ();
    half_read (ZMQ_REP);
    half_read (ZMQ_ROUTER);
    dies (ZMQ_PLAIN);
    dies (ZMQ_NULL);
    stale (0);
    stale (1);
    pending ();
    return done ();
}
