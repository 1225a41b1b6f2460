//! Numbers of the options that the C header shows only with its draft API switched on.

#![forbid(unsafe_code)]

// Socket options.

/// 1: ZAP is asked only for a non-empty domain, and must then answer.
pub const ZMQ_ZAP_ENFORCE_DOMAIN: i32 = 93;
/// 1 asks Windows for its fast path on loopback TCP.
pub const ZMQ_LOOPBACK_FASTPATH: i32 = 94;
/// Adds a property, `X-key:value`, to the metadata sent in the handshake.
pub const ZMQ_METADATA: i32 = 95;
/// 1: multicast packets are also delivered on the sending host.
pub const ZMQ_MULTICAST_LOOP: i32 = 96;
/// Flags `ZMQ_NOTIFY_CONNECT` and `ZMQ_NOTIFY_DISCONNECT`: what a ROUTER reports to its owner.
pub const ZMQ_ROUTER_NOTIFY: i32 = 97;
/// 1: after a subscription the next XPUB message goes to that subscriber alone.
pub const ZMQ_XPUB_MANUAL_LAST_VALUE: i32 = 98;
/// User name for the SOCKS5 proxy; at most 255 bytes.
pub const ZMQ_SOCKS_USERNAME: i32 = 99;
/// Password for the SOCKS5 proxy; at most 255 bytes.
pub const ZMQ_SOCKS_PASSWORD: i32 = 100;
/// Bytes read from a connection at a time.
pub const ZMQ_IN_BATCH_SIZE: i32 = 101;
/// Bytes of small messages written to a connection at a time.
pub const ZMQ_OUT_BATCH_SIZE: i32 = 102;
/// Private key of a TLS server, as PEM text.
pub const ZMQ_WSS_KEY_PEM: i32 = 103;
/// Certificate of a TLS server, as PEM text.
pub const ZMQ_WSS_CERT_PEM: i32 = 104;
/// Certificates a TLS client trusts, as PEM text.
pub const ZMQ_WSS_TRUST_PEM: i32 = 105;
/// Host name a TLS client expects in the certificate; empty checks none.
pub const ZMQ_WSS_HOSTNAME: i32 = 106;
/// 1: a TLS client trusts the certificates of the system.
pub const ZMQ_WSS_TRUST_SYSTEM: i32 = 107;
/// 1: only the first part of a message can be a subscription.
pub const ZMQ_ONLY_FIRST_SUBSCRIBE: i32 = 108;
/// `ZMQ_RECONNECT_STOP_*` flags: after which events not to reconnect.
pub const ZMQ_RECONNECT_STOP: i32 = 109;
/// Message sent to every new peer.
pub const ZMQ_HELLO_MSG: i32 = 110;
/// Message received locally when an accepted peer leaves.
pub const ZMQ_DISCONNECT_MSG: i32 = 111;
/// `SO_PRIORITY` of the connections; 0 leaves the system default.
pub const ZMQ_PRIORITY: i32 = 112;
/// `SO_BUSY_POLL` of the connections, in microseconds; 0 leaves it off.
pub const ZMQ_BUSY_POLL: i32 = 113;
/// Message received locally when an outgoing connection is lost.
pub const ZMQ_HICCUP_MSG: i32 = 114;
/// 1: XSUB passes on every unsubscription, repeated ones too.
pub const ZMQ_XSUB_VERBOSE_UNSUBSCRIBE: i32 = 115;
/// Read only: number of different topics subscribed to.
pub const ZMQ_TOPICS_COUNT: i32 = 116;
/// NORM congestion control (`ZMQ_NORM_FIXED` and its siblings).
pub const ZMQ_NORM_MODE: i32 = 117;
/// 1: NORM receivers answer by unicast.
pub const ZMQ_NORM_UNICAST_NACK: i32 = 118;
/// NORM buffer, in kibibytes.
pub const ZMQ_NORM_BUFFER_SIZE: i32 = 119;
/// Payload of a NORM segment, in bytes.
pub const ZMQ_NORM_SEGMENT_SIZE: i32 = 120;
/// Segments in a NORM block.
pub const ZMQ_NORM_BLOCK_SIZE: i32 = 121;
/// Parity segments computed for each NORM block.
pub const ZMQ_NORM_NUM_PARITY: i32 = 122;
/// Parity segments sent with each NORM block without being asked for.
pub const ZMQ_NORM_NUM_AUTOPARITY: i32 = 123;
/// 1: newer data replaces older data in a full NORM buffer.
pub const ZMQ_NORM_PUSH: i32 = 124;

// Context options.

/// 1: large messages are handed over as slices of the read buffer instead of copies.
pub const ZMQ_ZERO_COPY_RECV: i32 = 10;
