//! Forks and limits of the process.

/// Registers functions that are called around each fork of the process: before it,
/// and after it in the parent and in the child.
pub fn at_fork(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    let raw = |f: extern "C" fn()| -> unsafe extern "C" fn() { f };
    // SAFETY: the functions live as long as the library is loaded, and the C library
    // removes a library's fork handlers when it is unloaded.
    unsafe { libc::pthread_atfork(Some(raw(before)), Some(raw(in_parent)), Some(raw(in_child))) };
}

/// The soft limit of descriptors of the process; `usize::MAX` if it is unknown.
pub fn descriptor_limit() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: getrlimit fills the structure or fails.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } {
        0 => usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}
