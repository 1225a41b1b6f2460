/* Profiles of containers and services refuse system calls. Each one that libzmq does
   not need may fail with EPERM or ENOSYS, alone or together with all others, from the
   beginning or while the library is at work, and everything works. Without those that
   it needs calls fail, but nothing hangs or dies. docs/syscalls.md lists them. */
#include "robust.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum { WAIT = 5000, SHORT = 32, LONG = 300 * 1024, LIMIT = 60, AT_ONCE = 10 };

/* ---- the work ---------------------------------------------------------- */

static char text[LONG], buffer[LONG];

/* By a call that is never refused here. */
static void pause_ms (int ms)
{
    poll (NULL, 0, ms);
}

static void *opened (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    if (!socket) {
        say ("no socket: %s", zmq_strerror (errno));
        exit (1);
    }
    set_int (socket, ZMQ_LINGER, WAIT);
    set_int (socket, ZMQ_RCVTIMEO, WAIT);
    set_int (socket, ZMQ_SNDTIMEO, WAIT);
    set_int (socket, ZMQ_RECONNECT_IVL, 10);
    return socket;
}

static void arrives (void *from, void *to, int size, const char *what)
{
    int sent = zmq_send (from, text, (size_t) size, 0);
    int got = zmq_recv (to, buffer, sizeof buffer, 0);
    if (sent != size || got != size) {
        failures++;
        say ("FAILED: %s: %d bytes sent, %d received: %s", what, sent, got, zmq_strerror (errno));
    }
}

static void *send_late (void *socket)
{
    pause_ms (10);
    zmq_send (socket, "late", 4, 0);
    return NULL;
}

/* A thread that waits in `wait` hears of a message that another one sends. */
static void is_woken (void *from, void *to, int (*wait) (void *), const char *what)
{
    pthread_t thread;
    pthread_create (&thread, NULL, send_late, from);
    int woken = wait (to);
    pthread_join (thread, NULL);
    CHECK (woken, what);
    CHECK (zmq_recv (to, buffer, sizeof buffer, 0) == 4, what);
}

static int by_poll (void *socket)
{
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    return zmq_poll (&item, 1, WAIT) == 1 && item.revents == ZMQ_POLLIN;
}

/* With a descriptor beside the socket, of which nothing comes. */
static int by_mixed_poll (void *socket)
{
    int quiet = open ("/dev/null", O_WRONLY | O_CLOEXEC);
    OK (quiet);
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0}, {NULL, quiet, ZMQ_POLLPRI, 0}};
    int found = zmq_poll (items, 2, WAIT) == 1 && items[0].revents == ZMQ_POLLIN;
    close (quiet);
    return found;
}

static int by_fd (void *socket)
{
    int fd, events = 0;
    size_t size = sizeof fd;
    OK (zmq_getsockopt (socket, ZMQ_FD, &fd, &size));
    for (double end = now () + WAIT / 1000; now () < end;) {
        struct pollfd item = {fd, POLLIN, 0};
        size = sizeof events;
        OK (zmq_getsockopt (socket, ZMQ_EVENTS, &events, &size));
        if (events & ZMQ_POLLIN)
            break;
        poll (&item, 1, WAIT);
    }
    return events & ZMQ_POLLIN;
}

static void talk (void *from, void *to, const char *what)
{
    for (int i = 0; i < 100; i++)
        arrives (from, to, SHORT, what);
    arrives (from, to, LONG, what);
    for (int i = 0; i < 500; i++)
        CHECK (zmq_send (from, text, SHORT, 0) == SHORT, what);
    for (int i = 0; i < 500; i++)
        CHECK (zmq_recv (to, buffer, SHORT, 0) == SHORT, what);
    is_woken (from, to, by_poll, what);
    is_woken (from, to, by_mixed_poll, what);
    is_woken (from, to, by_fd, what);
    errno = 0;
    CHECK (zmq_recv (to, buffer, 1, ZMQ_DONTWAIT) < 0 && errno == EAGAIN, what);
}

static void last_endpoint (void *socket, char *endpoint)
{
    size_t size = 256;
    OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
}

