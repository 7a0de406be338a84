//! What a guest keeps: values under keys, in a file of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use wasmtime::component::{Accessor, HasSelf};

use super::Capabilities;
use super::effective::Capability;
use crate::guest::bindings::cln::guest::kv as wit;
use crate::guest::bindings::cln::guest::kv::{Failure, Host, HostWithStore};
use crate::guest::sandbox::Sandbox;
use crate::store::{Range, Store, StoreError, Swap};

/// The longest key, in bytes.
const KEY: usize = 512;
/// The most keys in one page.
const PAGE: u32 = 1_000;
/// Calls of one guest that may wait at the same time.
const IN_FLIGHT: u64 = 64;
/// What the writes that wait may hold together, in units of `limits.answer_bytes`.
const WAITING_VALUES: u64 = 4;

impl Host for Sandbox {}

impl HostWithStore<Sandbox> for HasSelf<Sandbox> {
    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Failure>> {
        let own = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        Ok(ToTheEnd::new(async move { own.kv_get(key).await }).await)
    }

    async fn set(
        accessor: &Accessor<Sandbox, Self>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let own = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        Ok(ToTheEnd::new(async move { own.kv_set(key, value).await }).await)
    }

    async fn delete(
        accessor: &Accessor<Sandbox, Self>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Failure>> {
        let own = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        Ok(ToTheEnd::new(async move { own.kv_delete(key).await }).await)
    }

    async fn list(
        accessor: &Accessor<Sandbox, Self>,
        prefix: String,
        after: Option<String>,
        limit: u32,
        with_values: bool,
    ) -> wasmtime::Result<Result<wit::Page, Failure>> {
        let own = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        Ok(
            ToTheEnd::new(async move { own.kv_list(prefix, after, limit, with_values).await })
                .await,
        )
    }

    async fn compare_and_swap(
        accessor: &Accessor<Sandbox, Self>,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<wit::Swap, Failure>> {
        let own = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        Ok(ToTheEnd::new(async move { own.kv_swap(key, expected, new).await }).await)
    }
}

/// Goes on also when it is dropped. A guest may cancel its call, but what the store has
/// begun it ends: the call must keep its place meanwhile, or each that is cancelled would
/// make room for one more.
struct ToTheEnd<F>(Option<Pin<Box<F>>>)
where
    F: Future<Output: Send> + Send + 'static;

impl<F: Future<Output: Send> + Send + 'static> ToTheEnd<F> {
    fn new(call: F) -> Self {
        ToTheEnd(Some(Box::pin(call)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for ToTheEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(call) = &mut self.0 else {
            return Poll::Pending;
        };
        let done = call.as_mut().poll(context);
        if done.is_ready() {
            self.0 = None;
        }
        done
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for ToTheEnd<F> {
    fn drop(&mut self) {
        // Without a runtime the bridge ends, and the store with it.
        if let Some(call) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(call);
        }
    }
}

/// Counts a call, and what it holds, for as long as it is under way.
struct Place<'a> {
    of: &'a Capabilities,
    bytes: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.of.kv_in_flight.fetch_sub(1, Ordering::Relaxed);
        self.of
            .kv_bytes_waiting
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Capabilities {
    async fn kv_get(&self, key: String) -> Result<Option<Vec<u8>>, Failure> {
        check_key(&key)?;
        let (store, _place) = self.kv(&[])?;
        store.get(key).await.map_err(failure)
    }

    async fn kv_set(&self, key: String, value: Vec<u8>) -> Result<(), Failure> {
        check_key(&key)?;
        let (store, _place) = self.kv(&[&value])?;
        store.set(key, value).await.map_err(failure)
    }

    async fn kv_delete(&self, key: String) -> Result<bool, Failure> {
        check_key(&key)?;
        let (store, _place) = self.kv(&[])?;
        store.delete(key).await.map_err(failure)
    }

    async fn kv_list(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
        values: bool,
    ) -> Result<wit::Page, Failure> {
        for text in [Some(&prefix), after.as_ref()].into_iter().flatten() {
            if !text.is_empty() {
                check_key(text)?;
            }
        }
        let (store, _place) = self.kv(&[])?;
        let range = Range {
            prefix,
            after,
            limit: limit.min(PAGE) as usize,
            bytes: self.policy.limits.answer_bytes,
            values,
        };
        let page = store.list(range).await.map_err(failure)?;
        let entry = |(key, value)| wit::Entry { key, value };
        Ok(wit::Page {
            entries: page.entries.into_iter().map(entry).collect(),
            more: page.more,
        })
    }

    async fn kv_swap(
        &self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> Result<wit::Swap, Failure> {
        check_key(&key)?;
        let held: Vec<&[u8]> = [&expected, &new]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect();
        let (store, _place) = self.kv(&held)?;
        let swap = store.swap(key, expected, new).await.map_err(failure)?;
        Ok(match swap {
            Swap::Swapped => wit::Swap::Swapped,
            Swap::Differs(there) => wit::Swap::Differs(there),
        })
    }

    /// The store and a place in it for one call that holds these values, if the
    /// operator, the limits and the hour allow it.
    fn kv(&self, values: &[&[u8]]) -> Result<(&Store, Place<'_>), Failure> {
        self.may(Capability::Kv).map_err(Failure::Denied)?;
        if !self.node.has_begun() {
            // `lightningd --help` asks for the manifest too, and must leave no trace.
            return Err(Failure::Unavailable(
                "the store opens with init, or with the first db_write".to_owned(),
            ));
        }
        let most = self.policy.limits.answer_bytes;
        let bytes = values
            .iter()
            .fold(0u64, |sum, value| sum.saturating_add(value.len() as u64));
        if bytes > most {
            return Err(Failure::Limit(format!(
                "{bytes} bytes, and limits.answer_bytes is {most}"
            )));
        }
        let calls = self.kv_in_flight.fetch_add(1, Ordering::Relaxed);
        let waiting = self.kv_bytes_waiting.fetch_add(bytes, Ordering::Relaxed);
        let place = Place { of: self, bytes };
        if calls >= IN_FLIGHT {
            return Err(Failure::Limit(format!(
                "{IN_FLIGHT} calls are waiting already"
            )));
        }
        let room = most.saturating_mul(WAITING_VALUES);
        if bytes > 0 && waiting.saturating_add(bytes) > room {
            return Err(Failure::Limit(format!(
                "writes with {waiting} bytes are waiting already, and {room} may (limits.answer_bytes, {WAITING_VALUES} times)"
            )));
        }
        Ok((&self.store, place))
    }
}

fn check_key(key: &str) -> Result<(), Failure> {
    match key.len() {
        1..=KEY => Ok(()),
        length => Err(Failure::Malformed(format!(
            "a key has 1 to {KEY} bytes, not {length}"
        ))),
    }
}

fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::Quota { .. } => Failure::Limit(error.to_string()),
        StoreError::Fault(fault) => Failure::Unavailable(fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_call_that_is_dropped_keeps_its_place_until_it_is_done() {
        let (done, disk) = oneshot::channel::<()>();
        let place = Arc::new(());
        let held = Arc::clone(&place);
        let mut call = ToTheEnd::new(async move {
            let _place = held;
            disk.await.unwrap();
        });
        assert!(futures::poll!(&mut call).is_pending());
        drop(call);
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&place), 2);
        done.send(()).unwrap();
        while Arc::strong_count(&place) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_call_gives_its_outcome() {
        assert_eq!(ToTheEnd::new(std::future::ready(7)).await, 7);
    }
}
