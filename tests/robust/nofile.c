/* Out of descriptors: at each limit from 3 to 64, calls fail with EMFILE or work,
   and everything works once there are descriptors again. Out of them while
   listening, the process idles and goes on accepting soon after some are free. */
#include "robust.h"

enum { LEAST = 3, MOST = 64, AT_ONCE = 16, SOCKETS = 64 };

static const struct {
    int binds, connects;
} patterns[] = {{ZMQ_PAIR, ZMQ_PAIR},   {ZMQ_REP, ZMQ_REQ},   {ZMQ_ROUTER, ZMQ_DEALER},
                {ZMQ_PUB, ZMQ_SUB},     {ZMQ_XSUB, ZMQ_XPUB}, {ZMQ_PULL, ZMQ_PUSH},
                {ZMQ_STREAM, ZMQ_STREAM}};

static struct {
    void *context, *sockets[SOCKETS];
    int count, refused;
} host;

/* Whether a call succeeded. If not, it has to be for want of descriptors. */
static int went (int ok, const char *what)
{
    if (!ok && errno != EMFILE) {
        failures++;
        say ("FAILED: %s: %s", what, zmq_strerror (errno));
    }
    host.refused += !ok;
    return ok;
}

static void set_limit (rlim_t limit)
{
    struct rlimit both;
    OK (getrlimit (RLIMIT_NOFILE, &both));
    both.rlim_cur = limit;
    OK (setrlimit (RLIMIT_NOFILE, &both));
}

static void *make (int type)
{
    void *socket = zmq_socket (host.context, type);
    if (!went (socket != NULL, "zmq_socket"))
        return NULL;
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_SNDTIMEO, 10);
    set_int (socket, ZMQ_RCVTIMEO, 10);
    set_int (socket, ZMQ_RECONNECT_IVL, 5);
    return host.sockets[host.count++] = socket;
}

static void use (void *socket)
{
    char buffer[64];
    int rc = zmq_send (socket, "hello", 5, 0);
    CHECK (rc == 5 || errno == EAGAIN || errno == EHOSTUNREACH || errno == ENOTSUP || errno == EFSM,
           "zmq_send");
    rc = zmq_recv (socket, buffer, sizeof buffer, 0);
    CHECK (rc >= 0 || errno == EAGAIN || errno == ENOTSUP || errno == EFSM, "zmq_recv");
}

static void watch (void *socket, int number)
{
    char name[32];
    int fd;
    size_t size = sizeof fd;
    snprintf (name, sizeof name, "inproc://monitor-%d", number);
    if (!went (zmq_socket_monitor (socket, name, ZMQ_EVENT_ALL) == 0, "zmq_socket_monitor"))
        return;
    void *monitor = make (ZMQ_PAIR);
    if (monitor && went (zmq_connect (monitor, name) == 0, "zmq_connect to a monitor"))
        use (monitor);
    went (zmq_getsockopt (socket, ZMQ_FD, &fd, &size) == 0, "ZMQ_FD");
}

static void pair_over (const char *transport, unsigned pattern)
{
    char endpoint[96], last[96];
    size_t size = sizeof last;
    void *server = make (patterns[pattern].binds), *client = make (patterns[pattern].connects);
    if (!server || !client)
        return;
    if (patterns[pattern].connects == ZMQ_SUB)
        OK (zmq_setsockopt (client, ZMQ_SUBSCRIBE, "", 0));
    if (pattern == 2)
        watch (server, host.count);
    snprintf (endpoint, sizeof endpoint, strcmp (transport, "tcp") ? "%s://nofile-%d-%u" : "tcp://127.0.0.1:*",
              transport, (int) getpid (), pattern);
    if (!went (zmq_bind (server, endpoint) == 0, "zmq_bind"))
        return;
    OK (zmq_getsockopt (server, ZMQ_LAST_ENDPOINT, last, &size));
    if (!went (zmq_connect (client, last) == 0, "zmq_connect"))
        return;
    if (pattern == 1 && strcmp (transport, "tcp") == 0) {
        char name[96];
        snprintf (name, sizeof name, "tcp://localhost:%d", port_of (last));
        went (zmq_connect (client, name) == 0, "zmq_connect by name");
    }
    use (client);
    use (server);
    zmq_pollitem_t items[] = {{server, 0, ZMQ_POLLIN, 0}, {client, 0, ZMQ_POLLIN, 0}, {NULL, 0, ZMQ_POLLIN, 0}};
    went (zmq_poll (items, 2, 1) >= 0, "zmq_poll");
    went (zmq_poll (items, 3, 1) >= 0, "zmq_poll with a descriptor");
}

/* Each way to be short of descriptors comes to an end with the shortage. */
static void recovers (void)
{
    char endpoint[64], buffer[8];
    void *server = make (ZMQ_REP), *client = make (ZMQ_REQ);
    set_int (server, ZMQ_RCVTIMEO, 5000);
    set_int (client, ZMQ_RCVTIMEO, 5000);
    bind_tcp (server, endpoint);
    OK (zmq_connect (client, endpoint));
    OK (zmq_send (client, "again", 5, 0));
    OK (zmq_recv (server, buffer, sizeof buffer, 0));
    OK (zmq_send (server, "well", 4, 0));
    OK (zmq_recv (client, buffer, sizeof buffer, 0));
}