static void over (void *context, const char *bind_to, const char *host)
{
    void *pull = opened (context, ZMQ_PULL), *push = opened (context, ZMQ_PUSH);
    char endpoint[256], by_name[300];
    set_int (push, ZMQ_HEARTBEAT_IVL, 10);
    set_int (push, ZMQ_HEARTBEAT_TIMEOUT, WAIT);
    set_int (push, ZMQ_TCP_KEEPALIVE, 1);
    set_int (push, ZMQ_SNDBUF, 100000);
    OK (zmq_bind (pull, bind_to));
    last_endpoint (pull, endpoint);
    if (host)
        snprintf (by_name, sizeof by_name, "tcp://%s:%d", host, port_of (endpoint));
    OK (zmq_connect (push, host ? by_name : endpoint));
    talk (push, pull, bind_to);
    OK (zmq_close (push));
    OK (zmq_close (pull));
}

/* Where a peer is, who it is, and that it comes again. */
static void peers (void *context)
{
    void *router = opened (context, ZMQ_ROUTER), *dealer = opened (context, ZMQ_DEALER);
    void *monitor = opened (context, ZMQ_PAIR);
    char endpoint[256];
    zmq_msg_t id, body;
    OK (zmq_socket_monitor (dealer, "inproc://events", ZMQ_EVENT_ALL));
    OK (zmq_connect (monitor, "inproc://events"));
    OK (zmq_bind (router, "tcp://127.0.0.1:*"));
    last_endpoint (router, endpoint);
    OK (zmq_connect (dealer, endpoint));
    for (int life = 0; life < 2; life++) {
        zmq_msg_init (&id);
        zmq_msg_init (&body);
        /* What is sent before the end of the first life is noticed may be lost with it. */
        set_int (router, ZMQ_RCVTIMEO, 50);
        double give_up = now () + WAIT / 1000;
        int heard = -1;
        while (heard < 0 && now () < give_up) {
            OK (zmq_send (dealer, "hello", 5, 0));
            heard = zmq_msg_recv (&id, router, 0);
        }
        OK (heard);
        OK (zmq_msg_recv (&body, router, 0));
        const char *type = zmq_msg_gets (&body, "Socket-Type");
        CHECK (type && strcmp (type, "DEALER") == 0, "the type of a peer");
        CHECK (zmq_msg_send (&id, router, ZMQ_SNDMORE) >= 0, "an answer");
        CHECK (zmq_msg_send (&body, router, 0) == 5, "an answer");
        CHECK (zmq_recv (dealer, buffer, sizeof buffer, 0) == 5, "an answer arrives");
        if (life == 0) {
            OK (zmq_close (router));
            router = opened (context, ZMQ_ROUTER);
            double end = now () + WAIT / 1000;
            while (zmq_bind (router, endpoint) < 0 && now () < end)
                pause_ms (10);
        }
    }
    int count = 0;
    set_int (monitor, ZMQ_RCVTIMEO, 30);
    while (zmq_recv (monitor, buffer, sizeof buffer, 0) >= 0)
        count++;
    CHECK (count > 10, "events of a peer that comes again");
    OK (zmq_socket_monitor (dealer, NULL, 0));
    OK (zmq_close (monitor));
    OK (zmq_close (dealer));
    OK (zmq_close (router));
}

/* A ZAP handler lets one peer in. */
static void *handle_zap (void *handler)
{
    char parts[16][256];
    int sizes[16], count = 0, more = 1;
    for (size_t size = sizeof more; more && count < 16; count++) {
        sizes[count] = zmq_recv (handler, parts[count], sizeof parts[count], 0);
        OK (zmq_getsockopt (handler, ZMQ_RCVMORE, &more, &size));
    }
    if (count < 6 || sizes[1] < 0)
        return NULL;
    zmq_send (handler, "1.0", 3, ZMQ_SNDMORE);
    zmq_send (handler, parts[1], (size_t) sizes[1], ZMQ_SNDMORE);
    zmq_send (handler, "200", 3, ZMQ_SNDMORE);
    zmq_send (handler, "OK", 2, ZMQ_SNDMORE);
    zmq_send (handler, "one", 3, ZMQ_SNDMORE);
    zmq_send (handler, "", 0, 0);
    return NULL;
}

