//! A guest as a plugin of its own: an executable text file whose first line names the
//! bridge and whose body is the guest's TOML.

use std::path::Path;

use super::{
    file::read,
    find::{POLICY_LIMIT, name_of},
};

/// What a solo file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solo {
    /// The guest's name: the stem of the file's name.
    pub name: String,
    /// The guest's TOML, its lines numbered as in the file: the first one is empty.
    pub policy: String,
}

/// Why a file is not taken as a solo file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSolo {
    /// The file cannot be read, or is no text.
    #[error("{0}")]
    Unreadable(String),
    /// Its name is no name of a guest.
    #[error("{0}")]
    Name(String),
    /// Its first line is another.
    #[error("the first line is not `#!/usr/bin/env cln-wasm`, nor `#!` and the path of cln-wasm")]
    FirstLine,
}

/// Reads a solo file.
pub fn read_file(path: &Path) -> Result<Solo, NotSolo> {
    let name = name_of(path.file_stem().unwrap_or_default()).map_err(NotSolo::Name)?;
    let bytes = read(path, POLICY_LIMIT).map_err(NotSolo::Unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| NotSolo::Unreadable("not UTF-8".to_owned()))?;
    let policy = parse(&text)?;
    Ok(Solo { name, policy })
}

/// The TOML of a solo file's text, with an empty first line in place of `#!`, so that
/// a parser's line numbers are those of the file.
pub fn parse(text: &str) -> Result<String, NotSolo> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let command = first.strip_prefix("#!").ok_or(NotSolo::FirstLine)?;
    if !runs_the_bridge(command) {
        return Err(NotSolo::FirstLine);
    }
    Ok(format!("\n{rest}"))
}

/// `/path/of/cln-wasm`, or `env` with it, with or without `-S`.
fn runs_the_bridge(command: &str) -> bool {
    let is = |path: &str, name: &str| Path::new(path).file_name().is_some_and(|file| file == name);
    let mut words = command.split_ascii_whitespace();
    let mut program = words.next();
    if program.is_some_and(|path| is(path, "env")) {
        program = words.next();
        if program == Some("-S") {
            program = words.next();
        }
    }
    program.is_some_and(|path| is(path, "cln-wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_keeps_its_line_numbers() {
        let text = "#!/usr/bin/env cln-wasm\n# a guest\nwasm = \"x.wasm\"\n";
        assert_eq!(parse(text).unwrap(), "\n# a guest\nwasm = \"x.wasm\"\n");
        let table: toml::Table = toml::from_str(&parse(text).unwrap()).unwrap();
        assert_eq!(table["wasm"].as_str(), Some("x.wasm"));
        let error =
            toml::from_str::<toml::Table>(&parse("#!cln-wasm\n\n= 1").unwrap()).unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
    }

    #[test]
    fn first_lines() {
        for good in [
            "#!/usr/bin/env cln-wasm",
            "#! /usr/bin/env -S cln-wasm --flag\r\n",
            "#!/opt/bin/cln-wasm\n",
            "#!/opt/bin/cln-wasm --flag\n",
        ] {
            assert_eq!(parse(good).unwrap(), "\n", "{good}");
        }
        for bad in [
            "",
            "#!",
            "# cln-wasm\n",
            "wasm = 1\n",
            "#!/bin/sh\n# cln-wasm",
            "#!/bin/sh cln-wasm",
            "#!/usr/bin/env cln-wasm-other\n",
            "#!/usr/bin/env\n",
            " #!/usr/bin/env cln-wasm\n",
        ] {
            assert_eq!(parse(bad), Err(NotSolo::FirstLine), "{bad}");
        }
    }

    #[test]
    fn files_have_names_and_hold_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sentry.cln");
        std::fs::write(&path, "#!/usr/bin/env cln-wasm\n[grants]\n").unwrap();
        assert_eq!(
            read_file(&path).unwrap(),
            Solo {
                name: "sentry".to_owned(),
                policy: "\n[grants]\n".to_owned()
            }
        );
        std::fs::write(&path, b"#!/usr/bin/env cln-wasm\n\xff").unwrap();
        assert_eq!(
            read_file(&path),
            Err(NotSolo::Unreadable("not UTF-8".to_owned()))
        );
        assert!(matches!(
            read_file(&dir.path().join("A b")),
            Err(NotSolo::Name(_))
        ));
        assert!(matches!(
            read_file(&dir.path().join("none")),
            Err(NotSolo::Unreadable(_))
        ));
    }
}
