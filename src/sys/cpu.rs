//! The processor: its counter as a clock, and its caches.

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
        super::monotonic().as_nanos() as u64
    }
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
