//! Which of a guest's functions an address of its compiled form is in.
//!
//! The form says for each piece of code which byte of the component it came from, and the
//! component has the guest's module in it as it was built, names included.

use std::path::Path;

use anyhow::{Context, ensure};
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// The functions of one guest.
#[derive(Debug)]
pub struct Compiled {
    /// Where the code is in the file.
    code: std::ops::Range<u64>,
    /// From which byte of the code on, and of which function. In order.
    functions: Vec<(u64, String)>,
}

impl Compiled {
    /// Reads the compiled form and the module that it was made of.
    pub fn open(form: &Path, module: &[u8]) -> anyhow::Result<Compiled> {
        let form = std::fs::read(form)?;
        let code = section(&form, ".text").context("no code")?;
        let map = section(&form, ".wasmtime.addrmap").context("no map of addresses")?;
        let places = places(form.get(map).context("cut short")?).context("another kind of map")?;
        let bodies = bodies(module)?;
        let first = bodies.first().context("no functions")?;
        // The module is the first that has code in the component.
        let least = places.iter().filter_map(|(_, place)| *place).min();
        let moved = least.context("an empty map")?.checked_sub(first.0.start);
        let moved = moved.context("a map of another module")?;
        let mut functions: Vec<(u64, String)> = Vec::new();
        let mut nothings = None;
        for (offset, place) in places {
            let name = match place.and_then(|place| place.checked_sub(moved)) {
                // Code that stands for no instruction: the check of the stack at the beginning
                // of a function.
                None => {
                    nothings.get_or_insert(offset);
                    continue;
                }
                Some(place) => {
                    let next = bodies.partition_point(|(body, _)| body.start <= place);
                    match next.checked_sub(1).and_then(|index| bodies.get(index)) {
                        Some((body, name)) if body.contains(&place) => name.as_str(),
                        _ => "(the adapter)",
                    }
                }
            };
            let start = nothings.take().unwrap_or(offset);
            if functions.last().is_none_or(|(_, last)| last != name) {
                functions.push((start, name.to_owned()));
            }
        }
        ensure!(!functions.is_empty(), "no functions");
        Ok(Compiled {
            code: code.start as u64..code.end as u64,
            functions,
        })
    }

    /// The function at this offset in the file.
    pub fn function(&self, offset: u64) -> &str {
        if !self.code.contains(&offset) {
            return "(the guest)";
        }
        let at = offset - self.code.start;
        let next = self.functions.partition_point(|(start, _)| *start <= at);
        let found = next.checked_sub(1).and_then(|at| self.functions.get(at));
        found.map_or("(the guest)", |(_, name)| name)
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    let number = bytes
        .iter()
        .rev()
        .fold(0, |all, b| all << 8 | u64::from(*b));
    usize::try_from(number).ok()
}

/// Where a section of an ELF file (64 bits, little-endian) is.
fn section(file: &[u8], name: &str) -> Option<std::ops::Range<usize>> {
    let headers = number(file, 0x28, 8)?;
    let (size, count) = (number(file, 0x3a, 2)?, number(file, 0x3c, 2)?);
    let names = headers + number(file, 0x3e, 2)? * size;
    let names = number(file, names + 0x18, 8)?;
    (0..count).find_map(|nth| {
        let header = headers + nth * size;
        let here = file.get(names + number(file, header, 4)?..)?;
        let here = here.split(|byte| *byte == 0).next()?;
        let start = number(file, header + 0x18, 8)?;
        (here == name.as_bytes()).then_some(start..start + number(file, header + 0x20, 8)?)
    })
}

/// `.wasmtime.addrmap` of wasmtime 48: from which byte of the code on, and from which byte of
/// the component.
fn places(map: &[u8]) -> Option<Vec<(u64, Option<u64>)>> {
    const BLOCK: usize = 128;
    let (entries, blocks) = (number(map, 0, 4)?, number(map, 4, 4)?);
    let bodies = map.get(8 + 8 * blocks..)?;
    let mut places = Vec::new();
    for block in 0..blocks {
        let mut offset = number(map, 8 + 8 * block, 4)? as u64;
        let mut body = bodies.get(number(map, 12 + 8 * block, 4)?..)?;
        let mut last: Option<i64> = None;
        for _ in 0..BLOCK.min(entries.checked_sub(block * BLOCK)?) {
            let token = leb128(&mut body)?.0;
            offset += token >> 1;
            if token & 1 != 0 {
                places.push((offset, None));
                continue;
            }
            let (value, bits) = leb128(&mut body)?;
            let place = match last {
                None => value.cast_signed(),
                // A difference, with the sign in its last bit.
                Some(last) => last + ((value << (64 - bits)).cast_signed() >> (64 - bits)),
            };
            last = Some(place);
            places.push((offset, u64::try_from(place).ok()));
        }
    }
    Some(places)
}

/// A number, and how many bits it was written with.
fn leb128(bytes: &mut &[u8]) -> Option<(u64, u32)> {
    let (mut value, mut bits) = (0, 0);
    loop {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f).checked_shl(bits)?;
        bits += 7;
        if byte & 0x80 == 0 {
            return Some((value, bits.min(64)));
        }
    }
}

/// The functions' bodies and names.
fn bodies(module: &[u8]) -> anyhow::Result<Vec<(std::ops::Range<u64>, String)>> {
    let mut bodies = Vec::new();
    let mut imported = 0;
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let function = matches!(import?.ty, wasmparser::TypeRef::Func(_));
                    imported += usize::from(function);
                }
            }
            Payload::CodeSectionEntry(body) => {
                let number = imported + bodies.len();
                bodies.push((body.range(), format!("function {number}")));
            }
            Payload::CustomSection(custom) => {
                let KnownCustom::Name(names) = custom.as_known() else {
                    continue;
                };
                for name in names {
                    let Name::Function(functions) = name? else {
                        continue;
                    };
                    for function in functions {
                        let function = function?;
                        let index = (function.index as usize).checked_sub(imported);
                        if let Some((_, name)) = index.and_then(|index| bodies.get_mut(index)) {
                            *name = format!("{:#}", rustc_demangle::demangle(function.name));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(bodies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_addresses() {
        let map = [
            &[3, 0, 0, 0, 1, 0, 0, 0][..],
            &[0x10, 0, 0, 0, 0, 0, 0, 0],
            // Byte 100; four on, nothing; two on, one byte before.
            &[0, 100, 4 << 1 | 1, 2 << 1, 0x7f],
        ]
        .concat();
        assert_eq!(
            places(&map),
            Some(vec![(0x10, Some(100)), (0x14, None), (0x16, Some(99))])
        );
        assert_eq!(places(&map[..map.len() - 1]), None);
    }

    #[test]
    fn bodies_have_their_names() {
        let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\
                       \x0a\x04\x01\x02\0\x0b\0\x0b\x04name\x01\x04\x01\0\x01f";
        assert_eq!(bodies(module).unwrap(), [(22..24, "f".to_owned())]);
    }
}
