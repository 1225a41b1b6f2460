//! Helpers without sockets: counters, stopwatches, Z85 and keys.
//!
//! Handles of counters and stopwatches come from pools, so a bad one is detected. Each access
//! to a counter is SeqCst: what a thread did before it changed the counter happens before what
//! another thread does after it read that value. The start of a stopwatch is stored with
//! Release and loaded with Acquire.

use std::any::Any;
use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};
// Not from sync::atomic: the program's counters, no part of a model.
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use super::boundary::call;
use crate::error::{Error, Result};
use crate::runtime::handle::Pool;
use crate::runtime::{curve_keys, z85};
use crate::sys::monotonic;

static COUNTERS: Pool<AtomicI32> = Pool::new();
static WATCHES: Pool<AtomicU64> = Pool::new();

/// Locks the handles until the fork is over.
pub(super) fn lock_over_fork(locks: &mut Vec<Box<dyn Any>>) {
    locks.push(Box::new(COUNTERS.lock_over_fork()));
    locks.push(Box::new(WATCHES.lock_over_fork()));
}

/// Creates a counter that threads can share, set to 0.
///
/// Returns its handle, to be given to zmq_atomic_counter_destroy, or NULL with
/// ENOMEM. The functions on it fail with EFAULT if the handle is not one.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_atomic_counter_new() -> *mut c_void {
    call(|| {
        let (handle, counter) = COUNTERS.take()?;
        counter.store(0, Ordering::SeqCst);
        Ok(handle)
    })
}

/// Sets a counter.
///
/// # Safety
/// `counter` is NULL or from zmq_atomic_counter_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_atomic_counter_set(counter: *mut c_void, value: c_int) {
    call(|| {
        COUNTERS.find(counter)?.store(value, Ordering::SeqCst);
        Ok(())
    })
}

/// Adds one to a counter and returns what it was before.
///
/// # Safety
/// `counter` is NULL or from zmq_atomic_counter_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_atomic_counter_inc(counter: *mut c_void) -> c_int {
    call(|| Ok(COUNTERS.find(counter)?.fetch_add(1, Ordering::SeqCst)))
}

/// Takes one from a counter; returns 0 when that makes it 0, otherwise 1.
///
/// # Safety
/// `counter` is NULL or from zmq_atomic_counter_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_atomic_counter_dec(counter: *mut c_void) -> c_int {
    call(|| {
        let before = COUNTERS.find(counter)?.fetch_sub(1, Ordering::SeqCst);
        Ok(c_int::from(before != 1))
    })
}

/// Returns the value of a counter.
///
/// # Safety
/// `counter` is NULL or from zmq_atomic_counter_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_atomic_counter_value(counter: *mut c_void) -> c_int {
    call(|| Ok(COUNTERS.find(counter)?.load(Ordering::SeqCst)))
}

/// Frees a counter and sets the handle that is pointed at to NULL.
///
/// # Safety
/// `counter_p` is NULL or points at NULL or a handle from
/// zmq_atomic_counter_new, which no other thread uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_atomic_counter_destroy(counter_p: *mut *mut c_void) {
    call(|| {
        // SAFETY: NULL, or valid by the caller's promise.
        let place = unsafe { counter_p.as_mut() }.ok_or(Error::Fault)?;
        COUNTERS.end(*place, |_| ())?;
        *place = std::ptr::null_mut();
        Ok(())
    })
}

/// Starts a stopwatch.
///
/// Returns its handle, to be given to zmq_stopwatch_stop, or NULL with ENOMEM.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_stopwatch_start() -> *mut c_void {
    call(|| {
        let (handle, start) = WATCHES.take()?;
        start.store(now_us(), Ordering::Release);
        Ok(handle)
    })
}

/// Returns the microseconds since a stopwatch was started; it runs on.
///
/// 0 with EFAULT if the handle is not one.
///
/// # Safety
/// `watch` is NULL or from zmq_stopwatch_start.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_stopwatch_intermediate(watch: *mut c_void) -> c_ulong {
    call(|| Ok(elapsed(WATCHES.find(watch)?)))
}

/// Returns the microseconds since a stopwatch was started, and frees it.
///
/// 0 with EFAULT if the handle is not one.
///
/// # Safety
/// `watch` is NULL or from zmq_stopwatch_start.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_stopwatch_stop(watch: *mut c_void) -> c_ulong {
    call(|| WATCHES.end(watch, elapsed))
}

fn elapsed(start: &AtomicU64) -> c_ulong {
    now_us().saturating_sub(start.load(Ordering::Acquire)) as c_ulong
}

/// Microseconds on the monotonic clock.
fn now_us() -> u64 {
    u64::try_from(monotonic().as_micros()).unwrap_or(u64::MAX)
}

