/* ZMQ_LOG: what the library tells on stderr, and that telling does no harm.
   This program runs itself with a scene's name, and reads its stderr. */
#include "robust.h"
#include <netdb.h>

#define ROOM (4 << 20)
#define PLAIN_REFUSAL "nobody of that name"

static char self[PATH_MAX];

/* The names of this program's peers are known to nobody. */
int getaddrinfo (const char *host, const char *service, const struct addrinfo *hints,
                 struct addrinfo **found)
{
    (void) host, (void) service, (void) hints;
    *found = NULL;
    return EAI_NONAME;
}

/* ---- scenes, in the child --------------------------------------------- */

static void *open_socket (void *ctx, int type)
{
    void *s = zmq_socket (ctx, type);
    OK (s ? 0 : -1);
    set_int (s, ZMQ_LINGER, 0);
    set_int (s, ZMQ_RCVTIMEO, 5000);
    set_int (s, ZMQ_SNDTIMEO, 5000);
    set_int (s, ZMQ_RECONNECT_IVL, 50);
    return s;
}

/* Waits for one of the events, at most a few seconds. */
static void await (void *ctx, void *s, int events, void (*act) (void *), void *arg)
{
    static int serial;
    char name[64];
    snprintf (name, sizeof name, "inproc://await-%d", serial++);
    OK (zmq_socket_monitor (s, name, events));
    void *mon = open_socket (ctx, ZMQ_PAIR);
    OK (zmq_connect (mon, name));
    act (arg);
    char frame[256];
    CHECK (zmq_recv (mon, frame, sizeof frame, 0) == 6, "the event came");
    OK (zmq_socket_monitor (s, NULL, 0));
    zmq_close (mon);
}

struct link {
    void *socket;
    const char *endpoint;
};

static void do_connect (void *arg)
{
    struct link *link = arg;
    OK (zmq_connect (link->socket, link->endpoint));
}

/* Makes a socket connect, and waits until the one at the other end has the event. */
static void connect_until (void *ctx, void *from, const char *endpoint, void *watched, int event)
{
    struct link link = {from, endpoint};
    await (ctx, watched, event, do_connect, &link);
}

static const unsigned char greeting[64] = {0xff, 0, 0, 0, 0,   0,   0,   0,  1,
                                           0x7f, 3, 1, 'N', 'U', 'L', 'L'};
static const char ready[] = "\4\x1c\5READY\13Socket-Type\0\0\0\6DEALER";

static int fd_of_raw_peer;

static void say_hello (void *endpoint)
{
    fd_of_raw_peer = dial (port_of (endpoint));
    CHECK (write (fd_of_raw_peer, greeting, 64) == 64, "greeting");
    CHECK (write (fd_of_raw_peer, ready, 30) == 30, "ready");
}

static void say_nothing (void *endpoint)
{
    fd_of_raw_peer = dial (port_of (endpoint));
}

static void say_nonsense (void *endpoint)
{
    fd_of_raw_peer = dial (port_of (endpoint));
    CHECK (write (fd_of_raw_peer, greeting, 64) == 64, "greeting");
    CHECK (write (fd_of_raw_peer, "\4\5\4JUNK", 7) == 7, "nonsense");
}

static void *zap_handler (void *ctx)
{
    void *s = open_socket (ctx, ZMQ_REP);
    OK (zmq_bind (s, "inproc://zeromq.zap.01"));
    char frame[256];
    int more;
    size_t size = sizeof more;
    do {
        OK (zmq_recv (s, frame, sizeof frame, 0));
        OK (zmq_getsockopt (s, ZMQ_RCVMORE, &more, &size));
    } while (more);
    const char *reply[] = {"1.0", "1", "400", PLAIN_REFUSAL "\nzmq error forged", "", ""};
    for (int i = 0; i < 6; i++)
        OK (zmq_send (s, reply[i], strlen (reply[i]), i < 5 ? ZMQ_SNDMORE : 0));
    return s;
}

