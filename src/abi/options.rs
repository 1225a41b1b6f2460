//! Numbers of the socket and context options, as they stand in the public C header.
//!
//! Every constant is a plain literal, because the header is generated from this file.
//! Options that only the draft API announces are in [`draft`].

#![forbid(unsafe_code)]

pub mod draft;

// Options of our own; libzmq answers EINVAL.

/// 0: waiting threads sleep at once; 1: they spin for a short time first, with a back-off
/// where that does not pay. A context option for the sockets and I/O threads created after it
/// is set. The default is 1, but 0 for a context created by a thread with one CPU (see
/// sched_setaffinity(2)); the environment variable FERROZMQ_SPIN, if set, is the default.
pub const ZMQ_FERRO_SPIN: i32 = 10001;
/// Of a socket with a monitor, read-only (`uint64_t`): events that were dropped because
/// the program had not read the ones before, each with both its parts.
pub const ZMQ_FERRO_MONITOR_DROPS: i32 = 10002;

// Socket options.

/// Bit mask (`uint64_t`) of the I/O threads that may serve new connections; 0 means all.
pub const ZMQ_AFFINITY: i32 = 4;
/// Name under which peers of type ROUTER know this socket; 1 to 255 bytes.
pub const ZMQ_ROUTING_ID: i32 = 5;
/// Adds a topic prefix to receive; an empty one means every message.
pub const ZMQ_SUBSCRIBE: i32 = 6;
/// Takes back one earlier subscription to the same prefix.
pub const ZMQ_UNSUBSCRIBE: i32 = 7;
/// Ceiling of the multicast send rate, in kilobits per second.
pub const ZMQ_RATE: i32 = 8;
/// How far back a multicast receiver can recover lost data, in milliseconds.
pub const ZMQ_RECOVERY_IVL: i32 = 9;
/// Kernel send buffer of each connection, in bytes; -1 leaves the system default.
pub const ZMQ_SNDBUF: i32 = 11;
/// Kernel receive buffer of each connection, in bytes; -1 leaves the system default.
pub const ZMQ_RCVBUF: i32 = 12;
/// Read only: 1 while the message part last received has another part behind it.
pub const ZMQ_RCVMORE: i32 = 13;
/// Read only: edge-triggered descriptor that signals when `ZMQ_EVENTS` is to be read.
pub const ZMQ_FD: i32 = 14;
/// Read only: `ZMQ_POLLIN` and `ZMQ_POLLOUT` flags of the socket at this moment.
pub const ZMQ_EVENTS: i32 = 15;
/// Read only: the type the socket was created with.
pub const ZMQ_TYPE: i32 = 16;
/// How long unsent messages outlive `zmq_close`, in milliseconds; -1 without end, 0 not at all.
pub const ZMQ_LINGER: i32 = 17;
/// Pause before the first attempt to reconnect, in milliseconds; 0 and -1 switch reconnection off.
pub const ZMQ_RECONNECT_IVL: i32 = 18;
/// Length of the queue of connections not yet accepted.
pub const ZMQ_BACKLOG: i32 = 19;
/// Upper end of the growing reconnect pause, in milliseconds; 0 keeps the pause constant.
pub const ZMQ_RECONNECT_IVL_MAX: i32 = 21;
/// Largest message part taken from a peer, in bytes (`int64_t`); -1 sets no limit.
pub const ZMQ_MAXMSGSIZE: i32 = 22;
/// Messages queued for each peer before the socket blocks or drops; 0 sets no limit.
pub const ZMQ_SNDHWM: i32 = 23;
/// Messages queued from each peer before reading stops; 0 sets no limit.
pub const ZMQ_RCVHWM: i32 = 24;
/// Network hops a multicast packet may make.
pub const ZMQ_MULTICAST_HOPS: i32 = 25;
/// Longest wait of a receive call, in milliseconds; -1 waits without end.
pub const ZMQ_RCVTIMEO: i32 = 27;
/// Longest wait of a send call, in milliseconds; -1 waits without end.
pub const ZMQ_SNDTIMEO: i32 = 28;
/// Read only: address of the latest successful bind or connect, as a C string.
pub const ZMQ_LAST_ENDPOINT: i32 = 32;
/// Makes a ROUTER report unknown or busy peers instead of dropping the message.
pub const ZMQ_ROUTER_MANDATORY: i32 = 33;
/// TCP keep-alive: 1 on, 0 off, -1 system default.
pub const ZMQ_TCP_KEEPALIVE: i32 = 34;
/// Unanswered keep-alive probes that end a connection; -1 system default.
pub const ZMQ_TCP_KEEPALIVE_CNT: i32 = 35;
/// Idle time before the first keep-alive probe, in seconds; -1 system default.
pub const ZMQ_TCP_KEEPALIVE_IDLE: i32 = 36;
/// Time between keep-alive probes, in seconds; -1 system default.
pub const ZMQ_TCP_KEEPALIVE_INTVL: i32 = 37;
/// 1: messages are queued only for connections that are complete.
pub const ZMQ_IMMEDIATE: i32 = 39;
/// 1: XPUB hands every subscription to the application, repeated ones too.
pub const ZMQ_XPUB_VERBOSE: i32 = 40;
/// 1: ROUTER talks to plain TCP peers. Deprecated, use a STREAM socket.
pub const ZMQ_ROUTER_RAW: i32 = 41;
/// 1 allows IPv6 beside IPv4. Option of a socket and, as its default, of a context.
pub const ZMQ_IPV6: i32 = 42;
/// Read only: the security mechanism in force (`ZMQ_NULL` and its siblings).
pub const ZMQ_MECHANISM: i32 = 43;
/// 1 makes the socket a PLAIN server.
pub const ZMQ_PLAIN_SERVER: i32 = 44;
/// User name a PLAIN client presents; 1 to 255 bytes.
pub const ZMQ_PLAIN_USERNAME: i32 = 45;
/// Password a PLAIN client presents; 1 to 255 bytes.
pub const ZMQ_PLAIN_PASSWORD: i32 = 46;
/// 1 makes the socket a CURVE server.
pub const ZMQ_CURVE_SERVER: i32 = 47;
/// Long-term public key: 32 bytes, or 40 characters of Z85.
pub const ZMQ_CURVE_PUBLICKEY: i32 = 48;
/// Long-term secret key: 32 bytes, or 40 characters of Z85.
pub const ZMQ_CURVE_SECRETKEY: i32 = 49;
/// Public key of the server a CURVE client expects: 32 bytes, or 40 characters of Z85.
pub const ZMQ_CURVE_SERVERKEY: i32 = 50;
/// 1 sends an empty message to every new peer, so that a ROUTER learns of this socket.
pub const ZMQ_PROBE_ROUTER: i32 = 51;
/// 1: REQ numbers its requests and drops replies to others.
pub const ZMQ_REQ_CORRELATE: i32 = 52;
/// 1: REQ may send again before the reply has come.
pub const ZMQ_REQ_RELAXED: i32 = 53;
/// 1 keeps only the newest message of each queue.
pub const ZMQ_CONFLATE: i32 = 54;
/// Domain named in requests to the ZAP authenticator; 1 to 255 bytes.
pub const ZMQ_ZAP_DOMAIN: i32 = 55;
/// 1: a new peer of a ROUTER takes over the routing id of an old one.
pub const ZMQ_ROUTER_HANDOVER: i32 = 56;
/// Type-of-service byte of outgoing IP packets; 0 leaves the system default.
pub const ZMQ_TOS: i32 = 57;
/// Routing id a ROUTER or STREAM gives to the peer of its next connect.
pub const ZMQ_CONNECT_ROUTING_ID: i32 = 61;
/// 1 makes the socket a GSSAPI server.
pub const ZMQ_GSSAPI_SERVER: i32 = 62;
/// GSSAPI principal of this socket.
pub const ZMQ_GSSAPI_PRINCIPAL: i32 = 63;
/// GSSAPI principal of the server a client expects.
pub const ZMQ_GSSAPI_SERVICE_PRINCIPAL: i32 = 64;
/// 1: GSSAPI authenticates only and leaves messages unencrypted.
pub const ZMQ_GSSAPI_PLAINTEXT: i32 = 65;
/// Longest time for greeting and security handshake, in milliseconds; 0 sets no limit.
pub const ZMQ_HANDSHAKE_IVL: i32 = 66;
/// Address of the SOCKS5 proxy for outgoing TCP, `host:port`.
pub const ZMQ_SOCKS_PROXY: i32 = 68;
/// 1: XPUB blocks or reports `EAGAIN` when a subscriber is at its high-water mark.
pub const ZMQ_XPUB_NODROP: i32 = 69;
/// Context option: 0 gives new sockets a linger of 0.
pub const ZMQ_BLOCKY: i32 = 70;
/// 1: subscriptions to an XPUB take effect only when the application confirms them.
pub const ZMQ_XPUB_MANUAL: i32 = 71;
/// Message an XPUB sends to each new subscriber.
pub const ZMQ_XPUB_WELCOME_MSG: i32 = 72;
/// 1: STREAM reports connects and disconnects by empty messages.
pub const ZMQ_STREAM_NOTIFY: i32 = 73;
/// 1 turns subscription matching around: what matches no prefix is delivered.
pub const ZMQ_INVERT_MATCHING: i32 = 74;
/// Time between heartbeat PINGs, in milliseconds; 0 sends none.
pub const ZMQ_HEARTBEAT_IVL: i32 = 75;
/// Time after which the peer may take this end for dead, in milliseconds, in steps of 100.
pub const ZMQ_HEARTBEAT_TTL: i32 = 76;
/// Silence after a PING that ends the connection, in milliseconds.
pub const ZMQ_HEARTBEAT_TIMEOUT: i32 = 77;
/// 1: XPUB hands every subscription and every unsubscription to the application.
pub const ZMQ_XPUB_VERBOSER: i32 = 78;
/// Longest time for one TCP connect attempt, in milliseconds; 0 leaves it to the system.
pub const ZMQ_CONNECT_TIMEOUT: i32 = 79;
/// Longest time sent TCP data may stay unacknowledged, in milliseconds; 0 leaves it to the system.
pub const ZMQ_TCP_MAXRT: i32 = 80;
/// Read only: 1 for socket types that several threads may use at once.
pub const ZMQ_THREAD_SAFE: i32 = 81;
/// Largest multicast packet, in bytes.
pub const ZMQ_MULTICAST_MAXTPDU: i32 = 84;
/// VMCI buffer, in bytes (`uint64_t`).
pub const ZMQ_VMCI_BUFFER_SIZE: i32 = 85;
/// Smallest VMCI buffer, in bytes (`uint64_t`).
pub const ZMQ_VMCI_BUFFER_MIN_SIZE: i32 = 86;
/// Largest VMCI buffer, in bytes (`uint64_t`).
pub const ZMQ_VMCI_BUFFER_MAX_SIZE: i32 = 87;
/// Longest time for one VMCI connect attempt, in milliseconds; -1 sets no limit.
pub const ZMQ_VMCI_CONNECT_TIMEOUT: i32 = 88;
/// Descriptor, already bound and listening, that the next bind uses; -1 makes a new one.
pub const ZMQ_USE_FD: i32 = 89;
/// How to read the GSSAPI principal of this socket (`ZMQ_GSSAPI_NT_*`).
pub const ZMQ_GSSAPI_PRINCIPAL_NAMETYPE: i32 = 90;
/// How to read the GSSAPI principal of the server (`ZMQ_GSSAPI_NT_*`).
pub const ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE: i32 = 91;
/// Network interface that TCP and UDP traffic is tied to; at most 16 bytes.
pub const ZMQ_BINDTODEVICE: i32 = 92;

