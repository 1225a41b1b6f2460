//! Large blocks of memory, mapped directly from the system.

use std::ptr::NonNull;

/// Bytes of a huge page, and the alignment of what [`map`] returns.
const HUGE: usize = 2 * 1024 * 1024;

/// Maps `size` bytes of zeroes, a multiple of the page size, aligned to [`HUGE`]. `None`
/// if that fails, or under Miri.
///
/// Pages are allocated at their first use. Beyond the first [`HUGE`] bytes they are huge
/// pages where the system has them, which reduces the time for page faults to a tenth. The
/// first [`HUGE`] bytes are small pages, so that a mapping that is hardly used stays small.
pub fn map(size: usize) -> Option<NonNull<u8>> {
    if cfg!(miri) {
        return None;
    }
    let total = size.checked_add(HUGE)?;
    // SAFETY: a private mapping at an address of the system's choice overlaps no other
    // memory. Nothing refers to the parts of it that are unmapped here.
    unsafe {
        let start = libc::mmap(
            std::ptr::null_mut(),
            total,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if start == libc::MAP_FAILED {
            return None;
        }
        let before = (start as usize).next_multiple_of(HUGE) - start as usize;
        let place = start.byte_add(before);
        let cut = |from: *mut libc::c_void, len: usize| len == 0 || libc::munmap(from, len) == 0;
        // Fails if the process has reached its limit of mappings.
        if !cut(place.byte_add(size), total - before - size) || !cut(start, before) {
            libc::munmap(start, total);
            return None;
        }
        if size >= 2 * HUGE {
            // If this fails, the pages stay small.
            libc::madvise(place.byte_add(HUGE), size - HUGE, libc::MADV_HUGEPAGE);
        }
        NonNull::new(place.cast())
    }
}

/// Unmaps a mapping.
///
/// # Safety
/// `place` came from [`map`] with this size, and nothing refers to it any more.
pub unsafe fn unmap(place: NonNull<u8>, size: usize) {
    // SAFETY: the range is a whole mapping of `map`, and unused, by the caller's promise.
    unsafe {
        if libc::munmap(place.as_ptr().cast(), size) != 0 {
            // The process has reached its limit of mappings, and the kernel would have to
            // split one: frees the pages and leaks the address space.
            libc::madvise(place.as_ptr().cast(), size, libc::MADV_DONTNEED);
        }
    }
}

/// Returns freed memory that the C library retains to the system.
pub fn trim_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, not(miri), not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_aligned_and_usable_to_the_last_byte() {
        for size in [65_536, HUGE, HUGE + 65_536, 2 * HUGE, 5 * HUGE + 196_608] {
            let place = map(size).unwrap();
            assert_eq!(place.as_ptr() as usize % HUGE, 0);
            // SAFETY: the mapping has so many bytes.
            unsafe {
                assert_eq!(place.as_ptr().read(), 0);
                place.as_ptr().add(size - 1).write(7);
                unmap(place, size);
            }
        }
        assert!(map(usize::MAX).is_none());
        assert!(map(1 << 60).is_none());
    }
}