static void encrypted (void *context)
{
    char server_public[41], server_secret[41], public[41], secret[41], endpoint[256];
    void *server = opened (context, ZMQ_PULL), *client = opened (context, ZMQ_PUSH);
    void *handler = opened (context, ZMQ_REP);
    pthread_t thread;
    OK (zmq_curve_keypair (server_public, server_secret));
    OK (zmq_curve_keypair (public, secret));
    OK (zmq_bind (handler, "inproc://zeromq.zap.01"));
    pthread_create (&thread, NULL, handle_zap, handler);
    set_int (server, ZMQ_CURVE_SERVER, 1);
    OK (zmq_setsockopt (server, ZMQ_ZAP_DOMAIN, "test", 4));
    OK (zmq_setsockopt (server, ZMQ_CURVE_SECRETKEY, server_secret, 41));
    OK (zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, server_public, 41));
    OK (zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, public, 41));
    OK (zmq_setsockopt (client, ZMQ_CURVE_SECRETKEY, secret, 41));
    OK (zmq_bind (server, "tcp://127.0.0.1:*"));
    last_endpoint (server, endpoint);
    OK (zmq_connect (client, endpoint));
    talk (client, server, "CURVE");
    pthread_join (thread, NULL);
    OK (zmq_close (client));
    OK (zmq_close (server));
    OK (zmq_close (handler));
}

/* Two threads with a stream between them, which is when threads poll and sleep. */
static void *answer (void *socket)
{
    for (int i = 0; i < 300; i++)
        if (zmq_recv (socket, buffer + 1024, 1024, 0) < 0 || zmq_send (socket, "y", 1, 0) < 0)
            return "not all was answered";
    return NULL;
}

static void threads (void *context, const char *bind_to)
{
    void *rep = opened (context, ZMQ_REP), *req = opened (context, ZMQ_REQ), *complaint;
    char endpoint[256];
    pthread_t thread;
    OK (zmq_bind (rep, bind_to));
    last_endpoint (rep, endpoint);
    OK (zmq_connect (req, endpoint));
    pthread_create (&thread, NULL, answer, rep);
    for (int i = 0; i < 300; i++) {
        CHECK (zmq_send (req, "x", 1, 0) == 1, "a question");
        CHECK (zmq_recv (req, buffer, 1024, 0) == 1, "an answer");
        if (i % 100 == 50)
            pause_ms (30); /* long enough for what waits until a thread is idle */
    }
    pthread_join (thread, &complaint);
    CHECK (complaint == NULL, "a thread that answers");
    OK (zmq_close (req));
    OK (zmq_close (rep));
}

static void topics (void *context)
{
    void *xpub = opened (context, ZMQ_XPUB), *sub = opened (context, ZMQ_SUB);
    char endpoint[256];
    bind_tcp (xpub, endpoint);
    OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "t", 1));
    OK (zmq_connect (sub, endpoint));
    CHECK (zmq_recv (xpub, buffer, sizeof buffer, 0) == 2, "a subscription");
    OK (zmq_send (xpub, "topic", 5, 0));
    CHECK (zmq_recv (sub, buffer, sizeof buffer, 0) == 5, "what was subscribed");
    OK (zmq_close (sub));
    OK (zmq_close (xpub));
}

static void count_call (int id, void *count)
{
    (void) id;
    ++*(int *) count;
}

static void count_thread (void *count)
{
    ++*(int *) count;
}

static void helpers (void)
{
    int calls = 0, ran = 0;
    void *timers = zmq_timers_new (), *watch = zmq_stopwatch_start ();
    CHECK (zmq_timers_add (timers, 10, count_call, &calls) > 0, "a timer");
    for (double end = now () + WAIT / 1000; !calls && now () < end;) {
        pause_ms ((int) zmq_timers_timeout (timers));
        OK (zmq_timers_execute (timers));
    }
    CHECK (calls > 0, "a timer is called");
    OK (zmq_timers_destroy (&timers));
    CHECK (zmq_stopwatch_stop (watch) >= 9000, "a stopwatch runs");
    void *thread = zmq_threadstart (count_thread, &ran);
    CHECK (thread != NULL, "a thread");
    zmq_threadclose (thread);
    CHECK (ran == 1, "a thread runs");
}

static void work (void *context)
{
    char abstract[64];
    over (context, "inproc://here", NULL);
    over (context, "tcp://127.0.0.1:*", NULL);
    over (context, "tcp://127.0.0.1:*", "localhost");
    over (context, "ipc://file", NULL);
    over (context, "ipc://*", NULL);
    snprintf (abstract, sizeof abstract, "ipc://@seccomp-%d", (int) getpid ());
    over (context, abstract, NULL);
    peers (context);
    encrypted (context);
    threads (context, "tcp://127.0.0.1:*");
    threads (context, "ipc://threads");
    threads (context, "inproc://threads");
    topics (context);
    helpers ();
}