// Older names of socket options, and options whose use is discouraged.

/// Older name of `ZMQ_ROUTING_ID`.
pub const ZMQ_IDENTITY: i32 = 5;
/// Older name of `ZMQ_CONNECT_ROUTING_ID`.
pub const ZMQ_CONNECT_RID: i32 = 61;
/// Adds an address range, `address/bits`, that may connect. Deprecated, use ZAP.
pub const ZMQ_TCP_ACCEPT_FILTER: i32 = 38;
/// Adds a process id that may connect over ipc. Deprecated, use ZAP.
pub const ZMQ_IPC_FILTER_PID: i32 = 58;
/// Adds a user id that may connect over ipc. Deprecated, use ZAP.
pub const ZMQ_IPC_FILTER_UID: i32 = 59;
/// Adds a group id that may connect over ipc. Deprecated, use ZAP.
pub const ZMQ_IPC_FILTER_GID: i32 = 60;
/// The opposite of `ZMQ_IPV6`. Deprecated.
pub const ZMQ_IPV4ONLY: i32 = 31;
/// Older name of `ZMQ_IMMEDIATE`.
pub const ZMQ_DELAY_ATTACH_ON_CONNECT: i32 = 39;
/// Older name of `ZMQ_ROUTER_MANDATORY`.
pub const ZMQ_FAIL_UNROUTABLE: i32 = 33;
/// Older name of `ZMQ_ROUTER_MANDATORY`.
pub const ZMQ_ROUTER_BEHAVIOR: i32 = 33;

