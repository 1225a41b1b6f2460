//! Z85 both ways, against arithmetic on whole numbers.

#![forbid(unsafe_code)]

use zmq::testing::options::z85;

/// The input is a text, and it is data.
pub fn run(input: &[u8]) {
    decode(input);
    encode(input);
}

fn decode(text: &[u8]) {
    let Ok(size) = z85::decoded_len(text.len()) else {
        assert!(text.is_empty() || text.len() % 5 != 0);
        return;
    };
    let mut data = vec![0; size];
    let result = z85::decode(text, &mut data);
    let values: Option<Vec<u32>> = text.chunks(5).map(value).collect();
    assert_eq!(result.is_ok(), values.is_some());
    if let Some(values) = values {
        let expected: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
        assert_eq!(data, expected);
        let mut again = vec![0; text.len()];
        z85::encode(&data, &mut again).expect("a whole number of groups");
        assert_eq!(again, text);
    }
}

/// The number that five characters stand for, if they do.
fn value(group: &[u8]) -> Option<u32> {
    let digits =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let sum = group.iter().try_fold(0_u64, |sum, byte| {
        let digit = digits.bytes().position(|digit| digit == *byte)?;
        Some(sum * 85 + digit as u64)
    });
    u32::try_from(sum?).ok()
}

fn encode(data: &[u8]) {
    let Ok(length) = z85::encoded_len(data.len()) else {
        assert!(data.len() % 4 != 0);
        return;
    };
    let mut text = vec![0; length];
    z85::encode(data, &mut text).expect("fits");
    let mut back = vec![0; data.len()];
    // Nothing is encoded as nothing, which is no text.
    assert_eq!(z85::decode(&text, &mut back).is_ok(), !data.is_empty());
    assert_eq!(back, data);
}
