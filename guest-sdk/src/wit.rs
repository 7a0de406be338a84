//! The border in WebAssembly: the WIT world's imports and exports.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use cln_protocol::json::RawValue;
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::border::{self, Kept, LogLevel};
use crate::error::{CallError, HttpError, KvError, NotifyError, RpcError, TimerError};
use crate::guest::Guest;
use crate::http::{HttpRequest, HttpResponse};
use crate::instance::{Exports, Instance};
use crate::kv::{KvPage, KvSwap};
use crate::subscription::Delivery;

/// What wit-bindgen makes of the WIT world.
pub mod bindings {
    #![allow(
        unsafe_code,
        missing_docs,
        clippy::all,
        reason = "generated: the canonical ABI is raw memory, and the WIT holds the documentation"
    )]
    wit_bindgen::generate!({
        world: "guest",
        path: "../wit/v0.1",
        pub_export_macro: true,
        runtime_path: "::cln_guest::__wasm::wit_bindgen::rt",
        default_bindings_module: "::cln_guest::__wasm::bindings",
        additional_derives: [],
    });
}

pub use bindings::export;
pub use wit_bindgen;

use bindings::cln::guest::{
    hooks, http, kv, log, notification, progress, rpc, subscription, timer, types,
};
use bindings::exports::cln::guest::plugin;

/// The WIT world's imports.
pub struct Wit(Instant);

impl From<LogLevel> for log::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Trace => log::Level::Trace,
            LogLevel::Debug => log::Level::Debug,
            LogLevel::Info => log::Level::Info,
            LogLevel::Unusual => log::Level::Unusual,
            LogLevel::Broken => log::Level::Broken,
        }
    }
}

fn answered(error: types::RpcError) -> RpcError {
    RpcError {
        code: error.code,
        message: error.message,
        data: error.data.and_then(|data| RawValue::from_string(data).ok()),
    }
}

impl From<RpcError> for types::RpcError {
    fn from(error: RpcError) -> Self {
        types::RpcError {
            code: error.code,
            message: error.message,
            data: error.data.map(|data| data.into_string()),
        }
    }
}

impl From<kv::Failure> for KvError {
    fn from(failure: kv::Failure) -> Self {
        match failure {
            kv::Failure::Denied(text) => KvError::Denied(text),
            kv::Failure::Limit(text) => KvError::Limit(text),
            kv::Failure::Unavailable(text) => KvError::Unavailable(text),
            kv::Failure::Malformed(text) => KvError::Malformed(text),
        }
    }
}

/// What `harness::Border` asks for.
impl Wit {
    pub(crate) fn log(&self, level: LogLevel, message: &str) {
        log::log(level.into(), message);
    }

    pub(crate) fn call(
        &self,
        cause: u64,
        method: String,
        params: String,
        filter: Option<String>,
    ) -> LocalBoxFuture<'static, Result<String, CallError>> {
        async move {
            rpc::call(cause, method, params, filter)
                .await
                .map_err(|failure| match failure {
                    rpc::Failure::Rpc(error) => CallError::Rpc(answered(error)),
                    rpc::Failure::Denied(text) => CallError::Denied(text),
                    rpc::Failure::Timeout => CallError::Timeout,
                    rpc::Failure::Unavailable(text) => CallError::Unavailable(text),
                    rpc::Failure::Limit(text) => CallError::Limit(text),
                    rpc::Failure::Malformed(text) => CallError::Malformed(text),
                })
        }
        .boxed_local()
    }

    pub(crate) fn notify(&self, topic: &str, params: &str) -> Result<(), NotifyError> {
        notification::notify(topic, params).map_err(|failure| match failure {
            notification::Failure::Denied(text) => NotifyError::Denied(text),
            notification::Failure::Limit(text) => NotifyError::Limit(text),
            notification::Failure::Malformed(text) => NotifyError::Malformed(text),
        })
    }

    pub(crate) fn message(&self, call: u64, level: LogLevel, message: &str) {
        progress::message(call, level.into(), message);
    }

    pub(crate) fn progress(&self, call: u64, num: u32, total: u32, stage: Option<(u32, u32)>) {
        progress::progress(call, num, total, stage);
    }

    pub(crate) fn sleep(
        &self,
        duration: Duration,
    ) -> LocalBoxFuture<'static, Result<(), TimerError>> {
        let ms = border::whole_ms(duration);
        async move {
            timer::sleep(ms).await.map_err(|failure| match failure {
                timer::Failure::Denied(text) => TimerError::Denied(text),
                timer::Failure::Limit(text) => TimerError::Limit(text),
            })
        }
        .boxed_local()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn http(
        &self,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Result<HttpResponse, HttpError>> {
        async move {
            let headers = request.headers.into_iter();
            let sent = http::Request {
                method: request.method,
                url: request.url,
                headers: headers
                    .map(|(name, value)| http::Header { name, value })
                    .collect(),
                body: request.body,
                timeout_ms: request.timeout.map(border::whole_ms),
            };
            let answer = http::send(sent).await.map_err(|failure| match failure {
                http::Failure::Denied(text) => HttpError::Denied(text),
                http::Failure::Timeout => HttpError::Timeout,
                http::Failure::Unavailable(text) => HttpError::Unavailable(text),
                http::Failure::Limit(text) => HttpError::Limit(text),
                http::Failure::Malformed(text) => HttpError::Malformed(text),
            })?;
            let headers = answer.headers.into_iter();
            Ok(HttpResponse {
                status: answer.status,
                headers: headers.map(|header| (header.name, header.value)).collect(),
                body: answer.body,
            })
        }
        .boxed_local()
    }

    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    pub(crate) fn kv_get(&self, key: String) -> Kept<Option<Vec<u8>>> {
        async move { Ok(kv::get(key).await?) }.boxed_local()
    }

    pub(crate) fn kv_set(&self, key: String, value: Vec<u8>) -> Kept<()> {
        async move { Ok(kv::set(key, value).await?) }.boxed_local()
    }

    pub(crate) fn kv_delete(&self, key: String) -> Kept<bool> {
        async move { Ok(kv::delete(key).await?) }.boxed_local()
    }

    pub(crate) fn kv_list(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
        with_values: bool,
    ) -> Kept<KvPage> {
        async move {
            let page = kv::list(prefix, after, limit, with_values).await?;
            let entry = |entry: kv::Entry| (entry.key, entry.value);
            Ok(KvPage {
                entries: page.entries.into_iter().map(entry).collect(),
                more: page.more,
            })
        }
        .boxed_local()
    }

    pub(crate) fn kv_swap(
        &self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> Kept<KvSwap> {
        async move {
            Ok(match kv::compare_and_swap(key, expected, new).await? {
                kv::Swap::Swapped => KvSwap::Swapped,
                kv::Swap::Differs(there) => KvSwap::Differs(there),
            })
        }
        .boxed_local()
    }
}

/// A guest without the type of its state.
pub struct Erased(
    Box<dyn FnOnce(Rc<Wit>) -> Rc<dyn Exports>>,
    ::log::LevelFilter,
);

/// Forgets the type of a guest's state.
pub fn erase<S: 'static>(guest: Guest<S>) -> Erased {
    let level = guest.log_level;
    Erased(
        Box::new(|border| Rc::new(Instance::new(guest, border))),
        level,
    )
}

