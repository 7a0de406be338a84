//! What a guest may import and must export, read off the WIT package and off the
//! preview1 adapter, so that there is no second list to keep.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wasmparser::Payload;
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

use super::refused::{Refused, listed, shown};

/// The package, as compiled into this binary.
pub(super) const PACKAGE: &str = include_str!("../../../../wit/v0.1/guest.wit");
/// Its world.
pub(super) const WORLD: &str = "guest";

type Interfaces = BTreeMap<String, BTreeSet<String>>;

/// One version of the guest's world, and WASI.
#[derive(Debug)]
pub struct World {
    name: String,
    imports: Interfaces,
    exports: Interfaces,
    preview1: BTreeSet<String>,
}

impl World {
    /// The world that this binary offers. An error means that it was built from a
    /// broken package, which its tests rule out.
    pub fn offered() -> Result<&'static World, Refused> {
        static WORLD: LazyLock<Result<World, String>> =
            LazyLock::new(|| World::new().map_err(|error| format!("{error:#}")));
        WORLD
            .as_ref()
            .map_err(|error| Refused::BadWorld(error.clone()))
    }

    fn new() -> anyhow::Result<World> {
        let mut resolve = Resolve::default();
        let package = resolve.push_source("guest.wit", PACKAGE)?;
        let id = resolve.select_world(&[package], Some(WORLD))?;
        let (mut imports, exports) = interfaces(&resolve, id);

        // The adapter's world is `wasi:cli/imports`, which is what the host links.
        let (_, adapter) = wit_component::metadata::decode(ADAPTER)?;
        let (wasi, _) = interfaces(&adapter.resolve, adapter.world);
        imports.extend(wasi);

        let mut preview1 = BTreeSet::new();
        for payload in wasmparser::Parser::new(0).parse_all(ADAPTER) {
            if let Payload::ExportSection(exports) = payload? {
                for export in exports {
                    preview1.insert(export?.name.to_owned());
                }
            }
        }
        Ok(World {
            name: resolve.id_of_name(package, WORLD),
            imports,
            exports,
            preview1,
        })
    }

    /// Its full name, such as `cln:guest/guest@0.1.0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks the world that a module or component was built for.
    pub(super) fn check(&self, resolve: &Resolve, id: WorldId) -> Result<(), Refused> {
        let Some(world) = resolve.worlds.get(id) else {
            return Err(Refused::BadWorld("no world".to_owned()));
        };
        for (key, item) in &world.imports {
            let name = resolve.name_world_key(key);
            match item {
                WorldItem::Type { .. } => {}
                WorldItem::Function(_) => return Err(self.unknown_import(&name)),
                WorldItem::Interface { id, .. } => {
                    let Some(offered) = compatible(&self.imports, &name) else {
                        return Err(self.unknown_import(&name));
                    };
                    for function in functions(resolve, *id) {
                        if !offered.contains(&function) {
                            return Err(Refused::UnknownImport {
                                name: format!("{} of {}", shown(&function), shown(&name)),
                                offered: listed(offered.iter().map(String::as_str)),
                            });
                        }
                    }
                }
            }
        }

        let (_, exports) = interfaces(resolve, id);
        for (wanted, wanted_functions) in &self.exports {
            let found = exports
                .iter()
                .find(|(name, _)| track(name) == track(wanted))
                .map(|(_, functions)| functions);
            let Some(found) = found else {
                let names: Vec<String> = world
                    .exports
                    .keys()
                    .map(|key| resolve.name_world_key(key))
                    .collect();
                return Err(Refused::MissingExport {
                    missing: wanted.clone(),
                    exported: listed(names.iter().map(String::as_str)),
                });
            };
            if let Some(missing) = wanted_functions.difference(found).next() {
                return Err(Refused::MissingExport {
                    missing: format!("{missing} of {wanted}"),
                    exported: listed(found.iter().map(String::as_str)),
                });
            }
        }
        Ok(())
    }

    /// Checks one import of a core module. Functions of interfaces are checked by the
    /// module's world and when it is wrapped; this is about modules that belong to no
    /// world.
    pub(super) fn check_core_import(&self, module: &str, name: &str) -> Result<(), Refused> {
        if module == PREVIEW1 {
            if self.preview1.contains(name) {
                return Ok(());
            }
            return Err(Refused::UnknownImport {
                name: format!("{} of {PREVIEW1}", shown(name)),
                offered: listed(self.preview1.iter().map(String::as_str)),
            });
        }
        // The component model's own functions, under the two manglings of their names.
        let intrinsic = module == "$root"
            || module == "cm32p2"
            || module.starts_with("[export]")
            || module.starts_with("cm32p2|_ex_");
        let interface = module.strip_prefix("cm32p2|").unwrap_or(module);
        if intrinsic || compatible(&self.imports, interface).is_some() {
            return Ok(());
        }
        Err(self.unknown_import(&format!("{module} {name}")))
    }

    fn unknown_import(&self, name: &str) -> Refused {
        Refused::UnknownImport {
            name: shown(name),
            offered: listed(
                std::iter::once(PREVIEW1).chain(self.imports.keys().map(String::as_str)),
            ),
        }
    }
}

