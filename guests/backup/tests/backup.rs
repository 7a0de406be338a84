//! The guest against lightningd's rules for `db_write`.

use std::cell::RefCell;
use std::rc::Rc;

use backup::{Backup, HashChain, Sink};
use cln_guest::harness::Harness;
use cln_guest::prelude::*;
use cln_guest::serde_json;

const RECORDING: &str =
    include_str!("../../../tests/recordings/real-lightningd-v26.06.6/db-write.jsonl");

fn write(harness: &mut Harness, version: u32) -> Value {
    let before = version.wrapping_sub(1);
    let raise = "UPDATE vars SET intval = intval + 1 WHERE name = 'data_version' AND intval =";
    let payload = json!({"data_version": version, "writes": [format!("{raise} {before}")]});
    harness.hook::<DbWrite>(payload).expect("an answer")
}

fn passes() -> Value {
    json!({"result": "continue"})
}

fn halts() -> Value {
    json!({"result": "fail"})
}

/// The text of the log lines of this level and above.
fn lines(harness: &mut Harness, level: LogLevel) -> Vec<String> {
    let lines = harness.log_lines().into_iter();
    lines
        .filter(|line| line.level >= level)
        .map(|line| line.message)
        .collect()
}

#[test]
fn the_manifest_has_the_hook_and_nothing_that_could_be_called() {
    let manifest = Harness::new(backup::guest()).getmanifest();
    assert_eq!(manifest["hooks"], json!([{"name": "db_write"}]));
    assert_eq!(manifest["options"][0]["name"], "backup-halt-on-gap");
    for member in ["rpcmethods", "subscriptions", "notifications"] {
        let list = manifest[member].as_array().map_or(0, Vec::len);
        assert_eq!(list, 0, "{member}");
    }
}

#[test]
fn it_answers_before_init_and_goes_on_after_it() {
    let mut harness = Harness::new(backup::guest());
    assert_eq!(write(&mut harness, 42), passes());
    assert_eq!(write(&mut harness, 43), passes());
    let said = lines(&mut harness, LogLevel::Info);
    assert_eq!(said, ["begins at version 42 of the database"]);
    harness.init().expect("nothing to refuse");
    let said = lines(&mut harness, LogLevel::Info);
    assert!(
        said[0].starts_with("so far 2 versions, 2 writes"),
        "{said:?}"
    );
    assert_eq!(write(&mut harness, 44), passes());
    let said = lines(&mut harness, LogLevel::Debug);
    assert!(said[0].starts_with("version 44: 3 versions"), "{said:?}");
}

#[test]
fn the_version_wraps() {
    let mut harness = Harness::new(backup::guest());
    for version in [u32::MAX - 1, u32::MAX, 0, 1] {
        assert_eq!(write(&mut harness, version), passes());
    }
    let said = lines(&mut harness, LogLevel::Info);
    assert_eq!(said, ["begins at version 4294967294 of the database"]);
    assert_eq!(write(&mut harness, u32::MAX), halts());
}

#[test]
fn the_same_version_replaces_what_was_not_committed() {
    let mut harness = Harness::new(backup::guest());
    write(&mut harness, 1);
    let lost = json!({"data_version": 2, "writes": ["never committed"]});
    assert_eq!(harness.hook::<DbWrite>(lost), Ok(passes()));
    assert_eq!(write(&mut harness, 2), passes());
    let repeated = standing(&harness);

    let mut straight = Harness::new(backup::guest());
    write(&mut straight, 1);
    write(&mut straight, 2);
    assert_eq!(repeated, standing(&straight));
}

#[test]
fn writes_outside_a_transaction_replace_nothing() {
    let mut harness = Harness::new(backup::guest());
    write(&mut harness, 1);
    let pragma = json!({"data_version": 1, "writes": ["PRAGMA foreign_keys = OFF;"]});
    assert_eq!(harness.hook::<DbWrite>(pragma), Ok(passes()));
    let now = standing(&harness);
    assert!(now.starts_with("1 versions, 2 writes, "), "{now}");
    write(&mut harness, 1);
    let mut straight = Harness::new(backup::guest());
    write(&mut straight, 1);
    assert_eq!(standing(&harness), standing(&straight));
}

