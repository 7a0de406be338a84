//! The operator's policy file.

use crate::policy::Policy;
use crate::policy::runes::Restriction;
use std::path::Path;

/// Input: the file.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let origin = Path::new("dir/guest.toml");
    let policy = match Policy::parse(text, origin) {
        Ok(policy) => policy,
        Err(error) => {
            let lines = text.split('\n').count();
            assert!(!error.problems.is_empty());
            for problem in &error.problems {
                assert!((1..=lines).contains(&problem.line), "{problem:?}");
                let line = text.split('\n').nth(problem.line - 1).unwrap_or_default();
                assert!(
                    (1..=line.chars().count() + 1).contains(&problem.column),
                    "{problem:?}"
                );
                assert!(!problem.message.is_empty());
            }
            let places = error.problems.iter().map(|p| (p.line, p.column));
            assert!(places.is_sorted(), "in the order of the file");
            // One line of the log each, with nothing in it that a terminal would obey.
            for line in error.to_string().split('\n') {
                assert!(line.starts_with("dir/guest.toml:"), "{line:?}");
                assert!(!line.chars().any(char::is_control), "{line:?}");
            }
            return;
        }
    };
    for grant in policy.grants().rpc() {
        for restriction in &grant.restrictions {
            assert_eq!(
                Restriction::parse(&restriction.to_string()).as_ref(),
                Ok(restriction)
            );
        }
    }

    // A comment changes nothing, and neither does another way to write the same values.
    let commented = format!("# a comment\n{text}\n# another");
    assert_eq!(Policy::parse(&commented, origin).as_ref(), Ok(&policy));
    if let Ok(values) = text.parse::<toml::Table>() {
        let rewritten = values.to_string();
        let again = Policy::parse(&rewritten, origin)
            .unwrap_or_else(|error| panic!("{error}\n{rewritten}"));
        assert_eq!(without_forms(&policy), without_forms(&again), "{rewritten}");
    }
}

/// All that a policy says, but for how it was written.
fn without_forms(policy: &Policy) -> String {
    format!("{policy:?}").replace("form: Line", "form: Header")
}
