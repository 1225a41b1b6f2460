/* Plain TCP peers of the raw sockets under test. */
#ifndef CAPI_TESTS_TCP_H
#define CAPI_TESTS_TCP_H

#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* Nothing a peer does may hang a test. */
static UNUSED void tcp_patience (int fd)
{
    struct timeval limit = {PATIENCE / 1000, 0};
    MUST (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    MUST (setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0);
}

/* Connects to "tcp://127.0.0.1:port". */
static UNUSED int tcp_connect (const char *endpoint)
{
    struct sockaddr_in to;
    memset (&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
    to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    MUST (fd >= 0 && connect (fd, (struct sockaddr *) &to, sizeof to) == 0);
    tcp_patience (fd);
    return fd;
}

/* Listens on a free port and returns its name. */
static UNUSED int tcp_listen (char *endpoint)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    memset (&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    MUST (fd >= 0 && bind (fd, (struct sockaddr *) &at, sizeof at) == 0);
    MUST (listen (fd, 8) == 0);
    MUST (getsockname (fd, (struct sockaddr *) &at, &len) == 0);
    snprintf (endpoint, ENDPOINT, "tcp://127.0.0.1:%d", ntohs (at.sin_port));
    tcp_patience (fd);
    return fd;
}

static UNUSED int tcp_accept (int listener)
{
    int fd = accept (listener, NULL, NULL);
    MUST (fd >= 0);
    tcp_patience (fd);
    return fd;
}

static UNUSED void tcp_write (int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = send (fd, p, size, MSG_NOSIGNAL);
        MUST (n > 0);
        p += n;
        size -= (size_t) n;
    }
}

/* Reads exactly that many bytes and prints them. */
static UNUSED void tcp_show (const char *label, int fd, size_t size)
{
    char text[256];
    MUST (size <= sizeof text);
    ssize_t n = recv (fd, text, size, MSG_WAITALL);
    printf ("%s: ", label);
    print_bytes (text, n < 0 ? 0 : (size_t) n);
    putchar ('\n');
}

/*
 * Waits for the end of the stream and prints whether it was an orderly one.
 * The library arranges the end inside calls on the socket.
 */
static UNUSED void tcp_show_end (const char *label, int fd, void *s)
{
    struct pollfd end = {fd, POLLIN, 0};
    long limit = now_ms () + PATIENCE;
    char c;
    while (poll (&end, 1, 5) == 0 && now_ms () < limit)
        if (s)
            MUST (get_int (s, ZMQ_EVENTS) >= 0);
    ssize_t n = recv (fd, &c, 1, MSG_DONTWAIT);
    printf ("%s: %s\n", label, n == 0   ? "end"
                               : n == 1 ? "data"
                                        : errno_name (errno));
}

/* Makes calls on a socket until the other one has something to receive. */
static UNUSED void nudge (void *s, void *until)
{
    long limit = now_ms () + PATIENCE;
    while (!wait_for (until, ZMQ_POLLIN, 5) && now_ms () < limit)
        MUST (get_int (s, ZMQ_EVENTS) >= 0);
}

/* An id as it was received. */
struct id {
    unsigned char bytes[32];
    int size;
};

/* Receives [id][data] and prints the data; ids are told apart, not shown. */
static UNUSED struct id take (const char *label, void *s)
{
    struct id id;
    memset (&id, 0, sizeof id);
    zmq_msg_t data;
    printf ("%s: ", label);
    id.size = zmq_recv (s, id.bytes, sizeof id.bytes, 0);
    if (id.size < 0) {
        printf ("%s\n", errno_name (zmq_errno ()));
        return id;
    }
    int more = get_int (s, ZMQ_RCVMORE);
    MUST (zmq_msg_init (&data) == 0);
    MUST (zmq_msg_recv (&data, s, 0) >= 0);
    printf ("id of %d, first %d, more %d, ", id.size, id.bytes[0], more);
    print_bytes (zmq_msg_data (&data), zmq_msg_size (&data));
    printf (", more %d\n", get_int (s, ZMQ_RCVMORE));
    MUST (zmq_msg_close (&data) == 0);
    return id;
}

static UNUSED int same (struct id a, struct id b)
{
    return a.size == b.size && memcmp (a.bytes, b.bytes, (size_t) a.size) == 0;
}

/*
 * Sends to a peer until it is found to be gone, for at most a few seconds, and
 * prints how that shows. If asked to, looks for messages in between: there
 * must be none.
 */
static UNUSED void show_gone (const char *label, void *s, struct id id, int look)
{
    int rc = 0, e = 0, heard = 0;
    char c;
    long limit = now_ms () + PATIENCE;
    while (now_ms () < limit && (rc != -1 || (look && e != EHOSTUNREACH))) {
        rc = zmq_send (s, id.bytes, (size_t) id.size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        e = zmq_errno ();
        if (rc != -1)
            MUST (zmq_send (s, "x", 1, 0) == 1);
        if (look)
            heard += zmq_recv (s, &c, 1, ZMQ_DONTWAIT) != -1;
        usleep (2000);
    }
    printf ("%s: %s, %d heard\n", label, rc == -1 ? errno_name (e) : "no", heard);
}

/* Sends [id][data]; both calls have to succeed. */
static UNUSED void give (void *s, struct id id, const void *data, size_t size)
{
    MUST (zmq_send (s, id.bytes, (size_t) id.size, ZMQ_SNDMORE) == id.size);
    MUST (zmq_send (s, data, size, 0) == (int) size);
}

#endif
