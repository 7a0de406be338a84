//! A look at a module before it is compiled, so that what is wrong with it is said in
//! the operator's words and not in the compiler's.
//!
//! Bytes are hostile, and the decoder of worlds is known to recurse without end on some
//! (packages that depend on each other): this runs in the compiling child, or in a
//! command of its own, never in the bridge.

use wasmparser::{BinaryReaderError, Encoding, Payload, TypeRef, Validator};
use wit_parser::decoding::DecodedWasm;

use super::{
    engine::allowed_by_inspection,
    refused::{Refused, chain, clipped, listed},
    world::World,
};

/// Functions of all modules together. CPython with its standard library has 20,000.
const FUNCTIONS: u64 = 200_000;
/// Core modules in a component. A Python guest, linked of shared libraries, has 20.
const MODULES: u64 = 200;
/// Components in a component.
const COMPONENTS: u64 = 100;
/// Memories, each of which reserves 4 GiB of address space for every instance.
pub const MEMORIES: u64 = 8;
/// Bytes of memory that a guest asks for before it runs. What it may grow to is the
/// operator's to say; this is where no operator would go.
const INITIAL_MEMORY: u64 = 1 << 30;
/// Tables.
pub const TABLES: u64 = 100;
/// Elements of all tables together, 8 bytes each, at the start.
const TABLE_ELEMENTS: u64 = 1_000_000;
/// Globals of all modules together: initialised one by one at every start.
const GLOBALS: u64 = 100_000;
/// Imports, and exports, of all modules together: resolved one by one.
const NAMES: u64 = 50_000;
/// Data and element segments, likewise.
const SEGMENTS: u64 = 100_000;

const WASM_PAGE: u64 = 64 * 1024;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A core module for wasip1, to be wrapped.
    CoreModule,
    /// A component, taken as it is.
    Component,
}

/// What was seen in a module that is fit to be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// What it is.
    pub kind: Kind,
    /// Names of the interfaces that it imports, as in its world.
    pub imports: Vec<String>,
    /// Names of the interfaces that it exports.
    pub exports: Vec<String>,
    /// Functions of all its modules.
    pub functions: u64,
    /// Bytes of memory that it starts with.
    pub initial_memory: u64,
}

/// Looks at a file: is it WebAssembly, whole, valid, within bounds, and built for the
/// world that is offered here?
pub fn inspect(bytes: &[u8]) -> Result<Inspected, Refused> {
    let (kind, seen) = validate(bytes)?;
    let world = World::offered()?;
    let (resolve, id) = match kind {
        Kind::CoreModule => {
            for (module, name) in &seen.core_imports {
                world.check_core_import(module, name)?;
            }
            let (found, bindgen) = wit_component::metadata::decode(bytes)
                .map_err(|error| Refused::BadWorld(chain(&error)))?;
            if found.is_none() {
                return Err(Refused::NoWorld {
                    wanted: world.name().to_owned(),
                    seen: seen.about_exports(),
                });
            }
            (bindgen.resolve, bindgen.world)
        }
        Kind::Component => match wit_component::decode(bytes) {
            Ok(DecodedWasm::Component(resolve, world)) => (resolve, world),
            Ok(DecodedWasm::WitPackage(..)) => {
                return Err(Refused::NotWasm(
                    "a WIT package in binary form: types without code".to_owned(),
                ));
            }
            Err(error) => return Err(Refused::BadWorld(chain(&error))),
        },
    };
    world.check(&resolve, id)?;
    let names = |keys: Vec<&wit_parser::WorldKey>| {
        keys.into_iter()
            .map(|key| resolve.name_world_key(key))
            .collect()
    };
    let built_for = resolve.worlds.get(id);
    Ok(Inspected {
        kind,
        imports: names(
            built_for
                .map(|world| world.imports.keys().collect())
                .unwrap_or_default(),
        ),
        exports: names(
            built_for
                .map(|world| world.exports.keys().collect())
                .unwrap_or_default(),
        ),
        functions: seen.functions.found,
        initial_memory: seen.initial_memory.found,
    })
}

/// All that can be said without its world.
fn validate(bytes: &[u8]) -> Result<(Kind, Seen), Refused> {
    let kind = kind(bytes)?;
    // Bounds first: validation takes memory in proportion to what it finds.
    let seen = walk(bytes)?;
    Validator::new_with_features(allowed_by_inspection())
        .validate_all(bytes)
        .map_err(invalid)?;
    Ok((kind, seen))
}

/// By the first eight bytes.
fn kind(bytes: &[u8]) -> Result<Kind, Refused> {
    const MAGIC: &[u8] = b"\0asm";
    if bytes.is_empty() {
        return Err(Refused::Empty);
    }
    if wasmparser::Parser::is_core_wasm(bytes) {
        return Ok(Kind::CoreModule);
    }
    if wasmparser::Parser::is_component(bytes) {
        return Ok(Kind::Component);
    }
    if !bytes.starts_with(MAGIC) && !MAGIC.starts_with(bytes) {
        return Err(Refused::NotWasm(looks_like(bytes)));
    }
    let why = match bytes.get(4..8) {
        None => "ends within its header".to_owned(),
        Some(version) => format!("unknown version {}", hex(version)),
    };
    Err(Refused::Invalid { offset: 4, why })
}

