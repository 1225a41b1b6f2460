//! System calls that are not there.

/// Whether `error` means that a system call is not available, because the kernel lacks it or
/// seccomp rules forbid it.
pub fn is_refused(error: &std::io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EPERM | libc::ENOSYS | libc::EACCES)
    )
}