/* ---- what is refused --------------------------------------------------- */

struct call {
    const char *name;
    int number;
};

#define CALL(name) {#name, SYS_##name}
#define COUNT(list) ((int) (sizeof list / sizeof list[0]))

/* What libzmq does not need, be it that this library makes the call, or the C library
   on behalf of either, or that another version may come to. */
static const struct call unneeded[] = {
    CALL (membarrier), CALL (epoll_pwait2), CALL (epoll_pwait), CALL (getpeername),
    CALL (sendmsg), CALL (recvmsg), CALL (sendmmsg), CALL (recvmmsg), CALL (readv),
    CALL (writev), CALL (preadv), CALL (pwritev), CALL (ioctl), CALL (sched_yield),
    CALL (getcwd), CALL (statx), CALL (timerfd_create), CALL (timerfd_settime),
    CALL (madvise), CALL (mremap), CALL (munmap), CALL (prlimit64),
    CALL (getrlimit), CALL (getrusage), CALL (sysinfo), CALL (uname), CALL (nanosleep),
    CALL (clock_nanosleep), CALL (clock_gettime), CALL (clock_getres), CALL (gettimeofday),
    CALL (mlock), CALL (munlock), CALL (prctl), CALL (fcntl), CALL (ppoll), CALL (pselect6),
    CALL (sched_getaffinity), CALL (sched_setaffinity), CALL (sched_getparam),
    CALL (sched_getscheduler), CALL (sched_setscheduler), CALL (setpriority),
    CALL (rt_sigprocmask), CALL (rt_sigaction), CALL (rt_sigpending),
    CALL (rt_sigtimedwait), CALL (sigaltstack), CALL (getpid), CALL (gettid),
    CALL (geteuid), CALL (getuid), CALL (access), CALL (readlink), CALL (rmdir),
    CALL (unlink), CALL (shutdown), CALL (socketpair), CALL (pipe2), CALL (dup3),
    CALL (getrandom), CALL (set_robust_list), CALL (tgkill),
};

static const struct call looks[] = {
    CALL (statx), CALL (newfstatat), CALL (lstat), CALL (stat), CALL (getcwd),
};

/* Without any of these libzmq ends the process, or does nothing. (Without `futex` no thread
   that sleeps can be woken.) */
static const struct call needed[] = {
    CALL (accept4), CALL (bind), CALL (connect), CALL (epoll_create1), CALL (epoll_ctl),
    CALL (eventfd2), CALL (getsockname), CALL (getsockopt), CALL (listen),
    CALL (mprotect), CALL (recvfrom), CALL (sendto), CALL (setsockopt), CALL (socket),
    CALL (clone3), CALL (read), CALL (epoll_wait), CALL (poll), CALL (close),
    CALL (mmap), CALL (openat), CALL (mkdir), CALL (newfstatat), CALL (write),
};

/* What a profile has to allow: with these and nothing else all of the work is done, that
   of this program and of the C library included. */
static const struct call enough[] = {
    CALL (accept4), CALL (bind), CALL (brk), CALL (clone), CALL (clone3), CALL (close),
    CALL (connect), CALL (epoll_create1), CALL (epoll_ctl), CALL (epoll_wait),
    CALL (eventfd2), CALL (exit), CALL (exit_group), CALL (futex), CALL (getrandom),
    CALL (getsockname), CALL (getsockopt), CALL (listen), CALL (lseek), CALL (mkdir),
    CALL (mmap), CALL (mprotect), CALL (newfstatat), CALL (openat), CALL (poll), CALL (read),
    CALL (recvfrom), CALL (rseq), CALL (rt_sigreturn), CALL (sendto), CALL (setsockopt),
    CALL (socket), CALL (unlink), CALL (write),
};

/* Has the kernel refuse calls with an error from now on, in all threads; or all but the
   given ones. */
static void restrict_to (const struct call *calls, int count, unsigned given, unsigned others)
{
    struct sock_filter code[2 * 80 + 2];
    unsigned short length = 0;
    code[length++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS,
                                                    offsetof (struct seccomp_data, nr));
    for (int i = 0; i < count; i++) {
        code[length++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K,
                                                        (unsigned) calls[i].number, 0, 1);
        code[length++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, given);
    }
    code[length++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, others);
    struct sock_fprog program = {length, code};
    OK (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    OK (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program));
}

