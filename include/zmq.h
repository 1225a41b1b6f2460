/*
 * The C interface of ferrozmq, the same as that of libzmq 4.3.5.
 *
 * Generated from the Rust sources; do not edit, run `make header` instead.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Unless something else is said here: functions that return an int return -1,
 * and those that return a pointer NULL, when they fail, and zmq_errno () then
 * says why. Sizes are in bytes and times in milliseconds. A void * handle
 * belongs to the library from the call that made it to the call that ends it.
 */

#ifndef __ZMQ_H_INCLUDED__
#define __ZMQ_H_INCLUDED__

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#ifndef _WIN32
/* For sigset_t. */
#include <signal.h>
#endif

/* The types of <stdint.h> are there. */
#define ZMQ_DEFINED_STDINT 1

/*
 * ZMQ_EXPORT marks what the library exports. Define ZMQ_NO_EXPORT to have no
 * marks at all; on Windows, ZMQ_STATIC when linking libzmq statically and
 * DLL_EXPORT when building it as a DLL.
 */
#if defined ZMQ_NO_EXPORT || (defined _WIN32 && defined ZMQ_STATIC)
#define ZMQ_EXPORT
#elif defined _WIN32 && defined DLL_EXPORT
#define ZMQ_EXPORT __declspec (dllexport)
#elif defined _WIN32
#define ZMQ_EXPORT __declspec (dllimport)
#elif defined __SUNPRO_C || defined __SUNPRO_CC
#define ZMQ_EXPORT __global
#elif defined __INTEL_COMPILER || (defined __GNUC__ && __GNUC__ >= 4)
#define ZMQ_EXPORT __attribute__ ((visibility ("default")))
#else
#define ZMQ_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Version numbers that can be compared with < and >. */
#define ZMQ_MAKE_VERSION(major, minor, patch)                                  \
    ((major) *10000 + (minor) *100 + (patch))
/* The version of this header. */
#define ZMQ_VERSION                                                            \
    ZMQ_MAKE_VERSION (ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH)

/* Where the library's own error numbers begin, away from any system's. */
#define ZMQ_HAUSNUMERO 156384712

/* Error numbers that some systems lack. */
#ifndef ENOTSUP
#define ENOTSUP (ZMQ_HAUSNUMERO + 1)
#endif
#ifndef EPROTONOSUPPORT
#define EPROTONOSUPPORT (ZMQ_HAUSNUMERO + 2)
#endif
#ifndef ENOBUFS
#define ENOBUFS (ZMQ_HAUSNUMERO + 3)
#endif
#ifndef ENETDOWN
#define ENETDOWN (ZMQ_HAUSNUMERO + 4)
#endif
#ifndef EADDRINUSE
#define EADDRINUSE (ZMQ_HAUSNUMERO + 5)
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL (ZMQ_HAUSNUMERO + 6)
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED (ZMQ_HAUSNUMERO + 7)
#endif
#ifndef EINPROGRESS
#define EINPROGRESS (ZMQ_HAUSNUMERO + 8)
#endif
#ifndef ENOTSOCK
#define ENOTSOCK (ZMQ_HAUSNUMERO + 9)
#endif
#ifndef EMSGSIZE
#define EMSGSIZE (ZMQ_HAUSNUMERO + 10)
#endif
#ifndef EAFNOSUPPORT
#define EAFNOSUPPORT (ZMQ_HAUSNUMERO + 11)
#endif
#ifndef ENETUNREACH
#define ENETUNREACH (ZMQ_HAUSNUMERO + 12)
#endif
#ifndef ECONNABORTED
#define ECONNABORTED (ZMQ_HAUSNUMERO + 13)
#endif
#ifndef ECONNRESET
#define ECONNRESET (ZMQ_HAUSNUMERO + 14)
#endif
#ifndef ENOTCONN
#define ENOTCONN (ZMQ_HAUSNUMERO + 15)
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT (ZMQ_HAUSNUMERO + 16)
#endif
#ifndef EHOSTUNREACH
#define EHOSTUNREACH (ZMQ_HAUSNUMERO + 17)
#endif
#ifndef ENETRESET
#define ENETRESET (ZMQ_HAUSNUMERO + 18)
#endif

/* The socket is not in a state in which it can do this. */
#define EFSM (ZMQ_HAUSNUMERO + 51)
/* The transport does not fit the type of the socket. */
#define ENOCOMPATPROTO (ZMQ_HAUSNUMERO + 52)
/* The context was shut down or terminated. */
#define ETERM (ZMQ_HAUSNUMERO + 53)
/* The context has no I/O thread that could serve the connection. */
#define EMTHREAD (ZMQ_HAUSNUMERO + 54)

/*
 * A message, or one part of a message with several. Initialise it with one of
 * the zmq_msg_init functions, end it with zmq_msg_close, and do not copy it
 * other than with zmq_msg_copy and zmq_msg_move: it may own memory.
 */
#if defined _MSC_VER && defined _WIN64
#define ZMQ_MSG_ALIGNED_ __declspec (align (8))
#elif defined _MSC_VER
#define ZMQ_MSG_ALIGNED_ __declspec (align (4))
#elif defined __GNUC__ || defined __INTEL_COMPILER || defined __SUNPRO_C       \
  || defined __SUNPRO_CC
#define ZMQ_MSG_ALIGNED_ __attribute__ ((aligned (sizeof (void *))))
#else
#define ZMQ_MSG_ALIGNED_
#endif
typedef struct zmq_msg_t
{
    ZMQ_MSG_ALIGNED_ unsigned char _[64];
} zmq_msg_t;
#undef ZMQ_MSG_ALIGNED_

/* A file descriptor; on Windows a SOCKET. */
#if defined _WIN64
typedef unsigned __int64 zmq_fd_t;
#elif defined _WIN32
typedef unsigned int zmq_fd_t;
#else
typedef int zmq_fd_t;
#endif

/*
 * Gets back the data and the hint that were given to zmq_msg_init_data when
 * the library needs the data no more. Runs once, on any thread.
 */
typedef void (zmq_free_fn) (void *data, void *hint);

/* Runs when a timer is due. */
typedef void (zmq_timer_fn) (int timer_id, void *arg);

/* Runs as a thread. */
typedef void (zmq_thread_fn) (void *arg);

/* The functions zmq_timers_* exist. */
#define ZMQ_HAVE_TIMERS

struct iovec;

/* ---- Numbers ---- */