fn looks_like(bytes: &[u8]) -> String {
    const MAGICS: &[(&[u8], &str)] = &[
        (
            b"\x7fELF",
            "an ELF file: native code, or an already compiled module; give the .wasm",
        ),
        (b"\x1f\x8b", "compressed with gzip"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
        (b"!<arch>\n", "a static library"),
        (b"BC\xc0\xde", "LLVM bitcode"),
    ];
    if let Some((_, what)) = MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return (*what).to_owned();
    }
    let (start, _) = bytes.split_at(bytes.len().min(64));
    let text = match std::str::from_utf8(start) {
        Ok(text) => Some(text),
        // A character may be cut in two at the end of what was looked at.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(start.split_at(error.valid_up_to()).0).ok()
        }
        Err(_) => None,
    };
    match text.filter(|text| !text.contains('\0')) {
        Some(text) if text.trim_start().starts_with('(') => {
            "a text file, perhaps in WebAssembly's text format: translate it first".to_owned()
        }
        Some(text) => format!(
            "a text file that begins with `{}`",
            clipped(text.lines().next().unwrap_or_default())
        ),
        None => format!(
            "it begins with the bytes {}",
            hex(start.split_at(start.len().min(8)).0)
        ),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn invalid(error: BinaryReaderError) -> Refused {
    Refused::Invalid {
        offset: error.offset(),
        why: clipped(error.message()),
    }
}

/// A count that must not pass its limit.
#[derive(Debug)]
struct Count {
    what: &'static str,
    found: u64,
    limit: u64,
}

impl Count {
    fn new(what: &'static str, limit: u64) -> Self {
        Count {
            what,
            found: 0,
            limit,
        }
    }

    fn add(&mut self, more: u64) -> Result<(), Refused> {
        self.found = self.found.saturating_add(more);
        if self.found > self.limit {
            return Err(Refused::TooMany {
                what: self.what,
                found: self.found,
                limit: self.limit,
            });
        }
        Ok(())
    }
}

/// What a walk over the sections, without a look at any function, finds.
#[derive(Debug)]
struct Seen {
    functions: Count,
    modules: Count,
    components: Count,
    memories: Count,
    initial_memory: Count,
    tables: Count,
    table_elements: Count,
    globals: Count,
    imports: Count,
    exports: Count,
    segments: Count,
    /// Module and name, of the outermost module only.
    core_imports: Vec<(String, String)>,
    /// Of the outermost module only.
    core_exports: Vec<String>,
}

impl Seen {
    fn about_exports(&self) -> String {
        let exported = listed(self.core_exports.iter().map(String::as_str));
        if self.core_exports.iter().any(|name| name == "_start") {
            format!(
                "It is a command (it exports _start) where a guest is a library; it exports {exported}"
            )
        } else {
            format!("It exports {exported}")
        }
    }
}

fn walk(bytes: &[u8]) -> Result<Seen, Refused> {
    let mut seen = Seen {
        functions: Count::new("functions", FUNCTIONS),
        modules: Count::new("modules", MODULES),
        components: Count::new("components", COMPONENTS),
        memories: Count::new("memories", MEMORIES),
        initial_memory: Count::new("bytes of initial memory", INITIAL_MEMORY),
        tables: Count::new("tables", TABLES),
        table_elements: Count::new("table elements", TABLE_ELEMENTS),
        globals: Count::new("globals", GLOBALS),
        imports: Count::new("imports", NAMES),
        exports: Count::new("exports", NAMES),
        segments: Count::new("data and element segments", SEGMENTS),
        core_imports: Vec::new(),
        core_exports: Vec::new(),
    };
    let mut depth = 0u64;
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                match encoding {
                    Encoding::Module => seen.modules.add(1)?,
                    Encoding::Component => seen.components.add(1)?,
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::FunctionSection(functions) => seen.functions.add(functions.count().into())?,
            Payload::GlobalSection(globals) => seen.globals.add(globals.count().into())?,
            Payload::DataSection(segments) => seen.segments.add(segments.count().into())?,
            Payload::ElementSection(segments) => seen.segments.add(segments.count().into())?,
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let memory = memory.map_err(invalid)?;
                    seen.memories.add(1)?;
                    seen.initial_memory
                        .add(memory.initial.saturating_mul(WASM_PAGE))?;
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    seen.tables.add(1)?;
                    seen.table_elements
                        .add(table.map_err(invalid)?.ty.initial)?;
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(invalid)?;
                    seen.imports.add(1)?;
                    if let TypeRef::Func(_) = import.ty {
                        seen.functions.add(1)?;
                    }
                    if depth == 1 {
                        seen.core_imports
                            .push((import.module.to_owned(), import.name.to_owned()));
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(invalid)?;
                    seen.exports.add(1)?;
                    if depth == 1 {
                        seen.core_exports.push(export.name.to_owned());
                    }
                }
            }
            Payload::ComponentImportSection(imports) => seen.imports.add(imports.count().into())?,
            Payload::ComponentExportSection(exports) => seen.exports.add(exports.count().into())?,
            _ => {}
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests;
