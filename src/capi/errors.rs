//! The functions about error numbers, the version and the capabilities of the library.

use std::ffi::{CStr, c_char, c_int};

use super::boundary::{errno, plain};
use crate::abi::errors::{EFSM, EMTHREAD, ENOCOMPATPROTO, ETERM};
use crate::abi::numbers::{ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH};
use crate::sync::OnceLock;
use crate::sys;
use crate::transport;

/// Returns the error number of the last call that failed on this thread.
///
/// Meaningful right after a call that reported failure. The same as the C
/// library's `errno`, for programs that use another C library than this one.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_errno() -> c_int {
    plain(errno)
}

/// Returns a text that says what an error number means.
///
/// Knows the numbers of this library as well as those of the system. Never
/// NULL; the text belongs to the library and is not to be freed.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_strerror(errnum: c_int) -> *const c_char {
    plain(|| match own_text(errnum) {
        Some(text) => text.as_ptr(),
        // SAFETY: takes any number; the returned text belongs to the C library.
        None => unsafe { libc::strerror(errnum) }.cast_const(),
    })
}

/// The texts of libzmq, which programs compare with.
fn own_text(errnum: c_int) -> Option<&'static CStr> {
    match errnum {
        EFSM => Some(c"Operation cannot be accomplished in current state"),
        ENOCOMPATPROTO => Some(c"The protocol is not compatible with the socket type"),
        ETERM => Some(c"Context was terminated"),
        EMTHREAD => Some(c"No thread available"),
        libc::EHOSTUNREACH => Some(c"Host unreachable"),
        _ => None,
    }
}

/// Writes the version of the libzmq API that the library implements.
///
/// Compare with ZMQ_VERSION to find out whether the library fits the header.
/// A pointer may be NULL.
///
/// The environment variable FERROZMQ_VERSION, three decimal numbers with dots
/// between them, sets another answer, for programs that insist on the version
/// they were built with. Anything else in it is ignored. It is read once.
///
/// # Safety
/// Each pointer is NULL or good for one `int`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_version(
    major: *mut c_int,
    minor: *mut c_int,
    patch: *mut c_int,
) {
    plain(|| {
        static ANSWER: OnceLock<[c_int; 3]> = OnceLock::new();
        let own = [ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH];
        let wanted = || std::env::var("FERROZMQ_VERSION").ok();
        let answer = ANSWER.get_or_init(|| wanted().and_then(|text| three(&text)).unwrap_or(own));
        let parts = [major, minor, patch].into_iter().zip(answer);
        for (place, value) in parts.filter(|(place, _)| !place.is_null()) {
            // SAFETY: not NULL, and valid for an int by the caller's promise.
            unsafe { place.write(*value) };
        }
    })
}

/// Parses three decimal numbers with dots between them; `None` for anything else.
fn three(text: &str) -> Option<[c_int; 3]> {
    let number = |part: &str| match part.bytes().all(|byte| byte.is_ascii_digit()) {
        true => part.parse().ok(),
        false => None,
    };
    let parts: Option<Vec<c_int>> = text.split('.').map(number).collect();
    parts?.try_into().ok()
}

/// Returns 1 if the library was built with a capability, else 0.
///
/// Names are those of optional parts: "ipc", "pgm", "tipc", "norm", "curve",
/// "gssapi", "vmci", "vsock", "draft", "WS", "WSS". Any other name gives 0. So does
/// "vsock", as in builds of libzmq without its draft transports, though vsock
/// endpoints work where the kernel has them. With the environment variable
/// FERROZMQ_DRAFT at 0 the answer for "draft", "WS" and "WSS" is 0.
///
/// # Safety
/// `capability` is NULL, which gives 0, or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_has(capability: *const c_char) -> c_int {
    plain(|| {
        if capability.is_null() {
            return 0;
        }
        // SAFETY: a C string by the caller's promise.
        let name = unsafe { CStr::from_ptr(capability) };
        if DRAFTS.contains(&name) && !sys::has_drafts() {
            return 0;
        }
        c_int::from(transport::has(name.to_bytes()) || CAPABILITIES.contains(&name))
    })
}

/// The optional parts that are built in besides transports, for `zmq_has`.
const CAPABILITIES: &[&CStr] = &[c"curve"];

/// The capabilities that a stable build of libzmq does not have.
const DRAFTS: &[&CStr] = &[c"draft", c"WS", c"WSS"];

#[cfg(test)]
mod tests {
    use super::super::boundary::set_errno;
    use super::*;

    fn text(errnum: c_int) -> &'static str {
        // SAFETY: never NULL, a C string.
        unsafe { CStr::from_ptr(zmq_strerror(errnum)) }
            .to_str()
            .unwrap()
    }

    #[test]
    fn texts() {
        assert_eq!(text(ETERM), "Context was terminated");
        assert_eq!(text(libc::EHOSTUNREACH), "Host unreachable");
        assert_eq!(text(libc::EINVAL), "Invalid argument");
        assert!(text(123_456).contains("123456"));
    }

    #[test]
    fn the_error_number_is_errno() {
        set_errno(libc::EDOM);
        assert_eq!(zmq_errno(), libc::EDOM);
    }

    #[test]
    fn version_and_capabilities() {
        let (mut major, mut patch) = (0, 0);
        // SAFETY: NULL or good pointers.
        unsafe {
            zmq_version(&mut major, std::ptr::null_mut(), &mut patch);
            assert_eq!((major, patch), (4, 5));
            assert_eq!(zmq_has(c"ipc".as_ptr()), 1);
            assert_eq!(zmq_has(c"curve".as_ptr()), 1);
            for name in [c"tcp", c"plain", c"IPC", c"ws", c"vsock", c""] {
                assert_eq!(zmq_has(name.as_ptr()), 0);
            }
            assert_eq!(zmq_has(std::ptr::null()), 0);
        }
    }

    #[test]
    fn a_version_is_three_numbers_and_nothing_else() {
        for (good, numbers) in [
            ("4.3.4", [4, 3, 4]),
            ("4.3.10", [4, 3, 10]),
            ("0.0.0", [0; 3]),
        ] {
            assert_eq!(three(good), Some(numbers), "{good}");
        }
        for wrong in [
            "",
            ".",
            "..",
            "4",
            "4.3",
            "4.3.",
            ".3.4",
            "4..4",
            "4.3.4.0",
            "4.3.4.",
            "4.3.x",
            "v4.3.4",
            " 4.3.4",
            "4.3.4 ",
            "4.3.4\n",
            "+4.3.4",
            "4.-3.4",
            "4.3.0x5",
            "4,3,4",
            "4.3.2147483648",
            "4.3.99999999999999999999",
            "4.3.\u{664}",
        ] {
            assert_eq!(three(wrong), None, "{wrong:?}");
        }
    }
}
