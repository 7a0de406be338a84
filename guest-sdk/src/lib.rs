//! Write Core Lightning extensions that run sandboxed in cln-wasm.
//!
//! A guest is one expression: what it registers, and the async function that
//! handles each. The same code runs as WebAssembly in the bridge and natively
//! in tests, in a [harness].
//!
//! ```
//! use std::cell::Cell;
//! use cln_guest::prelude::*;
//!
//! const GREETING: StringOption = StringOption::new("greeting", "Whom to greet").default("World");
//!
//! #[derive(Default)]
//! struct State {
//!     greeted: Cell<u64>,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct HelloParams {
//!     name: Option<String>,
//! }
//!
//! async fn hello(cx: Cx<State>, params: HelloParams) -> Result<String, RpcError> {
//!     let state = cx.state();
//!     state.greeted.set(state.greeted.get() + 1);
//!     let name = params.name.unwrap_or_else(|| cx.option(&GREETING));
//!     Ok(format!("Hello {name}"))
//! }
//!
//! fn guest() -> Guest<State> {
//!     Guest::new(|_| Ok(State::default()))
//!         .dynamic()
//!         .option(&GREETING)
//!         .method(Method::new("hello", "[name]", "Greets"), hello)
//! }
//!
//! cln_guest::export!(guest);
//! # fn main() {}
//! ```
//!
//! # Logging
//!
//! The macros of the [`log`] crate write to the node's log. `tracing` does too,
//! with its feature `log` and without a subscriber. `println!` and `eprintln!` are harmless: the
//! bridge turns them into debug lines. A panic is logged with its place, and
//! ends the instance; the bridge starts a new one.

extern crate self as cln_guest;

mod border;
mod cx;
mod deprecated;
mod error;
mod feature_bits;
mod guest;
mod handler;
mod hold;
mod hook;
mod http;
mod init;
mod instance;
mod interval;
mod kv;
mod members;
mod method;
mod option;
mod params;
mod rpc;
mod same;
mod subscription;
mod turn;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[path = "wit.rs"]
pub mod __wasm;

/// The allocator that a guest has in any case. Named here, it is called without two functions
/// in between, each of which checks its stack and its time.
#[cfg(all(target_family = "wasm", feature = "allocator"))]
#[global_allocator]
static MEMORY: std::alloc::System = std::alloc::System;

#[cfg(not(target_family = "wasm"))]
pub mod harness;

pub use border::LogLevel;
pub use cln_protocol::hook::Hook;
pub use cln_protocol::topics::Topic;
pub use cln_protocol::{hooks, primitives, topics};
pub use cx::Cx;
pub use deprecated::Deprecated;
pub use error::{CallError, HttpError, KvError, NotifyError, RpcError, TimerError};
pub use feature_bits::FeaturePlace;
pub use guest::Guest;
pub use handler::Async;
pub use hold::{Answer, Held, Ticket, Unsettled, hold};
pub use hook::{HookFilter, HookHandler, HookOptions, IntoAction};
pub use http::{Http, HttpCall, HttpRequest, HttpResponse};
pub use init::{Configuration, Init};
pub use interval::Interval;
pub use kv::{Kv, KvPage, KvSwap};
pub use members::Members;
pub use method::{IntoReply, Method, MethodHandler};
pub use option::{
    Bool, BoolOption, Concealed, ConcealedOption, ConcealedText, ConfigOption, Flag, FlagOption,
    Int, IntOption, Kind, Multi, MultiIntOption, MultiStringOption, NoDefault, Readable,
    StringOption, Text,
};
pub use rpc::Rpc;
pub use subscription::{IntoOutcome, Notification, NotificationHandler};

pub use log;
pub use serde;
pub use serde_json;

/// JSON, read and written as serde_json does, by what each guest has in it anyway.
/// `serde_json::from_str` brings a second reader into the guest.
///
/// One thing is not read: a struct that is written as an array of its fields.
pub mod json {
    pub use cln_protocol::json::{Error, RawStr, RawValue, from_slice, from_str, to_string};
}

/// All that a guest usually needs.
///
/// `Custommsg` and `InvoicePayment` are a hook and a topic each. The name alone, and that of the
/// payload, is the hook's; the topic's is `topics::Custommsg`.
///
/// ```
/// use cln_guest::prelude::*;
///
/// async fn from_peer(_: Cx<()>, message: CustommsgPayload) -> CustommsgAction {
///     let _: String = message.payload;
///     CustommsgAction::pass()
/// }
///
/// async fn seen(_: Cx<()>, message: topics::CustommsgPayload) {
///     let _: HexBytes = message.payload;
/// }
///
/// async fn paid(_: Cx<()>, _: InvoicePaymentPayload) -> InvoicePaymentAction {
///     InvoicePaymentAction::pass()
/// }
///
/// async fn was_paid(_: Cx<()>, _: topics::InvoicePaymentPayload) {}
///
/// let guest = Guest::with_state(())
///     .hook::<Custommsg>(from_peer)
///     .subscribe::<topics::Custommsg>(seen)
///     .hook::<InvoicePayment>(paid)
///     .subscribe::<topics::InvoicePayment>(was_paid);
/// ```
pub mod prelude {
    // Each is a topic's name too; named here, it is not ambiguous.
    pub use crate::hooks::{self, *};
    pub use crate::hooks::{Custommsg, CustommsgPayload, InvoicePayment, InvoicePaymentPayload};
    pub use crate::primitives::{self, *};
    pub use crate::topics::{self, *};
    pub use crate::{
        BoolOption, CallError, ConcealedOption, Configuration, Cx, Deprecated, FeaturePlace,
        FlagOption, Guest, Held, HookOptions, Http, HttpError, HttpRequest, HttpResponse, Init,
        IntOption, Interval, Kv, KvError, KvSwap, LogLevel, Method, MultiIntOption,
        MultiStringOption, NoDefault, Notification, NotifyError, Rpc, RpcError, StringOption,
        Ticket, TimerError, Unsettled, hold,
    };
    pub use log;
    pub use serde_json::{Value, json};
}

/// Makes a function that returns a [`Guest`] the guest of this crate.
///
/// As WebAssembly it defines the module's exports; natively it only checks the
/// type, so that the crate can be tested.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export {
    ($guest:path) => {
        #[allow(
            unsafe_code,
            reason = "the exports of a WebAssembly module are raw functions"
        )]
        const _: () = {
            struct Exported;
            impl $crate::__wasm::Entry for Exported {
                fn guest() -> $crate::__wasm::Erased {
                    $crate::__wasm::erase($guest())
                }
            }
    $crate::__wasm::export!(Exported with_types_in $crate::__wasm::bindings);
        };
    };
}

/// Makes a function that returns a [`Guest`] the guest of this crate.
///
/// As WebAssembly it defines the module's exports; natively it only checks the
/// type, so that the crate can be tested.
#[cfg(not(target_family = "wasm"))]
#[macro_export]
macro_rules! export {
    ($guest:path) => {
        const _: fn() = || {
            fn is_a_guest<S>(_: fn() -> $crate::Guest<S>) {}
            is_a_guest($guest);
        };
    };
}
