//! Credentials of the peer of a Unix domain socket.

/// The peer's credentials at the time of its connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Effective user id.
    pub uid: libc::uid_t,
    /// Effective group id.
    pub gid: libc::gid_t,
    /// Process id, where the system reports it.
    pub pid: Option<libc::pid_t>,
}
