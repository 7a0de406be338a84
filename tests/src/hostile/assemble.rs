//! A hostile text and the plumbing around it become a module.
//!
//! `%NAME%` is the guest's name, `%KEY%` what the variant says, `%KEY:data%` the same for a data segment and
//! `%KEY:length%` its bytes; `%TRAP%` and its like are addresses of [`servers`](super::servers). `(;repeat N;) ... (;end;)` stands N times, with the
//! number of the turn for `%I%`. A text that begins with `(module` or `(component` is taken whole; anything else is the
//! inside of a core module, and gets each part of `plumbing.wat` whose export it has not itself.

use super::Card;
use serde_json::Value;
use std::collections::BTreeMap;
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// A guest that behaves, in parts: `;;= EXPORT` begins each.
const PLUMBING: &str = include_str!("plumbing.wat");
/// The world of guests.
const WIT: &str = include_str!("../../../wit/v0.1/guest.wit");

/// The card of a text: its first comment is the attack, the lines after `;;!` are the rest as JSON.
pub fn card(text: &str) -> Result<Card, String> {
    let lines = text.lines().take_while(|line| line.starts_with(";;"));
    let (rest, attack): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with(";;!"));
    let rest: String = rest.iter().map(|l| l.trim_start_matches(";;!")).collect();
    let mut card: Card = serde_json::from_str(&format!("{{{rest}}}")).map_err(|e| e.to_string())?;
    let attack = attack
        .iter()
        .map(|line| line.trim_start_matches(";;").trim());
    card.attack = attack.collect::<Vec<_>>().join(" ");
    Ok(card)
}

/// The module or component, ready for a folder of guests.
pub fn module(
    text: &str,
    name: &str,
    values: &BTreeMap<String, String>,
    manifest: &Value,
    bare: bool,
) -> Result<Vec<u8>, String> {
    let inside: String = text
        .lines()
        .skip_while(|line| line.starts_with(";;"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let inside = inside.trim();
    let whole = inside.starts_with("(module") || inside.starts_with("(component");
    let text = match whole {
        true => inside.to_owned(),
        false => format!("(module\n{inside}\n{}\n)", parts(inside)),
    };
    let mut values = values.clone();
    values.insert("MANIFEST".to_owned(), manifest.to_string());
    let text = repeated(&replaced(&text, name, &values))?;
    if inside.starts_with("(component") {
        return wat::parse_str(&text).map_err(|e| e.to_string());
    }
    let mut module = wat::parse_str(&text).map_err(|e| e.to_string())?;
    if !bare {
        embed(&mut module).map_err(|e| format!("{e:#}"))?;
    }
    Ok(module)
}

/// Says in the module that it is a guest.
fn embed(module: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("guest.wit", WIT)?;
    let world = resolve.select_world(&[package], Some("guest"))?;
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)
}

/// The parts of the plumbing that the text has not itself.
fn parts(text: &str) -> String {
    let mut all = String::new();
    for part in PLUMBING.split(";;= ").skip(1) {
        let (export, part) = part.split_once('\n').unwrap_or_default();
        let own = ["", "[async-lift]", "[async-lift-stackful]"]
            .iter()
            .any(|lift| text.contains(&format!("(export \"{lift}{export}\")")));
        if !own {
            all.push_str(part);
        }
    }
    all
}

/// As the text format wants any bytes in a string.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("\\{byte:02x}")).collect()
}

/// With the name and the variant's values in their places.
pub fn replaced(text: &str, name: &str, values: &BTreeMap<String, String>) -> String {
    let mut text = text.replace("%NAME%", name);
    for (key, value) in values {
        text = text
            .replace(&format!("%{key}%"), value)
            .replace(&format!("%{key}:data%"), &escaped(value))
            .replace(&format!("%{key}:length%"), &value.len().to_string());
    }
    super::servers::named(text)
}

/// With all repetitions written out. They do not stand in each other.
fn repeated(text: &str) -> Result<String, String> {
    let mut all = String::new();
    let mut rest = text;
    while let Some((before, repeat)) = rest.split_once("(;repeat ") {
        all.push_str(before);
        let (times, repeat) = repeat
            .split_once(";)")
            .ok_or("a repetition without times")?;
        let (what, after) = repeat
            .split_once("(;end;)")
            .ok_or("a repetition without end")?;
        let times: usize = times
            .trim()
            .parse()
            .map_err(|_| format!("{times} is no number"))?;
        for turn in 0..times {
            all.push_str(&what.replace("%I%", &turn.to_string()));
        }
        rest = after;
    }
    all.push_str(rest);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_card_is_read_off_the_comments() {
        let card = card(
            ";; It never\n;; ends.\n;;! \"left-out\": true,\n;;! \"expect\": [\"CPU\"]\n(start $f)",
        )
        .unwrap();
        assert_eq!(
            (card.attack.as_str(), card.left_out),
            ("It never ends.", true)
        );
        assert_eq!(card.expect[0].parts(), ("unusual", "CPU"));
        assert!(super::card(";;! \"atack\": 1").is_err());
    }

    #[test]
    fn repetitions_are_written_out() {
        let text = "a(;repeat 3;)<%I%>(;end;)b(;repeat 0;)x(;end;)";
        assert_eq!(repeated(text).unwrap(), "a<0><1><2>b");
        assert!(repeated("(;repeat 3;)").is_err());
    }

    #[test]
    fn a_part_that_the_text_has_itself_is_left_out() {
        let manifest = json!({"rpcmethods": []});
        assert!(parts("").contains("#hook\""));
        let own = "(export \"[async-lift]cln:guest/plugin@0.1.0#hook\")";
        assert!(!parts(own).contains("#hook\""));
        assert!(module("(func)", "a", &BTreeMap::new(), &manifest, false).is_ok());
    }
}
