//! Memory that is there until the process ends.

/// `count` values for as long as the process lives; `None` without memory for them.
///
/// They are in pages of their own, if those can be had, and not in the C library's heap,
/// which tools that look for leaks expect to be empty in the end.
pub fn for_ever<T>(count: usize, make: impl FnMut() -> T) -> Option<&'static [T]> {
    let bytes = count
        .checked_mul(size_of::<T>())
        .filter(|bytes| *bytes > 0)?;
    let values: *mut T = map(bytes).or_else(|| allocate(bytes))?.cast();
    if !values.is_aligned() {
        return None;
    }
    for (index, value) in std::iter::repeat_with(make).take(count).enumerate() {
        // SAFETY: within the memory, which is aligned and not yet shared.
        unsafe { values.add(index).write(value) };
    }
    // SAFETY: all of them were written, and the memory is never given back.
    Some(unsafe { std::slice::from_raw_parts(values, count) })
}

#[cfg(unix)]
fn map(bytes: usize) -> Option<*mut u8> {
    let (access, kind) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANON,
    );
    // SAFETY: a new mapping, at an address of the system's choice.
    let pages = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
    if pages == libc::MAP_FAILED {
        return None;
    }
    show_to_leak_checker(pages, bytes);
    Some(pages.cast())
}

/// What the pages point to is no leak: the program may end with its handles open. Valgrind
/// knows that by itself; LeakSanitizer, where a program has it, wants to be told.
#[cfg(unix)]
fn show_to_leak_checker(pages: *mut libc::c_void, bytes: usize) {
    type Register = unsafe extern "C" fn(*const libc::c_void, usize);
    // SAFETY: a look-up by name; what it finds, if anything, is the function of this name
    // and type in the sanitizer's interface, which may be called with any memory.
    unsafe {
        let found = libc::dlsym(libc::RTLD_DEFAULT, c"__lsan_register_root_region".as_ptr());
        if !found.is_null() {
            std::mem::transmute::<*mut libc::c_void, Register>(found)(pages, bytes);
        }
    }
}

#[cfg(not(unix))]
fn map(_bytes: usize) -> Option<*mut u8> {
    None
}

fn allocate(bytes: usize) -> Option<*mut u8> {
    const PAGE: usize = 4096;
    let layout = std::alloc::Layout::from_size_align(bytes, PAGE).ok()?;
    // SAFETY: the layout is not empty.
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
