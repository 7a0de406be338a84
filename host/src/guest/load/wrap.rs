//! A core wasip1 module as a component.

use std::borrow::Cow;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

use super::{
    inspect::{Kind, inspect},
    refused::{Refused, chain},
};

/// Wraps a core module, with the adapter that turns preview1 into WASI 0.2. The same
/// bytes always give the same component.
///
/// The *reactor* adapter: a guest has no `main`, its exports are called for as long as
/// it lives.
pub fn wrap(module: &[u8]) -> Result<Vec<u8>, Refused> {
    let encode = || {
        ComponentEncoder::default()
            // The module has been inspected, and the engine validates what comes of it.
            .validate(false)
            .module(module)?
            .adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )?
            .encode()
    };
    encode().map_err(|error| Refused::Unwrappable(chain(&error)))
}

/// Inspects a file and makes it a component if it is none.
pub fn prepare(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Refused> {
    match inspect(bytes)?.kind {
        Kind::Component => Ok(Cow::Borrowed(bytes)),
        Kind::CoreModule => wrap(bytes).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

    use super::super::{engine::engine, samples};
    use super::*;

    #[test]
    fn a_module_is_wrapped_the_same_each_time_and_a_component_left_alone() {
        let module = samples::guest();
        let component = prepare(&module).unwrap().into_owned();
        assert_eq!(prepare(&module).unwrap(), component);
        assert!(matches!(prepare(&component).unwrap(), Cow::Borrowed(same) if same == component));
    }

    #[test]
    fn the_engine_takes_what_was_wrapped() {
        let engine = engine().unwrap();
        let component = prepare(&samples::guest()).unwrap().into_owned();
        let component = Component::new(&engine, &component).unwrap();
        let exports: Vec<_> = component
            .component_type()
            .exports(&engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(exports, ["cln:guest/plugin@0.1.0"]);
    }

    #[test]
    fn a_module_that_does_not_fit_its_world_is_refused() {
        // The world of a guest, on a module that exports nothing of it.
        let module = samples::embed("(module (memory (export \"memory\") 1))");
        assert!(matches!(
            prepare(&module),
            Err(Refused::Unwrappable(why)) if why.contains("plugin")
        ));
    }
}
