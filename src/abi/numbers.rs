//! Numbers of the public C header, except the options, which are in `options::constants`.
//!
//! Every constant is a plain literal, because the header is generated from this file. The
//! numbers of the draft API are in [`draft`].

#![forbid(unsafe_code)]

pub mod draft;

// Version of the libzmq API that this library implements.

/// Major number of the API version.
pub const ZMQ_VERSION_MAJOR: i32 = 4;
/// Minor number of the API version.
pub const ZMQ_VERSION_MINOR: i32 = 3;
/// Patch number of the API version.
pub const ZMQ_VERSION_PATCH: i32 = 5;

// Defaults of a new context.

/// I/O threads of a new context.
pub const ZMQ_IO_THREADS_DFLT: i32 = 1;
/// Sockets that a new context allows at a time.
pub const ZMQ_MAX_SOCKETS_DFLT: i32 = 1023;
/// Thread priority of a new context: whatever the system gives.
pub const ZMQ_THREAD_PRIORITY_DFLT: i32 = -1;
/// Scheduling policy of a new context: whatever the system gives.
pub const ZMQ_THREAD_SCHED_POLICY_DFLT: i32 = -1;

// Socket types.

/// One peer, both directions.
pub const ZMQ_PAIR: i32 = 0;
/// Sends each message to all peers that subscribed to it.
pub const ZMQ_PUB: i32 = 1;
/// Receives what it subscribed to with `ZMQ_SUBSCRIBE`.
pub const ZMQ_SUB: i32 = 2;
/// Sends a request, then receives its reply, in turn.
pub const ZMQ_REQ: i32 = 3;
/// Receives a request, then sends its reply, in turn.
pub const ZMQ_REP: i32 = 4;
/// Sends to its peers in turn, receives from all of them fairly.
pub const ZMQ_DEALER: i32 = 5;
/// Names the peer in the first part of each message, both ways.
pub const ZMQ_ROUTER: i32 = 6;
/// Receives from all peers fairly.
pub const ZMQ_PULL: i32 = 7;
/// Sends to its peers in turn.
pub const ZMQ_PUSH: i32 = 8;
/// A PUB that receives the subscriptions of its peers as messages.
pub const ZMQ_XPUB: i32 = 9;
/// A SUB that subscribes by sending messages.
pub const ZMQ_XSUB: i32 = 10;
/// Exchanges bytes with peers that speak plain TCP.
pub const ZMQ_STREAM: i32 = 11;
/// Old name of `ZMQ_DEALER`.
pub const ZMQ_XREQ: i32 = 5;
/// Old name of `ZMQ_ROUTER`.
pub const ZMQ_XREP: i32 = 6;

// Message properties for zmq_msg_get.

/// 1 if another part of the same message follows, else 0.
pub const ZMQ_MORE: i32 = 1;
/// Deprecated: descriptor of the connection the message came in on.
pub const ZMQ_SRCFD: i32 = 2;
/// 1 if the content is shared with other messages or is constant, else 0.
pub const ZMQ_SHARED: i32 = 3;

// Flags of the send and receive functions.

/// Fail with `EAGAIN` rather than wait.
pub const ZMQ_DONTWAIT: i32 = 1;
/// More parts of this message follow.
pub const ZMQ_SNDMORE: i32 = 2;
/// Old name of `ZMQ_DONTWAIT`.
pub const ZMQ_NOBLOCK: i32 = 1;

// Security mechanisms, as `ZMQ_MECHANISM` reports them.

/// No authentication, no encryption.
pub const ZMQ_NULL: i32 = 0;
/// User name and password, in clear text.
pub const ZMQ_PLAIN: i32 = 1;
/// Authentication and encryption with elliptic-curve keys.
pub const ZMQ_CURVE: i32 = 2;
/// Authentication through GSSAPI (Kerberos).
pub const ZMQ_GSSAPI: i32 = 3;

/// Longest group name of RADIO and DISH, in bytes without the final NUL.
pub const ZMQ_GROUP_MAX_LENGTH: i32 = 255;

// Kinds of GSSAPI principal names.

/// A service name bound to a host.
pub const ZMQ_GSSAPI_NT_HOSTBASED: i32 = 0;
/// A local user name.
pub const ZMQ_GSSAPI_NT_USER_NAME: i32 = 1;
/// A Kerberos 5 principal.
pub const ZMQ_GSSAPI_NT_KRB5_PRINCIPAL: i32 = 2;

// Events of zmq_socket_monitor. "Value" is the number that an event carries.

