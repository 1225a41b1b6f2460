//! Bindings of libsodium, which replaces the library's own ciphers with the feature
//! `libsodium` and is the reference for them in tests.
//!
//! With the feature, libsodium is linked. Without it, tests load it at run time, and
//! fail if it is missing.

use std::sync::OnceLock;
use zeroize::Zeroize;

/// Size of `crypto_onetimeauth_poly1305_state`, which is aligned to 16.
const STATE: usize = 256;

macro_rules! functions {
    ($($(#[$when:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> i32;)*) => {
        /// The functions of libsodium that are used.
        struct Functions {
            $($(#[$when])* $name: unsafe extern "C" fn($($type),*) -> i32,)*
        }

        #[cfg(feature = "libsodium")]
        mod linked {
            use super::State;
            #[link(name = "sodium")]
            unsafe extern "C" {
                $($(#[$when])* pub fn $name($($argument: $type),*) -> i32;)*
            }
        }

        #[cfg(feature = "libsodium")]
        fn load() -> Functions {
            Functions { $($(#[$when])* $name: linked::$name,)* }
        }

        #[cfg(not(feature = "libsodium"))]
        fn load() -> Functions {
            let library = open();
            Functions {
                $($(#[$when])* $name: {
                    let address = find(library, concat!(stringify!($name), "\0"));
                    // SAFETY: the address is that of the function of this name, whose type in
                    // libsodium's documentation is this one.
                    unsafe {
                        std::mem::transmute::<
                            *mut std::ffi::c_void,
                            unsafe extern "C" fn($($type),*) -> i32,
                        >(address)
                    }
                },)*
            }
        }
    };
}

functions! {
    fn sodium_init() -> i32;
    fn crypto_core_hsalsa20(out: *mut u8, input: *const u8, key: *const u8, constant: *const u8) -> i32;
    fn crypto_stream_salsa20_xor_ic(out: *mut u8, input: *const u8, len: u64, nonce: *const u8, number: u64, key: *const u8) -> i32;
    fn crypto_onetimeauth_poly1305_init(state: *mut State, key: *const u8) -> i32;
    fn crypto_onetimeauth_poly1305_update(state: *mut State, input: *const u8, len: u64) -> i32;
    fn crypto_onetimeauth_poly1305_final(state: *mut State, tag: *mut u8) -> i32;
    fn crypto_scalarmult(out: *mut u8, scalar: *const u8, point: *const u8) -> i32;
    fn crypto_scalarmult_base(out: *mut u8, scalar: *const u8) -> i32;
    #[cfg(test)]
    fn crypto_stream_xsalsa20_xor_ic(out: *mut u8, input: *const u8, len: u64, nonce: *const u8, number: u64, key: *const u8) -> i32;
    #[cfg(test)]
    fn crypto_onetimeauth_poly1305(tag: *mut u8, input: *const u8, len: u64, key: *const u8) -> i32;
    #[cfg(test)]
    fn crypto_secretbox_easy(out: *mut u8, input: *const u8, len: u64, nonce: *const u8, key: *const u8) -> i32;
    #[cfg(test)]
    fn crypto_secretbox_open_easy(out: *mut u8, input: *const u8, len: u64, nonce: *const u8, key: *const u8) -> i32;
    #[cfg(test)]
    fn crypto_secretbox_detached(out: *mut u8, tag: *mut u8, input: *const u8, len: u64, nonce: *const u8, key: *const u8) -> i32;
    #[cfg(test)]
    fn crypto_secretbox_open_detached(out: *mut u8, input: *const u8, tag: *const u8, len: u64, nonce: *const u8, key: *const u8) -> i32;
    #[cfg(test)]
    fn crypto_box_easy(out: *mut u8, input: *const u8, len: u64, nonce: *const u8, public: *const u8, secret: *const u8) -> i32;
    #[cfg(test)]
    fn crypto_hash_sha256(out: *mut u8, input: *const u8, len: u64) -> i32;
}

/// The functions, after libsodium has detected the CPU's features.
fn sodium() -> &'static Functions {
    static SODIUM: OnceLock<Functions> = OnceLock::new();
    SODIUM.get_or_init(|| {
        let functions = load();
        // Fails only without a source of random numbers, which is not used here.
        // SAFETY: may be called at any time and from any thread.
        unsafe { (functions.sodium_init)() };
        functions
    })
}

#[cfg(not(feature = "libsodium"))]
fn open() -> *mut std::ffi::c_void {
    // SAFETY: the name is a C string; libsodium's initializers have no preconditions.
    let library = unsafe { libc::dlopen(c"libsodium.so.23".as_ptr(), libc::RTLD_NOW) };
    assert!(
        !library.is_null(),
        "libsodium (Debian: libsodium23) is missing"
    );
    library
}

#[cfg(not(feature = "libsodium"))]
fn find(library: *mut std::ffi::c_void, name: &'static str) -> *mut std::ffi::c_void {
    // SAFETY: the library is never closed; the name ends with a NUL.
    let address = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
    assert!(!address.is_null(), "libsodium has no {name}");
    address
}

/// The authenticator's state.
#[repr(C, align(16))]
struct State([u8; STATE]);

/// Poly1305 over one message.
pub struct Poly1305(State);

impl Poly1305 {
    /// Starts a sum. The key must be used for one message only.
    pub fn new(key: &[u8; 32]) -> Poly1305 {
        let mut state = State([0; STATE]);
        // SAFETY: the state has libsodium's size and alignment, the key 32 bytes.
        unsafe { (sodium().crypto_onetimeauth_poly1305_init)(&mut state, key.as_ptr()) };
        Poly1305(state)
    }

    /// Adds bytes of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        let len = bytes.len() as u64;
        // SAFETY: the state was initialized in `new`; `len` is the length of `bytes`.
        unsafe { (sodium().crypto_onetimeauth_poly1305_update)(&mut self.0, bytes.as_ptr(), len) };
    }

    /// Adds `rest`, the last bytes of the message, and returns the tag.
    pub fn tag(mut self, rest: &[u8]) -> [u8; 16] {
        self.update(rest);
        let mut tag = [0; 16];
        // SAFETY: the state was initialized in `new`; the tag has 16 bytes.
        unsafe { (sodium().crypto_onetimeauth_poly1305_final)(&mut self.0, tag.as_mut_ptr()) };
        tag
    }
}

impl Drop for Poly1305 {
    fn drop(&mut self) {
        self.0.0.zeroize();
    }
}

/// Derives `out` from `key` and `input`.
pub fn hsalsa20(key: &[u8; 32], input: &[u8; 16], out: &mut [u8; 32]) {
    let (out, input, key) = (out.as_mut_ptr(), input.as_ptr(), key.as_ptr());
    // SAFETY: the arrays have libsodium's sizes; a null constant selects the default.
    unsafe { (sodium().crypto_core_hsalsa20)(out, input, key, std::ptr::null()) };
}

/// XORs `data` with the key stream from block `number` on.
pub fn salsa20(key: &[u8; 32], nonce: &[u8; 8], number: u64, data: &mut [u8]) {
    let (at, len) = (data.as_mut_ptr(), data.len() as u64);
    let (nonce, key) = (nonce.as_ptr(), key.as_ptr());
    // SAFETY: key and nonce have libsodium's sizes; input and output may be the same.
    unsafe { (sodium().crypto_stream_salsa20_xor_ic)(at, at, len, nonce, number, key) };
}

/// X25519. False if the result is zero: the point has small order.
pub fn scalar_mult(secret: &[u8; 32], point: &[u8; 32], out: &mut [u8; 32]) -> bool {
    let (out, secret, point) = (out.as_mut_ptr(), secret.as_ptr(), point.as_ptr());
    // SAFETY: the arrays have libsodium's sizes.
    unsafe { (sodium().crypto_scalarmult)(out, secret, point) == 0 }
}

/// X25519 of the base point.
pub fn scalar_mult_base(secret: &[u8; 32], out: &mut [u8; 32]) {
    let (out, secret) = (out.as_mut_ptr(), secret.as_ptr());
    // SAFETY: the arrays have libsodium's sizes.
    unsafe { (sodium().crypto_scalarmult_base)(out, secret) };
}

/// Whole operations, the reference in tests.
#[cfg(test)]
pub mod whole {
    use super::sodium;

    /// XSalsa20, from block `number` on.
    pub fn xsalsa20(key: &[u8; 32], nonce: &[u8; 24], number: u64, data: &mut [u8]) {
        let (at, len) = (data.as_mut_ptr(), data.len() as u64);
        let (nonce, key) = (nonce.as_ptr(), key.as_ptr());
        // SAFETY: key and nonce have libsodium's sizes; input and output may be the same.
        unsafe { (sodium().crypto_stream_xsalsa20_xor_ic)(at, at, len, nonce, number, key) };
    }

    /// Poly1305 of a message.
    pub fn poly1305(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        let (from, len) = (message.as_ptr(), message.len() as u64);
        // SAFETY: tag and key have libsodium's sizes.
        unsafe {
            (sodium().crypto_onetimeauth_poly1305)(tag.as_mut_ptr(), from, len, key.as_ptr())
        };
        tag
    }

    /// A secret box.
    pub fn seal(key: &[u8; 32], nonce: &[u8; 24], plain: &[u8]) -> Vec<u8> {
        let mut boxed = vec![0; plain.len() + 16];
        let (from, len) = (plain.as_ptr(), plain.len() as u64);
        // SAFETY: room for the plain text and a tag; key and nonce have libsodium's sizes.
        unsafe {
            (sodium().crypto_secretbox_easy)(
                boxed.as_mut_ptr(),
                from,
                len,
                nonce.as_ptr(),
                key.as_ptr(),
            )
        };
        boxed
    }

    /// Encrypts in place and returns the tag.
    pub fn seal_in_place(key: &[u8; 32], nonce: &[u8; 24], data: &mut [u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        let (at, len) = (data.as_mut_ptr(), data.len() as u64);
        let (nonce, key) = (nonce.as_ptr(), key.as_ptr());
        // SAFETY: tag, key and nonce have libsodium's sizes; input and output may be the same.
        unsafe { (sodium().crypto_secretbox_detached)(at, tag.as_mut_ptr(), at, len, nonce, key) };
        tag
    }

    /// Decrypts in place, if the tag is right.
    pub fn open_in_place(
        key: &[u8; 32],
        nonce: &[u8; 24],
        tag: &[u8; 16],
        data: &mut [u8],
    ) -> bool {
        let (at, len) = (data.as_mut_ptr(), data.len() as u64);
        let (nonce, key) = (nonce.as_ptr(), key.as_ptr());
        // SAFETY: as in `seal_in_place`.
        unsafe {
            (sodium().crypto_secretbox_open_detached)(at, at, tag.as_ptr(), len, nonce, key) == 0
        }
    }

    /// The plain text of a secret box; `None` if it is none, or shorter than a tag.
    pub fn open(key: &[u8; 32], nonce: &[u8; 24], boxed: &[u8]) -> Option<Vec<u8>> {
        let mut plain = vec![0; boxed.len().checked_sub(16)?];
        let (from, len) = (boxed.as_ptr(), boxed.len() as u64);
        // SAFETY: room for all but the tag; key and nonce have libsodium's sizes.
        let result = unsafe {
            (sodium().crypto_secretbox_open_easy)(
                plain.as_mut_ptr(),
                from,
                len,
                nonce.as_ptr(),
                key.as_ptr(),
            )
        };
        (result == 0).then_some(plain)
    }

    /// A box from the owner of `secret` to that of `public`. `None` for a public key of
    /// small order.
    pub fn seal_for(
        secret: &[u8; 32],
        public: &[u8; 32],
        nonce: &[u8; 24],
        plain: &[u8],
    ) -> Option<Vec<u8>> {
        let mut boxed = vec![0; plain.len() + 16];
        let (from, len) = (plain.as_ptr(), plain.len() as u64);
        // SAFETY: as in `seal`.
        let result = unsafe {
            (sodium().crypto_box_easy)(
                boxed.as_mut_ptr(),
                from,
                len,
                nonce.as_ptr(),
                public.as_ptr(),
                secret.as_ptr(),
            )
        };
        (result == 0).then_some(boxed)
    }

    /// SHA-256.
    pub fn sha256(bytes: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        let len = bytes.len() as u64;
        // SAFETY: the hash has libsodium's size.
        unsafe { (sodium().crypto_hash_sha256)(hash.as_mut_ptr(), bytes.as_ptr(), len) };
        hash
    }
}
