//! Copying of short bodies without a call of the C library, which would take longer than the copy.

use std::ptr;

/// Longer bodies are copied by the C library.
const SHORT: usize = 128;

/// Copies `len` bytes.
///
/// # Safety
/// As for [`ptr::copy_nonoverlapping`].
#[inline(always)]
pub unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: by the caller's promise; each branch touches only bytes below
    // `len`, some of them twice.
    unsafe {
        if len > SHORT {
            ptr::copy_nonoverlapping(from, to, len);
        } else if len >= 16 {
            match len {
                64.. => ends::<64>(from, to, len),
                32.. => ends::<32>(from, to, len),
                _ => ends::<16>(from, to, len),
            }
        } else {
            match len {
                8.. => ends::<8>(from, to, len),
                4.. => ends::<4>(from, to, len),
                0 => {}
                _ => {
                    ptr::copy_nonoverlapping(from, to, 1);
                    ptr::copy_nonoverlapping(from.add(len / 2), to.add(len / 2), 1);
                    ptr::copy_nonoverlapping(from.add(len - 1), to.add(len - 1), 1);
                }
            }
        }
    }
}

/// The first and the last `N` bytes.
///
/// # Safety
/// As for [`copy`]; `len` is at least `N`.
#[inline(always)]
unsafe fn ends<const N: usize>(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: by the caller's promise.
    unsafe {
        ptr::copy_nonoverlapping(from, to, N);
        ptr::copy_nonoverlapping(from.add(len - N), to.add(len - N), N);
    }
}

#[cfg(test)]
mod tests {
    use super::copy;

    #[test]
    fn every_length_is_copied_whole_and_nothing_else() {
        let from: Vec<u8> = (0..600).map(|i| (i * 7 % 251) as u8 + 1).collect();
        for len in (0..300).chain([511, 512, 600]) {
            let mut to = vec![0u8; 602];
            // SAFETY: both have room for `len` bytes and do not overlap.
            unsafe { copy(from.as_ptr(), to.as_mut_ptr().add(1), len) };
            assert_eq!(to[1..=len], from[..len], "length {len}");
            assert!(to[0] == 0 && to[len + 1..].iter().all(|byte| *byte == 0));
        }
    }
}
