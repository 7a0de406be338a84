//! tmp
pub fn wrap(m: &[u8]) -> anyhow::Result<Vec<u8>> { Ok(wit_component::ComponentEncoder::default().validate(true).module(m)?.adapter("wasi_snapshot_preview1", wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?.encode()?) }
