/* Each system call that the library makes fails in turn, at each of its
   occurrences, with each of a few errors: what comes of it is an error or a closed
   connection, never a signal or a hang, and after a single failure the service
   comes back. The failures are strace's. In `make test` a sample of the
   occurrences, with ROBUST_SCALE above 1 all of them. */
#include "robust.h"
#include <sys/mman.h>
#include <sys/prctl.h>

enum { AT_ONCE = 4, LIMIT = 30, ALL = 0, TRIES = 4, BACK_IN = 8 };

/* How a failure goes: once a thread; always, and calls may fail for good; or
   always, and all the same everything works. */
enum how { ONCE, FOR_GOOD, TO_BE_BORNE };

static const struct fault {
    const char *calls, *errors;
    enum how how;
} faults[] = {
  {"socket", "EMFILE ENFILE EACCES ENOBUFS", ONCE},
  {"socket", "EMFILE EAFNOSUPPORT", FOR_GOOD},
  {"bind", "EADDRINUSE EACCES ENOMEM", ONCE},
  {"bind", "EACCES", FOR_GOOD},
  {"listen", "EADDRINUSE EOPNOTSUPP", ONCE},
  {"listen", "EADDRINUSE", FOR_GOOD},
  {"accept4", "EMFILE ECONNABORTED EPERM EINTR ENOBUFS EINVAL", ONCE},
  {"accept4", "EMFILE ENOMEM EPERM ECONNABORTED", FOR_GOOD},
  {"connect", "ECONNREFUSED ENETUNREACH ETIMEDOUT EAGAIN EINTR", ONCE},
  {"connect", "ECONNREFUSED EACCES", FOR_GOOD},
  {"epoll_create1", "EMFILE ENOMEM", ONCE},
  {"epoll_create1", "EMFILE", FOR_GOOD},
  {"epoll_ctl", "ENOMEM ENOSPC", ONCE},
  {"epoll_ctl", "ENOSPC", FOR_GOOD},
  {"epoll_wait,epoll_pwait,epoll_pwait2", "EINTR EINVAL", ONCE},
  {"epoll_pwait2", "ENOSYS EPERM", TO_BE_BORNE},
  {"eventfd2", "EMFILE ENODEV", ONCE},
  {"eventfd2", "EMFILE", FOR_GOOD},
  {"recvfrom", "ECONNRESET ETIMEDOUT ENOMEM EINTR", ONCE},
  {"recvfrom", "ECONNRESET", FOR_GOOD},
  {"sendto,sendmsg", "EPIPE ECONNRESET ENOBUFS EINTR", ONCE},
  {"sendto,sendmsg", "ENOBUFS", FOR_GOOD},
  {"read,readv", "EIO EINTR", ONCE},
  {"write,writev", "EIO EINTR", ONCE},
  {"clone,clone3", "EAGAIN ENOMEM", ONCE},
  {"clone,clone3", "EAGAIN", FOR_GOOD},
  {"mmap", "ENOMEM", ONCE},
  {"brk,mprotect", "ENOMEM", ONCE},
  {"setsockopt", "EINVAL ENOPROTOOPT ENOBUFS", ONCE},
  {"getsockopt", "ENOBUFS EINVAL", ONCE},
  {"getsockname", "ENOBUFS", ONCE},
  {"getpeername", "ENOTCONN ENOBUFS", ONCE},
  {"close", "EIO EINTR", FOR_GOOD},
  {"unlink,unlinkat", "EACCES ENOENT", ONCE},
  {"unlink,unlinkat", "EROFS", FOR_GOOD},
  {"mkdir,mkdirat", "EACCES", ONCE},
  {"statx,lstat,newfstatat", "EACCES ENOENT", ONCE},
  {"getrandom", "ENOSYS EPERM", ONCE},
  {"getrandom", "ENOSYS EPERM", TO_BE_BORNE},
  {"openat", "EMFILE ENOENT", ONCE},
  {"poll,ppoll", "EINTR ENOMEM", ONCE},
  {"prctl", "EINVAL", ONCE},
};

/* ---- what is disturbed ------------------------------------------------- */

static enum how how;
static char large[300 * 1024];