static void refusals (void *ctx)
{
    char endpoint[64];
    void *rep = open_socket (ctx, ZMQ_REP);
    set_int (rep, ZMQ_HANDSHAKE_IVL, 100);
    bind_tcp (rep, endpoint);
    void *taken = open_socket (ctx, ZMQ_REP);
    CHECK (zmq_bind (taken, endpoint) == -1, "the address is taken");
    zmq_close (taken);

    void *pub = open_socket (ctx, ZMQ_PUB);
    connect_until (ctx, pub, endpoint, pub, ZMQ_EVENT_DISCONNECTED);
    zmq_close (pub);
    await (ctx, rep, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, say_nothing, endpoint);
    close (fd_of_raw_peer);
    await (ctx, rep, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, say_nonsense, endpoint);
    close (fd_of_raw_peer);

    void *plain = open_socket (ctx, ZMQ_REQ);
    OK (zmq_setsockopt (plain, ZMQ_PLAIN_USERNAME, "admin", 5));
    OK (zmq_setsockopt (plain, ZMQ_PLAIN_PASSWORD, "hunter2", 7));
    connect_until (ctx, plain, endpoint, rep, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    zmq_close (plain);

    void *server = open_socket (ctx, ZMQ_REP);
    set_int (server, ZMQ_PLAIN_SERVER, 1);
    bind_tcp (server, endpoint);
    pthread_t thread;
    void *handler = NULL;
    pthread_create (&thread, NULL, zap_handler, ctx);
    nap (0.1);
    plain = open_socket (ctx, ZMQ_REQ);
    OK (zmq_setsockopt (plain, ZMQ_PLAIN_USERNAME, "admin", 5));
    OK (zmq_setsockopt (plain, ZMQ_PLAIN_PASSWORD, "hunter2", 7));
    connect_until (ctx, plain, endpoint, server, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    pthread_join (thread, &handler);
    zmq_close (handler);
    zmq_close (plain);
    zmq_close (server);
    zmq_close (rep);
}

static void traffic (void *ctx)
{
    char endpoint[64], text[16];
    void *a = open_socket (ctx, ZMQ_DEALER), *b = open_socket (ctx, ZMQ_DEALER);
    bind_tcp (a, endpoint);
    OK (zmq_connect (b, endpoint));
    OK (zmq_send (b, "swordfish", 9, 0));
    OK (zmq_recv (a, text, sizeof text, 0));
    /* The peer goes, and does not answer any more. */
    struct link link = {b, endpoint};
    OK (zmq_socket_monitor (b, "inproc://loss", ZMQ_EVENT_CONNECT_RETRIED));
    void *mon = open_socket (ctx, ZMQ_PAIR);
    OK (zmq_connect (mon, "inproc://loss"));
    OK (zmq_close (a));
    for (int i = 0; i < 4; i++) /* two frames an event: the second attempt failed */
        OK (zmq_recv (mon, text, sizeof text, 0));
    zmq_close (mon);
    OK (zmq_socket_monitor (b, NULL, 0));
    OK (zmq_disconnect (link.socket, endpoint));
    zmq_close (b);

    a = open_socket (ctx, ZMQ_DEALER);
    set_int (a, ZMQ_HEARTBEAT_IVL, 50);
    set_int (a, ZMQ_HEARTBEAT_TIMEOUT, 100);
    bind_tcp (a, endpoint);
    await (ctx, a, ZMQ_EVENT_DISCONNECTED, say_hello, endpoint);
    close (fd_of_raw_peer);
    zmq_close (a);
}

static void losses (void *ctx)
{
    char text[16];
    void *pub = open_socket (ctx, ZMQ_PUB), *sub = open_socket (ctx, ZMQ_SUB);
    set_int (pub, ZMQ_SNDHWM, 1);
    set_int (sub, ZMQ_RCVHWM, 1);
    OK (zmq_bind (pub, "inproc://few"));
    OK (zmq_connect (sub, "inproc://few"));
    OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0));
    nap (0.05);
    for (int i = 0; i < 10; i++)
        OK (zmq_send (pub, "swordfish", 9, 0));
    OK (zmq_recv (sub, text, sizeof text, 0));
    zmq_close (sub);
    zmq_close (pub);

    void *router = open_socket (ctx, ZMQ_ROUTER);
    for (int i = 0; i < 1000; i++) {
        OK (zmq_send (router, "nobody", 6, ZMQ_SNDMORE));
        OK (zmq_send (router, "swordfish", 9, 0));
    }
    OK (zmq_setsockopt (router, ZMQ_PROBE_ROUTER, &(int){1}, 4));
    CHECK (zmq_setsockopt (router, 9999, "x", 1) == -1, "no such option");
    zmq_close (router);

    void *push = open_socket (ctx, ZMQ_PUSH);
    OK (zmq_connect (push, "tcp://no.such.host:5"));
    for (int i = 0; i < 3; i++)
        OK (zmq_send (push, "swordfish", 9, 0));
    nap (0.1);
    zmq_close (push);
}

