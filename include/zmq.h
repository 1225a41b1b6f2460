/*
 * The C interface of ferrozmq, the same as that of libzmq 4.3.6.
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
#define ZMQ_VERSION_PATCH 6
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
/* The connection attempt goes on in the background; value: an errno. */
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

/* ---- Types ---- */

/*
 * One thing that zmq_poll watches: a socket, or a descriptor if socket is
 * NULL.
 */
typedef struct zmq_pollitem_t {
  /* The socket, or NULL. */
  void *socket;
  /* The descriptor; not looked at if there is a socket. */
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
 */
ZMQ_EXPORT void zmq_version(int *major, int *minor, int *patch);

/*
 * Returns 1 if the library was built with a capability, else 0.
 *
 * Names are those of optional parts: "ipc", "pgm", "tipc", "norm", "curve",
 * "gssapi", "vmci", "vsock", "draft", "WS", "WSS". Any other name gives 0.
 */
ZMQ_EXPORT int zmq_has(const char *capability);

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
 * Returns 0, or -1 with ENOTSUP if the library was built without CURVE.
 */
ZMQ_EXPORT int zmq_curve_keypair(char *z85_public_key, char *z85_secret_key);

/*
 * Computes the public key that belongs to a secret key for CURVE.
 *
 * Both are in the Z85 form, 40 characters and the final NUL. Returns 0, or -1
 * with EINVAL if the secret key is none, or with ENOTSUP if the library was
 * built without CURVE.
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
/* Property names for zmq_msg_gets. */
#define ZMQ_MSG_PROPERTY_ROUTING_ID "Routing-Id"
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE "Socket-Type"
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"

/* Sets an option of a context from size bytes at value. */
ZMQ_EXPORT int
zmq_ctx_set_ext (void *context, int option, const void *value, size_t size);
/* Copies an option of a context to value, which has room for *size bytes. */
ZMQ_EXPORT int
zmq_ctx_get_ext (void *context, int option, void *value, size_t *size);

/* Makes a DISH receive what is sent to a group, a C string. */
ZMQ_EXPORT int zmq_join (void *socket, const char *group);
/* Takes back one zmq_join. */
ZMQ_EXPORT int zmq_leave (void *socket, const char *group);
/* Connects a PEER; returns the routing id of the connection, or 0. */
ZMQ_EXPORT uint32_t zmq_connect_peer (void *socket, const char *endpoint);
/* Ends one connection of a PEER or SERVER, with what is queued for it. */
ZMQ_EXPORT int zmq_disconnect_peer (void *socket, uint32_t routing_id);

/* Sets to which peer a SERVER or PEER sends the message; not 0. */
ZMQ_EXPORT int zmq_msg_set_routing_id (zmq_msg_t *msg, uint32_t routing_id);
/* Returns from which peer the message came, or 0. */
ZMQ_EXPORT uint32_t zmq_msg_routing_id (zmq_msg_t *msg);
/* Sets the group of a message, a C string. */
ZMQ_EXPORT int zmq_msg_set_group (zmq_msg_t *msg, const char *group);
/* Returns the group of a message, a C string that belongs to the message. */
ZMQ_EXPORT const char *zmq_msg_group (zmq_msg_t *msg);
/* Initialises a message with a copy of size bytes; NULL if size is 0. */
ZMQ_EXPORT int
zmq_msg_init_buffer (zmq_msg_t *msg, const void *data, size_t size);

/* The functions zmq_poller_* exist. */
#define ZMQ_HAVE_POLLER

/* What a poller found: a socket, or a descriptor if socket is NULL. */
typedef struct zmq_poller_event_t
{
    void *socket;
    zmq_fd_t fd;
    /* As it was given when the socket or descriptor was added. */
    void *user_data;
    /* The ZMQ_POLL... flags that are there. */
    short events;
} zmq_poller_event_t;

/* Creates a poller, to be given to zmq_poller_destroy. */
ZMQ_EXPORT void *zmq_poller_new (void);
/* Frees a poller and sets the handle that is pointed at to NULL. */
ZMQ_EXPORT int zmq_poller_destroy (void **poller_p);
/* Returns how many sockets and descriptors a poller watches. */
ZMQ_EXPORT int zmq_poller_size (void *poller);
/* Watches a socket for some of the ZMQ_POLL... flags. */
ZMQ_EXPORT int
zmq_poller_add (void *poller, void *socket, void *user_data, short events);
/* Changes what a socket is watched for. */
ZMQ_EXPORT int zmq_poller_modify (void *poller, void *socket, short events);
/* Stops watching a socket; to be done before it is closed. */
ZMQ_EXPORT int zmq_poller_remove (void *poller, void *socket);
/* Waits for one event, up to timeout ms, without end if that is -1. */
ZMQ_EXPORT int
zmq_poller_wait (void *poller, zmq_poller_event_t *event, long timeout);
/* Waits likewise for up to n_events; returns how many there are. */
ZMQ_EXPORT int zmq_poller_wait_all (void *poller,
                                    zmq_poller_event_t *events,
                                    int n_events,
                                    long timeout);
/* Writes a descriptor that is readable when the poller has events. */
ZMQ_EXPORT int zmq_poller_fd (void *poller, zmq_fd_t *fd);
/* Watches a descriptor for some of the ZMQ_POLL... flags. */
ZMQ_EXPORT int
zmq_poller_add_fd (void *poller, zmq_fd_t fd, void *user_data, short events);
/* Changes what a descriptor is watched for. */
ZMQ_EXPORT int zmq_poller_modify_fd (void *poller, zmq_fd_t fd, short events);
/* Stops watching a descriptor. */
ZMQ_EXPORT int zmq_poller_remove_fd (void *poller, zmq_fd_t fd);

/* Returns ZMQ_POLLOUT if a ROUTER could send to a peer now, else 0. */
ZMQ_EXPORT int zmq_socket_get_peer_state (void *socket,
                                          const void *routing_id,
                                          size_t routing_id_size);
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