fn standing(harness: &Harness) -> String {
    let state = harness.state::<Backup<HashChain>>();
    state.expect("there from the beginning").standing()
}

#[test]
fn a_lower_version_stops_the_node() {
    let mut harness = Harness::new(backup::guest());
    write(&mut harness, 7);
    let before = standing(&harness);
    lines(&mut harness, LogLevel::Trace);
    assert_eq!(write(&mut harness, 6), halts());
    let said = lines(&mut harness, LogLevel::Unusual);
    assert!(
        said[0].contains("went back from version 7 to 6"),
        "{said:?}"
    );
    assert_eq!(standing(&harness), before);
}

#[test]
fn a_gap_is_a_new_beginning() {
    let mut harness = Harness::new(backup::guest());
    harness.init().expect("nothing to refuse");
    write(&mut harness, 7);
    lines(&mut harness, LogLevel::Trace);
    assert_eq!(write(&mut harness, 10), passes());
    let said = lines(&mut harness, LogLevel::Unusual);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("2 versions of the database were lost between 7 and 10"));
    assert!(said[0].contains("copy the database anew"));
    assert_eq!(write(&mut harness, 11), passes());
    assert!(standing(&harness).starts_with("2 versions, 2 writes"));
}

#[test]
fn a_gap_stops_the_node_where_the_operator_wants_that() {
    let mut harness = Harness::new(backup::guest()).option("backup-halt-on-gap", json!(true));
    harness.init().expect("nothing to refuse");
    assert_eq!(write(&mut harness, 7), passes());
    assert_eq!(write(&mut harness, 8), passes());
    assert_eq!(write(&mut harness, 10), halts());
}

#[test]
fn a_gap_before_the_option_is_known_is_judged_later() {
    let mut harness = Harness::new(backup::guest()).option("backup-halt-on-gap", json!(true));
    assert_eq!(write(&mut harness, 7), passes());
    assert_eq!(write(&mut harness, 10), passes());
    harness.init().expect("nothing to refuse");
    lines(&mut harness, LogLevel::Trace);
    assert_eq!(write(&mut harness, 11), halts());
    let said = lines(&mut harness, LogLevel::Unusual);
    assert!(
        said[0].contains("between 7 and 10, and backup-halt-on-gap is set"),
        "{said:?}"
    );
}

#[test]
fn withheld_writes_stop_the_node() {
    let mut harness = Harness::new(backup::guest());
    let answer = harness.hook::<DbWrite>(json!({"data_version": 1}));
    assert_eq!(answer, Ok(halts()));
    let said = lines(&mut harness, LogLevel::Unusual);
    assert!(said[0].contains("the writes are withheld"), "{said:?}");
}

/// A sink that keeps what it is given, until it is full.
#[derive(Clone, Default)]
struct Shelf {
    rows: Rc<RefCell<Vec<(u32, usize)>>>,
}

impl Sink for Shelf {
    type Error = &'static str;

    fn append(&mut self, version: u32, writes: &[String]) -> Result<(), Self::Error> {
        let mut rows = self.rows.borrow_mut();
        if rows.len() == 3 {
            return Err("the shelf is full");
        }
        rows.push((version, writes.len()));
        Ok(())
    }

    fn replace_last(&mut self, version: u32, writes: &[String]) -> Result<(), Self::Error> {
        self.rows.borrow_mut().pop();
        self.append(version, writes)
    }

    fn restart(&mut self, version: u32, writes: &[String]) -> Result<(), Self::Error> {
        self.rows.borrow_mut().clear();
        self.append(version, writes)
    }

    fn standing(&self) -> String {
        format!("{} rows", self.rows.borrow().len())
    }
}

