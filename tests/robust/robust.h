/* What the programs of this folder share: checks, time, memory, sockets. */
#ifndef ROBUST_H
#define ROBUST_H

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static atomic_int failures;

/* The library under test, and no other. */
__attribute__ ((constructor)) static void check_library (void)
{
    const char *wanted = getenv ("ROBUST_LIBRARY");
    char path[PATH_MAX];
    Dl_info info;
    if (wanted && (!dladdr ((void *) zmq_version, &info) || !realpath (info.dli_fname, path)
                   || strncmp (path, wanted, strlen (wanted)) != 0)) {
        fprintf (stderr, "this runs on %s, not on a library in %s\n", info.dli_fname, wanted);
        exit (2);
    }
}

__attribute__ ((format (printf, 1, 2), unused)) static void say (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vprintf (format, args);
    va_end (args);
    putchar ('\n');
    fflush (stdout);
}

/* A fact that has to hold. The program goes on, and fails in the end. */
#define CHECK(fact, what)                                                                      \
    do {                                                                                       \
        if (!(fact)) {                                                                         \
            failures++;                                                                        \
            say ("FAILED %s:%d: %s (%s)", __FILE__, __LINE__, what, #fact);                    \
        }                                                                                      \
    } while (0)

/* A call without which there is no going on. */
#define OK(call)                                                                               \
    do {                                                                                       \
        if ((call) < 0) {                                                                      \
            say ("FAILED %s:%d: %s: %s", __FILE__, __LINE__, #call, zmq_strerror (errno));     \
            exit (1);                                                                          \
        }                                                                                      \
    } while (0)

__attribute__ ((unused)) static int done (void)
{
    return failures ? 1 : 0;
}

/* How much longer than in `make test` things go on: ROBUST_SCALE, 1 by default. */
__attribute__ ((unused)) static long scale (void)
{
    const char *text = getenv ("ROBUST_SCALE");
    long value = text ? atol (text) : 1;
    return value > 0 ? value : 1;
}

__attribute__ ((unused)) static double now (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

__attribute__ ((unused)) static void nap (double seconds)
{
    struct timespec t = {(time_t) seconds, (long) ((seconds - (double) (time_t) seconds) * 1e9)};
    while (nanosleep (&t, &t) < 0 && errno == EINTR) {
    }
}

/* How late the machine itself lets threads be: one that only naps is late by so
   much at worst. Limits on waiting times are beyond that. */
static atomic_int jitter_ends;
static double jitter_worst;
static pthread_t jitter_thread;

__attribute__ ((unused)) static void *jitter_run (void *unused)
{
    (void) unused;
    while (!jitter_ends) {
        double before = now ();
        nap (0.001);
        double late = now () - before - 0.001;
        if (late > jitter_worst)
            jitter_worst = late;
    }
    return NULL;
}

__attribute__ ((unused)) static void jitter_start (void)
{
    jitter_ends = 0;
    jitter_worst = 0;
    pthread_create (&jitter_thread, NULL, jitter_run, NULL);
}

__attribute__ ((unused)) static double jitter_end (void)
{
    jitter_ends = 1;
    pthread_join (jitter_thread, NULL);
    return jitter_worst;
}

/* A line of /proc/self/status in KiB, "VmRSS:" for instance. */
__attribute__ ((unused)) static long status_of (pid_t pid, const char *key)
{
    char path[64], line[256];
    snprintf (path, sizeof path, "/proc/%d/status", (int) pid);
    FILE *file = fopen (path, "r");
    long value = -1;
    while (file && fgets (line, sizeof line, file))
        if (strncmp (line, key, strlen (key)) == 0)
            value = atol (line + strlen (key));
    if (file)
        fclose (file);
    return value;
}

__attribute__ ((unused)) static long rss (void)
{
    return status_of (getpid (), "VmRSS:");
}

/* Lets VmHWM begin anew. */
__attribute__ ((unused)) static void reset_peak (void)
{
    FILE *file = fopen ("/proc/self/clear_refs", "w");
    if (file) {
        fputs ("5", file);
        fclose (file);
    }
}

__attribute__ ((unused)) static int count_threads (void)
{
    return (int) status_of (getpid (), "Threads:");
}

/* Open descriptors of a process. */
__attribute__ ((unused)) static int count_fds_of (pid_t pid)
{
    char path[64];
    snprintf (path, sizeof path, "/proc/%d/fd", (int) pid);
    DIR *folder = opendir (path);
    int count = 0;
    while (folder && readdir (folder))
        count++;
    if (folder)
        closedir (folder);
    return count - 2; /* . and .. */
}

/* Those of this one, without the folder's own. */
__attribute__ ((unused)) static int count_fds (void)
{
    return count_fds_of (getpid ()) - 1;
}

__attribute__ ((unused)) static void set_int (void *socket, int option, int value)
{
    OK (zmq_setsockopt (socket, option, &value, sizeof value));
}

/* Binds to a free port of loopback; `endpoint` has room for 64 bytes. */
__attribute__ ((unused)) static void bind_tcp (void *socket, char *endpoint)
{
    size_t size = 64;
    OK (zmq_bind (socket, "tcp://127.0.0.1:*"));
    OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
}

__attribute__ ((unused)) static int port_of (const char *endpoint)
{
    return atoi (strrchr (endpoint, ':') + 1);
}

__attribute__ ((unused)) static struct sockaddr_in address_of (const char *host, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons ((uint16_t) port)};
    inet_pton (AF_INET, host, &to.sin_addr);
    return to;
}

/* A port of loopback that nobody listens on, for now. */
__attribute__ ((unused)) static int free_port (void)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = address_of ("127.0.0.1", 0);
    socklen_t size = sizeof at;
    OK (bind (fd, (struct sockaddr *) &at, sizeof at));
    OK (getsockname (fd, (struct sockaddr *) &at, &size));
    close (fd);
    return ntohs (at.sin_port);
}

/* A plain connection to a port of loopback. */
__attribute__ ((unused)) static int dial (int port)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = address_of ("127.0.0.1", port);
    OK (connect (fd, (struct sockaddr *) &to, sizeof to));
    return fd;
}

