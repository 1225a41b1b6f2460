//! Tests of the ciphers against published test vectors (`vectors.txt`, which names their
//! sources), and against libsodium on random inputs.

#![forbid(unsafe_code)]

use proptest::prelude::*;

use super::keys::{public_key, shared_key};
use super::primitives::{Poly1305, Salsa20, hsalsa20, shared_point};
use super::secretbox::{TAG, open, open_in_place, seal, seal_in_place};
use crate::options::Secret;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| digit.to_digit(16).unwrap() as u8)
        .collect();
    assert!(digits.len() % 2 == 0);
    digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

/// The fields of all vectors of a kind, of which there are `count`.
fn vectors(kind: &str, count: usize) -> Vec<Vec<&'static str>> {
    let all: Vec<Vec<&str>> = include_str!("vectors.txt")
        .lines()
        .map(|line| line.split(' ').collect())
        .filter(|fields: &Vec<&str>| fields[0] == kind)
        .collect();
    assert_eq!(all.len(), count);
    all.iter().map(|fields| fields[1..].to_vec()).collect()
}

/// Combines with the key stream from the beginning on, in chunks of the given length.
fn apply(stream: &Salsa20, data: &mut [u8], chunk: usize) {
    let blocks = (chunk / 64) as u64;
    for (index, part) in data.chunks_mut(chunk).enumerate() {
        stream.apply_short(index as u64 * blocks, part);
    }
}

/// XSalsa20: Salsa20 with a key from the first 16 bytes of the nonce.
fn xsalsa20(key: &[u8; 32], nonce: &[u8; 24]) -> Salsa20 {
    let front = nonce.first_chunk().unwrap();
    Salsa20::new(&hsalsa20(key, front), nonce.last_chunk().unwrap())
}

#[test]
fn salsa20_of_estream() {
    for fields in vectors("salsa20", 103) {
        let [number, key, nonce, parts @ .., length, sum] = &fields[..] else {
            panic!("{fields:?}");
        };
        let stream = Salsa20::new(&array(key), &array(nonce));
        let length: usize = length.parse().unwrap();
        // Block after block, and all lanes side by side.
        for chunk in [64, 192, 512, 960] {
            let mut all = vec![0; length];
            apply(&stream, &mut all, chunk);
            for part in parts {
                let (at, expected) = part.split_once(':').unwrap();
                let at: usize = at.parse().unwrap();
                let expected = bytes(expected);
                assert_eq!(all[at..at + expected.len()], expected, "{number}");
            }
            let mut blocks = [0; 64];
            for (place, byte) in all.iter().enumerate() {
                blocks[place % 64] ^= byte;
            }
            assert_eq!(blocks, array::<64>(sum), "{number}");
        }
    }
}

#[test]
fn xsalsa20_of_nacl() {
    for fields in vectors("xsalsa20", 97) {
        let mut data = bytes(fields[2]);
        let stream = xsalsa20(&array(fields[0]), &array(fields[1]));
        apply(&stream, &mut data, 64);
        assert_eq!(data, bytes(fields[3]));
    }
}

#[test]
fn hsalsa20_of_nacl() {
    for fields in vectors("hsalsa20", 2) {
        let derived = hsalsa20(&array(fields[0]), &array(fields[1]));
        assert_eq!(derived[..], bytes(fields[2]));
    }
}

#[test]
fn poly1305_of_the_rfc_and_nacl() {
    for fields in vectors("poly1305", 12) {
        let (key, message) = (array(fields[0]), bytes(fields[1]));
        assert_eq!(Poly1305::new(&key).tag(&message), array(fields[2]));
        // The whole blocks first.
        for blocks in 0..=message.len() / 16 {
            let mut auth = Poly1305::new(&key);
            let (first, rest) = message.split_at(blocks * 16);
            auth.update(first);
            assert_eq!(auth.tag(rest), array(fields[2]));
        }
    }
}

#[test]
fn x25519_of_nacl() {
    let mut base = [0; 32];
    base[0] = 9;
    for fields in vectors("x25519", 4) {
        let (secret, public) = (array(fields[0]), array(fields[1]));
        let result: [u8; 32] = array(fields[2]);
        match public == base {
            true => assert_eq!(public_key(&secret), result),
            false => assert_eq!(*shared_point(&secret, &public).unwrap(), result),
        }
    }
}

fn check_box(key: &[u8; 32], fields: &[&str]) {
    let (nonce, plain) = (array(fields[0]), bytes(fields[1]));
    let mut boxed = Vec::new();
    seal(key, &nonce, &plain, &mut boxed);
    assert_eq!(boxed, bytes(fields[2]));
    assert_eq!(*open(key, &nonce, &boxed).unwrap(), plain);
}

