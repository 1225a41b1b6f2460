/* The files of ipc sockets: our own is gone after zmq_unbind, zmq_close and
   zmq_ctx_term, in whatever order and from whatever folder; never one of another
   process or program, be it put there before, since, or by a fork. */
#include "robust.h"
#include <sys/un.h>

static void *context;

static int exists (const char *path)
{
    struct stat st;
    return lstat (path, &st) == 0;
}

static void *bound (const char *path)
{
    char endpoint[128];
    void *socket = zmq_socket (context, ZMQ_PULL);
    snprintf (endpoint, sizeof endpoint, "ipc://%s", path);
    set_int (socket, ZMQ_RCVTIMEO, 2000);
    OK (zmq_bind (socket, endpoint));
    return socket;
}

/* Whether somebody listens at a path. */
static int answers (const char *path)
{
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf (at.sun_path, sizeof at.sun_path, "%s", path);
    int rc = connect (fd, (struct sockaddr *) &at, sizeof at);
    close (fd);
    return rc == 0;
}

/* A listener that has nothing to do with the library. */
static int foreign (const char *path)
{
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf (at.sun_path, sizeof at.sun_path, "%s", path);
    OK (bind (fd, (struct sockaddr *) &at, sizeof at));
    OK (listen (fd, 5));
    return fd;
}

static void write_file (const char *path, const char *text)
{
    FILE *file = fopen (path, "w");
    fputs (text, file);
    fclose (file);
}

static int entries (const char *folder)
{
    DIR *open = opendir (folder);
    int count = -2;
    while (readdir (open))
        count++;
    closedir (open);
    return count;
}

static void own_ones (void)
{
    void *a = bound ("a");
    CHECK (exists ("a"), "a bound socket has a file");
    OK (zmq_unbind (a, "ipc://a"));
    CHECK (!exists ("a"), "zmq_unbind removes it");
    OK (zmq_close (a));
    a = bound ("a");
    OK (zmq_bind (a, "ipc://b"));
    OK (zmq_bind (a, "ipc://c"));
    OK (zmq_unbind (a, "ipc://b"));
    CHECK (exists ("a") && !exists ("b") && exists ("c"), "each endpoint has its own");
    OK (zmq_close (a));
    CHECK (!exists ("a") && !exists ("c"), "zmq_close removes the rest");
    a = bound ("a");
    CHECK (mkdir ("sub", 0700) == 0 && chdir ("sub") == 0, "another folder");
    write_file ("a", "precious");
    OK (zmq_close (a));
    CHECK (exists ("a"), "a file of that name in another folder stays");
    CHECK (unlink ("a") == 0 && chdir ("..") == 0 && rmdir ("sub") == 0, "back");
    CHECK (!exists ("a"), "and the right one is gone");
    void *other = zmq_ctx_new (), *kept = context;
    context = other;
    a = bound ("a");
    void *b = bound ("b");
    OK (zmq_ctx_shutdown (other));
    OK (zmq_close (b));
    OK (zmq_close (a));
    OK (zmq_ctx_term (other));
    context = kept;
    CHECK (!exists ("a") && !exists ("b"), "zmq_ctx_term leaves none behind");
    void *wild = zmq_socket (context, ZMQ_PULL);
    int before = entries (".");
    OK (zmq_bind (wild, "ipc://*"));
    CHECK (entries (".") == before + 1, "a wildcard has a folder");
    OK (zmq_close (wild));
    CHECK (entries (".") == before, "which goes with it");
}

static void replaced (void)
{
    void *a = bound ("a");
    CHECK (rename ("a", "moved") == 0, "moved away");
    int fd = foreign ("a");
    OK (zmq_unbind (a, "ipc://a"));
    CHECK (exists ("a") && answers ("a"), "another program's socket stays, and answers");
    close (fd);
    CHECK (unlink ("a") == 0 && unlink ("moved") == 0, "cleaned up");
    OK (zmq_close (a));
    a = bound ("a");
    CHECK (unlink ("a") == 0, "removed by somebody");
    write_file ("a", "precious");
    OK (zmq_close (a));
    CHECK (exists ("a"), "another program's file stays");
    void *no = zmq_socket (context, ZMQ_PULL);
    CHECK (zmq_bind (no, "ipc://a") == -1 && errno == EADDRINUSE && exists ("a"), "and makes no room for a bind");
    OK (zmq_close (no));
    CHECK (exists ("a") && unlink ("a") == 0, "not even when that socket is closed");
}

