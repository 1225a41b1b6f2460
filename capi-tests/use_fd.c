/* ZMQ_USE_FD: a listening descriptor of the application's own. */
#include "monitor.h"

#include <fcntl.h>
#include <sys/un.h>

static void *ctx;

static int unix_listen (const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf (at.sun_path, sizeof at.sun_path, "%s", path);
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    MUST (fd >= 0);
    MUST (bind (fd, (struct sockaddr *) &at, sizeof at) == 0);
    MUST (listen (fd, 5) == 0);
    return fd;
}

/* Binds to an address that the descriptor need not have anything to do with. */
static void listens (const char *what, int fd, const char *bind_to, const char *reach_at)
{
    printf ("-- %s\n", what);
    char text[ENDPOINT];
    void *server = sock (ctx, ZMQ_PULL), *client = sock (ctx, ZMQ_PUSH);
    set_int (server, ZMQ_USE_FD, fd);
    SHOW (get_int (server, ZMQ_USE_FD) == fd);
    void *mon = watch (ctx, server, ZMQ_EVENT_LISTENING);
    int rc = zmq_bind (server, bind_to);
    printf ("bind: %s\n", rc ? errno_name (zmq_errno ()) : "ok");
    last_endpoint (server, text);
    printf ("as the descriptor is called: %d\n", strcmp (text, reach_at) == 0);
    show_event ("server", mon, PATIENCE, RETRY);
    MUST (zmq_connect (client, reach_at) == 0);
    send_parts (client, "through", "it", NULL);
    show_message ("server", server);
    SHOW (fcntl (fd, F_GETFD) != -1);
    done (client);
    RC (zmq_unbind (server, text));
    /* It was the library's to close. */
    long limit = now_ms () + PATIENCE;
    while (fcntl (fd, F_GETFD) != -1 && now_ms () < limit)
        poke (server);
    SHOW (fcntl (fd, F_GETFD));
    done (server);
    done (mon);
}

int main (void)
{
    char endpoint[ENDPOINT];
    start ();
    ctx = zmq_ctx_new ();
    int fd = raw_listen (endpoint);
    listens ("tcp", fd, endpoint, endpoint);
    fd = raw_listen (endpoint);
    listens ("tcp, another address", fd, "tcp://127.0.0.1:*", endpoint);
    fd = unix_listen ("own.sock");
    listens ("ipc", fd, "ipc://own.sock", "ipc://own.sock");
    SHOW (access ("own.sock", F_OK) == 0);
    fd = unix_listen ("other.sock");
    listens ("ipc, another address", fd, "ipc://elsewhere.sock", "ipc://other.sock");
    SHOW (access ("other.sock", F_OK) == 0);
    SHOW (access ("elsewhere.sock", F_OK) == 0);
    term (ctx);
    return 0;
}
