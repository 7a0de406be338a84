//! Whose instructions they were: addresses of a running process by file and function.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::compiled::Compiled;
use crate::stepping::Addresses;

/// One mapping of code.
#[derive(Debug)]
struct Mapping {
    from: u64,
    to: u64,
    offset: u64,
    /// Empty for code that was made at run time.
    file: String,
    /// The compiled form of a guest, where it is one's.
    guest: Option<PathBuf>,
}

/// The mappings of a process.
#[derive(Debug)]
pub struct Map(Vec<Mapping>);

/// Part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The program: bridge, engine and runtime.
    Bridge,
    /// The C library.
    Libc,
    /// The guest's code as compiled.
    Guest,
}

impl Map {
    /// Reads them while it runs.
    pub fn of(process: u32) -> anyhow::Result<Map> {
        let path = format!("/proc/{process}/maps");
        let text = std::fs::read_to_string(&path).context(path)?;
        Ok(Map(text.lines().filter_map(mapping).collect()))
    }

    fn find(&self, address: u64) -> Option<&Mapping> {
        self.0.iter().find(|m| (m.from..m.to).contains(&address))
    }

    /// How many of the instructions were whose.
    pub fn parts(&self, addresses: &Addresses) -> BTreeMap<Part, u64> {
        let mut parts = BTreeMap::new();
        for (address, count) in addresses {
            let file = self.find(*address).map_or("", |m| m.file.as_str());
            let part = match file {
                "" => Part::Guest,
                file if file.contains("/lib") || file.starts_with('[') => Part::Libc,
                _ => Part::Bridge,
            };
            *parts.entry(part).or_default() += count;
        }
        parts
    }

    /// By function, the most first. Needs `nm`. Functions of guests, all of which were made of
    /// `module`, have names where their form came from the cache.
    pub fn functions(
        &self,
        addresses: &Addresses,
        module: &[u8],
    ) -> anyhow::Result<Vec<(String, u64)>> {
        let mut tables = HashMap::new();
        let mut guests = HashMap::new();
        let mut functions: HashMap<String, u64> = HashMap::new();
        for (address, count) in addresses {
            let name = match self.find(*address) {
                Some(mapping) if Path::new(&mapping.file).is_file() => {
                    if !tables.contains_key(&mapping.file) {
                        tables.insert(mapping.file.clone(), symbols(&mapping.file)?);
                    }
                    let base = self.base(&mapping.file);
                    let table = tables.get(&mapping.file).map_or(&[][..], Vec::as_slice);
                    let at = address - base;
                    let next = table.partition_point(|(start, _)| *start <= at);
                    match next.checked_sub(1).and_then(|index| table.get(index)) {
                        Some((_, name)) => name.clone(),
                        None => mapping.file.clone(),
                    }
                }
                Some(Mapping {
                    guest: Some(form),
                    from,
                    offset,
                    ..
                }) => {
                    if !guests.contains_key(form) {
                        guests.insert(form.clone(), Compiled::open(form, module)?);
                    }
                    let compiled = guests.get(form).context("it is there")?;
                    format!("guest: {}", compiled.function(address - from + offset))
                }
                Some(mapping) if mapping.file.is_empty() => "(the guest)".to_owned(),
                _ => "(the kernel's code)".to_owned(),
            };
            *functions.entry(name).or_default() += count;
        }
        let mut functions: Vec<(String, u64)> = functions.into_iter().collect();
        functions.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(functions)
    }

    /// Where the file's address 0 is. Right for files whose code lies as far into the
    /// file as into the memory, or a whole number of pages further.
    fn base(&self, file: &str) -> u64 {
        let of_file = self.0.iter().filter(|m| m.file == file);
        of_file.map(|m| m.from - m.offset).min().unwrap_or(0)
    }
}

/// A line such as `7f00-7f10 r-xp 00001000 fe:00 123  /usr/lib/libc.so.6`.
fn mapping(line: &str) -> Option<Mapping> {
    let mut fields = line.split_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let _permissions = fields.next()?;
    let offset = fields.next()?;
    // Code that was just compiled is in no file, the cache's is in one.
    let file = fields.nth(2).unwrap_or_default();
    let guest = file.ends_with(".cwasm").then(|| PathBuf::from(file));
    let file = if guest.is_some() { "" } else { file };
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some(Mapping {
        from: number(from)?,
        to: number(to)?,
        offset: number(offset)?,
        file: file.to_owned(),
        guest,
    })
}

/// Addresses and names of its functions, in order.
fn symbols(file: &str) -> anyhow::Result<Vec<(u64, String)>> {
    let mut all = Vec::new();
    for dynamic in [false, true] {
        let mut nm = Command::new("nm");
        nm.args(["--demangle", "--defined-only"]);
        if dynamic {
            nm.arg("--dynamic");
        }
        let output = nm.arg(file).output().context("nm")?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let mut fields = line.splitn(3, ' ');
            let address = fields.next().and_then(|f| u64::from_str_radix(f, 16).ok());
            let kind = fields.next();
            if let (Some(address), Some("t" | "T" | "i" | "w" | "W"), Some(name)) =
                (address, kind, fields.next())
            {
                all.push((address, name.to_owned()));
            }
        }
    }
    all.sort();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_an_address_is() {
        let text = "1000-2000 r--p 00000000 fe:00 1 /opt/cln-wasm\n\
                    2000-3000 r-xp 00001000 fe:00 1 /opt/cln-wasm\n\
                    5000-6000 r-xp 00000000 fe:00 2 /usr/lib/libc.so.6\n\
                    8000-9000 r-xp 00000000 00:00 0";
        let map = Map(text.lines().filter_map(mapping).collect());
        let addresses = Addresses::from([(0x2010, 3), (0x5010, 2), (0x8010, 7), (0x2020, 1)]);
        let parts = map.parts(&addresses);
        assert_eq!(
            parts.into_iter().collect::<Vec<_>>(),
            [(Part::Bridge, 4), (Part::Libc, 2), (Part::Guest, 7)]
        );
        assert_eq!(map.base("/opt/cln-wasm"), 0x1000);
    }
}
