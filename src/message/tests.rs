use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

static FREED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C-unwind" fn count(_data: *mut c_void, hint: *mut c_void) {
    FREED.fetch_add(hint as usize, Ordering::SeqCst);
}

#[test]
fn sizes_around_the_inline_limit() {
    for size in [0, 1, 32, 33, 34, 100, 5000] {
        let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
        let mut msg = Msg::copy_from(&bytes).unwrap();
        assert_eq!(msg.data(), &bytes[..]);
        assert_eq!(msg.len(), size);
        assert!(!msg.is_shared());
        let copy = msg.share();
        assert_eq!(copy.data(), &bytes[..]);
        assert_eq!(msg.is_shared(), size > INLINE_MAX);
        assert_eq!(copy.is_shared(), size > INLINE_MAX);
        drop(msg);
        assert_eq!(copy.data(), &bytes[..]);
    }
}

#[test]
fn free_function_runs_once_after_the_last_reference() {
    let mut buffer = [7u8; 3];
    // SAFETY: the buffer outlives the messages below.
    let mut msg =
        unsafe { Msg::from_user(buffer.as_mut_ptr(), 3, Some(count), 10 as *mut c_void) }.unwrap();
    let copy = msg.share();
    msg.close();
    assert!(!msg.is_valid());
    assert_eq!(FREED.load(Ordering::SeqCst), 0);
    assert_eq!(copy.data(), &[7, 7, 7]);
    drop(copy);
    assert_eq!(FREED.load(Ordering::SeqCst), 0, "not before it may run");
    run_released();
    assert_eq!(FREED.load(Ordering::SeqCst), 10);
    run_released();
    assert_eq!(FREED.load(Ordering::SeqCst), 10);
}

#[test]
fn block_is_reclaimed_only_when_nothing_is_out() {
    let mut block = Block::new(100).unwrap();
    let mut a = Msg::slice(&mut block, 0, 50);
    let b = a.share();
    assert!(!block.reclaim());
    drop(a);
    assert!(!block.reclaim());
    drop(b);
    assert!(block.reclaim());
    assert!(block.reclaim());
}

#[test]
fn memory_that_is_no_message_is_refused() {
    let mut memory = [0u64; 8];
    // SAFETY: 64 aligned bytes of our own.
    assert!(unsafe { Msg::from_c(memory.as_mut_ptr().cast()) }.is_none());
    memory = [u64::MAX; 8];
    // SAFETY: as above.
    assert!(unsafe { Msg::from_c(memory.as_mut_ptr().cast()) }.is_none());
    // SAFETY: as above; NULL is allowed.
    assert!(unsafe { Msg::from_c(ptr::null_mut()) }.is_none());
}

#[test]
fn metadata_follows_the_message() {
    let metadata = Arc::new(Metadata::new(
        [
            (&b"Socket-Type\0x"[..], &b"PULL"[..]),
            (b"Socket-Type", b"PUSH\0x"),
        ]
        .into_iter(),
        Some(9),
    ));
    let mut msg = Msg::new();
    msg.set_metadata(Some(metadata.clone()));
    let copy = msg.share();
    drop(msg);
    assert_eq!(copy.metadata().unwrap().get(c"Socket-Type"), Some(c"PUSH"));
    assert_eq!(copy.metadata().unwrap().source_fd(), Some(9));
    assert_eq!(Arc::strong_count(&metadata), 2);
    drop(copy);
    assert_eq!(Arc::strong_count(&metadata), 1);
}
