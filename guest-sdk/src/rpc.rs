//! lightningd's JSON-RPC, through the bridge.

use std::fmt;
use std::rc::Rc;

use cln_protocol::json::{self, RawValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::border::Outside;
use crate::error::CallError;

/// A way to call lightningd. Cheap to clone; calls may be open at the same time.
///
/// ```
/// # use cln_guest::prelude::*;
/// # struct State;
/// #[derive(serde::Deserialize)]
/// struct Info {
///     id: String,
///     blockheight: u32,
/// }
///
/// async fn height(cx: Cx<State>, _: ()) -> Result<u32, RpcError> {
///     let info: Info = cx.rpc().call("getinfo", &()).await?;
///     log::debug!("{} is at {}", info.id, info.blockheight);
///     Ok(info.blockheight)
/// }
/// ```
#[derive(Clone)]
pub struct Rpc {
    border: Rc<Outside>,
    cause: u64,
    filter: Option<Rc<str>>,
}

impl fmt::Debug for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rpc")
            .field("cause", &self.cause)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

impl Rpc {
    pub(crate) fn new(border: Rc<Outside>, cause: u64) -> Self {
        Rpc {
            border,
            cause,
            filter: None,
        }
    }

    /// The same, asking lightningd to leave out of each result what `filter` (JSON
    /// text, such as `{"peers":[{"id":true}]}`) does not name.
    pub fn with_filter(&self, filter: &str) -> Rpc {
        Rpc {
            filter: Some(filter.into()),
            ..self.clone()
        }
    }

    /// Calls `method`. `params` must serialise to a JSON object or array; `&()`
    /// stands for none.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
    ) -> Result<T, CallError> {
        let params = json::to_string(params).map_err(|error| CallError::Encode {
            method: method.to_owned(),
            reason: error.to_string(),
        })?;
        let params = if params == "null" {
            "{}".to_owned()
        } else {
            params
        };
        let answer = self.send(method, params).await?;
        json::from_str(&answer).map_err(|error| CallError::Decode {
            method: method.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Calls `method` with JSON text, for the answer as JSON text.
    pub async fn call_raw(&self, method: &str, params: &str) -> Result<RawValue, CallError> {
        let answer = self.send(method, params.to_owned()).await?;
        RawValue::from_string(answer).map_err(|error| CallError::Decode {
            method: method.to_owned(),
            reason: error.to_string(),
        })
    }

    async fn send(&self, method: &str, params: String) -> Result<String, CallError> {
        let filter = self.filter.as_deref().map(str::to_owned);
        self.border
            .call(self.cause, method.to_owned(), params, filter)
            .await
    }
}
