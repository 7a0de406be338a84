//! JSON as lightningd reads it (`common/json_parse_simple.c`): whole texts, and the values in them.

use super::tokenizer::{Step, Token, Tokenizer, next_after};
use std::sync::Arc;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{...}`
    Object,
    /// `[...]`
    Array,
    /// `"..."`; the token's text is without the quotes, escapes untouched
    String,
    /// anything that begins with a digit, `-`, `t`, `f` or `n`
    Primitive,
}

#[derive(Debug)]
struct Inner {
    text: String,
    tokens: Vec<Token>,
}

/// One whole JSON text, as it came.
#[derive(Clone, Debug)]
pub struct Doc(Arc<Inner>);

impl Doc {
    pub(crate) fn new(text: String, tokens: Vec<Token>) -> Self {
        Self(Arc::new(Inner { text, tokens }))
    }

    /// Reads one JSON value from `text`; `None` where lightningd would not take it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut tokenizer = Tokenizer::new();
        // A primitive alone needs a delimiter after it.
        let padded = format!("{text}\n");
        match tokenizer.step(padded.as_bytes()) {
            Step::Complete(end) => tokenizer.take(padded.as_bytes().get(..end)?),
            _ => None,
        }
    }

    /// The outermost value.
    pub fn root(&self) -> Json<'_> {
        Json { doc: self, at: 0 }
    }

    /// A member of the outermost object.
    pub fn get(&self, key: &str) -> Option<Json<'_>> {
        self.root().get(key)
    }
}

/// A value inside a [`Doc`]. Members are found by their raw spelling, the first one wins, and strings
/// are compared without undoing escapes: that is what lightningd does.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    doc: &'a Doc,
    at: usize,
}

impl<'a> Json<'a> {
    fn token(&self) -> Token {
        // `at` only ever comes from a walk over this document's own tokens.
        self.doc.0.tokens.get(self.at).copied().unwrap_or(Token {
            kind: Kind::Primitive,
            start: 0,
            end: Some(0),
            size: 0,
            parent: None,
        })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.token().kind
    }

    /// Number of elements or members.
    pub fn size(&self) -> usize {
        self.token().size
    }

    /// Its text, a string without its quotes (`json_strdup`).
    pub fn text(&self) -> &'a str {
        let token = self.token();
        let end = token.end.unwrap_or(token.start);
        self.doc.0.text.get(token.start..end).unwrap_or("")
    }

    /// Its text, a string with its quotes (`json_tok_full`).
    pub fn full(&self) -> &'a str {
        let (start, end) = self.full_range();
        self.doc.0.text.get(start..end).unwrap_or("")
    }

    /// Where [`full`](Self::full) lies in the document's text.
    pub fn full_range(&self) -> (usize, usize) {
        let token = self.token();
        let end = token.end.unwrap_or(token.start);
        match token.kind {
            Kind::String => (token.start.saturating_sub(1), end + 1),
            _ => (token.start, end),
        }
    }

    /// The member `key` of an object (`json_get_member`).
    pub fn get(&self, key: &str) -> Option<Json<'a>> {
        self.members()
            .find(|(name, _)| name.text() == key)
            .map(|(_, value)| value)
    }

    /// Key and value of each member; nothing for what is not an object.
    pub fn members(&self) -> impl Iterator<Item = (Json<'a>, Json<'a>)> + use<'a> {
        let (doc, mut at) = (self.doc, self.at + 1);
        let size = match self.kind() {
            Kind::Object => self.size(),
            _ => 0,
        };
        (0..size).map(move |_| {
            let (key, value) = (Json { doc, at }, Json { doc, at: at + 1 });
            at = next_after(&doc.0.tokens, at);
            (key, value)
        })
    }

    /// What `json_for_each_arr` visits: the elements of an array, but also the keys of an object.
    pub fn elements(&self) -> impl Iterator<Item = Json<'a>> + use<'a> {
        let (doc, mut at) = (self.doc, self.at + 1);
        (0..self.size()).map(move |_| {
            let element = Json { doc, at };
            at = next_after(&doc.0.tokens, at);
            element
        })
    }

    /// Whether it is the string `text`.
    pub fn is_str(&self, text: &str) -> bool {
        self.kind() == Kind::String && self.text() == text
    }

    /// Whether it begins as `null` does (`json_tok_is_null` looks at one letter).
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Primitive && self.text().starts_with('n')
    }

    /// `true` or `false`, not in quotes.
    pub fn to_bool(&self) -> Option<bool> {
        match (self.kind(), self.text()) {
            (Kind::Primitive, "true") => Some(true),
            (Kind::Primitive, "false") => Some(false),
            _ => None,
        }
    }

    /// As `serde_json` reads it; `None` for what only lightningd's lenient reading accepts.
    pub fn to_value(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.full()).ok()
    }

    /// The document's text with this value replaced by `other` (`json_stream_forward_change_id`).
    pub fn replaced_by(&self, other: &str) -> String {
        let (start, end) = self.full_range();
        let text = &self.doc.0.text;
        let before = text.get(..start).unwrap_or("");
        let after = text.get(end..).unwrap_or("");
        // Leading white space is not part of the message.
        format!("{}{other}{after}", before.trim_start())
    }
}

impl std::fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_elements_and_replacing() {
        let doc =
            Doc::parse(r#"{"x":{"y":[10,20]},"id":"a/b","x":2,"s":"a\"b","n":null}"#).unwrap();
        let x = doc.get("x").unwrap();
        let ys: Vec<_> = x.get("y").unwrap().elements().map(|e| e.text()).collect();
        assert_eq!(ys, ["10", "20"]);
        assert_eq!(doc.root().members().count(), 5);
        assert_eq!(doc.get("s").unwrap().text(), r#"a\"b"#);
        assert!(doc.get("n").unwrap().is_null());
        assert!(doc.get("id").unwrap().is_str("a/b"));
        let replaced = doc.get("id").unwrap().replaced_by("7");
        assert!(replaced.contains(r#""id":7,"x":2"#), "{replaced}");
        assert!(doc.get("y").is_none());
    }
}
