/*
 * What the machine can do without any library: limits <what> <how> <size> <seconds>
 *
 *   trip    us of a round trip between two processes (tcp, ipc) or threads;
 *           <how> is one of tcp, ipc, threads and waits in the kernel, or
 *           tcp-spin, ipc-spin, threads-spin and never sleeps
 *   stream  framed messages a second from one process to another over tcp or
 *           ipc, as a messaging library must do it: a lock and a malloc a
 *           message on both sides, the system calls for 64 KiB at a time
 *   long    long messages a second the same way, from one body to one body; over
 *           tcp-short the kernel queues half a MiB at most
 *   echo    requests a second of one epoll server and 8 client processes over
 *           tcp, which sleep, or tcp-spin: poll up to 50 us with sched_yield
 *   queue   messages a second through a ring between two threads
 */
#include <errno.h>
#include <linux/futex.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(...)                                                              \
    do {                                                                       \
        if (!(__VA_ARGS__)) {                                                  \
            perror (#__VA_ARGS__);                                             \
            _exit (1);                                                         \
        }                                                                      \
    } while (0)

enum { CLIENTS = 8, BLOCK = 65536, HEAD = 8, LONG = 8192, TIME_LIMIT = 25 };

static size_t size;
static double seconds;
static int spin, yields;

static double now (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static double used (int whose)
{
    struct rusage spent;
    MUST (getrusage (whose, &spent) == 0);
    struct timeval user = spent.ru_utime, sys = spent.ru_stime;
    return (double) (user.tv_sec + sys.tv_sec) + (double) (user.tv_usec + sys.tv_usec) * 1e-6;
}

static void result (double figure, double taken, double count)
{
    printf ("result %.6g %.6g %.0f\n", figure, taken, count);
    fflush (stdout);
}

/* ---- connected sockets, and a second process ---- */

static void connected (int tcp, int ends[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int one = 1;
    if (!tcp) {
        MUST (socketpair (AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        return;
    }
    at.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int listener = socket (AF_INET, SOCK_STREAM, 0);
    MUST (listener >= 0 && bind (listener, (struct sockaddr *) &at, len) == 0);
    MUST (listen (listener, 1) == 0);
    MUST (getsockname (listener, (struct sockaddr *) &at, &len) == 0);
    ends[1] = socket (AF_INET, SOCK_STREAM, 0);
    MUST (ends[1] >= 0 && connect (ends[1], (struct sockaddr *) &at, len) == 0);
    ends[0] = accept (listener, NULL, NULL);
    MUST (ends[0] >= 0);
    for (int i = 0; i < 2; i++)
        MUST (setsockopt (ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
    close (listener);
}

static pid_t beside (void (*run) (int fd), int ends[2])
{
    pid_t pid = fork ();
    MUST (pid >= 0);
    if (pid == 0) {
        alarm (TIME_LIMIT);
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        close (ends[0]);
        run (ends[1]);
        _exit (0);
    }
    close (ends[1]);
    return pid;
}

static void ended (pid_t pid)
{
    int status;
    MUST (waitpid (pid, &status, 0) == pid && status == 0);
}

/* 0 when the other side is gone. */
static int read_all (int fd, char *data, size_t n)
{
    double until = spin ? now () + 50e-6 : 0;
    for (size_t have = 0; have < n;) {
        ssize_t got = recv (fd, data + have, n - have, spin ? MSG_DONTWAIT : 0);
        if (got == 0)
            return 0;
        if (got > 0)
            have += (size_t) got;
        else if (errno == EAGAIN && yields) {
            sched_yield ();
            if (now () > until) {
                got = recv (fd, data + have, n - have, 0);
                MUST (got >= 0);
                if (got == 0)
                    return 0;
                have += (size_t) got;
            }
        } else
            MUST (errno == EAGAIN || errno == EINTR);
    }
    return 1;
}

static void write_all (int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = send (fd, data, n, MSG_NOSIGNAL);
        MUST (put > 0);
        data += put;
        n -= (size_t) put;
    }
}

/* ---- round trips between processes ---- */

static void answer (int fd)
{
    char *body = calloc (1, size);
    MUST (body);
    while (read_all (fd, body, size))
        write_all (fd, body, size);
}

static void trip (int tcp)
{
    int ends[2];
    double begin, end, count = 0;
    char *body = calloc (1, size);
    MUST (body);
    connected (tcp, ends);
    pid_t pid = beside (answer, ends);
    begin = now ();
    do {
        write_all (ends[0], body, size);
        MUST (read_all (ends[0], body, size));
        count++;
        end = now ();
    } while (end < begin + seconds);
    close (ends[0]);
    ended (pid);
    result ((end - begin) / count * 1e6, end - begin, count);
    free (body);
}

/* ---- round trips between threads ---- */

static _Atomic uint32_t turn; /* even: ours, odd: the other's; UINT32_MAX: end */

static void give_turn (uint32_t next)
{
    atomic_store (&turn, next);
    if (!spin)
        syscall (SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static uint32_t wait_turn (uint32_t before)
{
    uint32_t seen;
    while ((seen = atomic_load (&turn)) == before)
        if (!spin)
            syscall (SYS_futex, &turn, FUTEX_WAIT_PRIVATE, before, NULL, NULL, 0);
    return seen;
}

static void *other_thread (void *unused)
{
    uint32_t last = 0;
    while ((last = wait_turn (last)) != UINT32_MAX)
        give_turn (++last);
    return unused;
}

static void thread_trip (void)
{
    pthread_t other;
    double begin, end;
    uint32_t count = 0;
    MUST (pthread_create (&other, NULL, other_thread, NULL) == 0);
    begin = now ();
    do {
        give_turn (2 * count + 1);
        MUST (wait_turn (2 * count + 1) == 2 * count + 2);
        count++;
        end = now ();
    } while (end < begin + seconds);
    give_turn (UINT32_MAX);
    MUST (pthread_join (other, NULL) == 0);
    result ((end - begin) / count * 1e6, end - begin, count);
}

/* ---- a stream of framed messages ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *volatile kept; /* keeps the compiler from leaving the malloc out */

static char *message (void)
{
    MUST (pthread_mutex_lock (&lock) == 0);
    char *body = malloc (size);
    MUST (body);
    kept = body;
    return body;
}

static void done_with (char *body)
{
    free (body);
    MUST (pthread_mutex_unlock (&lock) == 0);
}

/* Short messages are gathered in a block, long ones go out from where they are. */
static void send_stream (int fd)
{
    char *from = calloc (1, size), block[BLOCK];
    uint64_t head = size;
    size_t have = 0;
    double until = now () + seconds;
    unsigned n = 0;
    MUST (from);
    do {
        char *body = message ();
        memcpy (body, from, size);
        if (have + HEAD + size > sizeof block) {
            write_all (fd, block, have);
            have = 0;
        }
        if (size < LONG) {
            memcpy (block + have, &head, HEAD);
            memcpy (block + have + HEAD, body, size);
            have += HEAD + size;
        } else {
            struct iovec parts[2] = {{&head, HEAD}, {body, size}};
            ssize_t put = writev (fd, parts, 2);
            MUST (put > HEAD);
            write_all (fd, body + put - HEAD, size + HEAD - (size_t) put);
        }
        done_with (body);
    } while ((size < 1024 && ++n % 256 != 0) || now () < until);
    write_all (fd, block, have);
    free (from);
}

/* One body, as it is. */
static void send_long (int fd)
{
    char *body = calloc (1, size);
    MUST (body);
    memset (body, 7, size);
    for (double until = now () + seconds; now () < until;)
        write_all (fd, body, size);
    free (body);
}

static double receive_short (int fd)
{
    static char block[BLOCK];
    size_t have = 0, at;
    double count = 0;
    for (;;) {
        ssize_t got = recv (fd, block + have, BLOCK - have, 0);
        MUST (got >= 0);
        if (got == 0)
            return count;
        have += (size_t) got;
        for (at = 0; have - at >= HEAD + size; at += HEAD + size) {
            uint64_t head;
            memcpy (&head, block + at, HEAD);
            MUST (head == size);
            char *body = message ();
            memcpy (body, block + at + HEAD, size);
            done_with (body);
            count++;
        }
        memmove (block, block + at, have - at);
        have -= at;
    }
}

static double receive_long (int fd)
{
    double count = 0;
    uint64_t head;
    while (read_all (fd, (char *) &head, HEAD)) {
        MUST (head == size);
        char *body = message ();
        MUST (read_all (fd, body, size));
        done_with (body);
        count++;
    }
    return count;
}

static void stream (int tcp)
{
    int ends[2];
    char first;
    /* Freed memory is used again, not given back. */
    mallopt (M_MMAP_THRESHOLD, 64 << 20);
    mallopt (M_TRIM_THRESHOLD, 256 << 20);
    connected (tcp, ends);
    pid_t pid = beside (send_stream, ends);
    MUST (recv (ends[0], &first, 1, MSG_PEEK) == 1);
    double begin = now ();
    double count = size < LONG ? receive_short (ends[0]) : receive_long (ends[0]);
    double taken = now () - begin;
    ended (pid);
    result (count / taken, taken, count);
}

static void long_bodies (int tcp, int queued)
{
    int ends[2];
    double count = 0, begin, before, taken;
    char *body = calloc (1, size);
    MUST (body);
    memset (body, 1, size);
    connected (tcp, ends);
    MUST (!queued || setsockopt (ends[1], SOL_SOCKET, SO_SNDBUF, &queued, sizeof queued) == 0);
    pid_t pid = beside (send_long, ends);
    /* The first one is not counted: its pages are new. */
    MUST (read_all (ends[0], body, size));
    before = used (RUSAGE_SELF);
    for (begin = now (); read_all (ends[0], body, size); count++)
        ;
    taken = now () - begin;
    double receiver = used (RUSAGE_SELF) - before;
    ended (pid);
    double mib = (double) size * count / (1 << 20);
    printf ("result %.6g %.6g %.0f receiver=%.6g sender=%.6g\n", count / taken, taken, count,
            receiver * 1e6 / mib, used (RUSAGE_CHILDREN) * 1e6 / mib);
    free (body);
}

/* ---- one server, 8 clients ---- */

static void ask (int fd)
{
    char *body = calloc (1, size);
    MUST (body);
    for (double until = now () + seconds; now () < until;) {
        write_all (fd, body, size);
        MUST (read_all (fd, body, size));
    }
}

static int ready (int poller, struct epoll_event *events)
{
    double until = now () + 50e-6;
    int n;
    do {
        n = epoll_wait (poller, events, CLIENTS, spin ? 0 : -1);
        if (n == 0)
            sched_yield ();
    } while (n == 0 && now () < until);
    return n ? n : epoll_wait (poller, events, CLIENTS, -1);
}

static void echo (int tcp)
{
    struct epoll_event events[CLIENTS];
    int pairs[CLIENTS][2], poller = epoll_create1 (0), open = CLIENTS;
    pid_t pids[CLIENTS];
    char *body = calloc (1, size);
    double count = 0, begin = now ();
    MUST (poller >= 0 && body);
    yields = spin;
    for (int i = 0; i < CLIENTS; i++) {
        connected (tcp, pairs[i]);
        struct epoll_event event = {EPOLLIN, {.fd = pairs[i][0]}};
        MUST (epoll_ctl (poller, EPOLL_CTL_ADD, pairs[i][0], &event) == 0);
        pids[i] = beside (ask, pairs[i]);
    }
    while (open > 0) {
        int n = ready (poller, events);
        MUST (n > 0);
        for (int i = 0; i < n; i++) {
            ssize_t got = recv (events[i].data.fd, body, size, 0);
            MUST (got >= 0);
            if (got == 0) {
                /* The clients hold copies of it, so closing is not enough. */
                MUST (epoll_ctl (poller, EPOLL_CTL_DEL, events[i].data.fd, NULL) == 0);
                close (events[i].data.fd);
                open--;
            } else {
                write_all (events[i].data.fd, body, (size_t) got);
                count++;
            }
        }
    }
    double taken = now () - begin;
    for (int i = 0; i < CLIENTS; i++)
        ended (pids[i]);
    result (count / taken, taken, count);
}

/* ---- a ring between two threads ---- */

enum { SLOTS = 1024, SLOT = 64 };

static struct {
    _Alignas (128) _Atomic size_t written;
    _Alignas (128) _Atomic size_t read;
    _Alignas (128) char slots[SLOTS][SLOT];
} ring;

static void *produce (void *unused)
{
    char from[SLOT] = "";
    double until = now () + seconds;
    size_t at = 0, room = SLOTS;
    while (at % 256 != 0 || now () < until) {
        while (room == 0)
            room = SLOTS - (at - atomic_load_explicit (&ring.read, memory_order_acquire));
        memcpy (ring.slots[at % SLOTS], from, size);
        atomic_store_explicit (&ring.written, ++at, memory_order_release);
        room--;
    }
    atomic_store (&ring.written, SIZE_MAX);
    return unused;
}

static void queue (void)
{
    char to[SLOT] = "";
    pthread_t other;
    size_t at = 0, seen = 0;
    MUST (size <= SLOT && pthread_create (&other, NULL, produce, NULL) == 0);
    double begin = now ();
    for (;;) {
        /* Who looks all the time takes the line from the other all the time. */
        while ((seen = atomic_load_explicit (&ring.written, memory_order_acquire)) == at)
            for (volatile int i = 0; i < 1000; i++)
                ;
        if (seen == SIZE_MAX)
            break;
        for (; at < seen; at++) {
            memcpy (to, ring.slots[at % SLOTS], size);
            __asm__ volatile ("" : : "r" (to) : "memory");
        }
        atomic_store_explicit (&ring.read, at, memory_order_release);
    }
    double taken = now () - begin;
    MUST (pthread_join (other, NULL) == 0);
    result ((double) at / taken, taken, (double) at);
}

int main (int argc, char **argv)
{
    alarm (TIME_LIMIT);
    if (argc == 5 && atoi (argv[3]) > 0) {
        const char *what = argv[1], *how = argv[2];
        int tcp = strncmp (how, "tcp", 3) == 0, threads = strncmp (how, "thr", 3) == 0;
        size = (size_t) atoi (argv[3]);
        seconds = atof (argv[4]);
        spin = strstr (how, "-spin") != NULL;
        if (strcmp (what, "trip") == 0)
            threads ? thread_trip () : trip (tcp);
        else if (strcmp (what, "stream") == 0)
            stream (tcp);
        else if (strcmp (what, "long") == 0)
            long_bodies (tcp, strstr (how, "-short") ? 256 << 10 : 0);
        else if (strcmp (what, "echo") == 0)
            echo (tcp);
        else if (strcmp (what, "queue") == 0)
            queue ();
        else
            return 2;
        return 0;
    }
    fprintf (stderr, "usage: limits trip|stream|long|echo|queue how size seconds\n");
    return 2;
}
