use super::msg::Kind;
use super::run::writer::FRAMED_MAX;
use super::*;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
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
    assert!(msg.kind == Kind::Closed);
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
    // SAFETY: 64 aligned bytes of the test's own.
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
    assert_eq!(metadata.memory(), b"Socket-Type\0PUSH\0".len());
    let copy = msg.share();
    drop(msg);
    assert_eq!(copy.metadata().unwrap().get(c"Socket-Type"), Some(c"PUSH"));
    assert_eq!(copy.metadata().unwrap().source_fd(), Some(9));
    assert_eq!(Arc::strong_count(&metadata), 2);
    drop(copy);
    assert_eq!(Arc::strong_count(&metadata), 1);
}

#[test]
fn metadata_are_the_connections_whatever_is_held() {
    let [this, other] = [3, 4].map(|fd| Arc::new(Metadata::new(std::iter::empty(), Some(fd))));
    for held in [None, Some(&this), Some(&other)] {
        assert!(Arc::ptr_eq(&Metadata::share(&this, held.cloned()), &this));
        assert_eq!([&this, &other].map(Arc::strong_count), [1, 1]);
    }
}

#[test]
fn the_routing_id_has_two_names() {
    let of = |name: &'static [u8]| Metadata::new([(name, &b"me"[..])].into_iter(), None);
    assert_eq!(of(b"Routing-Id").get(c"Identity"), Some(c"me"));
    assert_eq!(of(b"Routing-Id").get(c"Routing-Id"), Some(c"me"));
    assert_eq!(of(b"Routing-Id").get(c"Socket-Type"), None);
    assert_eq!(of(b"Identity").get(c"Identity"), Some(c"me"));
    assert_eq!(of(b"Identity").get(c"Routing-Id"), None);
}

#[test]
fn a_closed_message_has_no_body() {
    let mut msg = Msg::copy_from(&[7; 100]).unwrap();
    msg.close();
    assert!(msg.data().is_empty() && msg.data_mut().is_some_and(|data| data.is_empty()));
    // SAFETY: a buffer of no bytes.
    let mut msg = unsafe { Msg::from_user(ptr::null_mut(), 0, None, ptr::null_mut()) }.unwrap();
    assert!(msg.data().is_empty() && msg.data_mut().is_none());
}

fn filled(body: &[u8]) -> Block {
    let mut block = Block::new(body.len() + 10).unwrap();
    assert!(block.room(0).put(body));
    block
}

#[test]
fn a_block_shows_what_was_filled_and_changes_what_was_not_given_out() {
    let mut block = filled(b"0123456789");
    assert_eq!(block.bytes(8, 100), b"89", "the rest was never written");
    assert_eq!(block.room(15).len(), 0, "there would be a hole");
    assert_eq!(Msg::slice(&mut block, 20, 30).data(), b"");
    let slice = Msg::slice(&mut block, 2, 6);
    assert_eq!(block.bytes_mut(0, 8), b"67");
    assert_eq!(block.room(0).len(), 14, "behind the slice");
    assert_eq!(block.bytes(0, 100), b"012345");
    assert!(block.room(6).put(b"ab"));
    assert_eq!(
        (slice.data(), block.bytes(0, 100)),
        (&b"2345"[..], &b"012345ab"[..])
    );
    drop(slice);
    assert!(block.reclaim());
    assert_eq!(block.bytes_mut(0, 3), b"012");
}

#[test]
fn a_run_holds_its_block_until_it_is_dropped_or_read() {
    let mut block = filled(b"\x00\x01a\x00\x01b");
    let run = |block: &mut Block, most| {
        Received::at(block, 0, 100, most, u64::MAX).map(Received::into_run)
    };
    assert!(run(&mut block, 1).is_none(), "a single one");
    let found = run(&mut block, 2).unwrap();
    assert!(!block.reclaim());
    drop(found);
    assert!(block.reclaim());
    assert!(block.room(0).put(b"\x00\x01a\x00\x01b"));
    let mut reader = FrameReader::default();
    reader.enter(run(&mut block, 2).unwrap());
    // SAFETY: there are two frames.
    let (bytes, taken) = unsafe { reader.take(2, 100) };
    assert_eq!((bytes, taken.parts), (&b"\x00\x01a\x00\x01b"[..], 2));
    reader.leave();
    assert!(!reader.is_inside() && block.reclaim());
}

