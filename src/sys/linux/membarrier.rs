//! Barriers on all threads of the process at once (`membarrier`).

/// Whether the system has such barriers. ThreadSanitizer and Miri do not know them.
pub const EXISTS: bool = cfg!(not(any(tsan, miri)));

/// Registers the process for [`barrier`]. False if the kernel refuses.
pub fn register() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
}

/// A full barrier on all threads of the process. False if it is not registered.
pub fn barrier() -> bool {
    membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
}

fn membarrier(command: libc::c_int) -> bool {
    let no_flags: libc::c_long = 0;
    // SAFETY: the call takes numbers only and touches no memory of the process.
    unsafe { libc::syscall(libc::SYS_membarrier, libc::c_long::from(command), no_flags) == 0 }
}
