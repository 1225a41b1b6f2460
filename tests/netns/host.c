/*
 * One host of the two: a process that does what it is told on stdin, one
 * command a line, and answers each with one line, `ok ...` or `error ...`.
 * What happens to its socket is told in between: `event <kind> <value>
 * <milliseconds of the monotonic clock> <endpoint>`.
 *
 *   socket <type>            int <option> <value>      str <option> <text>
 *   bind <endpoint>          connect <endpoint>        last
 *   send <text>              try <text>                recv <milliseconds>
 *   sendn <from> <count> <size>                        recvn <from> <count> <size>
 *   keepalive                listen <address> <port>   dial <address> <port>
 *   close
 */
#include <zmq.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A call that should not block gets so long, in milliseconds. */
#define PATIENCE 8000

static void *ctx, *sock, *watch;
static pthread_t watcher;
/* Whence the last message came. */
static int source_fd = -1;
static char body[1 << 20];

static double now_ms (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static void print_library (void)
{
    FILE *maps = fopen ("/proc/self/maps", "r");
    char line[1024], last[1024] = "";
    while (maps && fgets (line, sizeof line, maps)) {
        char *path = strchr (line, '/');
        if (path && strstr (path, "libzmq") && strcmp (path, last) != 0) {
            strcpy (last, path);
            printf ("library %s", path);
        }
    }
    if (maps)
        fclose (maps);
    fflush (stdout);
}

static void answer (int rc)
{
    if (rc == -1)
        printf ("error %d %s\n", zmq_errno (), zmq_strerror (zmq_errno ()));
    else
        printf ("ok %d\n", rc);
}

static void *watch_events (void *unused)
{
    unsigned char head[6];
    char endpoint[256];
    for (;;) {
        int n = zmq_recv (watch, head, sizeof head, 0);
        double when = now_ms ();
        if (n != (int) sizeof head)
            return unused;
        n = zmq_recv (watch, endpoint, sizeof endpoint - 1, 0);
        if (n < 0)
            return unused;
        endpoint[n < (int) sizeof endpoint ? n : (int) sizeof endpoint - 1] = 0;
        uint16_t kind;
        uint32_t value;
        memcpy (&kind, head, sizeof kind);
        memcpy (&value, head + 2, sizeof value);
        printf ("event %u %u %.3f %s\n", kind, value, when, endpoint);
        fflush (stdout);
        if (kind == ZMQ_EVENT_MONITOR_STOPPED)
            return unused;
    }
}

static int set_int (int option, int value)
{
    return zmq_setsockopt (sock, option, &value, sizeof value);
}

static int open_socket (int type)
{
    sock = zmq_socket (ctx, type);
    watch = zmq_socket (ctx, ZMQ_PAIR);
    if (!sock || !watch || set_int (ZMQ_SNDTIMEO, PATIENCE) || set_int (ZMQ_LINGER, 0)
        || zmq_socket_monitor (sock, "inproc://events", ZMQ_EVENT_ALL)
        || zmq_connect (watch, "inproc://events"))
        return -1;
    return pthread_create (&watcher, NULL, watch_events, NULL) ? -1 : 0;
}

static void receive (int timeout)
{
    zmq_msg_t msg;
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    zmq_msg_init (&msg);
    if (set_int (ZMQ_RCVTIMEO, timeout) || zmq_msg_recv (&msg, sock, 0) == -1) {
        answer (-1);
    } else {
        const char *peer = zmq_msg_gets (&msg, "Peer-Address");
        int port = 0;
        source_fd = zmq_msg_get (&msg, ZMQ_SRCFD);
        if (getpeername (source_fd, (struct sockaddr *) &from, &len) == 0)
            port = ntohs (from.ss_family == AF_INET6
                            ? ((struct sockaddr_in6 *) &from)->sin6_port
                            : ((struct sockaddr_in *) &from)->sin_port);
        printf ("ok %.*s %s %d\n", (int) zmq_msg_size (&msg), (char *) zmq_msg_data (&msg),
                peer ? peer : "-", port);
    }
    zmq_msg_close (&msg);
}

/* A message has its number, filled up with a pattern that depends on it. */
static void fill (char *to, int number, int size)
{
    int n = snprintf (to, 16, "%d;", number);
    for (int i = n; i < size; i++)
        to[i] = (char) (number * 31 + i);
}

static int send_numbers (int from, int count, int size)
{
    for (int i = from; i < from + count; i++) {
        fill (body, i, size);
        if (zmq_send (sock, body, (size_t) size, 0) == -1)
            return -1;
    }
    return count;
}

/* Counts up to the first that is not the next, late, or damaged. */
static int receive_numbers (int from, int count, int size)
{
    static char got[sizeof body];
    if (set_int (ZMQ_RCVTIMEO, PATIENCE))
        return -1;
    for (int i = from; i < from + count; i++) {
        int n = zmq_recv (sock, got, sizeof got, 0);
        fill (body, i, size);
        if (n != size || memcmp (got, body, (size_t) size) != 0)
            return i - from;
    }
    return count;
}

/* What the kernel keeps for the connection that the last message came by. */
static void show_keepalive (void)
{
    static const int level[] = {SOL_SOCKET, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_TCP};
    static const int option[] = {SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
                                 TCP_USER_TIMEOUT};
    int value[5] = {-1, -1, -1, -1, -1};
    for (int i = 0; i < 5; i++) {
        socklen_t len = sizeof value[i];
        getsockopt (source_fd, level[i], option[i], &value[i], &len);
    }
    printf ("ok %d %d %d %d %d\n", value[0], value[1], value[2], value[3], value[4]);
}

/* A peer without ZMTP, which never says a word; it is closed with the process. */
static int silent (const char *address, int port, int listens)
{
    struct sockaddr_in where = {0};
    int on = 1, fd = socket (AF_INET, SOCK_STREAM, 0);
    where.sin_family = AF_INET;
    where.sin_port = htons ((uint16_t) port);
    if (fd == -1 || inet_pton (AF_INET, address, &where.sin_addr) != 1)
        return -1;
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (!listens)
        return connect (fd, (struct sockaddr *) &where, sizeof where);
    return bind (fd, (struct sockaddr *) &where, sizeof where) ? -1 : listen (fd, 16);
}

static void end_socket (void)
{
    double began = now_ms ();
    if (zmq_close (sock)) {
        answer (-1);
        return;
    }
    double closed = now_ms ();
    pthread_join (watcher, NULL);
    int zero = 0;
    zmq_setsockopt (watch, ZMQ_LINGER, &zero, sizeof zero);
    zmq_close (watch);
    zmq_ctx_term (ctx);
    printf ("ok %.3f %.3f\n", closed - began, now_ms () - began);
}

static void last_endpoint (void)
{
    char text[256];
    size_t len = sizeof text;
    if (zmq_getsockopt (sock, ZMQ_LAST_ENDPOINT, text, &len))
        answer (-1);
    else
        printf ("ok %s\n", text);
}

static int obey (const char *verb, const char *a, const char *b, const char *c)
{
    int x = atoi (a), y = atoi (b), z = atoi (c);
    if (z < 0 || z > (int) sizeof body)
        return 2;
    if (strcmp (verb, "socket") == 0)
        answer (open_socket (x));
    else if (strcmp (verb, "int") == 0)
        answer (set_int (x, y));
    else if (strcmp (verb, "str") == 0)
        answer (zmq_setsockopt (sock, x, b, strlen (b)));
    else if (strcmp (verb, "bind") == 0)
        answer (zmq_bind (sock, a));
    else if (strcmp (verb, "connect") == 0)
        answer (zmq_connect (sock, a));
    else if (strcmp (verb, "last") == 0)
        last_endpoint ();
    else if (strcmp (verb, "send") == 0)
        answer (zmq_send (sock, a, strlen (a), 0));
    else if (strcmp (verb, "try") == 0)
        answer (zmq_send (sock, a, strlen (a), ZMQ_DONTWAIT));
    else if (strcmp (verb, "recv") == 0)
        receive (x);
    else if (strcmp (verb, "sendn") == 0)
        answer (send_numbers (x, y, z));
    else if (strcmp (verb, "recvn") == 0)
        answer (receive_numbers (x, y, z));
    else if (strcmp (verb, "keepalive") == 0)
        show_keepalive ();
    else if (strcmp (verb, "listen") == 0)
        answer (silent (a, y, 1));
    else if (strcmp (verb, "dial") == 0)
        answer (silent (a, y, 0));
    else if (strcmp (verb, "close") == 0)
        end_socket ();
    else
        return 2;
    fflush (stdout);
    return 0;
}

int main (void)
{
    char line[1024];
    alarm (60);
    ctx = zmq_ctx_new ();
    print_library ();
    while (fgets (line, sizeof line, stdin)) {
        const char *word[4];
        for (int i = 0; i < 4; i++)
            if (!(word[i] = strtok (i ? NULL : line, " \n")))
                word[i] = "";
        if (obey (word[0], word[1], word[2], word[3]) != 0) {
            fprintf (stderr, "error 0 no such command: %s\n", word[0]);
            return 2;
        }
    }
    return 0;
}
