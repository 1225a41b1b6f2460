//! Operating system calls that the standard library does not offer, with safe
//! interfaces for the layers above.
//!
//! The functions may be called from any thread and take no lock of the library.
//! Cancellation points of POSIX are shielded ([`cancel::Shield`]) here or by the callers.

pub mod adopt;
pub mod cancel;
pub mod credentials;
pub mod epoll;
pub mod interfaces;
pub mod log;
pub mod memory;
pub mod pages;
pub mod panics;
pub mod random;
pub mod resolver;
pub mod room;
pub mod simd;
#[cfg(all(any(feature = "libsodium", test), not(miri)))]
pub mod sodium;
#[cfg(target_os = "linux")]
pub mod tipc;

#[cfg(all(target_os = "linux", not(loom)))]
use std::sync::atomic::AtomicU32;
#[cfg(all(target_os = "linux", not(loom)))]
use std::time::Duration;

/// Sleeps while `word` holds `expected`, at most for `limit`.
///
/// `Ok` on a wake-up, which may be spurious, or if the word had another value;
/// otherwise the errno: `ETIMEDOUT`, or `EINTR` when a signal handler ran.
#[cfg(all(target_os = "linux", not(loom)))]
pub fn futex_wait(word: &AtomicU32, expected: u32, limit: Duration) -> Result<(), i32> {
    let spec = timespec(limit);
    // SAFETY: the word outlives the call, the timespec is valid, and the
    // remaining arguments are unused by FUTEX_WAIT.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            &spec as *const libc::timespec,
        )
    };
    if result == 0 {
        return Ok(());
    }
    match last_errno() {
        libc::EAGAIN => Ok(()),
        code => Err(code),
    }
}

#[cfg(all(target_os = "linux", not(loom)))]
fn timespec(time: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: time.subsec_nanos() as libc::c_long,
    }
}

/// Wakes one thread that sleeps in [`futex_wait`] on `word`.
#[cfg(all(target_os = "linux", not(loom)))]
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: FUTEX_WAKE only uses the address as a key.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            1,
        );
    }
}

/// The calling thread's `errno`.
pub fn last_errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Sets the calling thread's `errno`.
pub fn set_errno(code: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: glibc and musl give each thread a valid errno location.
    unsafe {
        *libc::__errno_location() = code;
    }
    #[cfg(any(target_os = "macos", target_os = "freebsd"))]
    // SAFETY: the C library gives each thread a valid errno location.
    unsafe {
        *libc::__error() = code;
    }
}

/// Blocks all signals in the calling thread, one of the library's own, so that signal handlers
/// run in the application's threads.
pub fn block_signals() {
    // Never dropped: cancellation stays disabled until the thread ends.
    std::mem::forget(cancel::Shield::new());
    // SAFETY: the set is initialised by sigfillset before it is used.
    unsafe {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}

/// Registers functions that are called around each fork of the process: before it,
/// and after it in the parent and in the child.
#[cfg(unix)]
pub fn at_fork(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    let raw = |f: extern "C" fn()| -> unsafe extern "C" fn() { f };
    // SAFETY: the functions live as long as the library is loaded, and the C library
    // removes a library's fork handlers when it is unloaded.
    unsafe { libc::pthread_atfork(Some(raw(before)), Some(raw(in_parent)), Some(raw(in_child))) };
}

/// Bytes written to a socket that its peer has not acknowledged or, over ipc, has
/// not read. 0 where the system does not report them.
#[cfg(unix)]
pub fn unsent(fd: std::os::fd::BorrowedFd<'_>) -> u64 {
    use std::os::fd::AsRawFd;
    let mut bytes: libc::c_int = 0;
    // SAFETY: the request writes one int.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &mut bytes) };
    if result < 0 { 0 } else { bytes.max(0) as u64 }
}

/// A socket is readable once so many bytes have arrived (`SO_RCVLOWAT`), or its end has.
#[cfg(unix)]
pub fn set_receive_low_water(
    fd: std::os::fd::BorrowedFd<'_>,
    bytes: libc::c_int,
) -> std::io::Result<()> {
    use std::os::fd::AsRawFd;
    let (level, name) = (libc::SOL_SOCKET, libc::SO_RCVLOWAT);
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the option is one int, which is only read.
    match unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const bytes).cast(), len) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Returns freed memory that the C library retains to the system.