/* The later of two sockets at one path has it, whichever is closed first. */
static void taken_over (int first_goes_first)
{
    void *first = bound ("a"), *second = bound ("a");
    char word[8];
    OK (zmq_close (first_goes_first ? first : second));
    CHECK (exists ("a") == first_goes_first, "only the one that has the path removes it");
    if (first_goes_first) {
        void *push = zmq_socket (context, ZMQ_PUSH);
        OK (zmq_connect (push, "ipc://a"));
        OK (zmq_send (push, "word", 4, 0));
        CHECK (zmq_recv (second, word, sizeof word, 0) == 4, "and is reached through it");
        OK (zmq_close (push));
    }
    OK (zmq_close (first_goes_first ? second : first));
    CHECK (!exists ("a"), "the file is gone in the end");
}

/* Another process takes the path over; `ours` goes meanwhile. */
static void by_another_process (int killed)
{
    int ready[2];
    char word;
    OK (pipe (ready));
    void *ours = bound ("a");
    pid_t child = fork ();
    if (child == 0) {
        context = zmq_ctx_new ();
        void *theirs = bound ("a");
        OK (write (ready[1], "!", 1));
        char text[8];
        int heard = zmq_recv (theirs, text, sizeof text, 0) == 4;
        if (killed)
            kill (getpid (), SIGKILL);
        OK (zmq_close (theirs));
        OK (zmq_ctx_term (context));
        _exit (heard ? 0 : 1);
    }
    OK (read (ready[0], &word, 1));
    OK (zmq_close (ours));
    CHECK (exists ("a"), "another process's file stays");
    void *push = zmq_socket (context, ZMQ_PUSH);
    int status;
    OK (zmq_connect (push, "ipc://a"));
    OK (zmq_send (push, "word", 4, 0));
    waitpid (child, &status, 0);
    CHECK (killed || status == 0, "which hears what is sent there");
    set_int (push, ZMQ_LINGER, 0);
    OK (zmq_close (push));
    CHECK (exists ("a") == killed, "it removes the file itself, unless it is killed");
    ours = bound ("a");
    OK (zmq_close (ours));
    CHECK (!exists ("a"), "and a killed one's is used again and removed");
    close (ready[0]);
    close (ready[1]);
}

static void forked (void)
{
    void *ours = bound ("a");
    int status;
    pid_t child = fork ();
    if (child == 0) {
        zmq_close (ours);
        zmq_ctx_term (context);
        exit (0);
    }
    waitpid (child, &status, 0);
    CHECK (status == 0 && exists ("a") && answers ("a"), "a forked child leaves the parent's file alone");
    OK (zmq_close (ours));
    CHECK (!exists ("a"), "the parent removes it");
}

/* Many sockets and paths in random order: at the end nothing is left. */
static void many (void)
{
    enum { SLOTS = 16 };
    void *slots[SLOTS] = {NULL};
    long rounds = 5000 * scale ();
    unsigned seed = 7;
    for (long i = 0; i < rounds; i++) {
        int slot = rand_r (&seed) % SLOTS;
        char path[32], endpoint[40];
        snprintf (path, sizeof path, "many-%d", rand_r (&seed) % 8);
        snprintf (endpoint, sizeof endpoint, "ipc://%s", path);
        if (!slots[slot])
            slots[slot] = bound (path);
        else if (rand_r (&seed) % 2)
            zmq_bind (slots[slot], endpoint);
        else if (rand_r (&seed) % 2)
            zmq_unbind (slots[slot], endpoint);
        else {
            OK (zmq_close (slots[slot]));
            slots[slot] = NULL;
        }
    }
    for (int i = 0; i < SLOTS; i++)
        if (slots[i])
            OK (zmq_close (slots[i]));
    say ("%ld binds, unbinds and closes in random order: %d files left", rounds, entries ("."));
}

int main (void)
{
    OK (mkdir ("files", 0700));
    OK (chdir ("files"));
    OK (setenv ("TMPDIR", ".", 1));
    context = zmq_ctx_new ();
    own_ones ();
    replaced ();
    taken_over (1);
    taken_over (0);
    by_another_process (0);
    by_another_process (1);
    forked ();
    many ();
    OK (zmq_ctx_term (context));
    CHECK (entries (".") == 0, "nothing is left");
    return done ();
}