/* Major number of the API version. */
#define ZMQ_VERSION_MAJOR 4
/* Minor number of the API version. */
#define ZMQ_VERSION_MINOR 3
/* Patch number of the API version. */
#define ZMQ_VERSION_PATCH 5
/* I/O threads of a new context. */
#define ZMQ_IO_THREADS_DFLT 1
/* Sockets that a new context allows at a time. */
#define ZMQ_MAX_SOCKETS_DFLT 1023
/* Thread priority of a new context: whatever the system gives. */
#define ZMQ_THREAD_PRIORITY_DFLT -1
/* Scheduling policy of a new context: whatever the system gives. */
#define ZMQ_THREAD_SCHED_POLICY_DFLT -1
/* One peer, both directions. */
#define ZMQ_PAIR 0
/* Sends each message to all peers that subscribed to it. */
#define ZMQ_PUB 1
/* Receives what it subscribed to with ZMQ_SUBSCRIBE. */
#define ZMQ_SUB 2
/* Sends a request, then receives its reply, in turn. */
#define ZMQ_REQ 3
/* Receives a request, then sends its reply, in turn. */
#define ZMQ_REP 4
/* Sends to its peers in turn, receives from all of them fairly. */
#define ZMQ_DEALER 5
/* Names the peer in the first part of each message, both ways. */
#define ZMQ_ROUTER 6
/* Receives from all peers fairly. */
#define ZMQ_PULL 7
/* Sends to its peers in turn. */
#define ZMQ_PUSH 8
/* A PUB that receives the subscriptions of its peers as messages. */
#define ZMQ_XPUB 9
/* A SUB that subscribes by sending messages. */
#define ZMQ_XSUB 10
/* Exchanges bytes with peers that speak plain TCP. */
#define ZMQ_STREAM 11
/* Old name of ZMQ_DEALER. */
#define ZMQ_XREQ 5
/* Old name of ZMQ_ROUTER. */
#define ZMQ_XREP 6
/* 1 if another part of the same message follows, else 0. */
#define ZMQ_MORE 1
/* Deprecated: descriptor of the connection the message came in on. */
#define ZMQ_SRCFD 2
/* 1 if the content is shared with other messages or is constant, else 0. */
#define ZMQ_SHARED 3
/* Fail with EAGAIN rather than wait. */
#define ZMQ_DONTWAIT 1
/* More parts of this message follow. */
#define ZMQ_SNDMORE 2
/* Old name of ZMQ_DONTWAIT. */
#define ZMQ_NOBLOCK 1
/* No authentication, no encryption. */
#define ZMQ_NULL 0
/* User name and password, in clear text. */
#define ZMQ_PLAIN 1
/* Authentication and encryption with elliptic-curve keys. */
#define ZMQ_CURVE 2
/* Authentication through GSSAPI (Kerberos). */
#define ZMQ_GSSAPI 3
/* Longest group name of RADIO and DISH, in bytes without the final NUL. */
#define ZMQ_GROUP_MAX_LENGTH 255
/* A service name bound to a host. */
#define ZMQ_GSSAPI_NT_HOSTBASED 0
/* A local user name. */
#define ZMQ_GSSAPI_NT_USER_NAME 1
/* A Kerberos 5 principal. */
#define ZMQ_GSSAPI_NT_KRB5_PRINCIPAL 2
/* A connection was made; value: its descriptor. */
#define ZMQ_EVENT_CONNECTED 1
/* The connection attempt continues in the background; value: an errno. */
#define ZMQ_EVENT_CONNECT_DELAYED 2
/* Another attempt will follow; value: after how many milliseconds. */
#define ZMQ_EVENT_CONNECT_RETRIED 4
/* The socket listens at an address; value: the listening descriptor. */
#define ZMQ_EVENT_LISTENING 8
/* The address could not be listened at; value: an errno. */
#define ZMQ_EVENT_BIND_FAILED 16
/* A connection came in; value: its descriptor. */
#define ZMQ_EVENT_ACCEPTED 32
/* A connection that came in was refused; value: an errno. */
#define ZMQ_EVENT_ACCEPT_FAILED 64
/* A listener or connection was closed; value: its descriptor. */
#define ZMQ_EVENT_CLOSED 128
/* A listener or connection could not be closed; value: an errno. */
#define ZMQ_EVENT_CLOSE_FAILED 256
/* A connection broke; value: its descriptor. */
#define ZMQ_EVENT_DISCONNECTED 512
/* Monitoring ended; nothing follows. */
#define ZMQ_EVENT_MONITOR_STOPPED 1024
/* The handshake failed by a system error; value: an errno. */
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL 2048
/* The handshake is complete and the connection usable. */
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED 4096
/* A peer broke the protocol; value: one of ZMQ_PROTOCOL_ERROR_*. */
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL 8192
/* Authentication was refused; value: the ZAP status, 300, 400 or 500. */
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH 16384
/* All events of this kind of monitor. */
#define ZMQ_EVENT_ALL 65535
/* ZMTP: no further detail. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED 268435456
/* ZMTP: a command that does not belong here. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND 268435457
/* ZMTP: a sequence number that does not follow the one before. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE 268435458
/* ZMTP: the keys do not fit. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE 268435459
/* ZMTP: a malformed command, no further detail. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 268435473
/* ZMTP: a malformed MESSAGE command. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE 268435474
/* ZMTP: a malformed HELLO command. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO 268435475
/* ZMTP: a malformed INITIATE command. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE 268435476
/* ZMTP: a malformed ERROR command. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR 268435477
/* ZMTP: a malformed READY command. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY 268435478
/* ZMTP: a malformed WELCOME command. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME 268435479
/* ZMTP: metadata that cannot be parsed or may not be there. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA 268435480
/* ZMTP: decryption failed; perhaps a peer has the wrong key. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC 285212673
/* ZMTP: the peer is set to another mechanism or role. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH 285212674
/* ZAP: no further detail. */
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED 536870912
/* ZAP: a reply with a wrong number of parts or a malformed one. */
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY 536870913
/* ZAP: a reply to another request. */
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID 536870914
/* ZAP: a reply of another protocol version. */
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION 536870915
/* ZAP: a status that is not 200, 300, 400 or 500. */
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE 536870916
/* ZAP: metadata in the reply that cannot be parsed. */
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA 536870917
/* WebSocket: no further detail. */
#define ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED 805306368
/* A message or data can be read without waiting. */
#define ZMQ_POLLIN 1
/* A message or data can be written without waiting. */
#define ZMQ_POLLOUT 2
/* An error condition; descriptors only. */
#define ZMQ_POLLERR 4
/* Urgent data; descriptors only. */
#define ZMQ_POLLPRI 8
/* Number of items for which zmq_poll allocates nothing; not a limit. */
#define ZMQ_POLLITEMS_DFLT 16
/* zmq_has exists. */
#define ZMQ_HAS_CAPABILITIES 1
/* Deprecated argument of zmq_device, without effect. */
#define ZMQ_STREAMER 1
/* Deprecated argument of zmq_device, without effect. */
#define ZMQ_FORWARDER 2
/* Deprecated argument of zmq_device, without effect. */
#define ZMQ_QUEUE 3

/* ---- Options of sockets and contexts ---- */

/*
 * 0: waiting threads sleep at once; 1: they spin for a short time first, with a back-off
 * where that does not pay. A context option for the sockets and I/O threads created after it
 * is set. The default is 1, but 0 for a context created by a thread with one CPU (see
 * sched_setaffinity(2)); the environment variable FERROZMQ_SPIN, if set, is the default.
 */
#define ZMQ_FERRO_SPIN 10001
/*
 * Of a socket with a monitor, read-only (uint64_t): events that were dropped because
 * the program had not read the ones before, each with both its parts.
 */
