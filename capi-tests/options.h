/* The socket options the option tests walk through. */
#ifndef CAPI_TESTS_OPTIONS_H
#define CAPI_TESTS_OPTIONS_H

#include <zmq.h>

struct option {
    const char *name;
    int number;
};

#define OPTION(name)                                                           \
    {                                                                          \
        #name, ZMQ_##name                                                      \
    }

/* Options that are one int and can be read and set on any socket. */
static const struct option int_options[]
  __attribute__ ((unused)) = {
    OPTION (SNDHWM),
    OPTION (RCVHWM),
    OPTION (LINGER),
    OPTION (RCVTIMEO),
    OPTION (SNDTIMEO),
    OPTION (IMMEDIATE),
    OPTION (CONFLATE),
    OPTION (RECONNECT_IVL),
    OPTION (RECONNECT_IVL_MAX),
    OPTION (BACKLOG),
    OPTION (IPV6),
    OPTION (IPV4ONLY),
    OPTION (SNDBUF),
    OPTION (RCVBUF),
    OPTION (TCP_KEEPALIVE),
    OPTION (TCP_KEEPALIVE_CNT),
    OPTION (TCP_KEEPALIVE_IDLE),
    OPTION (TCP_KEEPALIVE_INTVL),
    OPTION (TCP_MAXRT),
    OPTION (TOS),
    OPTION (RATE),
    OPTION (RECOVERY_IVL),
    OPTION (MULTICAST_HOPS),
    OPTION (MULTICAST_MAXTPDU),
    OPTION (HANDSHAKE_IVL),
    OPTION (HEARTBEAT_IVL),
    OPTION (HEARTBEAT_TTL),
    OPTION (HEARTBEAT_TIMEOUT),
    OPTION (CONNECT_TIMEOUT),
    OPTION (INVERT_MATCHING),
    OPTION (USE_FD),
};

/* Options that are one int, set only, and belong to some socket types. */
static const struct option type_options[]
  __attribute__ ((unused)) = {
    OPTION (ROUTER_MANDATORY),
    OPTION (ROUTER_HANDOVER),
    OPTION (PROBE_ROUTER),
    OPTION (REQ_CORRELATE),
    OPTION (REQ_RELAXED),
    OPTION (XPUB_VERBOSE),
    OPTION (XPUB_VERBOSER),
    OPTION (XPUB_NODROP),
    OPTION (XPUB_MANUAL),
};

/* Options that are only read. */
static const struct option read_options[]
  __attribute__ ((unused)) = {
    OPTION (RCVMORE), OPTION (FD),        OPTION (EVENTS),
    OPTION (TYPE),    OPTION (MECHANISM), OPTION (LAST_ENDPOINT),
    OPTION (THREAD_SAFE),
};

static const struct option socket_types[]
  __attribute__ ((unused)) = {
    OPTION (PAIR), OPTION (PUB),  OPTION (SUB),    OPTION (REQ),
    OPTION (REP),  OPTION (PULL), OPTION (PUSH),   OPTION (DEALER),
    OPTION (XPUB), OPTION (XSUB), OPTION (ROUTER),
};

#endif