static int everything (rlim_t limit)
{
    set_limit (limit);
    host.context = zmq_ctx_new ();
    if (went (host.context != NULL, "zmq_ctx_new")) {
        static const char *const transports[] = {"tcp", "ipc", "inproc"};
        for (int t = 0; t < 3; t++)
            for (unsigned p = 0; p < sizeof patterns / sizeof *patterns; p++)
                pair_over (transports[t], p);
        int refused = host.refused;
        set_limit (1024);
        recovers ();
        CHECK (refused > 0 || limit > 40, "it was short of descriptors");
        while (host.count > 0)
            OK (zmq_close (host.sockets[--host.count]));
        OK (zmq_ctx_term (host.context));
        CHECK (count_fds () <= 3, "no descriptor is left open");
    }
    return failures ? 1 : 0;
}

static void each_limit (void)
{
    int running = 0, fine = 0;
    double start = now ();
    for (int limit = LEAST; limit <= MOST || running > 0;) {
        if (limit <= MOST && running < AT_ONCE) {
            pid_t child = fork ();
            if (child == 0) {
                alarm (60);
                _exit (everything ((rlim_t) limit));
            }
            limit++;
            running++;
            continue;
        }
        int status;
        OK (wait (&status));
        running--;
        if (WIFSIGNALED (status))
            say ("FAILED: killed by %s", strsignal (WTERMSIG (status)));
        fine += status == 0;
    }
    say ("limits from %d to %d: %d fine, in %.1f s", LEAST, MOST, fine, now () - start);
    CHECK (fine == MOST - LEAST + 1, "at any limit calls work or fail with EMFILE");
}

/* Clients in another process: `count` that stay, one greeting each. */
static pid_t clients (const char *endpoint, int count)
{
    pid_t child = fork ();
    if (child != 0)
        return child;
    set_limit (1024);
    void *context = zmq_ctx_new ();
    for (int i = 0; i < count; i++) {
        void *socket = zmq_socket (context, ZMQ_PUSH);
        OK (zmq_connect (socket, endpoint));
        OK (zmq_send (socket, "hello", 5, 0));
    }
    pause ();
    _exit (1);
}

static double cpu (void)
{
    struct rusage use;
    getrusage (RUSAGE_SELF, &use);
    return (double) (use.ru_utime.tv_sec + use.ru_stime.tv_sec)
           + (double) (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* Runs in a process of its own. */
static int listener (const char *transport)
{
    enum { CLIENTS = 60, LIMIT = 60, SPARE = 20 };
    char endpoint[96], buffer[8];
    int spare[SPARE], heard = 0;
    size_t size = sizeof endpoint;
    for (int i = 0; i < SPARE; i++)
        OK (spare[i] = open ("/dev/null", O_RDONLY));
    set_limit (LIMIT);
    void *context = zmq_ctx_new (), *pull = zmq_socket (context, ZMQ_PULL);
    OK (zmq_bind (pull, strcmp (transport, "tcp") ? "ipc://nofile-listener" : "tcp://127.0.0.1:*"));
    OK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &size));
    pid_t child = clients (endpoint, CLIENTS);
    set_int (pull, ZMQ_RCVTIMEO, 1000);
    while (zmq_recv (pull, buffer, sizeof buffer, 0) >= 0)
        heard++;
    CHECK (heard > 0 && heard < CLIENTS, "it ran out of descriptors");
    double before = cpu (), start = now ();
    nap (2);
    double share = (cpu () - before) / (now () - start);
    for (int i = 0; i < SPARE; i++)
        close (spare[i]);
    start = now ();
    int got = zmq_recv (pull, buffer, sizeof buffer, 0);
    double took = now () - start;
    int more = 0;
    while (got >= 0 && ++more < SPARE - 1)
        got = zmq_recv (pull, buffer, sizeof buffer, 0);
    say ("%s: out of descriptors after %d of %d peers: %.1f %% of a CPU; the next one %.2f s after some were free",
         transport, heard, CLIENTS, share * 100, took);
    CHECK (share < 0.05, "a listener without descriptors idles");
    CHECK (got >= 0 && took < 1, "and goes on within a second");
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
    set_int (pull, ZMQ_LINGER, 0);
    OK (zmq_close (pull));
    OK (zmq_ctx_term (context));
    return failures ? 1 : 0;
}

static void listening (const char *transport)
{
    int status = 0;
    pid_t child = fork ();
    if (child == 0) {
        alarm (60);
        _exit (listener (transport));
    }
    waitpid (child, &status, 0);
    CHECK (status == 0, "out of descriptors while listening");
}

int main (void)
{
    each_limit ();
    listening ("tcp");
    listening ("ipc");
    return done ();
}