#define ZMQ_FERRO_MONITOR_DROPS 10002
/* Bit mask (uint64_t) of the I/O threads that may serve new connections; 0 means all. */
#define ZMQ_AFFINITY 4
/* Name under which peers of type ROUTER know this socket; 1 to 255 bytes. */
#define ZMQ_ROUTING_ID 5
/* Adds a topic prefix to receive; an empty one means every message. */
#define ZMQ_SUBSCRIBE 6
/* Takes back one earlier subscription to the same prefix. */
#define ZMQ_UNSUBSCRIBE 7
/* Ceiling of the multicast send rate, in kilobits per second. */
#define ZMQ_RATE 8
/* How far back a multicast receiver can recover lost data, in milliseconds. */
#define ZMQ_RECOVERY_IVL 9
/* Kernel send buffer of each connection, in bytes; -1 leaves the system default. */
#define ZMQ_SNDBUF 11
/* Kernel receive buffer of each connection, in bytes; -1 leaves the system default. */
#define ZMQ_RCVBUF 12
/* Read only: 1 while the message part last received has another part behind it. */
#define ZMQ_RCVMORE 13
/* Read only: edge-triggered descriptor that signals when ZMQ_EVENTS is to be read. */
#define ZMQ_FD 14
/* Read only: ZMQ_POLLIN and ZMQ_POLLOUT flags of the socket at this moment. */
#define ZMQ_EVENTS 15
/* Read only: the type the socket was created with. */
#define ZMQ_TYPE 16
/* How long unsent messages outlive zmq_close, in milliseconds; -1 without end, 0 not at all. */
#define ZMQ_LINGER 17
/* Pause before the first attempt to reconnect, in milliseconds; 0 and -1 switch reconnection off. */
#define ZMQ_RECONNECT_IVL 18
/* Length of the queue of connections not yet accepted. */
#define ZMQ_BACKLOG 19
/* Upper end of the growing reconnect pause, in milliseconds; 0 keeps the pause constant. */
#define ZMQ_RECONNECT_IVL_MAX 21
/* Largest message part taken from a peer, in bytes (int64_t); -1 sets no limit. */
#define ZMQ_MAXMSGSIZE 22
/* Messages queued for each peer before the socket blocks or drops; 0 sets no limit. */
#define ZMQ_SNDHWM 23
/* Messages queued from each peer before reading stops; 0 sets no limit. */
#define ZMQ_RCVHWM 24
/* Network hops a multicast packet may make. */
#define ZMQ_MULTICAST_HOPS 25
/* Longest wait of a receive call, in milliseconds; -1 waits without end. */
#define ZMQ_RCVTIMEO 27
/* Longest wait of a send call, in milliseconds; -1 waits without end. */
#define ZMQ_SNDTIMEO 28
/* Read only: address of the latest successful bind or connect, as a C string. */
#define ZMQ_LAST_ENDPOINT 32
/* Makes a ROUTER report unknown or busy peers instead of dropping the message. */
#define ZMQ_ROUTER_MANDATORY 33
/* TCP keep-alive: 1 on, 0 off, -1 system default. */
#define ZMQ_TCP_KEEPALIVE 34
/* Unanswered keep-alive probes that end a connection; -1 system default. */
#define ZMQ_TCP_KEEPALIVE_CNT 35
/* Idle time before the first keep-alive probe, in seconds; -1 system default. */
#define ZMQ_TCP_KEEPALIVE_IDLE 36
/* Time between keep-alive probes, in seconds; -1 system default. */
#define ZMQ_TCP_KEEPALIVE_INTVL 37
/* 1: messages are queued only for connections that are complete. */
#define ZMQ_IMMEDIATE 39
/* 1: XPUB hands every subscription to the application, repeated ones too. */
#define ZMQ_XPUB_VERBOSE 40
/* 1: ROUTER talks to plain TCP peers. Deprecated, use a STREAM socket. */
#define ZMQ_ROUTER_RAW 41
/* 1 allows IPv6 beside IPv4. Option of a socket and, as its default, of a context. */
#define ZMQ_IPV6 42
/* Read only: the security mechanism in force (ZMQ_NULL and its siblings). */
#define ZMQ_MECHANISM 43
/* 1 makes the socket a PLAIN server. */
#define ZMQ_PLAIN_SERVER 44
/* User name a PLAIN client presents; 1 to 255 bytes. */
#define ZMQ_PLAIN_USERNAME 45
/* Password a PLAIN client presents; 1 to 255 bytes. */
#define ZMQ_PLAIN_PASSWORD 46
/* 1 makes the socket a CURVE server. */
#define ZMQ_CURVE_SERVER 47
/* Long-term public key: 32 bytes, or 40 characters of Z85. */
#define ZMQ_CURVE_PUBLICKEY 48
/* Long-term secret key: 32 bytes, or 40 characters of Z85. */
#define ZMQ_CURVE_SECRETKEY 49
/* Public key of the server a CURVE client expects: 32 bytes, or 40 characters of Z85. */
#define ZMQ_CURVE_SERVERKEY 50
/* 1 sends an empty message to every new peer, so that a ROUTER learns of this socket. */
#define ZMQ_PROBE_ROUTER 51
/* 1: REQ numbers its requests and drops replies to others. */
#define ZMQ_REQ_CORRELATE 52
/* 1: REQ may send again before the reply has come. */
#define ZMQ_REQ_RELAXED 53
/* 1 keeps only the newest message of each queue. */
#define ZMQ_CONFLATE 54
/* Domain named in requests to the ZAP authenticator; 1 to 255 bytes. */
#define ZMQ_ZAP_DOMAIN 55
/* 1: a new peer of a ROUTER takes over the routing id of an old one. */
#define ZMQ_ROUTER_HANDOVER 56
/* Type-of-service byte of outgoing IP packets; 0 leaves the system default. */
#define ZMQ_TOS 57
/* Routing id a ROUTER or STREAM gives to the peer of its next connect. */
#define ZMQ_CONNECT_ROUTING_ID 61
/* 1 makes the socket a GSSAPI server. */
#define ZMQ_GSSAPI_SERVER 62
/* GSSAPI principal of this socket. */
#define ZMQ_GSSAPI_PRINCIPAL 63
/* GSSAPI principal of the server a client expects. */
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL 64
/* 1: GSSAPI authenticates only and leaves messages unencrypted. */
#define ZMQ_GSSAPI_PLAINTEXT 65
/* Longest time for greeting and security handshake, in milliseconds; 0 sets no limit. */
#define ZMQ_HANDSHAKE_IVL 66
/* Address of the SOCKS5 proxy for outgoing TCP, host:port. */
#define ZMQ_SOCKS_PROXY 68
/* 1: XPUB blocks or reports EAGAIN when a subscriber is at its high-water mark. */
#define ZMQ_XPUB_NODROP 69
/* Context option: 0 gives new sockets a linger of 0. */
#define ZMQ_BLOCKY 70
/* 1: subscriptions to an XPUB take effect only when the application confirms them. */
#define ZMQ_XPUB_MANUAL 71
/* Message an XPUB sends to each new subscriber. */
#define ZMQ_XPUB_WELCOME_MSG 72
/* 1: STREAM reports connects and disconnects by empty messages. */
#define ZMQ_STREAM_NOTIFY 73
/* 1 turns subscription matching around: what matches no prefix is delivered. */
#define ZMQ_INVERT_MATCHING 74
/* Time between heartbeat PINGs, in milliseconds; 0 sends none. */
#define ZMQ_HEARTBEAT_IVL 75
/* Time after which the peer may take this end for dead, in milliseconds, in steps of 100. */
#define ZMQ_HEARTBEAT_TTL 76
/* Silence after a PING that ends the connection, in milliseconds. */
#define ZMQ_HEARTBEAT_TIMEOUT 77
/* 1: XPUB hands every subscription and every unsubscription to the application. */
#define ZMQ_XPUB_VERBOSER 78
/* Longest time for one TCP connect attempt, in milliseconds; 0 leaves it to the system. */
#define ZMQ_CONNECT_TIMEOUT 79
/* Longest time sent TCP data may stay unacknowledged, in milliseconds; 0 leaves it to the system. */
#define ZMQ_TCP_MAXRT 80
/* Read only: 1 for socket types that several threads may use at once. */
#define ZMQ_THREAD_SAFE 81
/* Largest multicast packet, in bytes. */
#define ZMQ_MULTICAST_MAXTPDU 84
/* VMCI buffer, in bytes (uint64_t). */
#define ZMQ_VMCI_BUFFER_SIZE 85
/* Smallest VMCI buffer, in bytes (uint64_t). */
#define ZMQ_VMCI_BUFFER_MIN_SIZE 86
/* Largest VMCI buffer, in bytes (uint64_t). */
#define ZMQ_VMCI_BUFFER_MAX_SIZE 87
/* Longest time for one VMCI connect attempt, in milliseconds; -1 sets no limit. */
#define ZMQ_VMCI_CONNECT_TIMEOUT 88
/* Descriptor, already bound and listening, that the next bind uses; -1 makes a new one. */
#define ZMQ_USE_FD 89
/* How to read the GSSAPI principal of this socket (ZMQ_GSSAPI_NT_*). */
#define ZMQ_GSSAPI_PRINCIPAL_NAMETYPE 90
/* How to read the GSSAPI principal of the server (ZMQ_GSSAPI_NT_*). */
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 91
/* Network interface that TCP and UDP traffic is tied to; at most 16 bytes. */
#define ZMQ_BINDTODEVICE 92
/* Older name of ZMQ_ROUTING_ID. */
#define ZMQ_IDENTITY 5
/* Older name of ZMQ_CONNECT_ROUTING_ID. */
#define ZMQ_CONNECT_RID 61
/* Adds an address range, address/bits, that may connect. Deprecated, use ZAP. */
#define ZMQ_TCP_ACCEPT_FILTER 38
/* Adds a process id that may connect over ipc. Deprecated, use ZAP. */
#define ZMQ_IPC_FILTER_PID 58
/* Adds a user id that may connect over ipc. Deprecated, use ZAP. */
#define ZMQ_IPC_FILTER_UID 59
/* Adds a group id that may connect over ipc. Deprecated, use ZAP. */
#define ZMQ_IPC_FILTER_GID 60
/* The opposite of ZMQ_IPV6. Deprecated. */
#define ZMQ_IPV4ONLY 31
/* Older name of ZMQ_IMMEDIATE. */
#define ZMQ_DELAY_ATTACH_ON_CONNECT 39
/* Older name of ZMQ_ROUTER_MANDATORY. */
#define ZMQ_FAIL_UNROUTABLE 33
/* Older name of ZMQ_ROUTER_MANDATORY. */
#define ZMQ_ROUTER_BEHAVIOR 33
/* Number of I/O threads; with 0 only inproc works. */
#define ZMQ_IO_THREADS 1
/* Most sockets open at once. */
#define ZMQ_MAX_SOCKETS 2
/* Read only: the largest value ZMQ_MAX_SOCKETS is meant for. */
#define ZMQ_SOCKET_LIMIT 3
/* Write only: scheduling priority of the I/O threads. */
#define ZMQ_THREAD_PRIORITY 3
/* Scheduling policy of the I/O threads, as the system numbers it. */
#define ZMQ_THREAD_SCHED_POLICY 4
/* Largest message the context is meant to carry, in bytes. */
#define ZMQ_MAX_MSGSZ 5
/* Read only: size of zmq_msg_t, in bytes. */
#define ZMQ_MSG_T_SIZE 6
/* Adds a CPU number to the set the I/O threads may run on. */
#define ZMQ_THREAD_AFFINITY_CPU_ADD 7
/* Takes a CPU number out of the set the I/O threads may run on. */
#define ZMQ_THREAD_AFFINITY_CPU_REMOVE 8
/* Text in front of the names of the I/O threads: a number, or 1 to 16 bytes. */
#define ZMQ_THREAD_NAME_PREFIX 9

