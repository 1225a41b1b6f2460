//! The mechanism and role that each option selects, and the formats of keys and
//! credentials.

#![forbid(unsafe_code)]

use super::*;

const PLAIN_SERVER: i32 = 44;
const PLAIN_USERNAME: i32 = 45;
const PLAIN_PASSWORD: i32 = 46;
const SOCKS_PASSWORD: i32 = 100;
const CURVE_SERVER: i32 = 47;
const CURVE_PUBLICKEY: i32 = 48;
const CURVE_SECRETKEY: i32 = 49;
const CURVE_SERVERKEY: i32 = 50;
const ZAP_DOMAIN: i32 = 55;

const NULL: i32 = 0;
const PLAIN: i32 = 1;
const CURVE: i32 = 2;

/// The key pair of the manual, as text and as bytes.
const KEY_TEXT: &[u8; 40] = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const KEY: [u8; 32] = [
    0xbb, 0x88, 0x47, 0x1d, 0x65, 0xe2, 0x65, 0x9b, 0x30, 0xc5, 0x5a, 0x53, 0x21, 0xce, 0xbb, 0x5a,
    0xab, 0x2b, 0x70, 0xa3, 0x98, 0x64, 0x5c, 0x26, 0xdc, 0xa2, 0xb2, 0xfc, 0xb4, 0x3f, 0xc5, 0x18,
];

/// Mechanism and role, as the getters show them.
fn state(options: &Options) -> (i32, bool, bool) {
    let get = |option| get_int(options, option).unwrap();
    (
        get(MECHANISM),
        get(PLAIN_SERVER) == 1,
        get(CURVE_SERVER) == 1,
    )
}

#[test]
fn the_option_set_last_selects_the_mechanism() {
    let mut options = pair();
    let key = Some(&KEY[..]);
    type Step<'a> = (i32, Option<&'a [u8]>, (i32, bool, bool));
    let steps: &[Step] = &[
        (PLAIN_USERNAME, Some(b"u"), (PLAIN, false, false)),
        (PLAIN_SERVER, Some(&[1, 0, 0, 0]), (PLAIN, true, false)),
        (PLAIN_SERVER, Some(&[0, 0, 0, 0]), (NULL, false, false)),
        (PLAIN_PASSWORD, Some(b"p"), (PLAIN, false, false)),
        (PLAIN_PASSWORD, None, (NULL, false, false)),
        (PLAIN_SERVER, Some(&[1, 0, 0, 0]), (PLAIN, true, false)),
        (CURVE_SECRETKEY, key, (CURVE, false, true)),
        (CURVE_PUBLICKEY, key, (CURVE, false, true)),
        (CURVE_SERVERKEY, key, (CURVE, false, false)),
        (CURVE_SERVER, Some(&[1, 0, 0, 0]), (CURVE, false, true)),
        (PLAIN_USERNAME, None, (NULL, false, false)),
        (CURVE_SECRETKEY, key, (CURVE, false, true)),
        (PLAIN_USERNAME, Some(b"u"), (PLAIN, false, false)),
        (CURVE_SERVER, Some(&[0, 0, 0, 0]), (NULL, false, false)),
    ];
    for (number, (option, value, expected)) in steps.iter().enumerate() {
        let value = match value {
            Some([flag, 0, 0, 0]) => Some(i32::from(*flag).to_ne_bytes().to_vec()),
            value => value.map(<[u8]>::to_vec),
        };
        assert_eq!(options.set(*option, value.as_deref()), Ok(()));
        assert_eq!(state(&options), *expected, "step {number}");
    }
}

#[test]
fn credentials_take_1_to_255_bytes_and_stay_when_switched_off() {
    for option in [PLAIN_USERNAME, PLAIN_PASSWORD] {
        let mut options = pair();
        let mut out = [0xa5; 8];
        assert_eq!(options.get(option, &mut out), Ok(1));
        assert_refused(&mut options, option, Some(&[]));
        assert_refused(&mut options, option, Some(&[b'x'; 256]));
        assert_eq!(options.set(option, Some(&[b'x'; 255])), Ok(()));
        assert_eq!(options.set(option, Some(b"a\0b")), Ok(()));
        assert_eq!(options.set(option, None), Ok(()));
        out = [0xa5; 8];
        assert_eq!(options.get(option, &mut out), Ok(4));
        assert_eq!(&out, b"a\0b\0\0\0\0\0");
        assert_not_readable(&options, option, 3);
    }
}