#[test]
fn a_frame_is_put_where_there_is_room_for_it() {
    let mut writer = FrameWriter::default();
    assert!(writer.place(b"").is_none(), "no run");
    assert!(writer.begin(FRAMED_MAX + 1).is_none());
    let _run = writer.begin(10).unwrap();
    let mut count = 0;
    while let Some(place) = writer.place(&[9; 40]) {
        place.put(false);
        count += 1;
    }
    assert!(count > 0 && writer.place(&[0; 1000]).is_none());
    writer.close();
    assert!(writer.place(b"").is_none());
}

#[test]
fn a_run_begins_in_the_rest_of_the_block_if_a_body_fits_there() {
    for used in 0..=100 {
        for body in (0..100).chain([254, 255, 256, 257, FRAMED_MAX]) {
            let mut writer = FrameWriter::default();
            let first = writer.begin(100).unwrap();
            writer.place(&vec![1; used]).unwrap().put(false);
            // Behind the frame is its end mark.
            let rest = first.start as usize + 2 + used + 1;
            let second = writer.begin(body).unwrap();
            let frame = body + if body < 256 { 2 } else { 9 };
            let fits = first.end as usize - rest >= frame + 8;
            assert_eq!(second.start as usize == rest, fits, "{body} after {used}");
            writer.place(&vec![2; body]).unwrap().put(false);
            writer.close();
        }
    }
}

#[test]
fn a_message_with_more_than_a_short_body_is_not_copied_to_a_run() {
    let framable = |change: fn(&mut Msg)| {
        let mut msg = Msg::copy_from(&[7; FRAMED_MAX]).unwrap();
        change(&mut msg);
        msg.is_framable()
    };
    assert!(framable(|_| {}));
    assert!(framable(|msg| msg.set(flag::MORE | flag::SHARED, true)));
    for bit in [flag::ROUTING_ID, flag::SUBSCRIPTION] {
        assert!(!Msg::new().with(bit).is_framable());
    }
    assert!(!framable(|msg| msg.set_metadata(Some(Arc::default()))));
    assert!(!framable(|msg| msg.routing_id = 1));
    assert!(!framable(|msg| msg.group[0] = b'g'));
    assert!(!Msg::copy_from(&[7; FRAMED_MAX + 1]).unwrap().is_framable());
    // SAFETY: a buffer of no bytes, whose free function ignores the address.
    let user = unsafe { Msg::from_user(ptr::null_mut(), 0, Some(count), ptr::null_mut()) };
    assert!(
        !user.unwrap().is_framable(),
        "its free function is called after the last use"
    );
    run_released();
}

/// A writer whose blocks have reached their full size, with an open run, and a second block to
/// be used again.
fn grown_writer() -> (FrameWriter, FrameReader) {
    let (mut writer, mut reader) = (FrameWriter::default(), FrameReader::default());
    for _ in 0..20 {
        next_block(&mut writer, &mut reader);
    }
    (writer, reader)
}

/// Fills the rest of the block, and begins a run in the next. The reader has read all before it.
/// Returns the addresses of the run.
fn next_block(writer: &mut FrameWriter, reader: &mut FrameReader) -> std::ops::Range<usize> {
    while let Some(place) = writer.place(&[1; FRAMED_MAX]) {
        place.put(false);
    }
    let run = writer.begin(FRAMED_MAX).unwrap();
    let addresses = run.start as usize..run.end as usize;
    reader.enter(run);
    addresses
}

#[test]
fn blocks_grow_to_64_kib_and_two_are_then_used_in_turn() {
    let (mut writer, mut reader) = (FrameWriter::default(), FrameReader::default());
    let run = writer.begin(0).unwrap();
    assert_eq!(run.end as usize - run.start as usize, 128);
    let sizes = [(); 6].map(|()| next_block(&mut writer, &mut reader).len());
    let least = 9 + FRAMED_MAX + 8;
    assert_eq!(sizes, [least, 4 * least, 16 * least, 65536, 65536, 65536]);
    let (mut writer, mut reader) = grown_writer();
    let mut next = || next_block(&mut writer, &mut reader);
    let (first, second) = (next(), next());
    assert_ne!(first, second);
    assert_eq!(
        [next(), next(), next()],
        [&first, &second, &first].map(Clone::clone)
    );
}