/* ---- Types ---- */

/*
 * One thing that zmq_poll watches: a socket, or a descriptor if socket is
 * NULL.
 */
typedef struct zmq_pollitem_t {
  /* The socket, or NULL. */
  void *socket;
  /* The descriptor; ignored if there is a socket. */
  zmq_fd_t fd;
  /* The events asked for: ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLERR, ZMQ_POLLPRI. */
  short events;
  /* The events that are there; written by the call. */
  short revents;
} zmq_pollitem_t;

/* ---- Errors and versions ---- */

/*
 * Returns the error number of the last call that failed on this thread.
 *
 * Meaningful right after a call that reported failure. The same as the C
 * library's errno, for programs that use another C library than this one.
 */
ZMQ_EXPORT int zmq_errno(void);

/*
 * Returns a text that says what an error number means.
 *
 * Knows the numbers of this library as well as those of the system. Never
 * NULL; the text belongs to the library and is not to be freed.
 */
ZMQ_EXPORT const char *zmq_strerror(int errnum);

/*
 * Writes the version of the libzmq API that the library implements.
 *
 * Compare with ZMQ_VERSION to find out whether the library fits the header.
 * A pointer may be NULL.
 *
 * The environment variable FERROZMQ_VERSION, three decimal numbers with dots
 * between them, sets another answer, for programs that insist on the version
 * they were built with. Anything else in it is ignored. It is read once.
 */
ZMQ_EXPORT void zmq_version(int *major, int *minor, int *patch);

/*
 * Returns 1 if the library was built with a capability, else 0.
 *
 * Names are those of optional parts: "ipc", "pgm", "tipc", "norm", "curve",
 * "gssapi", "vmci", "vsock", "draft", "WS", "WSS". Any other name gives 0. So does
 * "vsock", as in builds of libzmq without its draft transports, though vsock
 * endpoints work where the kernel has them. With the environment variable
 * FERROZMQ_DRAFT at 0 the answer for "draft", "WS" and "WSS" is 0.
 */
ZMQ_EXPORT
int zmq_has(const char *capability);

/* ---- Contexts ---- */

/*
 * Creates a context. Returns its handle, or NULL with ENOMEM. No thread is
 * started and no descriptor opened before they are needed.
 */
ZMQ_EXPORT void *zmq_ctx_new(void);

/*
 * Terminates a context: blocking calls on its sockets end with ETERM; waits
 * until all its sockets are closed and what they had to send is sent or their
 * ZMQ_LINGER has passed. The handle is invalid afterwards. Returns 0, or -1
 * with EFAULT (no context) or EINTR (a signal came; call again).
 */
ZMQ_EXPORT int zmq_ctx_term(void *context);

/*
 * Makes blocking calls on the context's sockets end with ETERM, and all later
 * calls but zmq_close fail with it. Does not wait; zmq_ctx_term is still due.
 * Returns 0, or -1 with EFAULT.
 */
ZMQ_EXPORT int zmq_ctx_shutdown(void *context);

/*
 * Sets a context option. Returns 0, or -1 with EINVAL (unknown option or value
 * out of range) or EFAULT (no context).
 */
ZMQ_EXPORT int zmq_ctx_set(void *context, int option, int value);

/*
 * Returns the value of a context option, or -1 with EINVAL (unknown option) or
 * EFAULT (no context). An option's value can itself be -1.
 */
ZMQ_EXPORT int zmq_ctx_get(void *context, int option);

/*
 * Deprecated: zmq_ctx_new and ZMQ_IO_THREADS in one. Returns NULL with EINVAL
 * for a negative number of threads.
 */
ZMQ_EXPORT void *zmq_init(int io_threads);

/* Deprecated name of zmq_ctx_term. */
ZMQ_EXPORT int zmq_term(void *context);

/* Deprecated name of zmq_ctx_term. */
ZMQ_EXPORT int zmq_ctx_destroy(void *context);

/* ---- Messages ---- */

/* Initialises an empty message. Returns 0. */
ZMQ_EXPORT int zmq_msg_init(zmq_msg_t *msg);

/*
 * Initialises a message of size bytes with unspecified content. Up to 33 bytes
 * need no allocation. Returns 0, or -1 with ENOMEM.
 */
ZMQ_EXPORT int zmq_msg_init_size(zmq_msg_t *msg, size_t size);

/*
 * Initialises a message over the caller's buffer. free_fn is called once, with
 * data and hint, when the library needs the buffer no more: from an I/O thread,
 * or from the thread whose call released the message, before that call returns.
 * It may call the library, and throw where its language can. Without a free_fn
 * the buffer must stay valid and unchanged for ever. Returns
 * 0, or -1 with ENOMEM; EINVAL for a NULL buffer with a size.
 */
ZMQ_EXPORT
int zmq_msg_init_data(zmq_msg_t *msg,
                      void *data,
                      size_t size,
                      zmq_free_fn *free_fn,
                      void *hint);

/*
 * Releases a message's content; it can be initialised again. Returns 0, or -1
 * with EFAULT if it is not an initialised message.
 */
ZMQ_EXPORT int zmq_msg_close(zmq_msg_t *msg);

/*
 * Moves the content of source to dest, whose old content is released; source
 * is empty afterwards. Returns 0, or -1 with EFAULT.
 */