#[test]
fn a_key_is_32_bytes_or_its_text() {
    let with_nul = [&KEY_TEXT[..], b"\0"].concat();
    for option in [CURVE_PUBLICKEY, CURVE_SECRETKEY, CURVE_SERVERKEY] {
        for value in [&KEY[..], KEY_TEXT, &with_nul] {
            let mut options = pair();
            let mut out = [0xa5; 41];
            assert_eq!(options.get(option, &mut out[..32]), Ok(32));
            assert_eq!(out[..32], [0; 32]);
            assert_eq!(options.set(option, Some(value)), Ok(()));
            assert_eq!(options.get(option, &mut out[..32]), Ok(32));
            assert_eq!(out[..32], KEY);
            assert_eq!(options.get(option, &mut out), Ok(41));
            assert_eq!(out[..], with_nul);
            for length in [0, 31, 33, 40, 42] {
                assert_not_readable(&options, option, length);
            }
        }
        let mut options = pair();
        assert_refused(&mut options, option, None);
        for length in [0, 1, 31, 33, 35, 39, 41, 42, 45] {
            assert_refused(&mut options, option, Some(&vec![b'1'; length]));
        }
        assert_refused(&mut options, option, Some(&[b' '; 40]));
        assert_eq!(get_int(&options, MECHANISM), Ok(NULL));
    }
}

#[test]
fn the_zap_domain_cannot_be_taken_back() {
    let mut options = pair();
    assert_eq!(options.set(ZAP_DOMAIN, Some(b"global")), Ok(()));
    assert_refused(&mut options, ZAP_DOMAIN, None);
    assert_refused(&mut options, ZAP_DOMAIN, Some(&[]));
    assert_refused(&mut options, ZAP_DOMAIN, Some(&[b'x'; 256]));
    let mut out = [0xa5; 7];
    assert_eq!(options.get(ZAP_DOMAIN, &mut out), Ok(7));
    assert_eq!(&out, b"global\0");
    assert_eq!(get_int(&options, MECHANISM), Ok(NULL));
}

#[test]
fn secrets_do_not_show_in_logs() {
    let mut options = pair();
    assert_eq!(options.set(PLAIN_PASSWORD, Some(b"swordfish")), Ok(()));
    assert_eq!(options.set(SOCKS_PASSWORD, Some(b"swivel")), Ok(()));
    assert_eq!(options.set(CURVE_SECRETKEY, Some(&KEY)), Ok(()));
    let shown = format!("{options:?}");
    // Byte lists: 115, 119, ... and 187, 136, ...
    assert!(!shown.contains("115, 119") && !shown.contains("187, 136"));
}

/// Set, and not to be read back; `EINVAL` in a build without TLS.
#[test]
fn certificates() {
    let mut options = pair();
    for option in 103..=106 {
        match cfg!(feature = "wss") {
            true => assert_eq!(options.set(option, Some(b"text")), Ok(())),
            false => assert_refused(&mut options, option, Some(b"text")),
        }
        assert_not_readable(&options, option, 8);
    }
    for wrong in [&[][..], &[1], &2_i32.to_ne_bytes()] {
        assert_refused(&mut options, 107, Some(wrong));
    }
    assert_not_readable(&options, 107, 4);
    if cfg!(feature = "wss") {
        assert_eq!(options.wss_key_pem.expose(), b"text");
        let texts = [
            &options.wss_cert_pem,
            &options.wss_trust_pem,
            &options.wss_hostname,
        ];
        assert_eq!(texts, [b"text"; 3]);
        assert_eq!(options.set(107, Some(&1_i32.to_ne_bytes())), Ok(()));
        assert_eq!(options.set(106, Some(&[])), Ok(()));
        assert!(options.wss_trust_system && options.wss_hostname.is_empty());
    }
}