static void *close_later (void *s)
{
    nap (1.5);
    zmq_close (s);
    return NULL;
}

/* All that comes in small numbers. */
static void scene_all (void)
{
    void *ctx = zmq_ctx_new ();
    traffic (ctx);
    refusals (ctx);
    losses (ctx);
    void *late = open_socket (ctx, ZMQ_PAIR), *push = open_socket (ctx, ZMQ_PUSH);
    set_int (push, ZMQ_LINGER, 1500);
    OK (zmq_connect (push, "tcp://127.0.0.1:1"));
    for (int i = 0; i < 3; i++)
        OK (zmq_send (push, "swordfish", 9, 0));
    zmq_close (push);
    pthread_t thread;
    pthread_create (&thread, NULL, close_later, late);
    OK (zmq_ctx_term (ctx));
    pthread_join (thread, NULL);
}

/* A monitor that nobody reads; and many lines. */
static void scene_many (void)
{
    void *ctx = zmq_ctx_new ();
    void *s = open_socket (ctx, ZMQ_PULL);
    char endpoint[64];
    OK (zmq_socket_monitor (s, "inproc://unread", ZMQ_EVENT_ALL));
    for (int i = 0; i < 1100; i++) {
        bind_tcp (s, endpoint);
        OK (zmq_unbind (s, endpoint));
    }
    nap (1.1);
    bind_tcp (s, endpoint); /* a line in a new second */
    zmq_close (s);
    OK (zmq_ctx_term (ctx));
}

/* Nobody has descriptors left, for a while. */
static void scene_fds (void)
{
    void *ctx = zmq_ctx_new ();
    void *a = open_socket (ctx, ZMQ_PULL), *b = open_socket (ctx, ZMQ_PUSH);
    char endpoint[64], text[16];
    bind_tcp (a, endpoint);
    struct rlimit limit, none;
    getrlimit (RLIMIT_NOFILE, &limit);
    none = limit;
    int peer = dial (port_of (endpoint));
    close (peer);
    nap (0.1);
    peer = socket (AF_INET, SOCK_STREAM, 0);
    none.rlim_cur = (rlim_t) peer + 1;
    setrlimit (RLIMIT_NOFILE, &none);
    struct sockaddr_in to = address_of ("127.0.0.1", port_of (endpoint));
    OK (connect (peer, (struct sockaddr *) &to, sizeof to));
    nap (0.5);
    setrlimit (RLIMIT_NOFILE, &limit);
    OK (zmq_connect (b, endpoint));
    OK (zmq_send (b, "x", 1, 0));
    OK (zmq_recv (a, text, sizeof text, 0));
    zmq_close (a);
    zmq_close (b);
    OK (zmq_ctx_term (ctx));
}

/* Messages pass. (Over ipc, which uses up no ports.) */
static void pass_messages (int count)
{
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < count; i++) {
        void *a = open_socket (ctx, ZMQ_PULL), *b = open_socket (ctx, ZMQ_PUSH);
        char endpoint[128], text[16];
        size_t size = sizeof endpoint;
        OK (zmq_bind (a, "ipc://*"));
        OK (zmq_getsockopt (a, ZMQ_LAST_ENDPOINT, endpoint, &size));
        OK (zmq_connect (b, endpoint));
        OK (zmq_send (b, "swordfish", 9, 0));
        OK (zmq_recv (a, text, sizeof text, 0));
        zmq_close (a);
        zmq_close (b);
    }
    OK (zmq_ctx_term (ctx));
}

static void *pass_in_thread (void *unused)
{
    (void) unused;
    pass_messages (100);
    return NULL;
}

