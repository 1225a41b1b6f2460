//! Tests of the ciphers against results recorded from libsodium.

#![forbid(unsafe_code)]

use proptest::prelude::*;

use super::keys::{public_key, shared_key};
use super::primitives::{Poly1305, Salsa20, hsalsa20};
use super::secretbox::{open, open_in_place, seal, seal_in_place};
use crate::options::Secret;

/// The secret keys of the vectors.
fn secrets() -> [[u8; 32]; 2] {
    [
        std::array::from_fn(|i| (i * 7 + 1) as u8),
        std::array::from_fn(|i| (i * 13 + 5) as u8),
    ]
}

const PUBLIC: [&str; 2] = [
    "c8feca81be196cdf2cadeabf13c4903d7632dce4955aa68b6e5d9adef54e2616",
    "c25e8b84378b21071d603dfce3f947b162b6e715240344db0a18d99259a6de23",
];
/// The key that both of them share.
const SHARED: &str = "82bf8336f2a361dc8ff09644d410ee60b45f6068468d98053cae9e6ecb7cf8f5";
/// HSalsa20 of the shared key and the first 16 bytes of the nonce.
const DERIVED: &str = "fbf1b09018a9135f6fcb575f69f67b931f998cba23d3b9d6c406ed0be3cec92a";
/// The box of 97 bytes.
const BOX_OF_97: &str = "89234c943c31232d9db3174956879593fd2b7b9708447fb05afec919a83820fdacd382365a601eb93afc12d2309443662d2faf00f5e2d413e486019a7b4650b5adea5808a73cc9ae3769c0a1bf66340e3cacad5179f2b45b49950305841f1f7df7ba9ed12811be24fd6db7b11a6de59069";

/// Length of a message and the tag of its box, which covers all of it.
const TAGS: &[(usize, &str)] = &[
    (0, "dcd0c8df55f608858a15783add0746d3"),
    (1, "2ec212401aa07a4bfdfc39db6363631d"),
    (15, "8f91f8b6f97dd852e9b961177672a180"),
    (16, "961e64a08c3a42b3cbfda3483f5df693"),
    (17, "8bf4957a478c523490f256cb17fafb14"),
    (31, "e79fd2cf9620e3e6beb4df35fba8ba1b"),
    (32, "2ed8afdde5c9da45c20b31f234eb8001"),
    (33, "5788272ad9634141e92f7f11e4b56574"),
    (47, "0c659b2cd095eeafb8cbbd84d92682c2"),
    (48, "979d6cb2056651d4e7fb1e3c0bc8aa1b"),
    (63, "4867173ea4e6d3eeb648ce9c2ef69622"),
    (64, "be548d27818bdf2018a4d36e3d50b55d"),
    (65, "9e5c8e1455723af3b89baf00bd8b7aba"),
    (95, "bd99c0b823ea878831d34c14400fc082"),
    (96, "a0d8b740a9f2d81f08cbb6d7bcd1cabf"),
    (97, "89234c943c31232d9db3174956879593"),
    (128, "700a08face73602fe3c150e747ca136c"),
    (223, "478154920efb6385e5dae7d0d1357b3e"),
    (224, "8de30adaa5f3f3bc96e2194fdf3df58d"),
    (225, "27aef7922b98971dd4e8d5a3daff5693"),
    (226, "edd37b861ab98174c14fa0b3afbc6b20"),
    (255, "1fbd632b32da0ae4369cfc63e53983c4"),
    (256, "b4f84d761c332fdfa343daa340bcebd5"),
    (257, "7ae4698f01223fee3e45b7df06073a3a"),
    (288, "e6bcb06e1e34d8573f0a45ff9ab4b459"),
    (500, "47da2ff88a5b708d86b3f10178a47e55"),
    (1000, "764f55e5862c0e771c6267c0bc931e17"),
    (1024, "fde7cc578045e03dbc1558aac245a8ab"),
    (1055, "e51fe9903c0a7137a3ac52a12c5cc655"),
    (1056, "af9f208662082827dfae63c46f4692ba"),
    (1057, "be0272ceb450fa8489bef78c83b3c887"),
    (1247, "dbe8e59a727391fd25e159191d362932"),
    (1248, "e5cc1cbd4a57ede5a1fdd956b78d25d1"),
    (1249, "b953bf131452ad5ef8c677155ec0bc58"),
    (1250, "5b9d3e392c244fe5310bc328ce795a25"),
    (2080, "e5f834a76d60c988e606abd089bb30df"),
    (4096, "332f70b7b9ce8c8de72fcc351e9c3c76"),
    (65536, "ea9399a154fbf3b10b8fe601cd36ad22"),
    (65537, "ad98be22084d1e03e67972d3f54a9f20"),
    (100000, "bf689f29c46e1432d1b26afb4e4562e6"),
];