ZMQ_EXPORT int zmq_msg_move(zmq_msg_t *dest, zmq_msg_t *source);

/*
 * Makes dest a second message with source's content, which is shared if it is
 * longer than 33 bytes: then neither must be changed. Returns 0, or -1 with
 * EFAULT.
 */
ZMQ_EXPORT int zmq_msg_copy(zmq_msg_t *dest, zmq_msg_t *source);

/*
 * Returns the address of the content, which is valid until the message is
 * closed, moved or sent; NULL if it is not an initialised message.
 */
ZMQ_EXPORT void *zmq_msg_data(zmq_msg_t *msg);

/*
 * Returns the length of the content in bytes; 0 if it is not an initialised
 * message.
 */
ZMQ_EXPORT size_t zmq_msg_size(const zmq_msg_t *msg);

/* Returns 1 if more parts of the same message follow, else 0. */
ZMQ_EXPORT int zmq_msg_more(const zmq_msg_t *msg);

/*
 * Returns a property: ZMQ_MORE, ZMQ_SHARED (1 if the content is constant or
 * shared with a copy), ZMQ_SRCFD (descriptor of the connection it came from).
 * -1 with EINVAL for any other, or if it has none.
 */
ZMQ_EXPORT int zmq_msg_get(const zmq_msg_t *msg, int property);

/* Sets a property. There is none that can be set: returns -1 with EINVAL. */
ZMQ_EXPORT int zmq_msg_set(zmq_msg_t *msg, int property, int value);

/*
 * Returns a property of the connection the message came from (Socket-Type,
 * Identity, Peer-Address, ...), valid as long as the message; NULL with EINVAL
 * if there is none of that name.
 */
ZMQ_EXPORT const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property);

/* ---- Sockets ---- */

/*
 * Creates a socket of a type (ZMQ_PAIR, ...). Returns its handle, or NULL with
 * EFAULT (no context), EINVAL (no such type), EMFILE (ZMQ_MAX_SOCKETS reached),
 * ETERM (context shut down) or ENOMEM.
 */
ZMQ_EXPORT void *zmq_socket(void *context, int socket_type);

/*
 * Closes a socket without waiting; what it had to send is still sent within
 * its ZMQ_LINGER. Returns 0, or -1 with ENOTSOCK.
 */
ZMQ_EXPORT int zmq_close(void *socket);

/*
 * Sets a socket option from length bytes at value. Returns 0, or -1 with EINVAL
 * (unknown option, wrong length or value), ETERM or ENOTSOCK.
 */
ZMQ_EXPORT
int zmq_setsockopt(void *socket,
                   int option,
                   const void *value,
                   size_t length);

/*
 * Reads a socket option into value, whose size is *length; *length becomes the
 * size of what was written. Returns 0, or -1 with EINVAL (unknown option,
 * unsuitable size), ETERM or ENOTSOCK.
 */
ZMQ_EXPORT
int zmq_getsockopt(void *socket,
                   int option,
                   void *value,
                   size_t *length);

/*
 * Accepts connections at an endpoint. tcp and ipc listen when it returns;
 * ZMQ_LAST_ENDPOINT names what a wildcard became. Returns 0, or -1 with EINVAL,
 * EPROTONOSUPPORT, ENOCOMPATPROTO, EADDRINUSE, EADDRNOTAVAIL, ENODEV, EMTHREAD,
 * ENAMETOOLONG, ETERM, ENOTSOCK, or an error of the system.
 */
ZMQ_EXPORT int zmq_bind(void *socket, const char *address);

/*
 * Connects to an endpoint, now or whenever the peer is there, and again when
 * the connection is lost. Returns 0, or -1 with EINVAL, EPROTONOSUPPORT,
 * ENOCOMPATPROTO, EMTHREAD, ENAMETOOLONG, ETERM or ENOTSOCK.
 */
ZMQ_EXPORT int zmq_connect(void *socket, const char *address);

/*
 * Stops accepting at an endpoint, as ZMQ_LAST_ENDPOINT names it. Connections
 * that were accepted stay. Returns 0, or -1 with ENOENT (not bound there),
 * EINVAL, EPROTONOSUPPORT, ETERM or ENOTSOCK.
 */
ZMQ_EXPORT int zmq_unbind(void *socket, const char *address);

/*
 * Ends all connections that were made to an endpoint; what is queued for them
 * is still sent within ZMQ_LINGER. Returns 0, or -1 with ENOENT (not connected
 * there), EINVAL, EPROTONOSUPPORT, ETERM or ENOTSOCK.
 */
ZMQ_EXPORT int zmq_disconnect(void *socket, const char *address);

/* ---- Polling ---- */

/*
 * Waits until an item has one of the events asked for, at most timeout
 * milliseconds (-1: for ever; 0: not at all). Returns the number of items with
 * events, 0 on time-out, or -1 with EFAULT, EINVAL, EINTR, ETERM or ENOTSOCK.
 */
ZMQ_EXPORT int zmq_poll(zmq_pollitem_t *items, int count, long timeout);

/*
 * Moves messages between two sockets, in both directions, and a copy of each to
 * capture unless that is NULL. Returns -1 when an error ends it, as a rule
 * ETERM; EFAULT for a NULL socket.
 */
ZMQ_EXPORT int zmq_proxy(void *frontend, void *backend, void *capture);

/*
 * As zmq_proxy, obeying the words that come from a control socket: PAUSE,
 * RESUME, TERMINATE, which makes it return 0, and STATISTICS, which is answered
 * with eight 64-bit numbers in parts of their own: parts and bytes received by
 * the frontend, sent by it, received and sent by the backend. A REP control gets
 * an empty answer to everything else. With a NULL control it is zmq_proxy.
 */
ZMQ_EXPORT
int zmq_proxy_steerable(void *frontend,
                        void *backend,
                        void *capture,
                        void *control);

/* Deprecated: zmq_proxy without capture; the type is ignored. */
ZMQ_EXPORT int zmq_device(int device_type, void *frontend, void *backend);

/*
 * Reports events of a socket's connections to the PAIR socket that connects to
 * an inproc address: two parts each, ZMQ_EVENT_ number (16 bits) with a value
 * (32 bits) in native byte order, and the endpoint. events is a mask. A NULL
 * address ends it. Events that are not read are dropped, never waited for.
 * Returns 0, or -1 with EINVAL, EPROTONOSUPPORT (not inproc), EADDRINUSE, ETERM
 * or ENOTSOCK.
 */
ZMQ_EXPORT
int zmq_socket_monitor(void *socket,
                       const char *address,
                       int events);

/* ---- Helpers ---- */

/*
 * Creates a counter that threads can share, set to 0.
 *
 * Returns its handle, to be given to zmq_atomic_counter_destroy, or NULL with
 * ENOMEM. The functions on it fail with EFAULT if the handle is not one.
 */
ZMQ_EXPORT void *zmq_atomic_counter_new(void);

/* Sets a counter. */
ZMQ_EXPORT void zmq_atomic_counter_set(void *counter, int value);

/* Adds one to a counter and returns what it was before. */
ZMQ_EXPORT int zmq_atomic_counter_inc(void *counter);

/* Takes one from a counter; returns 0 when that makes it 0, otherwise 1. */
ZMQ_EXPORT int zmq_atomic_counter_dec(void *counter);

/* Returns the value of a counter. */
ZMQ_EXPORT int zmq_atomic_counter_value(void *counter);

/* Frees a counter and sets the handle that is pointed at to NULL. */
ZMQ_EXPORT void zmq_atomic_counter_destroy(void **counter_p);

/*
 * Starts a stopwatch.
 *
 * Returns its handle, to be given to zmq_stopwatch_stop, or NULL with ENOMEM.
 */
ZMQ_EXPORT void *zmq_stopwatch_start(void);

/*
 * Returns the microseconds since a stopwatch was started; it runs on.
 *
 * 0 with EFAULT if the handle is not one.
 */
