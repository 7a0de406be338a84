//! A manifest on its way to JSON, member by member. What writes stays a few functions, for all of
//! it is in every guest.

use crate::json::{self, Items};

/// An object that is written.
pub(super) struct Written<'a>(Items<'a>);

impl Written<'_> {
    /// The members that `with` writes.
    pub(super) fn object(text: &mut String, with: impl FnOnce(&mut Written<'_>)) {
        let mut written = Written(Items::begin(text, "{", "}"));
        with(&mut written);
        written.0.finish();
    }

    /// An array of `items`, each as `write` writes it.
    pub(super) fn array<T>(text: &mut String, items: &[T], write: impl Fn(&T, &mut String)) {
        let mut written = Items::begin(text, "[", "]");
        for item in items {
            write(item, written.element());
        }
        written.finish();
    }

    /// A name, and where its value is to be written.
    #[inline(never)]
    pub(super) fn member(&mut self, name: &str) -> &mut String {
        self.0.name(name)
    }

    #[inline(never)]
    pub(super) fn text(&mut self, name: &str, value: &str) {
        json::push_string(self.member(name), value);
    }

    #[inline(never)]
    pub(super) fn bool(&mut self, name: &str, value: bool) {
        self.member(name)
            .push_str(if value { "true" } else { "false" });
    }

    /// A member that is left out where there is nothing in it.
    pub(super) fn list<T>(&mut self, name: &str, items: &[T], write: impl Fn(&T, &mut String)) {
        if !items.is_empty() {
            Written::array(self.member(name), items, write);
        }
    }

    #[inline(never)]
    pub(super) fn texts(&mut self, name: &str, texts: &[String]) {
        self.list(name, texts, |item, text| json::push_string(text, item));
    }
}