#[test]
fn boxes_of_nacl() {
    for fields in vectors("secretbox", 1) {
        check_box(&array(fields[0]), &fields[1..]);
    }
    for fields in vectors("box", 1) {
        let secret = Secret::new(array(fields[0]));
        let key = shared_key(&array(fields[1]), &secret).unwrap();
        check_box(&key, &fields[2..]);
    }
}

/// Lengths at which something changes: blocks, chunks, the head, tags.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..200_usize,
        900..1400_usize,
        1900..2300_usize,
        0..20_000_usize,
        (0..70_usize, -40..40_isize)
            .prop_map(|(chunks, more)| (chunks * 1024).saturating_add_signed(more)),
    ]
}

/// A message that looks random.
fn noise(mut seed: u64, len: usize) -> Vec<u8> {
    let byte = |_| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
        (seed >> 56) as u8
    };
    (0..len).map(byte).collect()
}

#[cfg(not(miri))]
mod beside_libsodium {
    use super::*;
    use crate::sys::sodium::{self, whole};

    #[test]
    fn four_mebibytes_of_key_stream() {
        let key = &vectors("secretbox", 1)[0];
        let stream = xsalsa20(&array(key[0]), &array(key[1]));
        let mut all = vec![0; 4 << 20];
        apply(&stream, &mut all, 960);
        // NaCl, tests/stream.c and stream2.c.
        let expected = "662b9d0e3463029156069b12f918691a98f7dfb2ca0393c96bbfc6b1fbd630a2";
        assert_eq!(whole::sha256(&all), array(expected));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(400)
        })]

        #[test]
        fn boxes(key: [u8; 32], nonce: [u8; 24], seed: u64, len in length(), flip: usize) {
            let plain = noise(seed, len);
            let mut boxed = Vec::new();
            seal(&key, &nonce, &plain, &mut boxed);
            prop_assert!(boxed == whole::seal(&key, &nonce, &plain), "sealed");
            prop_assert!(open(&key, &nonce, &boxed).is_some_and(|opened| *opened == plain));
            let theirs = whole::open(&key, &nonce, &boxed);
            prop_assert!(theirs.is_some_and(|opened| opened == plain));
            let bit = flip % (boxed.len() * 8);
            boxed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(open(&key, &nonce, &boxed).is_none());
            prop_assert!(whole::open(&key, &nonce, &boxed).is_none());
        }

        #[test]
        fn boxes_in_two_pieces(key: [u8; 32], nonce: [u8; 24], seed: u64, len in length(), cut in 0..17_usize) {
            let plain = noise(seed, len);
            let theirs = whole::seal(&key, &nonce, &plain);
            let stream = xsalsa20(&key, &nonce);
            let mut data = plain.clone();
            let (head, body) = data.split_at_mut(cut.min(len));
            let tag = seal_in_place(&stream, head, body);
            prop_assert!(tag == theirs[..TAG] && data == theirs[TAG..]);
            let (head, body) = data.split_at_mut(cut.min(len));
            prop_assert!(open_in_place(&stream, &tag, head, body));
            prop_assert!(data == plain);
        }

        #[test]
        fn key_streams(key: [u8; 32], nonce: [u8; 24], number: u64, high: bool, len in 0..1024_usize) {
            // As far as a stream goes, and where the lower half of the number overflows.
            let number = match high {
                true => u64::from(u32::MAX) - number % 20,
                false => number >> 1,
            };
            let (mut ours, mut theirs) = (vec![0; len], vec![0; len]);
            xsalsa20(&key, &nonce).apply_short(number, &mut ours);
            whole::xsalsa20(&key, &nonce, number, &mut theirs);
            prop_assert_eq!(&ours, &theirs);
            let mut plain = vec![0; len];
            let mut derived = [0; 32];
            sodium::hsalsa20(&key, nonce.first_chunk().unwrap(), &mut derived);
            sodium::salsa20(&derived, nonce.last_chunk().unwrap(), number, &mut plain);
            prop_assert_eq!(ours, plain);
        }

        #[test]
        fn tags(key: [u8; 32], low in any::<bool>(), seed: u64, len in length()) {
            // Bytes of ones and zeros are where carries are.
            let mut message = noise(seed, len);
            if low {
                message.iter_mut().for_each(|byte| *byte = if *byte < 200 { 0xff } else { 0 });
            }
            let expected = whole::poly1305(&key, &message);
            prop_assert_eq!(Poly1305::new(&key).tag(&message), expected);
            prop_assert_eq!(sodium::Poly1305::new(&key).tag(&message), expected);
        }

        #[test]
        fn keys(one: [u8; 32], two: [u8; 32], nonce: [u8; 24], seed: u64) {
            let mut public = [0; 32];
            sodium::scalar_mult_base(&one, &mut public);
            prop_assert_eq!(public_key(&one), public);
            // Any 32 bytes are a public key.
            let plain = noise(seed, 100);
            let ours = shared_key(&two, &Secret::new(one)).map(|key| {
                let mut boxed = Vec::new();
                seal(&key, &nonce, &plain, &mut boxed);
                boxed
            });
            prop_assert_eq!(ours, whole::seal_for(&one, &two, &nonce, &plain));
            let mut point = [0; 32];
            let theirs = sodium::scalar_mult(&one, &two, &mut point).then_some(point);
            prop_assert_eq!(shared_point(&one, &two).map(|point| *point), theirs);
        }
    }

    /// The processor time of `work` in ticks: the least of some runs.
    fn ticks(mut work: impl FnMut()) -> u64 {
        let run = |_| {
            let begun = crate::sys::ticks();
            work();
            crate::sys::ticks() - begun
        };
        (0..5).map(run).min().unwrap_or(0)
    }

    /// The median of their time over ours, for `count` boxes of `len` bytes in one run,
    /// taken in turns.
    fn compare(len: usize, count: usize) -> [f64; 2] {
        let (key, mut nonce) = ([7; 32], [0; 24]);
        let derived = hsalsa20(&key, nonce.first_chunk().unwrap());
        let (mut data, mut tags) = (vec![3; len], vec![[0; TAG]; count]);
        let mut ratios = [Vec::new(), Vec::new()];
        for round in 0..200 {
            nonce[16] = round as u8;
            let mut next = |index: usize| {
                nonce[23] = index as u8;
                nonce[22] = (index >> 8) as u8;
                nonce
            };
            let stream = |nonce: &[u8; 24]| Salsa20::new(&derived, nonce.last_chunk().unwrap());
            let ours = ticks(|| {
                for (index, tag) in tags.iter_mut().enumerate() {
                    *tag = seal_in_place(&stream(&next(index)), &mut [], &mut data);
                }
            });
            let theirs = ticks(|| {
                for (index, tag) in tags.iter_mut().enumerate() {
                    *tag = whole::seal_in_place(&key, &next(index), &mut data);
                }
            });
            ratios[0].push(theirs as f64 / ours as f64);
            let mut boxed = data.clone();
            let tag = whole::seal_in_place(&key, &next(0), &mut boxed);
            let mut opened = || {
                data.copy_from_slice(&boxed);
                let before = crate::sys::ticks();
                assert!(open_in_place(&stream(&next(0)), &tag, &mut [], &mut data));
                crate::sys::ticks() - before
            };
            let ours: u64 = (0..count).map(|_| opened()).sum();
            let mut opened = || {
                data.copy_from_slice(&boxed);
                let before = crate::sys::ticks();
                assert!(whole::open_in_place(&key, &next(0), &tag, &mut data));
                crate::sys::ticks() - before
            };
            let theirs: u64 = (0..count).map(|_| opened()).sum();
            ratios[1].push(theirs as f64 / ours as f64);
        }
        ratios.map(|mut ratios| {
            ratios.sort_by(f64::total_cmp);
            ratios[ratios.len() / 2]
        })
    }

    /// `cargo test --release --lib -- --ignored --nocapture speed_beside_libsodium`
    #[test]
    #[ignore = "measures"]
    fn speed_beside_libsodium() {
        crate::sys::set_thread_affinity(&[1]);
        println!("bytes: libsodium's time over ours, sealing and opening");
        for (len, count) in [
            (0, 200),
            (32, 200),
            (100, 200),
            (256, 100),
            (512, 100),
            (1024, 50),
            (4096, 20),
            (16384, 5),
            (65536, 2),
            (262144, 1),
        ] {
            let [seal, open] = compare(len, count);
            println!("{len:>7}: {seal:.2} {open:.2}");
        }
    }

    /// Points of small order, written in every way: RFC 7748's list, as libsodium has it.
    #[test]
    fn points_without_a_secret() {
        let mut p = [0xff; 32];
        (p[0], p[31]) = (0xed, 0x7f);
        let small = [0u8, 1]
            .map(|first| {
                let mut point = [0; 32];
                point[0] = first;
                point
            })
            .into_iter()
            .chain([0xec, 0xed, 0xee].map(|first| {
                let mut point = p;
                point[0] = first;
                point
            }))
            .chain([
                array("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
                array("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
            ]);
        for point in small {
            for top in [0, 0x80] {
                let mut point = point;
                point[31] |= top;
                let secret: [u8; 32] = std::array::from_fn(|i| i as u8 * 5 + 3);
                assert!(shared_point(&secret, &point).is_none(), "{point:x?}");
                assert!(!sodium::scalar_mult(&secret, &point, &mut [0; 32]));
                assert!(whole::seal_for(&secret, &point, &[0; 24], b"x").is_none());
            }
        }
    }
}
