//! Options that collect values, and the texts of the SOCKS proxy.

#![forbid(unsafe_code)]

use super::{assert_not_readable, assert_refused, pair};
use crate::error::Error;

const TCP_ACCEPT_FILTER: i32 = 38;
const IPC_FILTERS: [i32; 3] = [58, 59, 60];
const SOCKS_PROXY: i32 = 68;
const METADATA: i32 = 95;
const SOCKS_USERNAME: i32 = 99;
const SOCKS_PASSWORD: i32 = 100;

#[test]
fn address_filters_add_up_until_null_clears_them() {
    let mut options = pair();
    assert_eq!(options.set(TCP_ACCEPT_FILTER, Some(b"10.0.0.0/8")), Ok(()));
    assert_eq!(options.set(42, Some(&1_i32.to_ne_bytes())), Ok(()));
    assert_eq!(options.set(TCP_ACCEPT_FILTER, Some(b"::1")), Ok(()));
    let expected = [(b"10.0.0.0/8".to_vec(), false), (b"::1".to_vec(), true)];
    assert_eq!(options.tcp_accept_filters, expected);
    assert_refused(&mut options, TCP_ACCEPT_FILTER, Some(&[]));
    assert_refused(&mut options, TCP_ACCEPT_FILTER, Some(&[b'1'; 256]));
    assert_not_readable(&options, TCP_ACCEPT_FILTER, 64);
    assert_eq!(options.set(TCP_ACCEPT_FILTER, None), Ok(()));
    assert!(options.tcp_accept_filters.is_empty());
}

#[test]
fn ids_are_kept_once_each() {
    for option in IPC_FILTERS {
        let mut options = pair();
        for id in [7_u32, 0, 7, u32::MAX] {
            assert_eq!(options.set(option, Some(&id.to_ne_bytes())), Ok(()));
        }
        let lengths = [
            options.ipc_filter_pid.len(),
            options.ipc_filter_uid.len(),
            options.ipc_filter_gid.len(),
        ];
        let expected = IPC_FILTERS.map(|other| if other == option { 3 } else { 0 });
        assert_eq!(lengths, expected);
        for length in [0, 1, 3, 5, 8] {
            assert_refused(&mut options, option, Some(&vec![1; length]));
        }
        assert_not_readable(&options, option, 4);
        assert_eq!(options.set(option, None), Ok(()));
        assert_eq!(options, pair());
    }
}

#[test]
fn metadata_sorts_by_key_and_keeps_the_first_value() {
    let mut options = pair();
    for text in ["X-b:2", "X-a:1:1", "X-b:3", "X-:xy"] {
        assert_eq!(options.set(METADATA, Some(text.as_bytes())), Ok(()));
    }
    assert_eq!(options.set(METADATA, Some(b"X-c:cut\0off")), Ok(()));
    let list: Vec<_> = options.metadata.iter().collect();
    let pairs = [("X-", "xy"), ("X-a", "1:1"), ("X-b", "2"), ("X-c", "cut")];
    let expected = pairs.map(|(key, value)| (key.into(), value.into()));
    assert_eq!(list, expected.iter().collect::<Vec<_>>());

    let long = format!("X-{}:x", "k".repeat(254));
    let odd = ["X-a b:1", "X-a\0:1", "X-\u{e4}:1", "X-a=b:1"];
    for text in ["", "X-a", "X-a:", ":X-a", "x-a:1", "a:bcd", "X-:1", &long]
        .into_iter()
        .chain(odd)
    {
        // "X-:1" has four bytes, which libzmq takes for a number.
        assert_refused(&mut options, METADATA, Some(text.as_bytes()));
    }
    assert_refused(&mut options, METADATA, None);
    assert_not_readable(&options, METADATA, 64);
}

#[test]
fn proxy_texts() {
    for option in [SOCKS_PROXY, SOCKS_USERNAME, SOCKS_PASSWORD] {
        let mut options = pair();
        let mut out = [0xa5; 8];
        assert_eq!(options.get(option, &mut out[..1]), Ok(1));
        assert_eq!(options.set(option, Some(b"a:1")), Ok(()));
        assert_eq!(options.get(option, &mut out), Ok(4));
        assert_eq!(&out, b"a:1\0\0\0\0\0");
        assert_not_readable(&options, option, 3);
        assert_eq!(options.set(option, None), Ok(()));
        assert_eq!(options, pair());

        let long = vec![b'x'; 256];
        let empty = options.set(option, Some(&[]));
        if option == SOCKS_PROXY {
            assert_eq!(empty, Err(Error::Invalid));
            assert_eq!(options.set(option, Some(&long)), Ok(()));
        } else {
            assert_eq!(empty, Ok(()));
            assert_refused(&mut options, option, Some(&long));
            assert_eq!(options.set(option, Some(&long[..255])), Ok(()));
        }
    }
}
