/*
 * Shared helpers of the C tests.
 *
 * A test prints what it observes, one line at a time, and the runner compares
 * the lines of two libraries. So nothing printed may depend on time, on an
 * address, on a port or on the order of two threads.
 */
#ifndef CAPI_TESTS_COMMON_H
#define CAPI_TESTS_COMMON_H

#include <zmq.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Options that a stable zmq.h does not name, though a stable library takes
 * them.
 */
#ifndef ZMQ_ZERO_COPY_RECV
#define ZMQ_ZERO_COPY_RECV 10
#endif
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif
#ifndef ZMQ_LOOPBACK_FASTPATH
#define ZMQ_LOOPBACK_FASTPATH 94
#endif
#ifndef ZMQ_METADATA
#define ZMQ_METADATA 95
#endif
#ifndef ZMQ_MULTICAST_LOOP
#define ZMQ_MULTICAST_LOOP 96
#endif
#ifndef ZMQ_XPUB_MANUAL_LAST_VALUE
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
#endif
#ifndef ZMQ_SOCKS_USERNAME
#define ZMQ_SOCKS_USERNAME 99
#endif
#ifndef ZMQ_SOCKS_PASSWORD
#define ZMQ_SOCKS_PASSWORD 100
#endif
#ifndef ZMQ_ONLY_FIRST_SUBSCRIBE
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
#endif
#ifndef ZMQ_RECONNECT_STOP
#define ZMQ_RECONNECT_STOP 109
#endif
#ifndef ZMQ_TOPICS_COUNT
#define ZMQ_TOPICS_COUNT 116
#endif

#define UNUSED __attribute__ ((unused))
#define COUNT(a) ((int) (sizeof (a) / sizeof ((a)[0])))

/* Longest endpoint text a test keeps. */
enum { ENDPOINT = 256 };
/* Bound of every wait that is expected to succeed, in ms. */
enum { PATIENCE = 8000 };

/* ---- errno ---------------------------------------------------------- */

