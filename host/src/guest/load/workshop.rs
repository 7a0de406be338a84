//! Where a module becomes something that can be linked and run.

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use super::{engine, wrap};
use crate::guest::sandbox::Sandbox;
use crate::policy::Limits;

/// The engine, the linker, the compiler.
pub struct Workshop {
    engine: Engine,
    linker: Linker<Sandbox>,
}

impl std::fmt::Debug for Workshop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop").finish_non_exhaustive()
    }
}

/// A guest in compiled form.
pub struct Loaded {
    component: Component,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}

impl Workshop {
    /// Ready to load guests.
    pub fn open() -> wasmtime::Result<Workshop> {
        let engine = engine::engine()?;
        let linker = Sandbox::linker(&engine)?;
        Ok(Workshop { engine, linker })
    }

    /// The engine of all guests.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A module as found, checked and compiled.
    pub async fn load(&self, module: &[u8], _limits: &Limits) -> Result<Loaded, String> {
        let component = wrap::wrap(module).map_err(|e| e.to_string())?;
        let component = Component::new(&self.engine, component).map_err(|e| format!("{e:#}"))?;
        Ok(Loaded { component })
    }

    /// The guest with its imports; nothing of it has run.
    pub fn link(&self, loaded: &Loaded) -> wasmtime::Result<InstancePre<Sandbox>> {
        self.linker.instantiate_pre(&loaded.component)
    }

    /// All guests are loaded.
    pub fn dismiss(&self) {}
}