/* A call that has to work when it is tried again, unless nothing does. */
#define TRY(call)                                                                              \
    do {                                                                                       \
        int tries = 0;                                                                         \
        while (!(call) && ++tries < TRIES) {                                                   \
        }                                                                                      \
        if (tries == TRIES) {                                                                  \
            if (how == FOR_GOOD)                                                               \
                return;                                                                        \
            failures++;                                                                        \
            say ("%d: %s keeps failing: %s", __LINE__, #call, zmq_strerror (errno));           \
            return;                                                                            \
        }                                                                                      \
    } while (0)

static void set (void *socket, int option, int value)
{
    zmq_setsockopt (socket, option, &value, sizeof value);
}

static void *opened (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    if (!socket)
        return NULL;
    set (socket, ZMQ_LINGER, 200);
    set (socket, ZMQ_RECONNECT_IVL, 10);
    set (socket, ZMQ_RCVTIMEO, 20);
    set (socket, ZMQ_SNDTIMEO, 20);
    set (socket, ZMQ_HANDSHAKE_IVL, 1000);
    return socket;
}

/* Sends until an answer, or a message of the far side, has come. */
static void reaches (void *from, void *to, size_t size, int answers, const char *what)
{
    double end = now () + (how == FOR_GOOD ? 0.2 : BACK_IN);
    int heard = 0;
    while (!heard && now () < end) {
        zmq_msg_t parts[2];
        zmq_send (from, large, size, 0);
        zmq_msg_init (&parts[0]);
        zmq_msg_init (&parts[1]);
        if (zmq_msg_recv (&parts[0], to, 0) >= 0) {
            heard = !answers;
            if (answers && zmq_msg_more (&parts[0]) && zmq_msg_recv (&parts[1], to, 0) >= 0
                && zmq_msg_send (&parts[0], to, ZMQ_SNDMORE) >= 0)
                zmq_msg_send (&parts[1], to, 0);
        }
        zmq_msg_close (&parts[0]);
        zmq_msg_close (&parts[1]);
        if (answers)
            heard = zmq_recv (from, large, sizeof large, 0) >= 0;
    }
    if (!heard && how != FOR_GOOD) {
        failures++;
        say ("%s: not back after %d s", what, BACK_IN);
    }
}

static struct {
    void *context, *router, *dealer, *pub, *sub, *pull, *push, *monitor;
} it;

static void requests (const char *endpoint, int fd_wanted)
{
    char last[128];
    int fd;
    size_t size = sizeof last, fd_size = sizeof fd;
    TRY (it.router = opened (it.context, ZMQ_ROUTER));
    TRY (it.dealer = opened (it.context, ZMQ_DEALER));
    TRY (zmq_socket_monitor (it.router, "inproc://events", ZMQ_EVENT_ALL) == 0);
    TRY (it.monitor = opened (it.context, ZMQ_PAIR));
    TRY (zmq_connect (it.monitor, "inproc://events") == 0);
    TRY (zmq_bind (it.router, endpoint) == 0);
    TRY (zmq_getsockopt (it.router, ZMQ_LAST_ENDPOINT, last, &size) == 0);
    TRY (zmq_connect (it.dealer, last) == 0);
    if (fd_wanted)
        TRY (zmq_getsockopt (it.router, ZMQ_FD, &fd, &fd_size) == 0);
    reaches (it.dealer, it.router, 5, 1, endpoint);
    reaches (it.dealer, it.router, sizeof large, 1, endpoint);
    zmq_pollitem_t items[] = {{it.router, 0, ZMQ_POLLIN, 0}, {NULL, 0, ZMQ_POLLIN, 0}};
    TRY (zmq_poll (items, 2, 1) >= 0);
    TRY (zmq_unbind (it.router, last) == 0 || errno == ENOENT || strncmp (last, "ipc", 3) == 0);
}

static void others (void)
{
    char last[128], public[41], secret[41];
    size_t size = sizeof last;
    TRY (it.pub = opened (it.context, ZMQ_PUB));
    TRY (it.sub = opened (it.context, ZMQ_SUB));
    TRY (zmq_setsockopt (it.sub, ZMQ_SUBSCRIBE, "", 0) == 0);
    TRY (zmq_bind (it.pub, "tcp://127.0.0.1:*") == 0);
    TRY (zmq_getsockopt (it.pub, ZMQ_LAST_ENDPOINT, last, &size) == 0);
    TRY (zmq_connect (it.sub, last) == 0);
    /* The same by name, from which nothing is hoped: each lookup has a thread of its
       own, and strace counts occurrences by threads. */
    snprintf (last, sizeof last, "tcp://localhost:%d", port_of (last));
    TRY (zmq_connect (it.sub, last) == 0);
    reaches (it.pub, it.sub, 5, 0, "PUB and SUB");
    size = sizeof last;
    TRY (it.pull = opened (it.context, ZMQ_PULL));
    TRY (it.push = opened (it.context, ZMQ_PUSH));
    TRY (zmq_curve_keypair (public, secret) == 0);
    set (it.pull, ZMQ_CURVE_SERVER, 1);
    TRY (zmq_setsockopt (it.pull, ZMQ_CURVE_SECRETKEY, secret, 40) == 0);
    TRY (zmq_setsockopt (it.push, ZMQ_CURVE_SERVERKEY, public, 40) == 0);
    TRY (zmq_setsockopt (it.push, ZMQ_CURVE_PUBLICKEY, public, 40) == 0);
    TRY (zmq_setsockopt (it.push, ZMQ_CURVE_SECRETKEY, secret, 40) == 0);
    TRY (zmq_bind (it.pull, "ipc://*") == 0);
    TRY (zmq_getsockopt (it.pull, ZMQ_LAST_ENDPOINT, last, &size) == 0);
    TRY (zmq_connect (it.push, last) == 0);
    reaches (it.push, it.pull, 5, 0, "PUSH and PULL with CURVE");
}

static void end (void)
{
    void *sockets[] = {it.router, it.dealer, it.pub, it.sub, it.pull, it.push, it.monitor};
    for (unsigned i = 0; i < sizeof sockets / sizeof *sockets; i++)
        if (sockets[i])
            zmq_close (sockets[i]);
    it.router = it.dealer = it.pub = it.sub = it.pull = it.push = it.monitor = NULL;
    double start = now ();
    while (it.context && zmq_ctx_term (it.context) != 0 && errno == EINTR) {
    }
    if (now () - start > 3) {
        failures++;
        say ("zmq_ctx_term took %.1f s", now () - start);
    }
    it.context = NULL;
}

static void part (void (*requests_or_others) (const char *, int), const char *endpoint, int flag)
{
    it.context = zmq_ctx_new ();
    requests_or_others (endpoint, flag);
    end ();
}

static void only_others (const char *unused, int flag)
{
    (void) unused;
    (void) flag;
    others ();
}

/* Waits to be traced, then does a bit of everything. */
static int disturbed (atomic_int *go)
{
    prctl (PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    while (!*go)
        nap (0.001);
    part (requests, "tcp://127.0.0.1:*", 1);
    part (requests, "ipc://inject.sock", 0);
    part (only_others, NULL, 0);
    return done ();
}

/* ---- who disturbs ------------------------------------------------------ */

struct run {
    pid_t victim, tracer;
    const struct fault *fault;
    char error[24], log[64], said[64];
    int when;
    double since;
};

static void to_file (const char *path)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2 (fd, 1);
    dup2 (fd, 2);
    close (fd);
}

static void show (const char *path)
{
    char line[256];
    FILE *file = fopen (path, "r");
    for (int i = 0; file && i < 8 && fgets (line, sizeof line, file); i++)
        printf ("    %s", line);
    if (file)
        fclose (file);
    fflush (stdout);
}

/* Starts a run; the victim goes on when it is traced. */
static void begin (struct run *run, int number)
{
    static atomic_int *go;
    char pid[16], expression[160], folder[32];
    snprintf (run->log, sizeof run->log, "%d.strace", number);
    snprintf (run->said, sizeof run->said, "%d.out", number);
    snprintf (folder, sizeof folder, "%d.dir", number);
    mkdir (folder, 0700);
    if (!go)
        go = mmap (NULL, sizeof *go, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *go = 0;
    OK (run->victim = fork ());
    if (run->victim == 0) {
        to_file (run->said);
        OK (chdir (folder));
        setenv ("TMPDIR", ".", 1);
        alarm (LIMIT);
        how = run->fault->how;
        failures = 0;
        _exit (disturbed (go));
    }
    snprintf (pid, sizeof pid, "%d", (int) run->victim);
    snprintf (expression, sizeof expression, run->when == ALL ? "inject=%s:error=%s" : "inject=%s:error=%s:when=%d",
              run->fault->calls, run->error, run->when);
    OK (run->tracer = fork ());
    if (run->tracer == 0) {
        char trouble[72];
        snprintf (trouble, sizeof trouble, "%s.err", run->log);
        to_file (trouble);
        execlp ("strace", "strace", "-f", "-qq", "-o", run->log, "-e", expression, "-p", pid, (char *) NULL);
        _exit (127);
    }
    run->since = now ();
    int gone = 0;
    while (status_of (run->victim, "TracerPid:") <= 0 && !gone) {
        gone = waitpid (run->tracer, NULL, WNOHANG) != 0 || now () - run->since > 10;
        nap (0.002);
    }
    if (gone) {
        say ("FAILED: strace is missing, or may not trace a process here (ptrace):");
        char trouble[72];
        snprintf (trouble, sizeof trouble, "%s.err", run->log);
        show (trouble);
        kill (run->victim, SIGKILL);
        exit (1);
    }
    *go = 1;
}

static int file_has (const char *path, const char *text)
{
    char line[512];
    FILE *file = fopen (path, "r");
    int has = 0;
    while (file && !has && fgets (line, sizeof line, file))
        has = strstr (line, text) != NULL;
    if (file)
        fclose (file);
    return has;
}

/* Ends a run. Whether the failure took place. */
static int conclude (struct run *run, int status)
{
    waitpid (run->tracer, NULL, 0);
    char name[160], clean[128];
    snprintf (name, sizeof name, "%s: %s, %s %d", run->fault->calls, run->error,
              run->when == ALL ? "always" : "occurrence", run->when);
    if (status != 0) {
        failures++;
        if (WIFSIGNALED (status))
            say ("FAILED: %s: %s", name, WTERMSIG (status) == SIGALRM ? "hangs" : strsignal (WTERMSIG (status)));
        else
            say ("FAILED: %s", name);
        show (run->said);
    }
    int injected = file_has (run->log, "(INJECTED)");
    unlink (run->log);
    unlink (run->said);
    snprintf (clean, sizeof clean, "rm -rf %s.err %d.dir", run->log, atoi (run->log));
    CHECK (system (clean) == 0, "cleaned up");
    return injected;
}

/* The occurrences to try: all, or fewer and fewer of them. */
static int after (int when)
{
    if (scale () > 1)
        return when + 1;
    return when + 1 + when / 2;
}

/* All occurrences of one failure; a process for each fault and error. */
static int each_occurrence (const struct fault *fault, const char *error, int number)
{
    struct run run = {.fault = fault, .when = fault->how == ONCE ? 1 : ALL};
    int status, runs = 0, happened = 0, injected;
    snprintf (run.error, sizeof run.error, "%s", error);
    do {
        begin (&run, number);
        OK (waitpid (run.victim, &status, 0));
        injected = conclude (&run, status);
        happened += injected;
        runs++;
        run.when = after (run.when);
    } while (injected && fault->how == ONCE && runs < 400);
    if (happened == 0) {
        failures++;
        say ("FAILED: %s was not called", fault->calls);
    }
    say ("%s, %s: %d failures", fault->calls, error, happened);
    return done ();
}

static void finish_one (int *running)
{
    int status;
    OK (wait (&status));
    failures += status != 0;
    (*running)--;
}

int main (int count, char **words)
{
    double start = now ();
    int running = 0, number = 0;
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        char errors[128], *rest = errors;
        if (count > 1 && !strstr (faults[i].calls, words[1]))
            continue;
        snprintf (errors, sizeof errors, "%s", faults[i].errors);
        for (char *error; (error = strsep (&rest, " "));) {
            if (running == AT_ONCE)
                finish_one (&running);
            number++;
            pid_t child = fork ();
            failures = child ? failures : 0;
            if (child == 0)
                _exit (each_occurrence (&faults[i], error, number));
            running++;
        }
    }
    while (running > 0)
        finish_one (&running);
    say ("%d kinds of failure in %.1f s", number, now () - start);
    return done ();
}