static void refuse (const struct call *calls, int count, int error)
{
    restrict_to (calls, count, SECCOMP_RET_ERRNO | (unsigned) error, SECCOMP_RET_ALLOW);
}

/* ---- the cases --------------------------------------------------------- */

/* What a child does without some calls. */
typedef void task (const struct call *calls, int count, int error);

static void *new_context (void)
{
    void *context = zmq_ctx_new ();
    OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 2));
    return context;
}

static void from_the_beginning (const struct call *calls, int count, int error)
{
    refuse (calls, count, error);
    void *context = new_context ();
    work (context);
    OK (zmq_ctx_term (context));
}

static void with_nothing_else (const struct call *calls, int count, int error)
{
    restrict_to (calls, count, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | (unsigned) error);
    void *context = new_context ();
    work (context);
    OK (zmq_ctx_term (context));
}

static void at_work (const struct call *calls, int count, int error)
{
    void *context = new_context ();
    void *pull = opened (context, ZMQ_PULL), *push = opened (context, ZMQ_PUSH);
    char endpoint[256];
    bind_tcp (pull, endpoint);
    OK (zmq_connect (push, endpoint));
    talk (push, pull, "before");
    threads (context, "inproc://before");
    threads (context, "tcp://127.0.0.1:*");
    refuse (calls, count, error);
    talk (push, pull, "after");
    threads (context, "inproc://after");
    work (context);
    OK (zmq_close (pull));
    OK (zmq_close (push));
    OK (zmq_ctx_term (context));
}

static int is_there (const char *path)
{
    return open (path, O_RDONLY) >= 0 || errno != ENOENT;
}

/* libzmq does not look at the files of ipc sockets, but puts them in place and away. */
static void without_a_look (const struct call *calls, int count, int error)
{
    refuse (calls, count, error);
    void *context = new_context ();
    for (int life = 0; life < 2; life++) {
        void *pull = opened (context, ZMQ_PULL), *push = opened (context, ZMQ_PUSH);
        OK (zmq_bind (pull, "ipc://seen"));
        CHECK (is_there ("seen"), "the file of a socket");
        OK (zmq_connect (push, "ipc://seen"));
        talk (push, pull, "ipc without a look at files");
        OK (zmq_close (push));
        OK (zmq_unbind (pull, "ipc://seen"));
        OK (zmq_close (pull));
        double end = now () + WAIT / 1000;
        while (is_there ("seen") && now () < end)
            pause_ms (1);
        CHECK (!is_there ("seen"), "the file is gone");
        if (life == 0) { /* a stale one of another process */
            struct sockaddr_un at = {AF_UNIX, "seen"};
            int fd = socket (AF_UNIX, SOCK_STREAM, 0);
            OK (bind (fd, (struct sockaddr *) &at, sizeof at));
            OK (close (fd));
        }
    }
    int file = open ("seen", O_CREAT | O_WRONLY, 0600);
    OK (file);
    void *pull = opened (context, ZMQ_PULL);
    CHECK (zmq_bind (pull, "ipc://seen") < 0 && errno == EADDRINUSE, "a file stays");
    OK (zmq_close (pull));
    OK (zmq_ctx_term (context));
}

