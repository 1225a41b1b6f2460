//! Numbers and names of the draft API, which the public header declares only if
//! `ZMQ_BUILD_DRAFT_API` is defined.

#![forbid(unsafe_code)]

// Socket types.

/// Exchanges single-part messages with CLIENTs, each named by a routing id.
pub const ZMQ_SERVER: i32 = 12;
/// Exchanges single-part messages with SERVERs.
pub const ZMQ_CLIENT: i32 = 13;
/// Sends each message to the peers that joined its group.
pub const ZMQ_RADIO: i32 = 14;
/// Receives the messages of the groups it joined.
pub const ZMQ_DISH: i32 = 15;
/// Receives single-part messages from all peers fairly.
pub const ZMQ_GATHER: i32 = 16;
/// Sends single-part messages to its peers in turn.
pub const ZMQ_SCATTER: i32 = 17;
/// Exchanges UDP datagrams.
pub const ZMQ_DGRAM: i32 = 18;
/// A SERVER that can also name the peers it connects to.
pub const ZMQ_PEER: i32 = 19;
/// One peer, both directions, single-part messages.
pub const ZMQ_CHANNEL: i32 = 20;

// Values of ZMQ_NORM_MODE.

/// Fixed send rate.
pub const ZMQ_NORM_FIXED: i32 = 0;
/// Congestion control by loss.
pub const ZMQ_NORM_CC: i32 = 1;
/// Congestion control by loss, tolerant of bit errors.
pub const ZMQ_NORM_CCL: i32 = 2;
/// Congestion control by loss and explicit notification.
pub const ZMQ_NORM_CCE: i32 = 3;
/// Congestion control by explicit notification alone.
pub const ZMQ_NORM_CCE_ECNONLY: i32 = 4;

// Flags of ZMQ_RECONNECT_STOP.

/// Stop when the peer refuses the connection.
pub const ZMQ_RECONNECT_STOP_CONN_REFUSED: i32 = 0x1;
/// Stop when the handshake fails.
pub const ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED: i32 = 0x2;
/// Stop when the application disconnects the endpoint.
pub const ZMQ_RECONNECT_STOP_AFTER_DISCONNECT: i32 = 0x4;

// Property names for zmq_msg_gets.

/// The routing id that the peer announced.
pub const ZMQ_MSG_PROPERTY_ROUTING_ID: &str = "Routing-Id";
/// The socket type of the peer.
pub const ZMQ_MSG_PROPERTY_SOCKET_TYPE: &str = "Socket-Type";
/// The user id that the ZAP handler gave.
pub const ZMQ_MSG_PROPERTY_USER_ID: &str = "User-Id";
/// The network address of the peer.
pub const ZMQ_MSG_PROPERTY_PEER_ADDRESS: &str = "Peer-Address";

// Flags of ZMQ_ROUTER_NOTIFY.

/// An empty message from each new peer.
pub const ZMQ_NOTIFY_CONNECT: i32 = 1;
/// An empty message from each peer that leaves.
pub const ZMQ_NOTIFY_DISCONNECT: i32 = 2;

// Monitor events of the second version.

/// Fill level of a pipe; value: messages in its two queues.
pub const ZMQ_EVENT_PIPES_STATS: i32 = 0x10000;
/// The format of events that the stable API has.
pub const ZMQ_CURRENT_EVENT_VERSION: i32 = 1;
/// The latest format of events.
pub const ZMQ_CURRENT_EVENT_VERSION_DRAFT: i32 = 2;
/// All events of the first format.
pub const ZMQ_EVENT_ALL_V1: i32 = 0xffff;
/// All events of the second format.
pub const ZMQ_EVENT_ALL_V2: i32 = 0x1ffff;
