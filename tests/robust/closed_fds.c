/* A program that closes descriptors which it does not know, as daemons do: the library's
   own. Nothing hangs: zmq_ctx_term is back within a second, and the log says why. With the
   eventfds closed the library works on. */
#include "robust.h"

static char endpoint[64];

/* Closes the library's descriptors of a kind: those whose link contains `kind`. */
static int close_kind (const char *kind)
{
    int closed = 0;
    for (int fd = 3; fd < 256; fd++) {
        char path[64], link[128] = "";
        snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink (path, link, sizeof link - 1) > 0 && strstr (link, kind)
            && close (fd) == 0)
            closed++;
    }
    return closed;
}

/* In a child, whose stderr is read: what it logs, and how long the end takes. */
static void run (const char *kind, int goes_on, int has_peer)
{
    int log[2], status = 0;
    char text[4096] = "";
    size_t have = 0;
    ssize_t n;
    OK (pipe (log));
    pid_t pid = fork ();
    if (pid == 0) {
        dup2 (log[1], 2);
        close (log[0]);
        close (log[1]);
        setenv ("ZMQ_LOG", "error", 1);
        alarm (20);
        void *context = zmq_ctx_new (), *pull = zmq_socket (context, ZMQ_PULL);
        void *push = zmq_socket (context, ZMQ_PUSH);
        int fd, events;
        size_t size = sizeof fd;
        bind_tcp (pull, endpoint);
        set_int (pull, ZMQ_RCVTIMEO, 5000);
        set_int (push, ZMQ_LINGER, 100);
        if (has_peer) {
            OK (zmq_connect (push, endpoint));
            OK (zmq_send (push, "before", 6, 0));
            OK (zmq_recv (pull, text, sizeof text, 0));
        }
        OK (zmq_getsockopt (pull, ZMQ_FD, &fd, &size));
        nap (0.1);
        CHECK (close_kind (kind) > 0, "there was something to close");
        if (has_peer && goes_on)
            for (int i = 0; i < 3; i++) {
                OK (zmq_send (push, "after", 5, 0));
                CHECK (zmq_recv (pull, text, sizeof text, 0) == 5, "messages go on");
                nap (0.05);
            }
        size = sizeof events;
        zmq_getsockopt (pull, ZMQ_EVENTS, &events, &size);
        OK (zmq_close (push));
        OK (zmq_close (pull));
        double begin = now ();
        OK (zmq_ctx_term (context));
        CHECK (now () - begin < 1.5, "zmq_ctx_term is back soon");
        _exit (failures ? 1 : 0);
    }
    close (log[1]);
    while (have < sizeof text - 1 && (n = read (log[0], text + have, sizeof text - 1 - have)) > 0)
        have += (size_t) n;
    text[have] = 0;
    close (log[0]);
    waitpid (pid, &status, 0);
    int said = strstr (text, "closed by the program") != NULL;
    say ("%s closed, %s: %s, %s", kind, has_peer ? "with a connection" : "with a listener",
         WIFEXITED (status) && WEXITSTATUS (status) == 0 ? "ended" : "did not end",
         said ? "the log says so" : "nothing is said");
    CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 0, text);
    CHECK (said, "the log says what happened");
}

int main (void)
{
    for (int peer = 0; peer < 2; peer++) {
        run ("eventfd", 1, peer);
        run ("anon_inode", 0, peer);
    }
    return done ();
}