// Context options.

/// Number of I/O threads; with 0 only inproc works.
pub const ZMQ_IO_THREADS: i32 = 1;
/// Most sockets open at once.
pub const ZMQ_MAX_SOCKETS: i32 = 2;
/// Read only: the largest value `ZMQ_MAX_SOCKETS` is meant for.
pub const ZMQ_SOCKET_LIMIT: i32 = 3;
/// Write only: scheduling priority of the I/O threads.
pub const ZMQ_THREAD_PRIORITY: i32 = 3;
/// Scheduling policy of the I/O threads, as the system numbers it.
pub const ZMQ_THREAD_SCHED_POLICY: i32 = 4;
/// Largest message the context is meant to carry, in bytes.
pub const ZMQ_MAX_MSGSZ: i32 = 5;
/// Read only: size of `zmq_msg_t`, in bytes.
pub const ZMQ_MSG_T_SIZE: i32 = 6;
/// Adds a CPU number to the set the I/O threads may run on.
pub const ZMQ_THREAD_AFFINITY_CPU_ADD: i32 = 7;
/// Takes a CPU number out of the set the I/O threads may run on.
pub const ZMQ_THREAD_AFFINITY_CPU_REMOVE: i32 = 8;
/// Text in front of the names of the I/O threads: a number, or 1 to 16 bytes.
pub const ZMQ_THREAD_NAME_PREFIX: i32 = 9;