ZMQ_EXPORT unsigned long zmq_stopwatch_intermediate(void *watch);

/*
 * Returns the microseconds since a stopwatch was started, and frees it.
 *
 * 0 with EFAULT if the handle is not one.
 */
ZMQ_EXPORT unsigned long zmq_stopwatch_stop(void *watch);

/*
 * Writes binary data as printable text in the Z85 form of ZeroMQ RFC 32.
 *
 * size is a number of bytes and a multiple of 4; dest has room for
 * size * 5 / 4 + 1 bytes, the last for the final NUL. Returns dest, or NULL
 * with EINVAL if the size is wrong.
 */
ZMQ_EXPORT char *zmq_z85_encode(char *dest, const uint8_t *data, size_t size);

/*
 * Writes the binary data that a text in the Z85 form stands for.
 *
 * dest has room for strlen (string) * 4 / 5 bytes. Returns dest, or NULL with
 * EINVAL if the string is empty, not a multiple of 5 long, or not Z85; dest
 * may then be partly written.
 */
ZMQ_EXPORT uint8_t *zmq_z85_decode(uint8_t *dest, const char *string);

/*
 * Makes a new pair of keys for CURVE.
 *
 * Each is written in the Z85 form to 41 bytes, the last the final NUL.
 * Returns 0, or -1 with EINVAL if a pointer is NULL, or with ENOTSUP if the
 * system has no random numbers.
 */
ZMQ_EXPORT int zmq_curve_keypair(char *z85_public_key, char *z85_secret_key);

/*
 * Computes the public key that belongs to a secret key for CURVE.
 *
 * Both are in the Z85 form, 40 characters and the final NUL. Returns 0, or -1
 * with EINVAL if the secret key is none or a pointer is NULL.
 */
ZMQ_EXPORT
int zmq_curve_public(char *z85_public_key,
                     const char *z85_secret_key);

/* ---- Timers ---- */

/*
 * Creates an empty set of timers.
 *
 * Returns its handle, to be given to zmq_timers_destroy, or NULL with ENOMEM.
 * All functions on it fail with EFAULT if the handle is not one.
 */
ZMQ_EXPORT void *zmq_timers_new(void);

/*
 * Frees a set of timers and sets the handle that is pointed at to NULL.
 *
 * Returns 0, or -1 with EFAULT.
 */
ZMQ_EXPORT int zmq_timers_destroy(void **timers_p);

/*
 * Adds a timer that calls handler (timer_id, arg) every interval ms.
 *
 * Returns the id of the timer, from 1 upwards, or -1 with EFAULT, also if the
 * handler is NULL. The handler runs inside zmq_timers_execute and may change
 * the set.
 */
ZMQ_EXPORT
int zmq_timers_add(void *timers,
                   size_t interval,
                   zmq_timer_fn *handler,
                   void *arg);

/*
 * Removes a timer.
 *
 * Returns 0, or -1 with EINVAL if there is no such timer, or with EFAULT.
 */
ZMQ_EXPORT int zmq_timers_cancel(void *timers, int timer_id);

/*
 * Gives a timer a new interval in ms, counted from now.
 *
 * Returns 0, or -1 with EINVAL if there is no such timer, or with EFAULT.
 */
ZMQ_EXPORT
int zmq_timers_set_interval(void *timers,
                            int timer_id,
                            size_t interval);

/*
 * Starts the interval of a timer anew from now.
 *
 * Returns 0, or -1 with EINVAL if there is no such timer, or with EFAULT.
 */
ZMQ_EXPORT int zmq_timers_reset(void *timers, int timer_id);

/*
 * Returns how many ms are left until the next timer is due, 0 if one is due.
 *
 * -1 if there is no timer; also -1, with EFAULT, if the handle is not one.
 */
ZMQ_EXPORT long zmq_timers_timeout(void *timers);

/*
 * Runs the handler of each timer that is due, once however late it is.
 *
 * Each is then due again one interval from now. Returns 0, or -1 with EFAULT.
 */
ZMQ_EXPORT int zmq_timers_execute(void *timers);

/* ---- Threads ---- */

/*
 * Pauses the calling thread for a number of seconds.
 *
 * A signal handler ends the pause early. 0 or less does not pause.
 */
ZMQ_EXPORT void zmq_sleep(int seconds);

/*
 * Starts a thread that runs func (arg), with all signals blocked.
 *
 * Returns its handle, to be given to zmq_threadclose, or NULL: with EFAULT if
 * func is NULL, with ENOMEM or the system's error if there can be no thread.
 */
ZMQ_EXPORT void *zmq_threadstart(zmq_thread_fn *func, void *arg);

/* Waits until a thread has ended, and frees its handle. */
ZMQ_EXPORT void zmq_threadclose(void *thread);

/* ---- transfer ---- */

/*
 * Sends a part with a copy of length bytes. flags: ZMQ_DONTWAIT, ZMQ_SNDMORE.
 * Returns length, or -1 with EAGAIN (would block, or ZMQ_SNDTIMEO passed),
 * ENOTSUP, EFSM, EHOSTUNREACH, EINTR, ENOMEM, ETERM or ENOTSOCK.
 */
ZMQ_EXPORT
int zmq_send(void *socket,
             const void *buffer,
             size_t size,
             int flags);

/*
 * As zmq_send, but the buffer is used in place: it must stay valid and
 * unchanged for ever.
 */
ZMQ_EXPORT
int zmq_send_const(void *socket,
                   const void *buffer,
                   size_t size,
                   int flags);

/*
 * Receives a part into a buffer of size bytes; what does not fit is cut off.
 * flags: ZMQ_DONTWAIT. Returns the length of the whole part, or -1 with EAGAIN
 * (nothing there, or ZMQ_RCVTIMEO passed), ENOTSUP, EFSM, EINTR, ETERM or
 * ENOTSOCK.
 */
ZMQ_EXPORT int zmq_recv(void *socket, void *buffer, size_t size, int flags);

/*
 * Sends a message part; it is empty afterwards. On failure it stays the
 * caller's as it was. Returns its size, errors as zmq_send, EFAULT if it is
 * not a message.
 */
ZMQ_EXPORT int zmq_msg_send(zmq_msg_t *msg, void *socket, int flags);

/*
 * Receives a part into an initialised message, whose old content is released.
 * Returns its size, errors as zmq_recv, EFAULT if it is not a message.
 */
ZMQ_EXPORT int zmq_msg_recv(zmq_msg_t *msg, void *socket, int flags);

/* Deprecated: zmq_msg_send with the arguments the other way round. */
ZMQ_EXPORT int zmq_sendmsg(void *socket, zmq_msg_t *msg, int flags);

/* Deprecated: zmq_msg_recv with the arguments the other way round. */
ZMQ_EXPORT int zmq_recvmsg(void *socket, zmq_msg_t *msg, int flags);

/*
 * Sends count buffers as parts: with ZMQ_SNDMORE in flags as one message, else
 * each as a message of its own. Returns the size of the last one, errors as
 * zmq_send; EINVAL for no buffers. What was sent before an error stays sent.
 */
ZMQ_EXPORT
int zmq_sendiov(void *socket,
                struct iovec *iov,
                size_t count,
                int flags);

/*
 * Receives up to *count parts of one message into buffers that it allocates
 * with malloc and the caller frees. *count becomes their number, also on
 * error. Returns that number, or -1 as zmq_recv; EINVAL for no buffers.
 */
ZMQ_EXPORT
int zmq_recviov(void *socket,
                struct iovec *iov,
                size_t *count,
                int flags);

/* What follows may change or go with any release. */
#ifdef ZMQ_BUILD_DRAFT_API

/* ---- Draft: numbers ---- */

