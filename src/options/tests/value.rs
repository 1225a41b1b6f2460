//! The length rules of values and buffers.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use crate::options::value;

#[test]
fn switches_of_three_kinds() {
    type Read = fn(Option<&[u8]>) -> Result<bool>;
    let expect = |read: Read, wanted: [Result<bool>; 4]| {
        for (number, wanted) in [-1_i32, 0, 1, 2].into_iter().zip(wanted) {
            assert_eq!(read(Some(&number.to_ne_bytes())), wanted, "{number}");
        }
        assert_eq!(read(None), Err(Error::Invalid));
        assert_eq!(read(Some(&[0; 5])), Err(Error::Invalid));
    };
    let no = Err(Error::Invalid);
    expect(value::flag, [no, Ok(false), Ok(true), no]);
    expect(value::any_flag, [Ok(true), Ok(false), Ok(true), Ok(true)]);
    expect(
        value::non_negative_flag,
        [no, Ok(false), Ok(true), Ok(true)],
    );
}

#[test]
fn zero_padded_int_fits_any_larger_buffer() {
    let mut out = [0xa5; 9];
    assert_eq!(
        value::put_int_zero_padded(&mut (&mut out).into(), -2),
        Ok(4)
    );
    assert_eq!(out[..4], (-2_i32).to_ne_bytes());
    assert_eq!(out[4..], [0; 5]);
    assert_eq!(
        value::put_int_zero_padded(&mut (&mut out[..4]).into(), 5),
        Ok(4)
    );
    out = [0xa5; 9];
    assert_eq!(
        value::put_int_zero_padded(&mut (&mut out[..3]).into(), 5),
        Err(Error::Invalid)
    );
    assert_eq!(out, [0xa5; 9]);
}

#[test]
fn strings_count_their_nul() {
    let mut out = [0xa5; 6];
    assert_eq!(value::put_string(&mut (&mut out).into(), b"a\0b"), Ok(4));
    assert_eq!(&out, b"a\0b\0\0\0");
    assert_eq!(
        value::put_string(&mut (&mut out[..3]).into(), b"a\0b"),
        Err(Error::Invalid)
    );
    assert_eq!(value::put_string(&mut (&mut out[..1]).into(), b""), Ok(1));
    assert_eq!(
        value::put_string(&mut (&mut []).into(), b""),
        Err(Error::Invalid)
    );
}
