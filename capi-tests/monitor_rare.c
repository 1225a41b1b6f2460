/* The events of a refused peer and of a file that could not be removed. */
#include "monitor.h"

#include <libgen.h>

static void *ctx;

static void accept_failed (void)
{
    PART ("a peer that may not connect");
    char endpoint[ENDPOINT];
    void *server = sock (ctx, ZMQ_DEALER);
    MUST (zmq_setsockopt (server, ZMQ_TCP_ACCEPT_FILTER, "192.0.2.0/24", 12) == 0);
    bind_any (server, "tcp", endpoint);
    void *mon = watch (ctx, server, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED
                                      | ZMQ_EVENT_MONITOR_STOPPED);
    int fd = raw_connect (endpoint);
    char c;
    SHOW (read (fd, &c, 1));
    close (fd);
    show_event ("server", mon, PATIENCE, RETRY);
    /* The filter is gone for those who come later to a new listener. */
    MUST (zmq_setsockopt (server, ZMQ_TCP_ACCEPT_FILTER, NULL, 0) == 0);
    bind_any (server, "tcp", endpoint);
    fd = raw_connect (endpoint);
    show_event ("server", mon, PATIENCE, RETRY);
    close (fd);
    done_watched ("server", server, mon);
}

static void close_failed (int spoiled)
{
    printf ("-- the file of an ipc wildcard%s\n", spoiled ? ", gone already" : "");
    char endpoint[ENDPOINT];
    void *server = sock (ctx, ZMQ_DEALER);
    MUST (zmq_bind (server, "ipc://*") == 0);
    last_endpoint (server, endpoint);
    void *mon = watch (ctx, server, ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED
                                      | ZMQ_EVENT_MONITOR_STOPPED);
    char *path = endpoint + strlen ("ipc://");
    SHOW (access (path, F_OK));
    if (spoiled)
        MUST (unlink (path) == 0);
    RC (zmq_unbind (server, endpoint));
    /* Its address is a random name. */
    unsigned char head[6];
    char text[ENDPOINT];
    uint16_t event;
    uint32_t value;
    MUST (zmq_recv (mon, head, sizeof head, 0) == sizeof head);
    recv_text (mon, text, sizeof text);
    memcpy (&event, head, sizeof event);
    memcpy (&value, head + 2, sizeof value);
    printf ("%s %s\n", event_name (event),
            event == ZMQ_EVENT_CLOSE_FAILED ? errno_name ((int) value) : "");
    SHOW (strcmp (text, endpoint));
    SHOW (access (path, F_OK));
    if (spoiled)
        rmdir (dirname (path));
    done_watched ("server", server, mon);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    accept_failed ();
    close_failed (0);
    close_failed (1);
    term (ctx);
    return 0;
}
