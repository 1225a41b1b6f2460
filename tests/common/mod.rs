//! A safe wrapper over the exported C functions, for the integration tests.
//!
//! A handle is a number that any thread may use at any time, also when it is closed: the library
//! checks it. Nothing is closed by itself but a [`Message`]. An error is the errno of the call.

#![allow(dead_code)] // each test uses a part of it

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_int, c_long, c_short, c_void};
use std::mem::MaybeUninit;
use zmq::abi::options::ZMQ_LAST_ENDPOINT;
use zmq::capi::types::{zmq_msg_t, zmq_pollitem_t};
use zmq::capi::{ctx::*, errors::*, msg::*, poll::*, socket::*, transfer::*};

/// What a call answers: an errno if it fails.
pub type Result<T> = std::result::Result<T, c_int>;

/// What a function returned, or errno for -1.
fn check(rc: c_int) -> Result<c_int> {
    if rc == -1 { Err(zmq_errno()) } else { Ok(rc) }
}

fn string(text: &str) -> CString {
    CString::new(text).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context(usize);

impl Context {
    pub fn new() -> Context {
        // SAFETY: always safe.
        let made = unsafe { zmq_ctx_new() };
        assert!(!made.is_null());
        Context(made as usize)
    }

    pub fn handle(self) -> *mut c_void {
        self.0 as *mut c_void
    }

    pub fn socket(self, kind: c_int) -> Result<Socket> {
        // SAFETY: safe for any handle.
        let made = unsafe { zmq_socket(self.handle(), kind) };
        if made.is_null() {
            return Err(zmq_errno());
        }
        Ok(Socket(made as usize))
    }

    pub fn set(self, option: c_int, value: c_int) -> Result<()> {
        // SAFETY: safe for any handle.
        check(unsafe { zmq_ctx_set(self.handle(), option, value) }).map(drop)
    }

    pub fn get(self, option: c_int) -> Result<c_int> {
        // SAFETY: safe for any handle.
        check(unsafe { zmq_ctx_get(self.handle(), option) })
    }

    pub fn shutdown(self) -> Result<()> {
        // SAFETY: safe for any handle.
        check(unsafe { zmq_ctx_shutdown(self.handle()) }).map(drop)
    }

    pub fn terminate(self) -> Result<()> {
        // SAFETY: safe for any handle.
        check(unsafe { zmq_ctx_term(self.handle()) }).map(drop)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket(usize);

impl Socket {
    pub fn handle(self) -> *mut c_void {
        self.0 as *mut c_void
    }

    pub fn close(self) -> Result<()> {
        // SAFETY: safe for any handle.
        check(unsafe { zmq_close(self.handle()) }).map(drop)
    }

    pub fn set(self, option: c_int, value: c_int) -> Result<()> {
        self.set_bytes(option, &value.to_ne_bytes())
    }

    pub fn set_bytes(self, option: c_int, value: &[u8]) -> Result<()> {
        let data = value.as_ptr().cast();
        // SAFETY: the value is valid for its length.
        check(unsafe { zmq_setsockopt(self.handle(), option, data, value.len()) }).map(drop)
    }

    pub fn get(self, option: c_int) -> Result<c_int> {
        let mut value = [0; size_of::<c_int>()];
        let length = self.get_bytes(option, &mut value)?;
        assert_eq!(length, value.len());
        Ok(c_int::from_ne_bytes(value))
    }

    /// Returns the length of the value.
    pub fn get_bytes(self, option: c_int, value: &mut [u8]) -> Result<usize> {
        let (data, mut length) = (value.as_mut_ptr().cast(), value.len());
        // SAFETY: the memory is valid for its length.
        check(unsafe { zmq_getsockopt(self.handle(), option, data, &mut length) })?;
        Ok(length)
    }

    pub fn last_endpoint(self) -> String {
        let mut text = [0; 256];
        self.get_bytes(ZMQ_LAST_ENDPOINT, &mut text).unwrap();
        let text = CStr::from_bytes_until_nul(&text).unwrap();
        text.to_str().unwrap().to_owned()
    }

    pub fn bind(self, endpoint: &str) -> Result<()> {
        // SAFETY: a string.
        check(unsafe { zmq_bind(self.handle(), string(endpoint).as_ptr()) }).map(drop)
    }

    pub fn connect(self, endpoint: &str) -> Result<()> {
        // SAFETY: a string.
        check(unsafe { zmq_connect(self.handle(), string(endpoint).as_ptr()) }).map(drop)
    }

    pub fn unbind(self, endpoint: &str) -> Result<()> {
        // SAFETY: a string.
        check(unsafe { zmq_unbind(self.handle(), string(endpoint).as_ptr()) }).map(drop)
    }

    pub fn disconnect(self, endpoint: &str) -> Result<()> {
        // SAFETY: a string.
        check(unsafe { zmq_disconnect(self.handle(), string(endpoint).as_ptr()) }).map(drop)
    }

    /// Events of the socket come as messages from `endpoint`, an inproc one.
    pub fn monitor(self, endpoint: &str, events: c_int) -> Result<()> {
        // SAFETY: a string.
        let rc = unsafe { zmq_socket_monitor(self.handle(), string(endpoint).as_ptr(), events) };
        check(rc).map(drop)
    }

    /// One part, by `zmq_send`.
    pub fn send(self, data: &[u8], flags: c_int) -> Result<()> {
        // SAFETY: the data are valid for their length.
        let rc = unsafe { zmq_send(self.handle(), data.as_ptr().cast(), data.len(), flags) };
        let sent = check(rc)?;
        assert_eq!(sent as usize, data.len());
        Ok(())
    }

    /// One part, by `zmq_msg_send`.
    pub fn send_message(self, message: &mut Message, flags: c_int) -> Result<()> {
        // SAFETY: an initialised message.
        check(unsafe { zmq_msg_send(message.raw(), self.handle(), flags) }).map(drop)
    }

    /// One part, by `zmq_msg_recv`.
    pub fn recv(self, flags: c_int) -> Result<Message> {
        let message = Message::empty();
        // SAFETY: an initialised message.
        let size = check(unsafe { zmq_msg_recv(message.raw(), self.handle(), flags) })?;
        assert_eq!(size as usize, message.data().len());
        Ok(message)
    }

    /// One part, by `zmq_recv`. Returns its length, of which `data` may be too short for the end.
    pub fn recv_into(self, data: &mut [u8], flags: c_int) -> Result<usize> {
        // SAFETY: the memory is valid for its length.
        let rc = unsafe { zmq_recv(self.handle(), data.as_mut_ptr().cast(), data.len(), flags) };
        check(rc).map(|length| length as usize)
    }
}

/// How many of the sockets have one of `events`, after at most `millis`.
pub fn poll(sockets: &[Socket], events: c_int, millis: c_long) -> Result<usize> {
    let item = |socket: &Socket| zmq_pollitem_t {
        socket: socket.handle(),
        fd: 0,
        events: events as c_short,
        revents: MaybeUninit::uninit(),
    };
    let mut items: Vec<_> = sockets.iter().map(item).collect();
    // SAFETY: the items are valid for their number.
    let rc = unsafe { zmq_poll(items.as_mut_ptr(), items.len() as c_int, millis) };
    check(rc).map(|ready| ready as usize)
}

/// Runs until one of the sockets fails. Returns that errno.
pub fn proxy(front: Socket, back: Socket) -> c_int {
    // SAFETY: safe for any handles; none to capture.
    let rc = unsafe { zmq_proxy(front.handle(), back.handle(), std::ptr::null_mut()) };
    check(rc).unwrap_err()
}

/// An initialised message, closed when it is dropped. It is in a cell because the functions take
/// a mutable pointer also for what only reads.
pub struct Message(UnsafeCell<MaybeUninit<zmq_msg_t>>);

impl Message {
    pub fn empty() -> Message {
        let message = Message(UnsafeCell::new(MaybeUninit::uninit()));
        // SAFETY: memory of a message, not initialised.
        assert_eq!(unsafe { zmq_msg_init(message.raw()) }, 0);
        message
    }

    pub fn new(data: &[u8]) -> Message {
        let message = Message(UnsafeCell::new(MaybeUninit::uninit()));
        // SAFETY: memory of a message, not initialised; then all of its content is written.
        unsafe {
            assert_eq!(zmq_msg_init_size(message.raw(), data.len()), 0);
            let content: *mut u8 = zmq_msg_data(message.raw()).cast();
            content.copy_from_nonoverlapping(data.as_ptr(), data.len());
        }
        message
    }

    pub fn raw(&self) -> *mut zmq_msg_t {
        self.0.get().cast()
    }

    pub fn data(&self) -> &[u8] {
        // SAFETY: an initialised message, whose content stays as it is while it is borrowed.
        unsafe {
            let content: *const u8 = zmq_msg_data(self.raw()).cast();
            std::slice::from_raw_parts(content, zmq_msg_size(self.raw()))
        }
    }

    /// More parts of the same message follow.
    pub fn more(&self) -> bool {
        // SAFETY: an initialised message.
        unsafe { zmq_msg_more(self.raw()) == 1 }
    }

    /// A property of the connection that it came from.
    pub fn property(&self, name: &CStr) -> Option<&CStr> {
        // SAFETY: an initialised message and a string; the answer is a string that lives as long
        // as the message.
        unsafe {
            let value = zmq_msg_gets(self.raw(), name.as_ptr());
            (!value.is_null()).then(|| CStr::from_ptr(value))
        }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: an initialised message.
        assert_eq!(unsafe { zmq_msg_close(self.raw()) }, 0);
    }
}
