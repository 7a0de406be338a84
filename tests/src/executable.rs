//! Files to be executed, written so that they can be.
//!
//! The kernel does not execute a file that any process has open for writing (ETXTBSY). Tests run on many threads: a
//! process that one of them starts holds, until its own `exec`, what all the others have open. So a process of
//! its own writes the file, from which nothing is started.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes an executable file (mode 755), over one that is there.
///
/// # Errors
///
/// There is no `/bin/sh`, or it cannot write the file.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()?;
    // Dropped after the last byte: the end of the text for `cat`.
    let written = match shell.stdin.take() {
        Some(mut pipe) => pipe.write_all(text.as_bytes()),
        None => Ok(()),
    };
    let ended = shell.wait()?;
    if !ended.success() {
        let what = format!("{}: cannot be written: {ended}", path.display());
        return Err(io::Error::other(what));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_file_is_executed_while_others_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = |number: usize| {
            let path = folder.path().join(format!("run-{number}"));
            for answer in ["one", "two"] {
                write(&path, &format!("#!/bin/sh\nprintf %s {answer}\n")).unwrap();
                let said = Command::new(&path).output().unwrap();
                assert_eq!(said.stdout, answer.as_bytes());
            }
        };
        thread::scope(|scope| {
            for number in 0..16 {
                scope.spawn(move || run(number));
            }
        });
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("none/file"), "#!/bin/sh\n").unwrap_err();
        assert!(error.to_string().contains("none/file"), "{error}");
    }
}
