//! What is shown: what was asked, what was answered, and whether that is right.

use std::fmt::Display;
use std::io::IsTerminal;

use cln_wasm_tests::simulator::Failure;
use serde_json::Value;

/// How wide the column of what is asked is.
const ASKED: usize = 46;
/// The most that is shown of an answer.
const ANSWERED: usize = 72;

/// The terminal, and how many answers were not the expected ones.
pub struct Stage {
    colours: bool,
    steps: usize,
    wrong: usize,
}

impl Stage {
    /// Colours only for somebody who looks on.
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Stage {
            colours: wanted && std::io::stdout().is_terminal(),
            steps: 0,
            wrong: 0,
        }
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        match self.colours {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_string(),
        }
    }

    /// The beginning of a part.
    pub fn title(&self, name: &str, about: &str) {
        println!("\n{}  {}", self.paint("1", name), self.paint("2", about));
    }

    /// A line of its own.
    pub fn line(&self, text: impl Display) {
        println!("  {text}");
    }

    /// What was asked, what came, and whether it is what had to come.
    pub fn step(&mut self, asked: impl Display, came: impl Display, right: bool) {
        self.steps += 1;
        let (asked, came) = (asked.to_string(), clipped(&came.to_string()));
        let mark = match right {
            true => self.paint("32", "ok"),
            false => self.paint("31;1", "WRONG"),
        };
        self.wrong += usize::from(!right);
        println!("  {mark:<2} {asked:<ASKED$} {came}");
    }

    /// An answer that must be this one.
    pub fn answer(
        &mut self,
        asked: impl Display,
        answer: Result<Value, Failure>,
        expected: &Value,
    ) {
        match &answer {
            Ok(value) if value == expected => self.step(asked, value, true),
            _ => {
                self.step(asked, said(&answer), false);
                self.line(format!("   expected {expected}"));
            }
        }
    }

    /// An answer of which a part is shown, and which must fulfil something.
    pub fn answer_that(
        &mut self,
        asked: impl Display,
        answer: Result<Value, Failure>,
        right: impl Fn(&Value) -> bool,
        show: impl Fn(&Value) -> String,
    ) {
        match &answer {
            Ok(value) if right(value) => self.step(asked, show(value), true),
            _ => self.step(asked, said(&answer), false),
        }
    }

    /// An error answer with this code and these words.
    pub fn refusal(
        &mut self,
        asked: impl Display,
        answer: Result<Value, Failure>,
        (code, words): (i64, &str),
    ) {
        let error = answer.as_ref().err().and_then(Failure::rpc);
        let right = error.is_some_and(|e| e.code == code && e.message.contains(words));
        self.step(asked, said(&answer), right);
    }

    /// The last word. Whether all was right.
    pub fn end(&self) -> bool {
        let Stage { steps, wrong, .. } = self;
        match wrong {
            0 => println!(
                "\n{}",
                self.paint("32;1", format!("{steps} of {steps} answers as expected"))
            ),
            _ => println!(
                "\n{}",
                self.paint(
                    "31;1",
                    format!("{wrong} of {steps} answers were not as expected")
                )
            ),
        }
        *wrong == 0
    }
}

/// One line of an answer or of why there is none.
fn said(answer: &Result<Value, Failure>) -> String {
    match answer {
        Ok(value) => value.to_string(),
        Err(Failure::Rpc(error)) => format!("error {}: {}", error.code, error.message),
        // What follows the first line is the transcript.
        Err(failure) => failure
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn clipped(text: &str) -> String {
    let text = text.replace(['\n', '\t'], " ");
    match text.char_indices().nth(ANSWERED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