static UNUSED const char *errno_name (int e)
{
    static const struct {
        int value;
        const char *name;
    } names[] = {
      {0, "0"}, {EFSM, "EFSM"}, {ETERM, "ETERM"}, {EMTHREAD, "EMTHREAD"},
      {ENOCOMPATPROTO, "ENOCOMPATPROTO"}, {EAGAIN, "EAGAIN"},
      {EINVAL, "EINVAL"}, {EFAULT, "EFAULT"}, {ENOTSUP, "ENOTSUP"},
      {EINTR, "EINTR"}, {ENOTSOCK, "ENOTSOCK"}, {ENOENT, "ENOENT"},
      {EADDRINUSE, "EADDRINUSE"}, {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
      {ENODEV, "ENODEV"}, {EPROTONOSUPPORT, "EPROTONOSUPPORT"},
      {EHOSTUNREACH, "EHOSTUNREACH"}, {EMFILE, "EMFILE"},
      {ENAMETOOLONG, "ENAMETOOLONG"}, {EACCES, "EACCES"},
      {ENOMEM, "ENOMEM"}, {ENOTDIR, "ENOTDIR"}, {EBADF, "EBADF"},
      {EAFNOSUPPORT, "EAFNOSUPPORT"}, {EPERM, "EPERM"},
      {ENOTCONN, "ENOTCONN"}, {EMSGSIZE, "EMSGSIZE"},
      {EISDIR, "EISDIR"}, {ENXIO, "ENXIO"},
    };
    static char other[32];
    for (int i = 0; i < COUNT (names); i++)
        if (names[i].value == e)
            return names[i].name;
    snprintf (other, sizeof other, "errno %d", e);
    return other;
}

/* ---- reporting ------------------------------------------------------ */

/* Prints "call = rc", with the name of zmq_errno() when the call failed. */
static UNUSED int show_rc (const char *call, int rc)
{
    int e = zmq_errno ();
    if (rc == -1)
        printf ("%s = -1 %s\n", call, errno_name (e));
    else
        printf ("%s = %d\n", call, rc);
    return rc;
}

static UNUSED void *show_pointer (const char *call, void *p)
{
    int e = zmq_errno ();
    if (p)
        printf ("%s = pointer\n", call);
    else
        printf ("%s = NULL %s\n", call, errno_name (e));
    return p;
}

/* Runs a call that returns an int and prints the result. */
#define RC(...) (errno = 0, show_rc (#__VA_ARGS__, (int) (__VA_ARGS__)))
/* Runs a call that returns a pointer and prints whether it is NULL. */
#define PTR(...)                                                               \
    (errno = 0, show_pointer (#__VA_ARGS__, (void *) (__VA_ARGS__)))
/* Prints the value of an integer expression. */
#define SHOW(...) printf ("%s: %lld\n", #__VA_ARGS__, (long long) (__VA_ARGS__))
/* A headline, to find one's way in a difference. */
#define PART(text) printf ("-- %s\n", text)

static UNUSED void die (const char *file, int line, const char *what)
{
    int e = zmq_errno ();
    printf ("%s:%d: failed: %s (%s)\n", file, line, what, errno_name (e));
    fflush (stdout);
    _exit (2);
}
/* For the steps a test stands on: the test ends if one of them fails. */
#define MUST(...)                                                              \
    do {                                                                       \
        if (!(__VA_ARGS__))                                                    \
            die (__FILE__, __LINE__, #__VA_ARGS__);                            \
    } while (0)

/* ---- start and end -------------------------------------------------- */

static UNUSED void on_alarm (int sig)
{
    static const char text[] = "watchdog: the test hangs\n";
    (void) sig;
    if (write (1, text, sizeof text - 1) < 0)
        _exit (98);
    _exit (99);
}

/* Tells the runner, through the file it names, which library really runs. */
static UNUSED void report_library (void)
{
    const char *to = getenv ("CAPI_TESTS_LIBRARY");
    if (!to)
        return;
    FILE *maps = fopen ("/proc/self/maps", "r");
    FILE *out = fopen (to, "w");
    char line[1024], last[1024] = "";
    MUST (maps && out);
    while (fgets (line, sizeof line, maps)) {
        char *path = strchr (line, '/');
        if (path && strstr (path, "libzmq") && strcmp (path, last) != 0) {
            snprintf (last, sizeof last, "%s", path);
            fputs (path, out);
        }
    }
    fclose (maps);
    fclose (out);
}

/* Every test calls this first. */
static UNUSED void start (void)
{
    setvbuf (stdout, NULL, _IOLBF, 0);
    signal (SIGALRM, on_alarm);
    signal (SIGPIPE, SIG_IGN);
    /* The runner has a limit of its own, for those who ask for a longer one. */
    alarm (getenv ("CAPI_TESTS_SLOW") ? 120 : 20);
    report_library ();
}

/* ---- time ----------------------------------------------------------- */

static UNUSED long now_ms (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (long) (t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* Names a duration coarsely enough to be the same on a loaded machine. */
static UNUSED const char *coarse (long ms, long expected)
{
    if (expected > 0 && ms + 2 < expected)
        return "too short";
    return ms < expected + 3000 ? "as asked" : "too long";
}

/* ---- sockets -------------------------------------------------------- */

static UNUSED void set_int (void *s, int option, int value)
{
    MUST (zmq_setsockopt (s, option, &value, sizeof value) == 0);
}

static UNUSED int get_int (void *s, int option)
{
    int value = -77;
    size_t len = sizeof value;
    MUST (zmq_getsockopt (s, option, &value, &len) == 0);
    return value;
}

/* A socket that waits a bounded time and leaves nothing behind. */
static UNUSED void *sock (void *ctx, int type)
{
    void *s = zmq_socket (ctx, type);
    MUST (s != NULL);
    set_int (s, ZMQ_LINGER, 0);
    set_int (s, ZMQ_RCVTIMEO, PATIENCE);
    set_int (s, ZMQ_SNDTIMEO, PATIENCE);
    return s;
}

static UNUSED void done (void *s)
{
    MUST (zmq_close (s) == 0);
}

static UNUSED void term (void *ctx)
{
    MUST (zmq_ctx_term (ctx) == 0);
}

/*
 * Waits until the process has one thread, if that takes a bounded time: a name may
 * still be looked up. So leak checkers see the end of it.
 */
static UNUSED void be_alone (void)
{
    long end = now_ms () + PATIENCE;
    for (int tasks = 0; tasks != 1 && now_ms () < end;) {
        char line[256];
        FILE *file = fopen ("/proc/self/status", "r");
        struct timespec pause = {0, 1000000};
        MUST (file);
        while (fgets (line, sizeof line, file))
            if (strncmp (line, "Threads:", 8) == 0)
                tasks = atoi (line + 8);
        fclose (file);
        nanosleep (&pause, NULL);
    }
}

static UNUSED void last_endpoint (void *s, char *to)
{
    size_t len = ENDPOINT;
    MUST (zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, to, &len) == 0);
}

/* Binds to a free address of the transport and returns it in `to`. */
static UNUSED void bind_any (void *s, const char *transport, char *to)
{
    static int serial = 0;
    char address[ENDPOINT];
    if (strcmp (transport, "tcp") == 0)
        snprintf (address, sizeof address, "tcp://127.0.0.1:*");
    else
        snprintf (address, sizeof address, "%s://test-%d", transport, serial++);
    MUST (zmq_bind (s, address) == 0);
    last_endpoint (s, to);
}

/* Binds one socket and connects the other to it. */
static UNUSED void join (void *binder, void *connecter, const char *transport)
{
    char endpoint[ENDPOINT];
    bind_any (binder, transport, endpoint);
    MUST (zmq_connect (connecter, endpoint) == 0);
}

/* Waits until the socket is ready; 0 if it does not become so in time. */
static UNUSED int wait_for (void *s, short events, long ms)
{
    zmq_pollitem_t item = {s, 0, events, 0};
    return zmq_poll (&item, 1, ms) == 1 && (item.revents & events) == events;
}

/* ---- messages ------------------------------------------------------- */

static UNUSED void print_bytes (const void *data, size_t size)
{
    const unsigned char *p = data;
    printf ("[%zu]", size);
    for (size_t i = 0; i < size && i < 40; i++) {
        if (p[i] > 32 && p[i] < 127 && p[i] != '\\')
            putchar (p[i]);
        else
            printf ("\\%02x", p[i]);
    }
    if (size > 40)
        printf ("...");
}

/* Sends the strings up to NULL as the parts of one message. */
static UNUSED void send_parts (void *s, ...)
{
    va_list args;
    va_start (args, s);
    const char *part = va_arg (args, const char *);
    while (part) {
        const char *next = va_arg (args, const char *);
        MUST (zmq_send (s, part, strlen (part), next ? ZMQ_SNDMORE : 0)
              == (int) strlen (part));
        part = next;
    }
    va_end (args);
}

/* Receives a whole message and prints its parts. */
static UNUSED int show_message (const char *label, void *s)
{
    int parts = 0, more = 1;
    printf ("%s:", label);
    while (more && parts < 1000) {
        zmq_msg_t msg;
        MUST (zmq_msg_init (&msg) == 0);
        if (zmq_msg_recv (&msg, s, 0) == -1) {
            printf (" %s\n", errno_name (zmq_errno ()));
            zmq_msg_close (&msg);
            return -1;
        }
        putchar (' ');
        print_bytes (zmq_msg_data (&msg), zmq_msg_size (&msg));
        more = zmq_msg_more (&msg);
        MUST (zmq_msg_close (&msg) == 0);
        parts++;
    }
    putchar ('\n');
    return parts;
}

/* Prints that nothing is there now; never waits. */
static UNUSED void show_empty (const char *label, void *s)
{
    char c;
    int rc = zmq_recv (s, &c, 1, ZMQ_DONTWAIT);
    printf ("%s: %s\n", label,
            rc == -1 ? errno_name (zmq_errno ()) : "a message");
}

/* Receives one part into a string of the caller and returns its size. */
static UNUSED int recv_text (void *s, char *to, size_t room)
{
    int n = zmq_recv (s, to, room - 1, 0);
    MUST (n >= 0 && n < (int) room);
    to[n] = 0;
    return n;
}

/*
 * Waits until everything the subscriber asked for so far is known to the
 * publisher: a subscription to a private topic travels behind the others. An
 * XPUB says when that has come. With a PUB the topic has to be heard, and that
 * is no proof while the subscriber's other topics match it too. What neither
 * side had read yet is read here and forgotten.
 */
static UNUSED void settle (void *pub, void *sub)
{
    static int serial = 0;
    char topic[32], got[400];
    long limit = now_ms () + PATIENCE;
    int n = snprintf (topic, sizeof topic, "\377settle-%d", serial++);
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, (size_t) n) == 0);
    got[0] = 0;
    if (get_int (pub, ZMQ_TYPE) == ZMQ_XPUB) {
        while (got[0] != 1 || strcmp (got + 1, topic) != 0)
            recv_text (pub, got, sizeof got);
    } else {
        while (strcmp (got, topic) != 0) {
            MUST (now_ms () < limit);
            send_parts (pub, topic, NULL);
            while (strcmp (got, topic) != 0 && wait_for (sub, ZMQ_POLLIN, 5))
                recv_text (sub, got, sizeof got);
        }
    }
    /* Empties the subscriber up to the last word. */
    strcat (topic, "/end");
    send_parts (pub, topic, NULL);
    do {
        recv_text (sub, got, sizeof got);
    } while (strcmp (got, topic) != 0);
    topic[n] = 0;
    MUST (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, topic, (size_t) n) == 0);
}

#endif
