//! Values inside messages, as lightningd reads them: numbers through `strtoull`, hex, amounts,
//! addresses, TLV streams (`common/json_parse*.c`, `common/amount.c`, `wire/tlvstream.c`).

/// A u64 as `json_to_u64` takes it: decimal, `0x` or octal, signs wrap, and nothing at all is zero.
pub(crate) fn to_u64(text: &str) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    let (negative, magnitude) = magnitude(text)?;
    let number = u64::try_from(magnitude).ok()?;
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// A `long` as an `int` option takes it (`opt_set_longval`).
pub(crate) fn to_long(text: &str) -> Option<i64> {
    let (negative, magnitude) = magnitude(text)?;
    let magnitude = i128::try_from(magnitude).ok()?;
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// What `strtol(..., 0)` consumes whole: sign and magnitude.
fn magnitude(text: &str) -> Option<(bool, u128)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    Some((negative, u128::from_str_radix(digits, radix).ok()?))
}

/// Hex to bytes, upper or lower case, an even number of digits.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}

/// An amount in msat (`parse_amount_msat`): `1`, `1msat`, `1sat`, `1btc`, `0.1btc`.
pub(crate) fn msat(text: &str) -> Option<u64> {
    let (whole, decimals, suffix) = amount_parts(text)?;
    match (decimals, suffix) {
        (None, "" | "msat") => scaled(whole, 0),
        (None, "sat") => scaled(whole, 3),
        (None, "btc") => scaled(whole, 11),
        (Some(decimals), "btc") => with_decimals(whole, decimals, 11),
        _ => None,
    }
}

/// An amount in sat (`parse_amount_sat`): `1`, `1sat`, `1000msat`, `1btc`, `0.1btc`.
pub(crate) fn sat(text: &str) -> Option<u64> {
    let (whole, decimals, suffix) = amount_parts(text)?;
    match (decimals, suffix) {
        (None, "" | "sat") => scaled(whole, 0),
        (None, "msat") => match whole.strip_suffix("000") {
            Some(sats) => scaled(sats, 0),
            None if whole.starts_with('0') => scaled(whole, 0),
            None => None,
        },
        (None, "btc") => scaled(whole, 8),
        (Some(decimals), "btc") => with_decimals(whole, decimals, 8),
        _ => None,
    }
}

fn amount_parts(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let split = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    if text.is_empty() {
        return None;
    }
    let (whole, rest) = text.split_at(split(text));
    match rest.strip_prefix('.') {
        Some(rest) => {
            let (decimals, suffix) = rest.split_at(split(rest));
            Some((whole, Some(decimals), suffix))
        }
        None => Some((whole, None, rest)),
    }
}

fn scaled(digits: &str, tens: u32) -> Option<u64> {
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(10u64.checked_pow(tens)?)
}

fn with_decimals(whole: &str, decimals: &str, tens: u32) -> Option<u64> {
    let places = u32::try_from(decimals.len()).ok()?;
    let decimals = match places {
        0 => 0,
        _ => scaled(decimals, tens.checked_sub(places)?)?,
    };
    scaled(whole, tens)?.checked_add(decimals)
}

/// Whether `text` is a Bitcoin address on regtest (`json_to_address_scriptpubkey`); else why not.
pub(crate) fn regtest_address(text: &str) -> Result<(), &'static str> {
    if let Ok(decoded) = bs58::decode(text).with_check(None).into_vec()
        && decoded.len() == 21
    {
        return match decoded.first() {
            Some(111 | 196) => Ok(()),
            _ => Err("not on network regtest"),
        };
    }
    match bech32::segwit::decode(text) {
        Ok((hrp, _, _)) if hrp.to_lowercase() == "bcrt" => Ok(()),
        Ok(_) => Err("not on network regtest"),
        Err(_) => Err("not an address"),
    }
}

/// A BigSize number and how many bytes it took; `None` when short or not minimal.
pub(crate) fn bigsize(bytes: &[u8]) -> Option<(u64, usize)> {
    let wide = |n: usize| {
        let bytes = bytes.get(1..1 + n)?;
        Some(bytes.iter().fold(0u64, |sum, b| (sum << 8) | u64::from(*b)))
    };
    match *bytes.first()? {
        0xfd => wide(2).filter(|n| *n >= 0xfd).map(|n| (n, 3)),
        0xfe => wide(4).filter(|n| *n >= 0x1_0000).map(|n| (n, 5)),
        0xff => wide(8).filter(|n| *n >= 0x1_0000_0000).map(|n| (n, 9)),
        small => Some((u64::from(small), 1)),
    }
}