/* A listener of loopback; its port goes to `port`. */
__attribute__ ((unused)) static int listen_any (int *port)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = address_of ("127.0.0.1", 0);
    socklen_t size = sizeof at;
    OK (bind (fd, (struct sockaddr *) &at, sizeof at));
    OK (listen (fd, 100));
    OK (getsockname (fd, (struct sockaddr *) &at, &size));
    *port = ntohs (at.sin_port);
    return fd;
}

/* Writes the greeting of ZMTP 3.1 with NULL, and READY as `type`. */
__attribute__ ((unused)) static void greet (int fd, const char *type)
{
    char bytes[128] = {(char) 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    size_t length = strlen (type), body = 6 + 1 + 11 + 4 + length;
    bytes[64] = 4;
    bytes[65] = (char) body;
    memcpy (bytes + 66, "\005READY\013Socket-Type\0\0\0", 21);
    bytes[87] = (char) length;
    memcpy (bytes + 88, type, length);
    if (write (fd, bytes, 66 + body) < 0)
        say ("the peer took no greeting");
}

/* Reads exactly so much, in at most so many seconds. */
__attribute__ ((unused)) static int read_all (int fd, void *to, size_t size, double seconds)
{
    double end = now () + seconds;
    for (size_t have = 0; have < size;) {
        struct pollfd item = {fd, POLLIN, 0};
        double left = end - now ();
        if (left <= 0 || poll (&item, 1, (int) (left * 1e3) + 1) <= 0)
            return 0;
        ssize_t count = read (fd, (char *) to + have, size - have);
        if (count <= 0)
            return 0;
        have += (size_t) count;
    }
    return 1;
}

/* Reads the peer's greeting and READY. */
__attribute__ ((unused)) static int read_greeting (int fd)
{
    unsigned char bytes[64 + 255];
    return read_all (fd, bytes, 66, 5) && read_all (fd, bytes, bytes[65], 5);
}

/* A listener whose queue is full: who connects hears nothing. */
__attribute__ ((unused)) static int full_listener (const char *host, int port)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = address_of (host, port);
    OK (bind (fd, (struct sockaddr *) &at, sizeof at));
    OK (listen (fd, 0));
    for (int i = 0; i < 4; i++) {
        int filler = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect (filler, (struct sockaddr *) &at, sizeof at);
    }
    nap (0.1);
    return fd;
}

__attribute__ ((unused)) static int has_ipv6 (void)
{
    int fd = socket (AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int has = fd >= 0 && bind (fd, (struct sockaddr *) &at, sizeof at) == 0;
    if (fd >= 0)
        close (fd);
    return has;
}

#endif