#[test]
fn what_a_sink_cannot_keep_is_not_committed() {
    let shelf = Shelf::default();
    let mut harness = Harness::new(backup::guest_with(shelf.clone()));
    for version in [3, 4, 4, 5] {
        assert_eq!(write(&mut harness, version), passes());
    }
    assert_eq!(write(&mut harness, 6), halts());
    let said = lines(&mut harness, LogLevel::Unusual);
    assert!(
        said[0].contains("version 6 was not kept: the shelf is full"),
        "{said:?}"
    );
    assert_eq!(*shelf.rows.borrow(), [(3, 1), (4, 1), (5, 1)]);
    assert_eq!(write(&mut harness, 9), passes());
    assert_eq!(*shelf.rows.borrow(), [(9, 1)]);
}

#[test]
fn a_real_node_from_its_first_start_to_its_stop() {
    let mut harness = Harness::new(backup::guest());
    // The versions of a new database begin at 1.
    let (mut versions, mut writes) = (0, 0);
    for line in RECORDING.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let message = &line["msg"];
        if message["method"] == "init" {
            harness.init().expect("nothing to refuse");
        }
        if line["dir"] == "in" && message["method"] == "db_write" {
            let payload = message["params"].clone();
            writes += payload["writes"].as_array().map_or(0, Vec::len);
            versions = payload["data_version"].as_u64().unwrap_or_default();
            assert_eq!(harness.hook::<DbWrite>(payload), Ok(passes()));
        }
    }
    assert!(versions > 30, "{versions}");
    let counts = format!("{versions} versions, {writes} writes, ");
    assert!(
        standing(&harness).starts_with(&counts),
        "{}",
        standing(&harness)
    );
    assert_eq!(lines(&mut harness, LogLevel::Unusual), Vec::<String>::new());
}

/// The same guest after a restart of the node.
fn restarted(harness: &Harness) -> Harness {
    Harness::new(backup::guest()).with_store(harness.store())
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut straight = Harness::new(backup::guest());
    let mut harness = Harness::new(backup::guest());
    for version in [41, 42] {
        assert_eq!(write(&mut straight, version), passes());
        assert_eq!(write(&mut harness, version), passes());
    }
    let mut harness = restarted(&harness);
    // Kept by the guest, and lightningd was gone before it committed.
    assert_eq!(write(&mut harness, 42), passes());
    assert_eq!(standing(&harness), standing(&straight));
    let mut harness = restarted(&harness);
    assert_eq!(write(&mut harness, 43), passes());
    assert_eq!(write(&mut straight, 43), passes());
    assert_eq!(standing(&harness), standing(&straight));

    let mut older = restarted(&harness);
    assert_eq!(write(&mut older, 42), halts());
    let said = lines(&mut older, LogLevel::Unusual);
    assert!(
        said[0].contains("went back from version 43 to 42"),
        "{said:?}"
    );

    let mut later = restarted(&harness).option("backup-halt-on-gap", json!(true));
    assert_eq!(write(&mut later, 45), passes());
    let mut later = restarted(&later).option("backup-halt-on-gap", json!(true));
    later.init().expect("nothing to refuse");
    assert_eq!(write(&mut later, 46), halts());
}

#[test]
fn what_cannot_be_kept_is_not_committed() {
    let mut harness = Harness::new(backup::guest());
    assert_eq!(write(&mut harness, 7), passes());
    let full = KvError::Unavailable("the disk is full".to_owned());
    harness.store().set_fault(Some(full));
    assert_eq!(write(&mut harness, 8), halts());
    let said = lines(&mut harness, LogLevel::Unusual);
    assert!(said[0].contains("version 8 was not kept"), "{said:?}");
    harness.store().set_fault(None);
    assert_eq!(write(&mut harness, 8), passes());
    assert!(
        standing(&harness).starts_with("2 versions"),
        "{}",
        standing(&harness)
    );
}
