//! What all handlers have in common.

use std::future::Future;

/// What an `async fn` returns: any future. It is a trait of its own for the sake of the
/// compiler's message where there is none.
#[diagnostic::on_unimplemented(
    message = "a handler must be an `async fn`, and this one returns `{Self}` at once",
    label = "not an `async fn`",
    note = "write `async fn`, or return a future"
)]
pub trait Async: Future {}

#[diagnostic::do_not_recommend]
impl<F: Future> Async for F {}