/// The interfaces that a world imports and exports, with their functions.
fn interfaces(resolve: &Resolve, id: WorldId) -> (Interfaces, Interfaces) {
    let of = |items: Box<dyn Iterator<Item = (&WorldKey, &WorldItem)> + '_>| {
        items
            .filter_map(|(key, item)| match item {
                WorldItem::Interface { id, .. } => Some((
                    resolve.name_world_key(key),
                    functions(resolve, *id).collect(),
                )),
                _ => None,
            })
            .collect::<Interfaces>()
    };
    match resolve.worlds.get(id) {
        None => Default::default(),
        Some(world) => (
            of(Box::new(world.imports.iter())),
            of(Box::new(world.exports.iter())),
        ),
    }
}

fn functions(resolve: &Resolve, id: wit_parser::InterfaceId) -> impl Iterator<Item = String> {
    resolve
        .interfaces
        .get(id)
        .into_iter()
        .flat_map(|interface| interface.functions.keys().cloned())
}

/// The interface of this name, in any version that stands in for it.
fn compatible<'a>(interfaces: &'a Interfaces, name: &str) -> Option<&'a BTreeSet<String>> {
    interfaces
        .iter()
        .find(|(offered, _)| track(offered) == track(name))
        .map(|(_, functions)| functions)
}

/// The name and the part of its version that must be equal: `0.2` of 0.2.12, `1` of
/// 1.4.0. wasmtime's linker goes by the same rule.
fn track(name: &str) -> (&str, Option<(&str, Option<&str>)>) {
    let Some((name, version)) = name.split_once('@') else {
        return (name, None);
    };
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default();
    let minor = (major == "0").then(|| parts.next()).flatten();
    (name, Some((major, minor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_read() {
        let world = World::offered().unwrap();
        assert_eq!(world.name(), "cln:guest/guest@0.1.0");
        assert_eq!(
            listed(
                world.exports["cln:guest/plugin@0.1.0"]
                    .iter()
                    .map(String::as_str)
            ),
            "check, getmanifest, hook, init, method, notification, run, setconfig"
        );
        for interface in [
            "log",
            "rpc",
            "notification",
            "progress",
            "timer",
            "kv",
            "http",
        ] {
            assert!(compatible(&world.imports, &format!("cln:guest/{interface}@0.1.0")).is_some());
        }
        for interface in [
            "cli/environment",
            "io/poll",
            "clocks/wall-clock",
            "sockets/tcp",
            "random/random",
        ] {
            assert!(
                compatible(&world.imports, &format!("wasi:{interface}@0.2.0")).is_some(),
                "{interface}"
            );
        }
        assert!(world.preview1.contains("fd_write"));
    }

    #[test]
    fn versions_of_one_track_stand_in_for_each_other() {
        assert_eq!(track("a:b/c@0.2.1"), track("a:b/c@0.2.9"));
        assert_eq!(track("a:b/c@0.2.1"), track("a:b/c@0.2"));
        assert_eq!(track("a:b/c@1.2.0"), track("a:b/c@1.9.3"));
        assert_ne!(track("a:b/c@0.1.0"), track("a:b/c@0.2.0"));
        assert_ne!(track("a:b/c@1.0.0"), track("a:b/c@2.0.0"));
        assert_ne!(track("a:b/c"), track("a:b/c@1.0.0"));
        assert_ne!(track("a:b/c@0.1.0"), track("a:b/d@0.1.0"));
    }
}