pub fn trim_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// A non-blocking, close-on-exec eventfd with count 0.
///
/// # Errors
/// The system's: `EMFILE`, `ENFILE`, `ENOMEM`.
pub fn eventfd() -> std::io::Result<std::os::fd::OwnedFd> {
    new_eventfd(0)
}

fn new_eventfd(count: libc::c_uint) -> std::io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: plain system call; a valid result is a fresh descriptor of ours.
    unsafe {
        let fd = libc::eventfd(count, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok(std::os::fd::OwnedFd::from_raw_fd(fd))
    }
}

/// As [`eventfd`], but readable, and with a number of 512 or more where the limit allows: a
/// replacement for an eventfd that the program has closed. Low numbers are avoided, because
/// the program may close them again, and because another part of the library may still use
/// the number of a descriptor that the program closed.
///
/// # Errors
/// As for [`eventfd`].
pub fn raised_eventfd() -> std::io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::{AsRawFd, FromRawFd};
    const FIRST: libc::c_int = 512;
    let fd = new_eventfd(1)?;
    // SAFETY: a valid result is a fresh descriptor of ours.
    unsafe {
        let aside = libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST);
        match aside < 0 {
            true => Ok(fd), // RLIMIT_NOFILE is lower
            false => Ok(std::os::fd::OwnedFd::from_raw_fd(aside)),
        }
    }
}

/// Makes an eventfd readable.
///
/// # Errors
/// The system's, after 8 attempts.
pub fn raise(eventfd: &std::fs::File) -> std::io::Result<()> {
    use std::io::Write;
    let _shield = cancel::Shield::new();
    let mut tries = 8;
    loop {
        tries -= 1;
        match (&*eventfd).write(&1u64.to_ne_bytes()) {
            Ok(_) => return Ok(()),
            // The counter is at its maximum, so the eventfd is readable.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if tries == 0 => return Err(error),
            Err(_) => {}
        }
    }
}

/// The soft limit of descriptors of the process; `usize::MAX` if it is unknown.
#[cfg(unix)]
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

/// Waits for descriptors. Negative descriptors are ignored. Not a cancellation point.
///
/// # Errors
/// `EINTR` when a signal handler ran; else the system's.
pub fn poll(fds: &mut [libc::pollfd], timeout_ms: i32) -> std::io::Result<usize> {
    let _shield = cancel::Shield::new();
    // SAFETY: the slice is valid for the call and its length is given.
    let count = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout_ms) };
    if count < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(count as usize)
}

/// Whether a descriptor is ready for one of `events` (`POLLIN`, `POLLOUT`) or has failed, now or
/// within `limit_ms` milliseconds.
pub fn is_ready_within(fd: std::os::fd::RawFd, events: i16, limit_ms: i32) -> bool {
    let mut fds = [libc::pollfd {
        fd,
        events,
        revents: 0,
    }];
    poll(&mut fds, limit_ms).is_ok() && fds[0].revents != 0
}

/// Pauses the calling thread for `limit`, rounded up to a millisecond. Not a cancellation
/// point.
///
/// Not by [`std::thread::sleep`], which panics where seccomp rules forbid
/// `clock_nanosleep`.
pub fn sleep(limit: std::time::Duration) {
    let end = std::time::Instant::now() + limit;
    loop {
        let remaining = end.saturating_duration_since(std::time::Instant::now());
        if remaining.is_zero() {
            return;
        }
        let ms = i32::try_from(remaining.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        if poll(&mut [], ms).is_err() {
            std::thread::yield_now();
        }
    }
}

/// Whether `error` means that a system call is not available, because the kernel lacks it or
/// seccomp rules forbid it.
pub fn is_refused(error: &std::io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EPERM | libc::ENOSYS | libc::EACCES)
    )
}