/* Exchanges single-part messages with CLIENTs, each named by a routing id. */
#define ZMQ_SERVER 12
/* Exchanges single-part messages with SERVERs. */
#define ZMQ_CLIENT 13
/* Sends each message to the peers that joined its group. */
#define ZMQ_RADIO 14
/* Receives the messages of the groups it joined. */
#define ZMQ_DISH 15
/* Receives single-part messages from all peers fairly. */
#define ZMQ_GATHER 16
/* Sends single-part messages to its peers in turn. */
#define ZMQ_SCATTER 17
/* Exchanges UDP datagrams. */
#define ZMQ_DGRAM 18
/* A SERVER that can also name the peers it connects to. */
#define ZMQ_PEER 19
/* One peer, both directions, single-part messages. */
#define ZMQ_CHANNEL 20
/* Fixed send rate. */
#define ZMQ_NORM_FIXED 0
/* Congestion control by loss. */
#define ZMQ_NORM_CC 1
/* Congestion control by loss, tolerant of bit errors. */
#define ZMQ_NORM_CCL 2
/* Congestion control by loss and explicit notification. */
#define ZMQ_NORM_CCE 3
/* Congestion control by explicit notification alone. */
#define ZMQ_NORM_CCE_ECNONLY 4
/* Stop when the peer refuses the connection. */
#define ZMQ_RECONNECT_STOP_CONN_REFUSED 1
/* Stop when the handshake fails. */
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED 2
/* Stop when the application disconnects the endpoint. */
#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT 4
/* An empty message from each new peer. */
#define ZMQ_NOTIFY_CONNECT 1
/* An empty message from each peer that leaves. */
#define ZMQ_NOTIFY_DISCONNECT 2
/* Fill level of a pipe; value: messages in its two queues. */
#define ZMQ_EVENT_PIPES_STATS 65536
/* The format of events that the stable API has. */
#define ZMQ_CURRENT_EVENT_VERSION 1
/* The latest format of events. */
#define ZMQ_CURRENT_EVENT_VERSION_DRAFT 2
/* All events of the first format. */
#define ZMQ_EVENT_ALL_V1 65535
/* All events of the second format. */
#define ZMQ_EVENT_ALL_V2 131071

/* ---- Draft: options ---- */

/* 1: ZAP is asked only for a non-empty domain, and must then answer. */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
/* 1 asks Windows for its fast path on loopback TCP. */
#define ZMQ_LOOPBACK_FASTPATH 94
/* Adds a property, X-key:value, to the metadata sent in the handshake. */
#define ZMQ_METADATA 95
/* 1: multicast packets are also delivered on the sending host. */
#define ZMQ_MULTICAST_LOOP 96
/* Flags ZMQ_NOTIFY_CONNECT and ZMQ_NOTIFY_DISCONNECT: what a ROUTER reports to its owner. */
#define ZMQ_ROUTER_NOTIFY 97
/* 1: after a subscription the next XPUB message goes to that subscriber alone. */
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
/* User name for the SOCKS5 proxy; at most 255 bytes. */
#define ZMQ_SOCKS_USERNAME 99
/* Password for the SOCKS5 proxy; at most 255 bytes. */
#define ZMQ_SOCKS_PASSWORD 100
/* Bytes read from a connection at a time. */
#define ZMQ_IN_BATCH_SIZE 101
/* Bytes of small messages written to a connection at a time. */
#define ZMQ_OUT_BATCH_SIZE 102
/* Private key of a TLS server, as PEM text. */
#define ZMQ_WSS_KEY_PEM 103
/* Certificate of a TLS server, as PEM text. */
#define ZMQ_WSS_CERT_PEM 104
/* Certificates a TLS client trusts, as PEM text. */
#define ZMQ_WSS_TRUST_PEM 105
/* Host name a TLS client expects in the certificate; empty checks none. */
#define ZMQ_WSS_HOSTNAME 106
/* 1: a TLS client trusts the certificates of the system. */
#define ZMQ_WSS_TRUST_SYSTEM 107
/* 1: only the first part of a message can be a subscription. */
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
/* ZMQ_RECONNECT_STOP_* flags: after which events not to reconnect. */
#define ZMQ_RECONNECT_STOP 109
/* Message sent to every new peer. */
#define ZMQ_HELLO_MSG 110
/* Message received locally when an accepted peer leaves. */
#define ZMQ_DISCONNECT_MSG 111
/* SO_PRIORITY of the connections; 0 leaves the system default. */
#define ZMQ_PRIORITY 112
/* SO_BUSY_POLL of the connections, in microseconds; 0 leaves it off. */
#define ZMQ_BUSY_POLL 113
/* Message received locally when an outgoing connection is lost. */
#define ZMQ_HICCUP_MSG 114
/* 1: XSUB passes on every unsubscription, repeated ones too. */
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE 115
/* Read only: number of different topics subscribed to. */
#define ZMQ_TOPICS_COUNT 116
/* NORM congestion control (ZMQ_NORM_FIXED and its siblings). */
#define ZMQ_NORM_MODE 117
/* 1: NORM receivers answer by unicast. */
#define ZMQ_NORM_UNICAST_NACK 118
/* NORM buffer, in kibibytes. */
#define ZMQ_NORM_BUFFER_SIZE 119
/* Payload of a NORM segment, in bytes. */
#define ZMQ_NORM_SEGMENT_SIZE 120
/* Segments in a NORM block. */
#define ZMQ_NORM_BLOCK_SIZE 121
/* Parity segments computed for each NORM block. */
#define ZMQ_NORM_NUM_PARITY 122
/* Parity segments sent with each NORM block without being asked for. */
#define ZMQ_NORM_NUM_AUTOPARITY 123
/* 1: newer data replaces older data in a full NORM buffer. */
#define ZMQ_NORM_PUSH 124
/* 1: large messages are handed over as slices of the read buffer instead of copies. */
#define ZMQ_ZERO_COPY_RECV 10

/* ---- Draft: functions ---- */

/*
 * Sets a context option from size bytes at value: an int, or for
 * ZMQ_THREAD_NAME_PREFIX also a text of up to 16 bytes that has not the size of an
 * int. Returns 0, or -1 with EINVAL (unknown option, wrong size or value) or EFAULT
 * (no context).
 */
ZMQ_EXPORT
int zmq_ctx_set_ext(void *context,
                    int option,
                    const void *value,
                    size_t size);

/*
 * Copies a context option to value, which has room for *size bytes: an int, or for
 * ZMQ_THREAD_NAME_PREFIX the text without a final NUL, unless *size is that of an
 * int. *size is not changed. Returns 0, or -1 with EINVAL (unknown option, wrong
 * size) or EFAULT (no context, or a NULL pointer).
 */
ZMQ_EXPORT
int zmq_ctx_get_ext(void *context,
                    int option,
                    void *value,
                    size_t *size);

/*
 * Initialises a message with a copy of size bytes at data, which may be NULL if size
 * is 0. Returns 0, or -1 with ENOMEM; EINVAL for a NULL pointer with a size.
 */
ZMQ_EXPORT
int zmq_msg_init_buffer(zmq_msg_t *msg,
                        const void *data,
                        size_t size);

/*
 * Returns ZMQ_POLLOUT if a ROUTER or REP could send a message now to the peer with the
 * routing id of size bytes at id, 0 if that peer's queue is full, or -1 with
 * EHOSTUNREACH (no such peer), ENOTSUP (another type of socket), EINVAL (NULL with a
 * size), ETERM or ENOTSOCK.
 */
ZMQ_EXPORT
int zmq_socket_get_peer_state(void *socket,
                              const void *id,
                              size_t size);

/* ---- Draft: pollers ---- */

/* What a poller found: a socket, or a descriptor if socket is NULL. */
typedef struct zmq_poller_event_t {
  /* The socket, or NULL. */
  void *socket;
  /* The descriptor, or -1. */
  zmq_fd_t fd;
  /* As it was given when the socket or descriptor was added. */
  void *user_data;
  /* The ZMQ_POLL... flags that are there. */
  short events;
} zmq_poller_event_t;

