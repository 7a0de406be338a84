//! What a string with escapes says.

/// Half of a surrogate pair stands for no character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Surrogate {
    /// Not followed by its other half.
    #[error("lone leading surrogate in hex escape")]
    Lone,
    /// Not followed by an escape at all.
    #[error("unexpected end of hex escape")]
    Cut,
}

/// `written` is what stands between the quotes of a string that was walked over.
pub(super) fn unescape(written: &str) -> Result<String, Surrogate> {
    let mut said = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((plain, escape)) = rest.split_once('\\') {
        said.push_str(plain);
        let mut characters = escape.chars();
        let one = match characters.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (character, after) = unit(escape)?;
                characters = after.chars();
                character
            }
            Some(itself) => itself,
            None => break,
        };
        said.push(one);
        rest = characters.as_str();
    }
    said.push_str(rest);
    Ok(said)
}

/// The character that `uXXXX`, or that and `\uXXXX`, stands for, and what comes after it.
fn unit(text: &str) -> Result<(char, &str), Surrogate> {
    let (first, after) = hex(text).ok_or(Surrogate::Cut)?;
    let code = match first {
        0xdc00..=0xdfff => return Err(Surrogate::Lone),
        0xd800..=0xdbff => {
            let second = after.strip_prefix('\\').and_then(hex);
            let (second, after) = second.ok_or(Surrogate::Cut)?;
            if !(0xdc00..=0xdfff).contains(&second) {
                return Err(Surrogate::Lone);
            }
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok((char::from_u32(code).ok_or(Surrogate::Lone)?, after));
        }
        code => code,
    };
    Ok((char::from_u32(code).ok_or(Surrogate::Lone)?, after))
}

fn hex(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.strip_prefix('u')?.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_serde_json_says() {
        for written in [
            "",
            "plain é",
            r#"\"\\\/\b\f\n\r\t"#,
            r"a\u00e9b",
            r"\ud83d\ude00",
            r"x\uD83D\uDE00\u0000y",
            r"\ud800",
            r"\ud800x",
            r"\ud800\n",
            r"\ud800\u0041",
            r"\ud800\ud800",
            r"\udc00",
            r"\udc00\ud800",
        ] {
            let theirs = serde_json::from_str::<String>(&format!("\"{written}\""));
            match (unescape(written), theirs) {
                (ours, Ok(theirs)) => assert_eq!(ours, Ok(theirs), "{written}"),
                (Err(ours), Err(theirs)) => {
                    assert!(
                        theirs.to_string().starts_with(&ours.to_string()),
                        "{theirs}"
                    );
                }
                (ours, theirs) => panic!("{written}: {ours:?}, {theirs:?}"),
            }
        }
    }
}