/// Writes binary data as printable text in the Z85 form of ZeroMQ RFC 32.
///
/// size is a number of bytes and a multiple of 4; dest has room for
/// size * 5 / 4 + 1 bytes, the last for the final NUL. Returns dest, or NULL
/// with EINVAL if the size is wrong.
///
/// # Safety
/// `data` and `dest` are good for as many bytes as that and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_z85_encode(
    dest: *mut c_char,
    data: *const u8,
    size: usize,
) -> *mut c_char {
    call(|| {
        let length = z85::encoded_len(size)?;
        // SAFETY: the caller promises that both are valid for these sizes and do not overlap.
        let (data, text) = unsafe { (input(data, size)?, output(dest.cast(), length + 1)?) };
        z85::encode(data, &mut text[..length])?;
        text[length] = 0;
        Ok(dest)
    })
}

/// Writes the binary data that a text in the Z85 form stands for.
///
/// dest has room for strlen (string) * 4 / 5 bytes. Returns dest, or NULL with
/// EINVAL if the string is empty, not a multiple of 5 long, or not Z85; dest
/// may then be partly written.
///
/// # Safety
/// `string` is a C string, `dest` is good for as many bytes as that, and they
/// do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_z85_decode(dest: *mut u8, string: *const c_char) -> *mut u8 {
    call(|| {
        if string.is_null() {
            return Err(Error::Invalid);
        }
        // SAFETY: not NULL, so a C string by the caller's promise.
        let text = unsafe { CStr::from_ptr(string) }.to_bytes();
        let size = z85::decoded_len(text.len())?;
        // SAFETY: the caller promises that `dest` is valid for this size and does not overlap
        // `string`.
        z85::decode(text, unsafe { output(dest, size) }?)?;
        Ok(dest)
    })
}

/// The bytes at `data`; [`Error::Invalid`] for NULL with a size.
///
/// # Safety
/// `data` is NULL or valid for reads of `size` bytes as long as the slice is used.
unsafe fn input<'a>(data: *const u8, size: usize) -> Result<&'a [u8]> {
    match (data.is_null(), size) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Error::Invalid),
        // SAFETY: not NULL, so valid for `size` bytes by the caller's promise.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(data, size) }),
    }
}

/// The bytes at `data`, set to 0; [`Error::Invalid`] for NULL.
///
/// # Safety
/// `data` is NULL or valid for writes of `size` bytes, which only the slice accesses while it
/// is used.
unsafe fn output<'a>(data: *mut u8, size: usize) -> Result<&'a mut [u8]> {
    if data.is_null() {
        return Err(Error::Invalid);
    }
    // SAFETY: not NULL, so valid for writes by the caller's promise. The program need not have
    // initialised the bytes, so they are set to 0 before the slice is made.
    unsafe { data.write_bytes(0, size) };
    // SAFETY: not NULL, initialised above, and accessed by the slice only, by the caller's
    // promise.
    Ok(unsafe { std::slice::from_raw_parts_mut(data, size) })
}

/// Makes a new pair of keys for CURVE.
///
/// Each is written in the Z85 form to 41 bytes, the last the final NUL.
/// Returns 0, or -1 with EINVAL if a pointer is NULL, or with ENOTSUP if the
/// system has no random numbers.
///
/// # Safety
/// Both pointers are good for 41 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_curve_keypair(
    z85_public_key: *mut c_char,
    z85_secret_key: *mut c_char,
) -> c_int {
    call(|| {
        let size = curve_keys::TEXT + 1;
        // SAFETY: the caller promises that it is valid for 41 bytes.
        let public = unsafe { output(z85_public_key.cast(), size) }?;
        // SAFETY: as above.
        let secret = unsafe { output(z85_secret_key.cast(), size) }?;
        let (public_text, secret_text) = curve_keys::pair()?;
        public[..curve_keys::TEXT].copy_from_slice(&public_text);
        secret[..curve_keys::TEXT].copy_from_slice(secret_text.as_slice());
        Ok(0)
    })
}

/// Computes the public key that belongs to a secret key for CURVE.
///
/// Both are in the Z85 form, 40 characters and the final NUL. Returns 0, or -1
/// with EINVAL if the secret key is none or a pointer is NULL.
///
/// # Safety
/// `z85_public_key` is good for 41 bytes, `z85_secret_key` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_curve_public(
    z85_public_key: *mut c_char,
    z85_secret_key: *const c_char,
) -> c_int {
    call(|| {
        if z85_secret_key.is_null() {
            return Err(Error::Invalid);
        }
        // SAFETY: not NULL, so a C string by the caller's promise.
        let text = unsafe { CStr::from_ptr(z85_secret_key) }.to_bytes();
        let public_text = curve_keys::public(text)?;
        // SAFETY: the caller promises that it is valid for 41 bytes.
        let public = unsafe { output(z85_public_key.cast(), curve_keys::TEXT + 1) }?;
        public[..curve_keys::TEXT].copy_from_slice(&public_text);
        Ok(0)
    })
}