/*
 * Creates an empty poller: a list of sockets and descriptors to wait for.
 *
 * Returns its handle, to be given to zmq_poller_destroy, or NULL with ENOMEM. All
 * functions on it fail with EFAULT if the handle is not one. Threads may share a
 * poller: a wait goes by the list as it was when the wait began.
 */
ZMQ_EXPORT void *zmq_poller_new(void);

/*
 * Frees a poller and sets the handle that is pointed at to NULL.
 *
 * Returns 0, or -1 with EFAULT.
 */
ZMQ_EXPORT int zmq_poller_destroy(void **poller_p);

/* Returns how many sockets and descriptors a poller has, or -1 with EFAULT. */
ZMQ_EXPORT int zmq_poller_size(void *poller);

/*
 * Adds a socket to a poller, which reports it with user_data when it has one of
 * the ZMQ_POLL... flags in events. Without any it is kept, but not reported.
 *
 * Returns 0, or -1 with EFAULT, ENOTSOCK, EINVAL (unknown flags, or the socket is
 * there already) or ENOMEM. Remove a socket before it is closed.
 */
ZMQ_EXPORT
int zmq_poller_add(void *poller,
                   void *socket,
                   void *user_data,
                   short events);

/*
 * Changes the flags for which a poller reports a socket.
 *
 * Returns 0, or -1 with EFAULT, ENOTSOCK, or EINVAL (unknown flags, or the socket is
 * not there).
 */
ZMQ_EXPORT
int zmq_poller_modify(void *poller,
                      void *socket,
                      short events);

/*
 * Removes a socket from a poller.
 *
 * Returns 0, or -1 with EFAULT, ENOTSOCK, or EINVAL (the socket is not there).
 */
ZMQ_EXPORT int zmq_poller_remove(void *poller, void *socket);

/*
 * Adds a descriptor to a poller, as zmq_poller_add does a socket.
 *
 * Returns 0, or -1 with EFAULT, EBADF (the descriptor is -1), EINVAL (unknown flags,
 * or it is there already) or ENOMEM.
 */
ZMQ_EXPORT
int zmq_poller_add_fd(void *poller,
                      zmq_fd_t fd,
                      void *user_data,
                      short events);

/*
 * Changes the flags for which a poller reports a descriptor.
 *
 * Returns 0, or -1 with EFAULT, EBADF (the descriptor is -1), or EINVAL (unknown
 * flags, or it is not there).
 */
ZMQ_EXPORT int zmq_poller_modify_fd(void *poller, zmq_fd_t fd, short events);

/*
 * Removes a descriptor from a poller.
 *
 * Returns 0, or -1 with EFAULT, EBADF (the descriptor is -1), or EINVAL (it is not
 * there).
 */
ZMQ_EXPORT
int zmq_poller_remove_fd(void *poller,
                         zmq_fd_t fd);

/*
 * Waits until something in a poller has events, timeout milliseconds at most (-1:
 * for ever; 0: not at all), and writes the first that has.
 *
 * Returns 0, or -1 with EAGAIN (time-out), EFAULT (no poller, event is NULL, or
 * nothing to wait for without end), EINTR, ETERM or ENOTSOCK; then the event is
 * cleared.
 */
ZMQ_EXPORT
int zmq_poller_wait(void *poller,
                    struct zmq_poller_event_t *event,
                    long timeout);

/*
 * As zmq_poller_wait, for up to n_events; returns how many were written. The others
 * are cleared. Also EINVAL, if n_events is negative.
 */
ZMQ_EXPORT
int zmq_poller_wait_all(void *poller,
                        struct zmq_poller_event_t *events,
                        int n_events,
                        long timeout);

/*
 * Writes a descriptor that becomes readable when the poller may have events of sockets:
 * then zmq_poller_wait is to be called until it fails with EAGAIN. The descriptor is the
 * poller's, and not to be read or closed.
 *
 * Returns 0, or -1 with EFAULT, or EINVAL before a socket was added that several threads
 * may use.
 */
ZMQ_EXPORT
int zmq_poller_fd(void *poller,
                  zmq_fd_t *fd);

/* ---- Draft: peers ---- */

/*
 * Connects a PEER as zmq_connect does. Returns the routing id of the new peer, to which
 * messages can be sent at once, or 0 with ENOTSUP (not a PEER), EFAULT (ZMQ_IMMEDIATE
 * is set) or an error of zmq_connect.
 */
ZMQ_EXPORT
uint32_t zmq_connect_peer(void *socket,
                          const char *endpoint);

/*
 * Ends the connection of a SERVER or PEER with the peer that has a routing id. Returns
 * 0, or -1 with EHOSTUNREACH (no such peer), ENOTSUP (another type of socket), ETERM or
 * ENOTSOCK.
 */
ZMQ_EXPORT
int zmq_disconnect_peer(void *socket,
                        uint32_t routing_id);

/*
 * Sets to which peer a SERVER or PEER sends the message. Returns 0, or -1 with EINVAL
 * (routing id 0) or EFAULT.
 */
ZMQ_EXPORT
int zmq_msg_set_routing_id(zmq_msg_t *msg,
                           uint32_t routing_id);

/*
 * Returns from which peer a SERVER or PEER received the message, or which was set; 0 if
 * none.
 */
ZMQ_EXPORT
uint32_t zmq_msg_routing_id(zmq_msg_t *msg);

/* ---- Draft: groups ---- */

/*
 * Makes a DISH receive what is sent to a group, of up to 255 bytes. Returns 0, or -1
 * with EINVAL (it has joined already, or too long), ENOTSUP (not a DISH), ETERM or
 * ENOTSOCK.
 */
ZMQ_EXPORT
int zmq_join(void *socket,
             const char *group);

/*
 * Takes back one zmq_join. Returns 0, or -1 with EINVAL (it has not joined), ENOTSUP
 * (not a DISH), ETERM or ENOTSOCK.
 */
ZMQ_EXPORT
int zmq_leave(void *socket,
              const char *group);

/*
 * Sets the group to which a RADIO sends the message; it is cut to 255 bytes. Returns 0,
 * or -1 with EFAULT.
 */
ZMQ_EXPORT
int zmq_msg_set_group(zmq_msg_t *msg,
                      const char *group);

/*
 * Returns the group of a message, valid until the message or its group changes; an
 * empty string if it has none.
 */
ZMQ_EXPORT
const char *zmq_msg_group(zmq_msg_t *msg);
/* Property names for zmq_msg_gets. */
#define ZMQ_MSG_PROPERTY_ROUTING_ID "Routing-Id"
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE "Socket-Type"
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"

/* The functions zmq_poller_* exist. */
#define ZMQ_HAVE_POLLER

/* Monitors a socket with another format of events or type of socket. */
ZMQ_EXPORT int zmq_socket_monitor_versioned (void *socket,
                                             const char *endpoint,
                                             uint64_t events,
                                             int event_version,
                                             int type);
/* Asks for one ZMQ_EVENT_PIPES_STATS for each pipe of a monitored socket. */
ZMQ_EXPORT int zmq_socket_monitor_pipes_stats (void *socket);

/* Polls as zmq_poll does, with another signal mask while it waits. */
#ifdef _WIN32
ZMQ_EXPORT int zmq_ppoll (zmq_pollitem_t *items,
                          int nitems,
                          long timeout,
                          const void *sigmask);
#elif defined _POSIX_C_SOURCE || !defined __STRICT_ANSI__
/* Strict standard C alone has no sigset_t. */
ZMQ_EXPORT int zmq_ppoll (zmq_pollitem_t *items,
                          int nitems,
                          long timeout,
                          const sigset_t *sigmask);
#endif

#endif /* ZMQ_BUILD_DRAFT_API */

#ifdef __cplusplus
}
#endif

#undef ZMQ_EXPORT

#endif /* __ZMQ_H_INCLUDED__ */
