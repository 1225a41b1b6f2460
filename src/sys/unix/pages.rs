//! Memory that lives until the process ends: arenas of slots and waiters.

/// Allocates `count` values that are never freed; `None` if that fails, or `count` is 0.
///
/// They are in pages of their own if possible, and not on the C library's heap, so that
/// leak checkers do not report them.
pub fn for_ever<T>(count: usize, make: impl FnMut() -> T) -> Option<&'static [T]> {
    let bytes = count
        .checked_mul(size_of::<T>())
        .filter(|bytes| *bytes > 0)?;
    let values: *mut T = map(bytes).or_else(|| allocate(bytes))?.cast();
    if !values.is_aligned() {
        return None;
    }
    for (index, value) in std::iter::repeat_with(make).take(count).enumerate() {
        // SAFETY: `index < count`, so the place is within the memory, which is aligned and
        // not shared yet.
        unsafe { values.add(index).write(value) };
    }
    // SAFETY: all `count` values were written, and the memory is never freed.
    Some(unsafe { std::slice::from_raw_parts(values, count) })
}

fn map(bytes: usize) -> Option<*mut u8> {
    let (access, kind) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANON,
    );
    // SAFETY: a new mapping at an address of the system's choice overlaps no other memory.
    let pages = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
    if pages == libc::MAP_FAILED {
        return None;
    }
    show_to_leak_checker(pages, bytes);
    Some(pages.cast())
}

/// Registers the pages as a root of LeakSanitizer, if the program is linked with it, so that
/// memory reachable from handles still open at exit is no leak. Valgrind scans mappings by
/// itself.
fn show_to_leak_checker(pages: *mut libc::c_void, bytes: usize) {
    type Register = unsafe extern "C" fn(*const libc::c_void, usize);
    // SAFETY: the name is a C string; a symbol of this name is the function of the sanitizer's
    // interface, which has this type and accepts any memory.
    unsafe {
        let found = libc::dlsym(libc::RTLD_DEFAULT, c"__lsan_register_root_region".as_ptr());
        if !found.is_null() {
            std::mem::transmute::<*mut libc::c_void, Register>(found)(pages, bytes);
        }
    }
}

fn allocate(bytes: usize) -> Option<*mut u8> {
    const PAGE: usize = 4096;
    let layout = std::alloc::Layout::from_size_align(bytes, PAGE).ok()?;
    // SAFETY: the layout has a size above zero, as `for_ever` has checked.
    let place = unsafe { std::alloc::alloc(layout) };
    (!place.is_null()).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_made_in_order_and_aligned() {
        #[repr(align(128))]
        struct Wide(usize);
        let mut next = 0..;
        let wide = for_ever(100, || Wide(next.next().unwrap())).unwrap();
        assert_eq!(wide.as_ptr() as usize % 128, 0);
        assert!(wide.iter().map(|value| value.0).eq(0..100));
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        assert!(for_ever(usize::MAX, || 0u64).is_none());
        assert!(for_ever(usize::MAX / 16, || 0u64).is_none());
        assert!(for_ever(0, || 0u64).is_none());
    }
}