/// Sets the CPU affinity of the calling thread; numbers that do not exist are ignored.
#[cfg(target_os = "linux")]
pub fn set_thread_affinity(cpus: &[i32]) {
    // SAFETY: an all-zero cpu_set_t is the empty set; CPU_SET does not check its index,
    // which is checked here.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for cpu in cpus {
            if (0..libc::CPU_SETSIZE).contains(cpu) {
                libc::CPU_SET(*cpu as usize, &mut set);
            }
        }
        libc::pthread_setaffinity_np(libc::pthread_self(), size_of_val(&set), &set);
    }
}

/// Whether the affinity of the calling thread allows one CPU only.
#[cfg(target_os = "linux")]
pub fn has_one_cpu() -> bool {
    // SAFETY: an all-zero cpu_set_t is the empty set, and the kernel writes within its size:
    // with more CPUs than fit, the call fails.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of_val(&set), &mut set) == 0 && libc::CPU_COUNT(&set) == 1
    }
}

/// Whether the process may run on one CPU only.
#[cfg(not(target_os = "linux"))]
pub fn has_one_cpu() -> bool {
    std::thread::available_parallelism().is_ok_and(|count| count.get() == 1)
}

/// Sets the CPU affinity of the calling thread: does nothing on this system.
#[cfg(not(target_os = "linux"))]
pub fn set_thread_affinity(_cpus: &[i32]) {}

/// Sets the name of the calling thread to the first 15 bytes of `name`.
#[cfg(target_os = "linux")]
pub fn set_thread_name(name: &str) {
    let mut text = [0; 16];
    for (to, from) in text[..15].iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    // SAFETY: the text is NUL-terminated, because its last byte is never written.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), text.as_ptr()) };
}

/// Sets the name of the calling thread: does nothing on this system.
#[cfg(not(target_os = "linux"))]
pub fn set_thread_name(_name: &str) {}

/// Sets scheduling policy and priority of the calling thread; failures are ignored.
/// Without a real-time policy a positive priority means `nice(-20)`, as in libzmq.
pub fn set_thread_scheduling(policy: Option<i32>, priority: Option<i32>) {
    // SAFETY: plain calls on the calling thread with valid local memory.
    unsafe {
        let mut current = 0;
        let mut param: libc::sched_param = std::mem::zeroed();
        if libc::pthread_getschedparam(libc::pthread_self(), &mut current, &mut param) != 0 {
            return;
        }
        let policy = policy.unwrap_or(current);
        let real_time = policy == libc::SCHED_FIFO || policy == libc::SCHED_RR;
        param.sched_priority = if real_time { priority.unwrap_or(0) } else { 0 };
        libc::pthread_setschedparam(libc::pthread_self(), policy, &param);
        if !real_time && priority.is_some_and(|p| p > 0) {
            libc::nice(-20);
        }
    }
}

/// Ticks of [`ticks`] in a millisecond, assuming 2.5 GHz; the real rate is within 50 %.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub const TICKS_IN_MS: u64 = 2_500_000;
/// Ticks of [`ticks`] in a millisecond.
#[cfg(any(not(target_arch = "x86_64"), miri))]
pub const TICKS_IN_MS: u64 = 1_000_000;

/// A coarse clock, much cheaper than the system's: the time stamp counter on x86-64.
/// Its unit is [`TICKS_IN_MS`]. It may differ between CPUs, so that a thread that
/// migrates may see it go back.
#[inline]
pub fn ticks() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[allow(unused_unsafe)]
    // SAFETY: every x86-64 processor has the instruction.
    return unsafe { std::arch::x86_64::_rdtsc() };
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        let start = START.get_or_init(std::time::Instant::now);
        TICKS_IN_MS + start.elapsed().as_nanos() as u64
    }
}

/// A number that identifies the calling thread among the running threads of the process;
/// not 0.
#[inline]
pub fn thread_number() -> usize {
    // SAFETY: pthread_self has no preconditions.
    unsafe { libc::pthread_self() as usize }
}

/// Prefetches the cache line of `place` in exclusive state, for a write that follows soon.
#[inline(always)]
pub fn prefetch_for_write<T>(place: &T) {
    // Assembly, because for a generic x86-64 target the intrinsic compiles to an ordinary
    // prefetch.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a hint that cannot fault; CPUs without the instruction execute it as a no-op.
    unsafe {
        std::arch::asm!(
            "prefetchw [{}]",
            in(reg) std::ptr::from_ref(place),
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    let _ = place;
}
