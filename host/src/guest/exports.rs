//! What a guest exports to be called.

use std::sync::Arc;

use wasmtime::AsContextMut;
use wasmtime::component::{Instance, TypedFunc};

use super::bindings::cln::guest::types;
use super::call::CallId;
use super::sandbox::Sandbox;

type Json = Arc<str>;
type RpcResult<T> = (Result<T, types::RpcError>,);
type MethodCall = (CallId, Json, Json, Option<Json>, bool);
type HookCall = (CallId, &'static str, Json, bool);
type HookResult = (Result<String, String>,);

/// The exports of `cln:guest/plugin`, with parameters that are lowered without a copy.
pub(super) struct Exports {
    pub(super) getmanifest: TypedFunc<(Json,), (String,)>,
    pub(super) init: TypedFunc<(Json,), (Result<(), String>,)>,
    pub(super) run: TypedFunc<(), ()>,
    pub(super) method: TypedFunc<MethodCall, RpcResult<String>>,
    pub(super) check: TypedFunc<(CallId, Json, Json), RpcResult<()>>,
    pub(super) setconfig: TypedFunc<(CallId, Json, Option<Json>, bool), RpcResult<()>>,
    pub(super) notification: TypedFunc<(Json, Json, Option<Json>), ()>,
    pub(super) hook: TypedFunc<HookCall, HookResult>,
}

/// The exported interface, by version.
const PLUGIN_INTERFACE: &str = "cln:guest/plugin@0.1.0";

impl Exports {
    /// Of an instance.
    ///
    /// # Errors
    ///
    /// It lacks one, or has one of another type.
    pub(super) fn find(
        mut store: impl AsContextMut<Data = Sandbox>,
        instance: &Instance,
    ) -> wasmtime::Result<Exports> {
        let interface = instance
            .get_export_index(&mut store, None, PLUGIN_INTERFACE)
            .ok_or_else(|| wasmtime::Error::msg(format!("does not export {PLUGIN_INTERFACE}")))?;
        macro_rules! export {
            ($name:literal) => {{
                let index = instance
                    .get_export_index(&mut store, Some(&interface), $name)
                    .ok_or_else(|| wasmtime::Error::msg(concat!("does not export ", $name)))?;
                instance.get_typed_func(&mut store, &index)?
            }};
        }
        Ok(Exports {
            getmanifest: export!("getmanifest"),
            init: export!("init"),
            run: export!("run"),
            method: export!("method"),
            check: export!("check"),
            setconfig: export!("setconfig"),
            notification: export!("notification"),
            hook: export!("hook"),
        })
    }
}
