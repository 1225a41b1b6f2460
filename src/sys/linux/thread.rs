//! CPU affinity and names of threads.

/// Sets the CPU affinity of the calling thread; numbers that do not exist are ignored.
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
pub fn has_one_cpu() -> bool {
    // SAFETY: an all-zero cpu_set_t is the empty set, and the kernel writes within its size:
    // with more CPUs than fit, the call fails.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of_val(&set), &mut set) == 0 && libc::CPU_COUNT(&set) == 1
    }
}

/// Sets the name of the calling thread to the first 15 bytes of `name`.
pub fn set_thread_name(name: &str) {
    let mut text = [0; 16];
    for (to, from) in text[..15].iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    // SAFETY: the text is NUL-terminated, because its last byte is never written.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), text.as_ptr()) };
}