#[test]
fn a_multipart_message_keeps_its_first_block_until_it_is_whole() {
    type End = fn(&mut FrameWriter);
    let (complete, by_place): (End, End) = (FrameWriter::complete, |writer| {
        let mut place = writer.place(b"last").unwrap();
        place.complete();
        place.put(false);
    });
    // SAFETY: the reader reads no frame.
    let rollback: End = |writer| unsafe { writer.rollback() };
    for (end, early) in [
        (complete, true),
        (by_place, true),
        (complete, false),
        (rollback, false),
    ] {
        let (mut writer, mut reader) = grown_writer();
        let first = next_block(&mut writer, &mut reader);
        writer.begin_group();
        writer.place(b"first").unwrap().put(true);
        if early {
            end(&mut writer);
        }
        let second = next_block(&mut writer, &mut reader);
        if !early {
            end(&mut writer);
        }
        assert_ne!(second, first);
        // After a rollback the second block is empty again, and begun anew.
        let mut next = || next_block(&mut writer, &mut reader);
        let third = Some(next()).filter(|third| *third != second);
        assert_eq!(third.unwrap_or_else(next), first);
    }
    // As long as it is not whole, its block is not used again.
    let (mut writer, mut reader) = grown_writer();
    let first = next_block(&mut writer, &mut reader);
    writer.begin_group();
    writer.place(b"first").unwrap().put(true);
    next_block(&mut writer, &mut reader);
    assert_ne!(next_block(&mut writer, &mut reader), first);
}

#[test]
fn a_reader_that_goes_leaves_its_run() {
    let mut block = filled(b"\x00\x01a\x00\x01b");
    let run = Received::at(&mut block, 0, 6, 2, u64::MAX)
        .unwrap()
        .into_run();
    let mut reader = FrameReader::default();
    reader.enter(run);
    assert!(reader.is_inside() && !block.reclaim());
    drop(reader);
    assert!(block.reclaim());
}

#[test]
fn frames_are_taken_without_the_gaps_between_them() {
    let (mut writer, mut reader) = (FrameWriter::default(), FrameReader::default());
    writer.align();
    reader.enter(writer.begin(FRAMED_MAX).unwrap());
    let bodies = [vec![1; 40], vec![2; 41], vec![3; 3], vec![4; 40]];
    for body in &bodies {
        writer.place(body).unwrap().put(false);
    }
    let mut got: Vec<Vec<u8>> = Vec::new();
    while got.len() < bodies.len() {
        // SAFETY: there are so many frames.
        let (mut bytes, taken) = unsafe { reader.take(bodies.len() - got.len(), usize::MAX) };
        assert!(taken.parts > 0);
        while let [0, len, rest @ ..] = bytes {
            got.push(rest[..usize::from(*len)].to_vec());
            bytes = &rest[usize::from(*len)..];
        }
        assert!(bytes.is_empty());
    }
    assert_eq!(got, bodies);
}

#[test]
fn what_a_message_says_of_itself() {
    for (size, own) in [(33, false), (34, true), (5000, true)] {
        let bytes = vec![7; size];
        let mut msg = Msg::copy_from(&bytes).unwrap();
        assert_eq!(msg.is_own_heap(), own, "{size}");
        let mut out = b"before".to_vec();
        msg.append_to(&mut out);
        assert_eq!(out, [b"before", &bytes[..]].concat());
        let copy = msg.share();
        assert!(!msg.is_own_heap() && !copy.is_own_heap());
    }
    let mut msg = Msg::new();
    assert_eq!(msg.routing_id(), 0);
    msg.routing_id = 7;
    assert_eq!(msg.share().routing_id(), 7);
}

#[test]
fn a_message_that_is_sent_again_loses_its_past() {
    let metadata = || Arc::new(Metadata::new(std::iter::empty(), Some(3)));
    let mut msg = Msg::copy_from(&[7; 50]).unwrap();
    let copy = msg.share();
    msg.set_metadata(Some(metadata()));
    for more in [true, false] {
        for bit in [flag::MORE, flag::ROUTING_ID, flag::SUBSCRIPTION] {
            msg.set(bit, true);
        }
        msg.renew(more);
        assert!(msg.metadata().is_none() && msg.is_shared());
        assert_eq!(msg.flags(), flag::SHARED | u8::from(more));
    }
    msg.set(flag::SHARED, false);
    assert_eq!(msg.flags(), 0);
    msg.set(flag::SHARED, true);
    drop(copy);
    msg.set_metadata(Some(metadata()));
    assert_eq!(msg.vacate().and_then(|held| held.source_fd()), Some(3));
    assert!(msg.is_empty() && msg.metadata().is_none() && msg.flags() == 0);
    let kept = metadata();
    msg.refer_to(Some(&kept));
    msg.refer_to(Some(&kept));
    assert_eq!(Arc::strong_count(&kept), 2);
    msg.refer_to(None);
    assert_eq!(Arc::strong_count(&kept), 1);
    let mut full = Msg::copy_from(&[7; 50]).unwrap().with(flag::MORE);
    full.clear();
    assert!(full.is_empty() && full.data().is_empty() && !full.more());
    assert!(!Msg::inline(b"x").is_empty());
}