static void scene_threads (void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create (&threads[i], NULL, pass_in_thread, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join (threads[i], NULL);
}

static void scene_messages (void)
{
    pass_messages (20);
}

static void scene_fork (void)
{
    void *ctx = zmq_ctx_new (), *s = open_socket (ctx, ZMQ_PULL);
    char endpoint[64];
    bind_tcp (s, endpoint);
    pid_t child = fork ();
    if (child == 0) {
        pass_messages (1);
        exit (done ());
    }
    int status = 0;
    OK (waitpid (child, &status, 0));
    CHECK (status == 0, "the forked child ends well");
    zmq_close (s);
    OK (zmq_ctx_term (ctx));
}

static void scene_closed (void)
{
    close (2); /* some descriptor of the library will be 2 */
    pass_messages (20);
}

static const struct scene {
    const char *name;
    void (*run) (void);
} scenes[] = {
  {"all", scene_all},         {"many", scene_many},     {"fds", scene_fds}, {"threads", scene_threads},
  {"messages", scene_messages}, {"fork", scene_fork}, {"closed", scene_closed},
};

/* ---- reading, in the parent -------------------------------------------- */

enum how { READ, NEVER_READ, NO_READER };

static char text[ROOM];
static int lines;

static pid_t start (const char *scene, const char *level, int err)
{
    pid_t child = fork ();
    if (child == 0) {
        dup2 (err, 2);
        level ? setenv ("ZMQ_LOG", level, 1) : unsetenv ("ZMQ_LOG");
        execl (self, self, scene, (char *) NULL);
        _exit (127);
    }
    return child;
}

/* Runs a scene; what it wrote to stderr is in `text`. */
static void run (const char *scene, const char *level, enum how how)
{
    int ends[2], file = open ("stderr", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    OK (file);
    OK (pipe2 (ends, O_CLOEXEC));
    if (how == NO_READER)
        close (ends[0]);
    pid_t child = start (scene, level, how == READ ? file : ends[1]);
    int status = 0;
    double end = now () + 30;
    pid_t gone = 0;
    while ((gone = waitpid (child, &status, WNOHANG)) == 0 && now () < end)
        nap (0.01);
    CHECK (gone == child, "the scene ends");
    if (gone != child) {
        kill (child, SIGKILL);
        waitpid (child, &status, 0);
    }
    if (status != 0)
        say ("scene %s at %s: status %#x", scene, level ? level : "none", status);
    CHECK (status == 0, "the scene ends well");
    if (how != NO_READER)
        close (ends[0]);
    close (ends[1]);
    ssize_t have = pread (file, text, ROOM - 1, 0);
    OK (have);
    text[have] = 0;
    close (file);
    lines = 0;
    for (char *at = text; (at = strchr (at, '\n')); at++)
        lines++;
}

/* Whether each line has the right form, and a level no finer than `most`. */
static void check_form (int most)
{
    static const char *names[] = {"", "error", "warn", "info", "debug", "trace"};
    char *copy = strdup (text), *place = NULL;
    for (char *line = strtok_r (copy, "\n", &place); line; line = strtok_r (NULL, "\n", &place)) {
        char level[16] = "";
        long seconds = 0, micros = 0;
        int end = 0, found = 0;
        sscanf (line, "zmq %15s %ld.%6ld [%n", level, &seconds, &micros, &end);
        for (int i = 1; i <= most; i++)
            found |= strcmp (level, names[i]) == 0;
        if (!end || !found || labs (seconds - time (NULL)) > 100 || !strstr (line + end, "] "))
            say ("a bad line: %s", line);
        CHECK (end && found && strstr (line + end, "] "), "lines have the right form");
    }
    free (copy);
    CHECK (!strstr (text, "swordfish") && !strstr (text, "hunter2"), "nothing secret is told");
    CHECK (!strstr (text, "\nzmq error forged"), "nobody forges a line");
}

static const struct event {
    int level;
    const char *text;
} events[] = {
  {2, "cannot bind tcp://127.0.0.1:"},
  {2, "socket type does not go with this one"},
  {2, "failed: not done after ZMQ_HANDSHAKE_IVL (100 ms)"},
  {2, "failed: protocol error 0x10000001"},
  {2, "failed: the peer wants PLAIN, this socket NULL"},
  {2, "ZAP refuses a peer: 400 " PLAIN_REFUSAL "?"},
  {2, "failed: authentication failed, ZAP status 400"},
  {2, "no sign of life for ZMQ_HEARTBEAT_TIMEOUT (100 ms)"},
  {2, "messages dropped: the queue of a peer is full, ZMQ_SNDHWM 1"},
  {2, "messages dropped: no peer has this routing id (1 times)"},
  {2, "messages dropped: no peer has this routing id (999 times)"},
  {2, "the host name of tcp://no.such.host:5 is not found"},
  {2, "option 9999 is refused: Invalid argument"},
  {2, "3 message parts for tcp://no.such.host:5 are not sent: ZMQ_LINGER is 0"},
  {2, "3 message parts for tcp://127.0.0.1:1 are not sent: the time of ZMQ_LINGER is over"},
  {2, "zmq_ctx_term waits for 2 sockets: [PAIR #"},
  {2, " with 3 unsent message parts"},
  {3, "listening on tcp://127.0.0.1:"},
  {3, "listening on inproc://few"},
  {3, "accepted 127.0.0.1 on tcp://127.0.0.1:"},
  {3, "connected to tcp://127.0.0.1:"},
  {3, "done: DEALER, NULL, ZMTP 3.1"},
  {3, ": the peer closed the connection"},
  {3, "again in "},
  {3, "failed: Connection refused"},
  {4, "] open"},
  {4, "] connect tcp://127.0.0.1:"},
  {4, "looking up the host name of tcp://no.such.host:5"},
  {4, "gives up tcp://127.0.0.1:"},
  {4, "closed fd "},
  {5, "PING to "},
  {5, "ZMQ_LINGER is set, with effect at once"},
};

static void check_levels (void)
{
    static const char *levels[] = {NULL, "error", "warn", "info", "debug", "trace"};
    for (int level = 0; level <= 5; level++) {
        run ("all", levels[level], READ);
        check_form (level);
        for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
            int there = strstr (text, events[i].text) != NULL;
            if (there != (events[i].level <= level))
                say ("at level %d: %s", level, events[i].text);
            CHECK (there == (events[i].level <= level), "each event at its level");
        }
        say ("all at %s: %d lines", levels[level] ? levels[level] : "none", lines);
    }
}

static int count (const char *what)
{
    int n = 0;
    for (char *at = text; (at = strstr (at, what)); at++)
        n++;
    return n;
}

int main (int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof scenes / sizeof *scenes; i++)
        if (strcmp (argv[1], scenes[i].name) == 0) {
            scenes[i].run ();
            return done ();
        }
    OK (readlink ("/proc/self/exe", self, sizeof self - 1));
    check_levels ();

    run ("messages", "loud", READ);
    CHECK (lines == 1 && strstr (text, "ZMQ_LOG=loud is none of error, warn"), "told once");
    run ("messages", "", READ);
    CHECK (lines == 0, "an empty value is off");

    run ("many", "warn", READ);
    CHECK (count ("events dropped: the monitor's queue is full") == 1 && lines == 1, "once");
    run ("many", "info", READ);
    say ("many at info: %d lines", lines);
    CHECK (lines < 1000 && strstr (text, "lines were left out before this one"), "no flood");
    run ("many", "debug", READ);
    CHECK (count ("listening on") == 1101, "all of them");
    run ("fds", "warn", READ);
    CHECK (count ("Too many open files") == 1 && count ("accepts on tcp://") == 1,
           "the pause and its end, once each");

    run ("threads", "trace", READ);
    check_form (5);
    if (count ("handshake on") != 800)
        say ("%d handshakes, %d lines, %d left out", count ("handshake on"), lines, count ("left out"));
    CHECK (count ("handshake on") == 800, "each handshake is told of at both ends");
    run ("fork", "info", READ);
    CHECK (count ("handshake on") == 2, "a forked child tells what it does");

    double begun = now ();
    run ("threads", "trace", NEVER_READ);
    run ("threads", "trace", NO_READER);
    run ("closed", "trace", READ);
    CHECK (now () - begun < 20, "nothing waits for stderr");
    return done ();
}