/* Any call may fail, and nothing may arrive; but each comes back. */
static void try_all (void *context, void *pull, void *push, const char *bind_to)
{
    char endpoint[256] = "tcp://127.0.0.1:1";
    size_t size = sizeof endpoint;
    int none = 0, some = 30, fd;
    zmq_setsockopt (push, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt (push, ZMQ_SNDTIMEO, &some, sizeof some);
    zmq_setsockopt (pull, ZMQ_RCVTIMEO, &some, sizeof some);
    if (zmq_bind (pull, bind_to) == 0)
        zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect (push, endpoint);
    size = sizeof fd;
    zmq_getsockopt (pull, ZMQ_FD, &fd, &size);
    zmq_pollitem_t items[] = {{pull, 0, ZMQ_POLLIN, 0}, {NULL, 0, ZMQ_POLLPRI, 0}};
    for (int round = 0; round < 3; round++) {
        zmq_send (push, text, round ? SHORT : LONG, 0);
        zmq_poll (items, 1 + round % 2, some);
        zmq_recv (pull, buffer, sizeof buffer, 0);
    }
    zmq_close (zmq_socket (context, ZMQ_DEALER));
    zmq_close (pull);
    zmq_close (push);
}

static const char *const endpoints[] = {"tcp://127.0.0.1:*", "ipc://vain", "inproc://vain"};

static void in_vain (const struct call *calls, int count, int error)
{
    refuse (calls, count, error);
    void *context = zmq_ctx_new ();
    for (int i = 0; context && i < COUNT (endpoints); i++)
        try_all (context, zmq_socket (context, ZMQ_PULL), zmq_socket (context, ZMQ_PUSH),
                 endpoints[i]);
    if (context)
        zmq_ctx_term (context);
}

static void in_vain_at_work (const struct call *calls, int count, int error)
{
    void *context = new_context (), *pull[COUNT (endpoints)], *push[COUNT (endpoints)];
    for (int i = 0; i < COUNT (endpoints); i++) {
        char endpoint[256];
        pull[i] = opened (context, ZMQ_PULL);
        push[i] = opened (context, ZMQ_PUSH);
        OK (zmq_bind (pull[i], endpoints[i]));
        last_endpoint (pull[i], endpoint);
        OK (zmq_connect (push[i], endpoint));
        talk (push[i], pull[i], "before");
    }
    pause_ms (50);
    refuse (calls, count, error);
    for (int i = 0; i < COUNT (endpoints); i++)
        try_all (context, pull[i], push[i], "tcp://127.0.0.1:*");
    zmq_ctx_term (context);
}

static struct {
    pid_t child;
    char what[64];
} running[AT_ONCE];
static int cases;

static void reap (void)
{
    int status;
    pid_t child = wait (&status);
    OK (child);
    for (int i = 0; i < AT_ONCE; i++) {
        if (running[i].child != child)
            continue;
        running[i].child = 0;
        if (WIFSIGNALED (status))
            say ("FAILED: %s: signal %d", running[i].what, WTERMSIG (status));
        else if (WEXITSTATUS (status))
            say ("FAILED: %s", running[i].what);
        failures += status != 0;
    }
}

static void begin (task *what, const char *how, const char *name, const struct call *calls,
                   int count, int error)
{
    int place = 0;
    cases++;
    while (place < AT_ONCE && running[place].child)
        place++;
    if (place == AT_ONCE) {
        reap ();
        for (place = 0; running[place].child;)
            place++;
    }
    snprintf (running[place].what, sizeof running[place].what, "%s %s, %s", name,
              error == EPERM ? "EPERM" : "ENOSYS", how);
    running[place].child = fork ();
    OK (running[place].child);
    if (running[place].child == 0) {
        char folder[] = "seccomp-XXXXXX";
        if (!mkdtemp (folder) || chdir (folder) < 0)
            _exit (3);
        setenv ("TMPDIR", ".", 1);
        failures = 0;
        alarm (LIMIT);
        what (calls, count, error);
        fflush (stdout);
        _exit (done ());
    }
}

int main (void)
{
    static const int errors[] = {EPERM, ENOSYS};
    for (int e = 0; e < COUNT (errors); e++) {
        begin (from_the_beginning, "from the beginning", "all", unneeded, COUNT (unneeded),
               errors[e]);
        begin (at_work, "at work", "all", unneeded, COUNT (unneeded), errors[e]);
        for (int i = 0; i < COUNT (unneeded); i++)
            begin (from_the_beginning, "from the beginning", unneeded[i].name, &unneeded[i], 1,
                   errors[e]);
        begin (with_nothing_else, "the profile", "others", enough, COUNT (enough), errors[e]);
        begin (without_a_look, "looks", "all", looks, COUNT (looks), errors[e]);
        for (int i = 0; i < COUNT (needed); i++) {
            begin (in_vain, "in vain", needed[i].name, &needed[i], 1, errors[e]);
            begin (in_vain_at_work, "in vain at work", needed[i].name, &needed[i], 1, errors[e]);
        }
        begin (in_vain, "in vain", "all that is needed", needed, COUNT (needed), errors[e]);
    }
    for (int left = 1; left;) {
        left = 0;
        for (int i = 0; i < AT_ONCE; i++)
            left += running[i].child != 0;
        if (left)
            reap ();
    }
    say ("%d cases", cases);
    return done ();
}
