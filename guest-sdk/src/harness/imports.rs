//! What the harness answers in the bridge's place.

use std::time::{Duration, SystemTime};

use futures::future::LocalBoxFuture;

use crate::border::{Kept, LogLevel};
use crate::error::{CallError, HttpError, NotifyError, TimerError};
use crate::http::{HttpRequest, HttpResponse};
use crate::kv::{KvPage, KvSwap};

/// The imports of the WIT world, as Rust. In WebAssembly they are methods of `__wasm::Wit`.
pub(crate) trait Border {
    fn log(&self, level: LogLevel, message: &str);
    fn call(
        &self,
        cause: u64,
        method: String,
        params: String,
        filter: Option<String>,
    ) -> LocalBoxFuture<'static, Result<String, CallError>>;
    fn notify(&self, topic: &str, params: &str) -> Result<(), NotifyError>;
    fn message(&self, call: u64, level: LogLevel, message: &str);
    fn progress(&self, call: u64, num: u32, total: u32, stage: Option<(u32, u32)>);
    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, Result<(), TimerError>>;
    /// Time on a clock that nobody sets, from any beginning.
    fn elapsed(&self) -> Duration;
    fn http(
        &self,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Result<HttpResponse, HttpError>>;
    fn now(&self) -> SystemTime;
    fn kv_get(&self, key: String) -> Kept<Option<Vec<u8>>>;
    fn kv_set(&self, key: String, value: Vec<u8>) -> Kept<()>;
    fn kv_delete(&self, key: String) -> Kept<bool>;
    fn kv_list(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
        with_values: bool,
    ) -> Kept<KvPage>;
    fn kv_swap(&self, key: String, expected: Option<Vec<u8>>, new: Option<Vec<u8>>)
    -> Kept<KvSwap>;
}