/// What `export!` implements for the author.
pub trait Entry {
    /// Builds the guest.
    fn guest() -> Erased;
}

thread_local! {
    static INSTANCE: OnceCell<Rc<dyn Exports>> = const { OnceCell::new() };
}

fn instance<E: Entry>() -> Rc<dyn Exports> {
    INSTANCE.with(|cell| Rc::clone(cell.get_or_init(start::<E>)))
}

fn next(delivery: &mut Delivery) -> bool {
    let Some(next) = subscription::next() else {
        return false;
    };
    if let Some(topic) = next.topic {
        delivery.topic = topic;
    }
    delivery.params = next.params;
    delivery.origin = next.origin;
    true
}

fn start<E: Entry>() -> Rc<dyn Exports> {
    let border = Rc::new(Wit(Instant::now()));
    border::enter(&border);
    std::panic::set_hook(Box::new(|panic| {
        border::log_line(LogLevel::Broken, &panic.to_string().replace('\n', " "));
    }));
    let Erased(make, level) = E::guest();
    border::install_logger(level);
    make(border)
}

impl<E: Entry> plugin::Guest for E {
    async fn getmanifest(request: String) -> String {
        instance::<E>().getmanifest(&request)
    }

    async fn init(init: String) -> Result<(), String> {
        instance::<E>().init(&init).await
    }

    async fn run() {
        instance::<E>().run().await;
    }

    async fn method(
        call: u64,
        method: String,
        params: String,
        _filter: Option<String>,
        deprecated_ok: bool,
    ) -> Result<String, types::RpcError> {
        let answer = instance::<E>().method(call, &method, &params, deprecated_ok);
        drop(params);
        answer.await.map_err(Into::into)
    }

    async fn check(call: u64, method: String, params: String) -> Result<(), types::RpcError> {
        let answer = instance::<E>().check(call, &method, &params);
        answer.await.map_err(Into::into)
    }

    async fn setconfig(
        call: u64,
        option: String,
        value: Option<String>,
        check_only: bool,
    ) -> Result<(), types::RpcError> {
        instance::<E>()
            .setconfig(call, &option, value.as_deref(), check_only)
            .map_err(Into::into)
    }

    async fn notification(topic: String, params: String, origin: Option<String>) {
        let first = Delivery {
            topic,
            origin,
            params,
        };
        instance::<E>().notifications(first, next).await;
    }

    async fn hook(
        call: u64,
        mut hook: String,
        payload: String,
        more: bool,
    ) -> Result<String, String> {
        let instance = instance::<E>();
        let mut given = (call, payload, more);
        loop {
            let (call, payload, more) = given;
            let answer = instance.hook(call, &hook, &payload);
            // A held answer need not keep the payload, which the handler has parsed.
            drop(payload);
            let answer = answer.await;
            if !more {
                return answer;
            }
            let said = answer.as_deref().map_err(String::as_str);
            let Some(next) = hooks::next(said) else {
                return answer;
            };
            if let Some(another) = next.hook {
                hook = another;
            }
            given = (next.call, next.payload, next.more);
        }
    }
}