/// A connection was made; value: its descriptor.
pub const ZMQ_EVENT_CONNECTED: i32 = 0x0001;
/// The connection attempt continues in the background; value: an errno.
pub const ZMQ_EVENT_CONNECT_DELAYED: i32 = 0x0002;
/// Another attempt will follow; value: after how many milliseconds.
pub const ZMQ_EVENT_CONNECT_RETRIED: i32 = 0x0004;
/// The socket listens at an address; value: the listening descriptor.
pub const ZMQ_EVENT_LISTENING: i32 = 0x0008;
/// The address could not be listened at; value: an errno.
pub const ZMQ_EVENT_BIND_FAILED: i32 = 0x0010;
/// A connection came in; value: its descriptor.
pub const ZMQ_EVENT_ACCEPTED: i32 = 0x0020;
/// A connection that came in was refused; value: an errno.
pub const ZMQ_EVENT_ACCEPT_FAILED: i32 = 0x0040;
/// A listener or connection was closed; value: its descriptor.
pub const ZMQ_EVENT_CLOSED: i32 = 0x0080;
/// A listener or connection could not be closed; value: an errno.
pub const ZMQ_EVENT_CLOSE_FAILED: i32 = 0x0100;
/// A connection broke; value: its descriptor.
pub const ZMQ_EVENT_DISCONNECTED: i32 = 0x0200;
/// Monitoring ended; nothing follows.
pub const ZMQ_EVENT_MONITOR_STOPPED: i32 = 0x0400;
/// The handshake failed by a system error; value: an errno.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: i32 = 0x0800;
/// The handshake is complete and the connection usable.
pub const ZMQ_EVENT_HANDSHAKE_SUCCEEDED: i32 = 0x1000;
/// A peer broke the protocol; value: one of `ZMQ_PROTOCOL_ERROR_*`.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: i32 = 0x2000;
/// Authentication was refused; value: the ZAP status, 300, 400 or 500.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: i32 = 0x4000;
/// All events of this kind of monitor.
pub const ZMQ_EVENT_ALL: i32 = 0xffff;

// Values of ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL.

/// ZMTP: no further detail.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED: i32 = 0x1000_0000;
/// ZMTP: a command that does not belong here.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND: i32 = 0x1000_0001;
/// ZMTP: a sequence number that does not follow the one before.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE: i32 = 0x1000_0002;
/// ZMTP: the keys do not fit.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE: i32 = 0x1000_0003;
/// ZMTP: a malformed command, no further detail.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED: i32 = 0x1000_0011;
/// ZMTP: a malformed MESSAGE command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE: i32 = 0x1000_0012;
/// ZMTP: a malformed HELLO command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO: i32 = 0x1000_0013;
/// ZMTP: a malformed INITIATE command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE: i32 = 0x1000_0014;
/// ZMTP: a malformed ERROR command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR: i32 = 0x1000_0015;
/// ZMTP: a malformed READY command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY: i32 = 0x1000_0016;
/// ZMTP: a malformed WELCOME command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME: i32 = 0x1000_0017;
/// ZMTP: metadata that cannot be parsed or may not be there.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA: i32 = 0x1000_0018;
/// ZMTP: decryption failed; perhaps a peer has the wrong key.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: i32 = 0x1100_0001;
/// ZMTP: the peer is set to another mechanism or role.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: i32 = 0x1100_0002;
/// ZAP: no further detail.
pub const ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED: i32 = 0x2000_0000;
/// ZAP: a reply with a wrong number of parts or a malformed one.
pub const ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY: i32 = 0x2000_0001;
/// ZAP: a reply to another request.
pub const ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID: i32 = 0x2000_0002;
/// ZAP: a reply of another protocol version.
pub const ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION: i32 = 0x2000_0003;
/// ZAP: a status that is not 200, 300, 400 or 500.
pub const ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE: i32 = 0x2000_0004;
/// ZAP: metadata in the reply that cannot be parsed.
pub const ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA: i32 = 0x2000_0005;
/// WebSocket: no further detail.
pub const ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED: i32 = 0x3000_0000;

// Polling.

/// A message or data can be read without waiting.
pub const ZMQ_POLLIN: i32 = 1;
/// A message or data can be written without waiting.
pub const ZMQ_POLLOUT: i32 = 2;
/// An error condition; descriptors only.
pub const ZMQ_POLLERR: i32 = 4;
/// Urgent data; descriptors only.
pub const ZMQ_POLLPRI: i32 = 8;
/// Number of items for which zmq_poll allocates nothing; not a limit.
pub const ZMQ_POLLITEMS_DFLT: i32 = 16;

// Features and old names.

/// `zmq_has` exists.
pub const ZMQ_HAS_CAPABILITIES: i32 = 1;
/// Deprecated argument of `zmq_device`, without effect.
pub const ZMQ_STREAMER: i32 = 1;
/// Deprecated argument of `zmq_device`, without effect.
pub const ZMQ_FORWARDER: i32 = 2;
/// Deprecated argument of `zmq_device`, without effect.
pub const ZMQ_QUEUE: i32 = 3;