/// Poly1305 with a key of ones only, of that many ones.
const ONES: &[(usize, &str)] = &[
    (0, "ffffffffffffffffffffffffffffffff"),
    (9, "23f6ffef2bf6ffef2bfeffef23f8ffef"),
    (18, "54287ef7482018274320b8563d205886"),
    (27, "5400a8ed4800481d4300e8543d00807e"),
    (36, "54fc6a6b59fcec447a7c506d9b7c95dc"),
    (45, "86f26a4383f2ec24aa72504dcb7a95bc"),
    (54, "9037d903cb87a6afc6c8e7bcd1037789"),
    (63, "900f0bfaca5fd0a5c6a817b3d1e3a687"),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key() -> [u8; 32] {
    let [one, two] = secrets();
    *shared_key(&public_key(&two), &Secret::new(one)).unwrap()
}

fn nonce() -> [u8; 24] {
    std::array::from_fn(|i| (i * 3 + 11) as u8)
}

fn message(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i * 31 + (i >> 8) * 7 + 3) as u8)
        .collect()
}

#[test]
fn keys_of_libsodium() {
    let [one, two] = secrets();
    assert_eq!(hex(&public_key(&one)), PUBLIC[0]);
    assert_eq!(hex(&public_key(&two)), PUBLIC[1]);
    assert_eq!(hex(&key()), SHARED);
    let other_way = shared_key(&public_key(&one), &Secret::new(two)).unwrap();
    assert_eq!(*other_way, key());
    let front = *nonce().first_chunk().unwrap();
    assert_eq!(hex(hsalsa20(&key(), &front).as_slice()), DERIVED);
}

#[test]
fn a_short_nonce_is_read_as_the_wire_has_it() {
    let bytes: [u8; 10] = std::array::from_fn(|i| i as u8);
    assert_eq!(super::number_at(&bytes, 0), 0x0001_0203_0405_0607);
    assert_eq!(super::number_at(&bytes, 2), 0x0203_0405_0607_0809);
    assert_eq!(super::number_at(&bytes, 3), 0, "there is none");
}

#[test]
fn public_keys_without_a_secret_are_refused() {
    let secret = Secret::new(secrets()[0]);
    let mut one = [0; 32];
    one[0] = 1;
    // The points of order 1, 2 and 4, and one that is the same as the first.
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    let mut minus_one = p;
    minus_one[0] = 0xec;
    for weak in [[0; 32], one, minus_one, p] {
        assert!(shared_key(&weak, &secret).is_none(), "{weak:?}");
    }
}

#[test]
fn boxes_of_libsodium() {
    let mut boxed = Vec::new();
    seal(&key(), &nonce(), &message(97), &mut boxed);
    assert_eq!(hex(&boxed), BOX_OF_97);
    for (len, tag) in TAGS.iter().copied() {
        boxed.clear();
        seal(&key(), &nonce(), &message(len), &mut boxed);
        assert_eq!(hex(&boxed[..16]), tag, "{len}");
        assert_eq!(
            *open(&key(), &nonce(), &boxed).unwrap(),
            message(len),
            "{len}"
        );
    }
}

#[test]
fn authenticator_at_the_modulus() {
    for (len, tag) in ONES.iter().copied() {
        assert_eq!(hex(&Poly1305::new(&[0xff; 32]).tag(&vec![0xff; len])), tag);
    }
    let key = |r| {
        let mut key = [0; 32];
        key[0] = r;
        Poly1305::new(&key)
    };
    // 2 * (2^129 - 1) = 3 modulo 2^130 - 5.
    let mut three = [0; 16];
    three[0] = 3;
    assert_eq!(key(2).tag(&[0xff; 16]), three);
    // The sum is the modulus itself.
    let mut blocks = [0xff; 48];
    blocks[16..32].fill(0xfe);
    blocks[16] = 0xfb;
    blocks[32..].fill(1);
    assert_eq!(key(1).tag(&blocks), [0; 16]);
}

#[test]
fn any_changed_bit_is_noticed() {
    let mut boxed = Vec::new();
    seal(&key(), &nonce(), &message(150), &mut boxed);
    for bit in 0..boxed.len() * 8 {
        boxed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&key(), &nonce(), &boxed).is_none(), "{bit}");
        boxed[bit / 8] ^= 1 << (bit % 8);
    }
    for len in 0..boxed.len() {
        assert!(open(&key(), &nonce(), &boxed[..len]).is_none(), "{len}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn lanes_and_single_blocks_agree(len in 0..1024_usize, number: u64) {
        let stream = Salsa20::new(&key(), &[7; 8]);
        let mut all = vec![0; len];
        stream.apply_short(number, &mut all);
        for (i, chunk) in all.chunks(64).enumerate() {
            let block = stream.block(number.wrapping_add(i as u64));
            prop_assert_eq!(chunk, &block[..chunk.len()]);
        }
    }

    #[test]
    fn a_message_in_two_pieces_is_the_same(len in 0..3000_usize, cut in 0..17_usize) {
        let stream = Salsa20::new(&key(), &[9; 8]);
        let plain = message(len);
        let mut whole = plain.clone();
        let tag = seal_in_place(&stream, &mut [], &mut whole);
        let mut pieces = plain.clone();
        let (head, body) = pieces.split_at_mut(cut.min(len));
        prop_assert_eq!(seal_in_place(&stream, head, body), tag);
        prop_assert_eq!(&pieces, &whole);
        let (head, body) = pieces.split_at_mut(cut.min(len));
        prop_assert!(open_in_place(&stream, &tag, head, body));
        prop_assert_eq!(pieces, plain);
    }
}
