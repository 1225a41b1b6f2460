/* Reading a socket monitor. */
#ifndef CAPI_TESTS_MONITOR_H
#define CAPI_TESTS_MONITOR_H

#include "common.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* Watches a socket's events and returns the PAIR that receives them. */
static UNUSED void *watch (void *ctx, void *s, int events)
{
    static int serial = 0;
    char name[ENDPOINT];
    snprintf (name, sizeof name, "inproc://watch-%d", serial++);
    MUST (zmq_socket_monitor (s, name, events) == 0);
    void *pair = sock (ctx, ZMQ_PAIR);
    MUST (zmq_connect (pair, name) == 0);
    return pair;
}

static UNUSED const char *event_name (int event)
{
    static const char *names[] = {
      "CONNECTED",      "CONNECT_DELAYED", "CONNECT_RETRIED",
      "LISTENING",      "BIND_FAILED",     "ACCEPTED",
      "ACCEPT_FAILED",  "CLOSED",          "CLOSE_FAILED",
      "DISCONNECTED",   "MONITOR_STOPPED", "HANDSHAKE_FAILED_NO_DETAIL",
      "HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_PROTOCOL", "HANDSHAKE_FAILED_AUTH"};
    for (int i = 0; i < COUNT (names); i++)
        if (event == 1 << i)
            return names[i];
    return "unknown";
}

/* Prints a value so that it does not depend on the run. */
static UNUSED void print_value (int event, unsigned value, int retry)
{
    switch (event) {
        case ZMQ_EVENT_CONNECT_RETRIED:
            printf (" %s", value >= (unsigned) retry && value < 2u * retry ? "as set" : "odd");
            break;
        case ZMQ_EVENT_CONNECT_DELAYED:
            printf (" %s", value == EINPROGRESS ? "EINPROGRESS" : "odd");
            break;
        case ZMQ_EVENT_BIND_FAILED:
            printf (" %s", errno_name ((int) value));
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            /* After a time-out the reference shows whatever errno was. */
            printf (" %s", value == EPIPE ? "EPIPE" : "another");
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            printf (" 0x%x", value);
            break;
        case ZMQ_EVENT_ACCEPT_FAILED:
            break; /* the reference shows whatever errno was */
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        case ZMQ_EVENT_MONITOR_STOPPED:
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            printf (" %u", value);
            break;
        default:
            printf (" %s", value < 1 << 20 ? "fd" : "odd");
    }
}

/* The text with each port that stands for a run replaced. */
static UNUSED void print_address (const char *text)
{
    const char *colon = strrchr (text, ':');
    if (colon && strncmp (text, "ipc", 3) != 0 && atoi (colon + 1) > 1023)
        printf (" '%.*s:PORT'\n", (int) (colon - text), text);
    else
        printf (" '%s'\n", text);
}

struct event {
    int kind;
    uint32_t value;
    char text[ENDPOINT];
};

/* Reads the next event; 0 if none comes in time. */
static UNUSED int next_event (void *pair, long ms, struct event *event)
{
    unsigned char head[16];
    set_int (pair, ZMQ_RCVTIMEO, (int) ms);
    int size = zmq_recv (pair, head, sizeof head, 0);
    if (size == -1)
        return 0;
    MUST (size == 6 && get_int (pair, ZMQ_RCVMORE) == 1);
    uint16_t kind;
    memcpy (&kind, head, 2);
    memcpy (&event->value, head + 2, 4);
    event->kind = kind;
    recv_text (pair, event->text, sizeof event->text);
    MUST (get_int (pair, ZMQ_RCVMORE) == 0);
    return 1;
}

static UNUSED void print_event (const char *label, const struct event *event, int retry)
{
    printf ("%s: %s", label, event_name (event->kind));
    print_value (event->kind, event->value, retry);
    print_address (event->text);
}

/* The value of the event shown last. */
static UNUSED uint32_t event_value;

/*
 * Prints the next event and returns it; 0 if none comes in time. Retry delays
 * are expected between `retry` and twice that.
 */
static UNUSED int show_event (const char *label, void *pair, long ms, int retry)
{
    struct event event;
    if (!next_event (pair, ms, &event)) {
        printf ("%s: %s\n", label, errno_name (zmq_errno ()));
        return 0;
    }
    event_value = event.value;
    print_event (label, &event, retry);
    return event.kind;
}

/* Intervals of attempts: short, and for no other attempt while the test lasts. */
enum { RETRY = 100, LATER = 600000 };

/* Prints events up to `last`, at most ten. */
static UNUSED void show_until_at (const char *label, void *pair, int last, int retry)
{
    for (int i = 0; i < 10; i++) {
        int event = show_event (label, pair, PATIENCE, retry);
        if (event == last || event == 0)
            return;
    }
    printf ("%s: no %s among ten\n", label, event_name (last));
}

static UNUSED void show_until (const char *label, void *pair, int last)
{
    show_until_at (label, pair, last, RETRY);
}

/*
 * Prints events up to `last`, without those of refused attempts to connect: how many fit
 * in before something else happens is a matter of time. Of the attempt that succeeds
 * CONNECTED is the first.
 */
static UNUSED void show_past_attempts (const char *label, void *pair, int last)
{
    struct event event;
    do {
        if (!next_event (pair, PATIENCE, &event)) {
            printf ("%s: no %s\n", label, event_name (last));
            return;
        }
        if (!(event.kind & (ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED)))
            print_event (label, &event, RETRY);
    } while (event.kind != last);
}

/* Prints that nothing more comes, or what does. */
static UNUSED void show_quiet (const char *label, void *pair)
{
    show_event (label, pair, 150, RETRY);
}

/*
 * Closes a watched socket and then its monitor. In this order: the reference
 * waits for ever with an event for a monitor that is gone.
 */
static UNUSED void done_watched (const char *label, void *s, void *pair)
{
    done (s);
    show_until (label, pair, ZMQ_EVENT_MONITOR_STOPPED);
    done (pair);
}

/* As done_watched, for a socket that still tries to connect. */
static UNUSED void done_retrying (const char *label, void *s, void *pair)
{
    done (s);
    show_past_attempts (label, pair, ZMQ_EVENT_MONITOR_STOPPED);
    done (pair);
}

/* Gives a socket's thread the chance to notice what others have told it. */
static UNUSED void poke (void *s)
{
    for (int i = 0; i < 10; i++) {
        get_int (s, ZMQ_EVENTS);
        usleep (5000);
    }
}

/* ---- raw peers ------------------------------------------------------- */

static UNUSED struct sockaddr_in to_address (const char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    address.sin_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
    return address;
}

static UNUSED int raw_connect (const char *endpoint)
{
    struct sockaddr_in address = to_address (endpoint);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    MUST (fd >= 0);
    MUST (connect (fd, (struct sockaddr *) &address, sizeof address) == 0);
    return fd;
}

/* A listening descriptor and its endpoint. */
static UNUSED int raw_listen (char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    MUST (fd >= 0);
    MUST (bind (fd, (struct sockaddr *) &address, sizeof address) == 0);
    MUST (listen (fd, 5) == 0);
    MUST (getsockname (fd, (struct sockaddr *) &address, &size) == 0);
    snprintf (endpoint, ENDPOINT, "tcp://127.0.0.1:%d", ntohs (address.sin_port));
    return fd;
}

#endif
