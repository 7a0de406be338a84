//! What the guest keeps: its key-value store.

use std::fmt;
use std::rc::Rc;

use cln_protocol::json;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::border::Outside;
use crate::error::KvError;
use crate::turn::Turn;

/// Calls that this guest has open at the same time; the bridge refuses more than 64.
pub(crate) const AT_ONCE: usize = 32;
/// Keys in one page.
const PAGE: u32 = 1_000;

/// The guest's store: values under keys, which outlive the guest, the bridge and the
/// node. Cheap to clone.
///
/// What a function has written is on the disk when it returns. A key has 1 to 512
/// bytes of UTF-8; a value has at most `limits.answer_bytes`, and all entries together
/// `limits.kv_bytes`, where each counts for its key, its value and 64 bytes. The operator must
/// grant `kv`. It works from [`Guest::on_init`](crate::Guest::on_init) on, and in the hook
/// `db_write`, which may come before.
///
/// ```
/// # use cln_guest::prelude::*;
/// # struct State;
/// #[derive(Default, serde::Serialize, serde::Deserialize)]
/// struct Seen {
///     times: u64,
/// }
///
/// async fn on_connect(cx: Cx<State>, peer: ConnectPayload) -> Result<(), KvError> {
///     let key = format!("peer/{}", peer.id);
///     cx.kv()
///         .update_json(&key, |seen: Option<Seen>| {
///             let mut seen = seen.unwrap_or_default();
///             seen.times += 1;
///             Some(seen)
///         })
///         .await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Kv {
    border: Rc<Outside>,
    turn: Rc<Turn>,
}

impl fmt::Debug for Kv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv").finish_non_exhaustive()
    }
}

/// Some of the keys, in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvPage {
    /// Keys; with their values, where those were asked for.
    pub entries: Vec<(String, Option<Vec<u8>>)>,
    /// There are more after the last of these.
    pub more: bool,
}

/// What [`Kv::compare_and_swap`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvSwap {
    /// What was expected; the new value is there now.
    Swapped,
    /// This value instead, or none. Nothing was changed.
    Differs(Option<Vec<u8>>),
}

fn encode(key: &str, value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, KvError> {
    let text = json::to_string(value).map_err(|error| KvError::Encode {
        key: key.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(text.into_bytes())
}

fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, KvError> {
    json::from_slice(value).map_err(|error| KvError::Decode {
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

impl Kv {
    pub(crate) fn new(border: Rc<Outside>, turn: Rc<Turn>) -> Self {
        Kv { border, turn }
    }

    /// The value of `key`, if it has one.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        let _turn = self.turn.take().await;
        self.border.kv_get(key.to_owned()).await
    }

    /// Gives `key` this value.
    pub async fn set(&self, key: &str, value: impl Into<Vec<u8>>) -> Result<(), KvError> {
        let _turn = self.turn.take().await;
        self.border.kv_set(key.to_owned(), value.into()).await
    }

    /// Takes `key` away; whether it had a value.
    pub async fn delete(&self, key: &str) -> Result<bool, KvError> {
        let _turn = self.turn.take().await;
        self.border.kv_delete(key.to_owned()).await
    }

    /// The value of `key`, read as JSON.
    pub async fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, KvError> {
        let value = self.get(key).await?;
        value.map(|value| decode(key, &value)).transpose()
    }

    /// Gives `key` this value, written as JSON.
    pub async fn set_json(
        &self,
        key: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), KvError> {
        self.set(key, encode(key, value)?).await
    }

    /// At most `limit` (and at most 1000) of the keys that begin with `prefix` and come
    /// after `after`. With their values it may be fewer, so that all of them fit
    /// into `limits.answer_bytes`.
    pub async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        with_values: bool,
    ) -> Result<KvPage, KvError> {
        let _turn = self.turn.take().await;
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.border.kv_list(prefix, after, limit, with_values).await
    }

    async fn all(
        &self,
        prefix: &str,
        with_values: bool,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, KvError> {
        let mut all: Vec<(String, Option<Vec<u8>>)> = Vec::new();
        loop {
            let after = all.last().map(|(key, _)| key.as_str());
            let page = self.page(prefix, after, PAGE, with_values).await?;
            let goes_on = page.more && !page.entries.is_empty();
            all.extend(page.entries);
            if !goes_on {
                return Ok(all);
            }
        }
    }

    /// All keys that begin with `prefix`, page by page.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>, KvError> {
        let all = self.all(prefix, false).await?;
        Ok(all.into_iter().map(|(key, _)| key).collect())
    }

    /// All keys that begin with `prefix`, with their values, page by page.
    pub async fn entries(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, KvError> {
        let all = self.all(prefix, true).await?;
        let entry = |(key, value): (String, Option<Vec<u8>>)| (key, value.unwrap_or_default());
        Ok(all.into_iter().map(entry).collect())
    }

    /// As [`entries`](Kv::entries), with the values read as JSON.
    pub async fn entries_json<T: DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, T)>, KvError> {
        let entries = self.entries(prefix).await?;
        let read = |(key, value): (String, Vec<u8>)| {
            let value = decode(&key, &value)?;
            Ok((key, value))
        };
        entries.into_iter().map(read).collect()
    }

    /// Gives `key` the value `new`, or takes it away, if it has the value `expected`, or
    /// none: in one step.
    pub async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<KvSwap, KvError> {
        let _turn = self.turn.take().await;
        let own = |value: Option<&[u8]>| value.map(<[u8]>::to_vec);
        self.border
            .kv_swap(key.to_owned(), own(expected), own(new))
            .await
    }

    /// Changes the value of `key` by what it is: `change` gets it and gives the new one, or
    /// None for none. Where another change comes between, `change` is asked again with
    /// what is there then. Returns the new value.
    pub async fn update(
        &self,
        key: &str,
        mut change: impl FnMut(Option<&[u8]>) -> Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, KvError> {
        self.try_update(key, |value| Ok(change(value))).await
    }

    /// As [`update`](Kv::update), with values as JSON.
    pub async fn update_json<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<T>) -> Option<T>,
    ) -> Result<Option<T>, KvError> {
        let new = self
            .try_update(key, |value| {
                let value = value.map(|value| decode(key, value)).transpose()?;
                change(value).map(|new| encode(key, &new)).transpose()
            })
            .await?;
        new.map(|value| decode(key, &value)).transpose()
    }

    async fn try_update(
        &self,
        key: &str,
        mut change: impl FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, KvError>,
    ) -> Result<Option<Vec<u8>>, KvError> {
        let mut there = self.get(key).await?;
        loop {
            let new = change(there.as_deref())?;
            if new == there {
                return Ok(new);
            }
            let swap = self.compare_and_swap(key, there.as_deref(), new.as_deref());
            match swap.await? {
                KvSwap::Swapped => return Ok(new),
                KvSwap::Differs(now) => there = now,
            }
        }
    }
}