#[cfg(test)]
mod tests {
    use super::super::boundary::{errno, set_errno};
    use super::*;
    use std::ptr::{null, null_mut};

    #[test]
    fn a_counter_counts() {
        let mut counter = zmq_atomic_counter_new();
        // SAFETY: a live handle, then NULL, then the stale handle.
        unsafe {
            zmq_atomic_counter_set(counter, 1);
            assert_eq!(zmq_atomic_counter_inc(counter), 1);
            assert_eq!(zmq_atomic_counter_value(counter), 2);
            assert_eq!(zmq_atomic_counter_dec(counter), 1);
            assert_eq!(zmq_atomic_counter_dec(counter), 0);
            assert_eq!(zmq_atomic_counter_dec(counter), 1, "-1 is not 0");
            zmq_atomic_counter_destroy(&mut counter);
            assert!(counter.is_null());
            for wrong in [zmq_atomic_counter_inc, zmq_atomic_counter_dec] {
                set_errno(0);
                assert_eq!((wrong(counter), errno()), (-1, libc::EFAULT));
            }
            zmq_atomic_counter_destroy(&mut counter);
            zmq_atomic_counter_destroy(null_mut());
        }
    }

    #[test]
    fn a_stopwatch_runs_until_stopped() {
        let watch = zmq_stopwatch_start();
        std::thread::sleep(std::time::Duration::from_millis(2));
        // SAFETY: a live handle, and NULL.
        unsafe {
            let first = zmq_stopwatch_intermediate(watch);
            assert!(first >= 2000);
            assert!(zmq_stopwatch_stop(watch) >= first);
            set_errno(0);
            assert_eq!((zmq_stopwatch_stop(null_mut()), errno()), (0, libc::EFAULT));
        }
    }

    #[test]
    fn z85_ends_with_a_nul() {
        let mut text = [c_char::MAX; 12];
        let data = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        // SAFETY: large enough for eight bytes.
        unsafe {
            assert!(!zmq_z85_encode(text.as_mut_ptr(), data.as_ptr(), 8).is_null());
            assert_eq!(CStr::from_ptr(text.as_ptr()), c"HelloWorld");
            assert_eq!(text[11], c_char::MAX);
            assert!(!zmq_z85_encode(text.as_mut_ptr(), null(), 0).is_null());
            assert_eq!(text[0], 0);
            set_errno(0);
            assert!(zmq_z85_encode(text.as_mut_ptr(), data.as_ptr(), 7).is_null());
            assert_eq!(errno(), libc::EINVAL);
        }
    }

    #[test]
    fn z85_texts_that_are_none() {
        let mut data = [7u8; 9];
        // SAFETY: large enough for ten characters.
        unsafe {
            let good = zmq_z85_decode(data.as_mut_ptr(), c"HelloWorld".as_ptr());
            assert_eq!(good, data.as_mut_ptr());
            assert_eq!((data[0], data[7], data[8]), (0x86, 0x5b, 7));
            for wrong in [c"", c"Hell", c"Hello ", c"He lo", c"#####"] {
                set_errno(0);
                assert!(zmq_z85_decode(data.as_mut_ptr(), wrong.as_ptr()).is_null());
                assert_eq!(errno(), libc::EINVAL);
            }
            assert!(zmq_z85_decode(data.as_mut_ptr(), null()).is_null());
        }
    }

    #[test]
    fn curve_keys_belong_together() {
        let (mut public, mut secret, mut again) = ([1; 41], [1; 41], [1; 41]);
        // SAFETY: large enough; C strings.
        unsafe {
            assert_eq!(
                zmq_curve_keypair(public.as_mut_ptr(), secret.as_mut_ptr()),
                0
            );
            assert_eq!(zmq_curve_public(again.as_mut_ptr(), secret.as_ptr()), 0);
            assert_eq!(public, again);
            assert_ne!(public, secret);
            assert_eq!((public[40], secret[40]), (0, 0));
            let known = c"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
            assert_eq!(zmq_curve_public(public.as_mut_ptr(), known.as_ptr()), 0);
            let expected = c"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
            assert_eq!(CStr::from_ptr(public.as_ptr()), expected);
            for wrong in [
                c"",
                c"hello",
                c"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs12345",
            ] {
                set_errno(0);
                assert_eq!(zmq_curve_public(public.as_mut_ptr(), wrong.as_ptr()), -1);
                assert_eq!(errno(), libc::EINVAL);
            }
            assert_eq!(CStr::from_ptr(public.as_ptr()), expected, "untouched");
        }
    }
}
