//! The kinds of values in the table of socket options.
//!
//! The names in the macro are those of `socket.rs`, which alone uses it.

#![forbid(unsafe_code)]

/// Builds one row: the number, the field it stands for, and the rule for its values.
macro_rules! row {
    ($number:ident, $field:ident, int $range:expr) => {
        row!(
            $number,
            Set::Int($range, |o, v| o.$field = v),
            Get::Int(|o| o.$field)
        )
    };
    ($number:ident, $field:ident, given_fd $range:expr) => {
        row!(
            $number,
            Set::Int($range, |o, v| {
                o.$field = v;
                o.given_fd = None;
            }),
            Get::Int(|o| o.$field)
        )
    };
    ($number:ident, $field:ident, flag) => {
        row!(
            $number,
            Set::Flag(|o, v| o.$field = v),
            Get::Int(|o| o.$field.into())
        )
    };
    ($number:ident, $field:ident, opposite_flag) => {
        row!(
            $number,
            Set::Flag(|o, v| o.$field = !v),
            Get::Int(|o| (!o.$field).into())
        )
    };
    ($number:ident, $field:ident, any_flag) => {
        row!(
            $number,
            Set::AnyFlag(|o, v| o.$field = v),
            Get::Int(|o| o.$field.into())
        )
    };
    ($number:ident, $field:ident, u64) => {
        row!(
            $number,
            Set::U64(|o, v| o.$field = v),
            Get::U64(|o| o.$field)
        )
    };
    ($number:ident, $field:ident, i64) => {
        row!(
            $number,
            Set::I64(|o, v| o.$field = v),
            Get::I64(|o| o.$field)
        )
    };
    ($number:ident, $field:ident, bytes $max:expr) => {
        row!(
            $number,
            Set::Bytes($max, |o, v| o.$field = v),
            Get::Bytes(|o| &o.$field)
        )
    };
    ($number:ident, $field:ident, text_or_null $max:expr) => {
        row!(
            $number,
            Set::BytesOrNull($max, |o, v| o.$field = v),
            Get::Text(|o| &o.$field)
        )
    };
    ($number:ident, $field:ident, list $store:expr) => {
        row!($number, Set::Own($store), Get::Never)
    };
    ($number:ident, $field:ident, text $store:expr) => {
        row!($number, Set::Own($store), Get::Text(|o| &o.$field))
    };
    ($number:ident, $field:ident, secret_text $store:expr) => {
        row!($number, Set::Own($store), Get::Text(|o| o.$field.expose()))
    };
    // NULL selects the mechanism NULL and keeps the text.
    ($number:ident, $field:ident, plain_text $load:expr) => {
        row!(
            $number,
            Set::BytesOrNull(MAX_CREDENTIAL, |o, v| {
                o.mechanism = mechanism::NULL;
                if !v.is_empty() {
                    o.$field = v.into();
                    o.as_server = false;
                    o.mechanism = mechanism::PLAIN;
                }
            }),
            Get::Text($load)
        )
    };
    ($number:ident, $field:ident, server_of $mechanism:ident) => {
        row!(
            $number,
            Set::Flag(|o, v| {
                o.$field = v;
                o.mechanism = if v {
                    mechanism::$mechanism
                } else {
                    mechanism::NULL
                };
            }),
            Get::Int(|o| (o.$field && o.mechanism == mechanism::$mechanism).into())
        )
    };
    ($number:ident, $field:ident, curve_key $store:expr, $load:expr) => {
        row!($number, Set::Key($store), Get::Key($load))
    };
    // 0 while it is not set: the library then chooses, and reports libzmq's number.
    ($number:ident, $field:ident, batch $shown:expr) => {
        row!(
            $number,
            Set::Int(1..=ANY, |o, v| o.$field = v),
            Get::Int(|o| if o.$field == 0 { $shown } else { o.$field })
        )
    };
    ($number:ident, $field:ident, set_only) => {
        row!(
            $number,
            Set::Int(i32::MIN..=ANY, |o, v| o.$field = v),
            Get::Never
        )
    };
    // Any bytes; none clear it.
    ($number:ident, $field:ident, message) => {
        row!(
            $number,
            Set::Own(|o, data| {
                o.$field = data.unwrap_or_default().to_vec();
                Ok(())
            }),
            Get::Never
        )
    };
    ($number:ident, $field:ident, own_int $store:expr) => {
        row!($number, Set::Own($store), Get::Int(|o| o.$field))
    };
    ($number:ident, $field:ident, bounded_text $max:expr) => {
        row!(
            $number,
            Set::Bytes($max, |o, v| o.$field = v),
            Get::Text(|o| &o.$field)
        )
    };
    ($number:ident, $field:ident, socket_type) => {
        row!($number, Set::Never, Get::Int(|o| o.$field.number()))
    };
    ($number:ident, $field:ident, read_only) => {
        row!($number, Set::Never, Get::Int(|o| o.$field))
    };
    ($number:ident, $field:ident, ttl) => {
        row!(
            $number,
            // The range keeps the quotient within 16 bits.
            Set::Int(TTL_RANGE, |o, v| o.$field = (v / TTL_UNIT) as u16),
            Get::Int(|o| i32::from(o.$field) * TTL_UNIT)
        )
    };
    ($number:ident, $set:expr, $get:expr) => {
        Row {
            number: $number,
            name: stringify!($number),
            set: $set,
            get: $get,
            when: When::NextEndpoint,
        }
    };
}

pub(super) use row;