/// A length as BigSize.
pub(crate) fn put_bigsize(number: usize) -> Vec<u8> {
    let number = number as u64;
    match number {
        0..0xfd => vec![number as u8],
        0xfd..0x1_0000 => [&[0xfd], &(number as u16).to_be_bytes()[..]].concat(),
        0x1_0000..0x1_0000_0000 => [&[0xfe], &(number as u32).to_be_bytes()[..]].concat(),
        _ => [&[0xff], &number.to_be_bytes()[..]].concat(),
    }
}

/// The records of a TLV stream: strictly increasing types, minimal numbers, and no even type that is
/// not in `known`.
pub(crate) fn tlv_stream<'a>(bytes: &'a [u8], known: &[u64]) -> Option<Vec<(u64, &'a [u8])>> {
    let mut rest = bytes;
    let mut records: Vec<(u64, &[u8])> = Vec::new();
    while !rest.is_empty() {
        let (kind, used) = bigsize(rest)?;
        rest = rest.get(used..)?;
        if records.last().is_some_and(|(last, _)| *last >= kind) {
            return None;
        }
        if kind % 2 == 0 && !known.contains(&kind) {
            return None;
        }
        let (length, used) = bigsize(rest)?;
        rest = rest.get(used..)?;
        let length = usize::try_from(length).ok()?;
        records.push((kind, rest.get(..length)?));
        rest = rest.get(length..)?;
    }
    Some(records)
}

/// A truncated big-endian number of at most `width` bytes, without leading zeros.
pub(crate) fn truncated_uint(bytes: &[u8], width: usize) -> Option<u64> {
    if bytes.len() > width || bytes.first() == Some(&0) {
        return None;
    }
    Some(bytes.iter().fold(0u64, |sum, b| (sum << 8) | u64::from(*b)))
}

/// Whether lightningd's logger can undo every escape in `text` (`json_escape_unescape_len`: all but `\u`).
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next()? {
            'n' => '\n',
            'b' => '\u{8}',
            'f' => '\u{c}',
            't' => '\t',
            'r' => '\r',
            c @ ('/' | '\\' | '"') => c,
            _ => return None,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_strtoull_reads_them() {
        assert_eq!(to_u64("12"), Some(12));
        assert_eq!(to_u64("0x1f"), Some(31));
        assert_eq!(to_u64("010"), Some(8));
        assert_eq!(to_u64("-1"), Some(u64::MAX));
        assert_eq!(to_u64("18446744073709551615"), Some(u64::MAX));
        assert_eq!(to_u64("18446744073709551616"), None);
        assert_eq!(to_u64("1.0"), None);
        assert_eq!(to_u64("true"), None);
        assert_eq!(to_long("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(to_long("9223372036854775808"), None);
        assert_eq!(to_long(""), None);
    }

    #[test]
    fn amounts() {
        assert_eq!(msat("1000"), Some(1000));
        assert_eq!(msat("1000msat"), Some(1000));
        assert_eq!(msat("5sat"), Some(5000));
        assert_eq!(msat("0.00000001btc"), Some(1000));
        assert_eq!(msat("1.5"), None);
        assert_eq!(msat("1.5sat"), None);
        assert_eq!(msat("ten"), None);
        assert_eq!(msat(""), None);
        assert_eq!(msat("18446744073709551616"), None);
        assert_eq!(sat("2000msat"), Some(2));
        assert_eq!(sat("2001msat"), None);
    }

    #[test]
    fn addresses() {
        assert!(regtest_address("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080").is_ok());
        assert!(regtest_address("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4").is_err());
        assert!(regtest_address("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn").is_ok());
        assert!(regtest_address("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2").is_err());
        assert!(regtest_address("nonsense").is_err());
    }

    #[test]
    fn tlvs() {
        assert_eq!(tlv_stream(&[], &[]), Some(vec![]));
        assert_eq!(
            tlv_stream(&[1, 1, 9, 3, 0], &[]),
            Some(vec![(1, &[9][..]), (3, &[][..])])
        );
        assert_eq!(tlv_stream(&[2, 0], &[]), None);
        assert_eq!(tlv_stream(&[2, 0], &[2]), Some(vec![(2, &[][..])]));
        assert_eq!(tlv_stream(&[3, 0, 1, 0], &[]), None);
        assert_eq!(tlv_stream(&[1, 2, 0], &[]), None);
        assert_eq!(tlv_stream(&[0xfd, 0, 1, 0], &[]), None);
        assert_eq!(bigsize(&put_bigsize(70_000)), Some((70_000, 5)));
    }
}
