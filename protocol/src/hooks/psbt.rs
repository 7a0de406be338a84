//! Reads a PSBT as strictly as lightningd's library does, or more so.
//!
//! lightningd aborts on a PSBT that libwally cannot read, or cannot write after that
//! (`psbt_get_bytes` in `bitcoin/psbt.c`), that lacks what a dual-funded open needs
//! (`psbt_has_required_fields` in `common/psbt_open.c`), or that cannot be turned into one
//! of version 0 (`towire_wally_psbt`). Field types are those of BIP 174, BIP 370 and
//! BIP 371. Fields that cannot be checked here, none of which a funding transaction needs,
//! are refused.

mod fields;
mod transaction;

use crate::hook::Invalid;
use base64::Engine;
use fields::{Map, Pair, Reader};
use std::collections::HashSet;
use transaction::Transaction;

const MAGIC: &[u8] = b"psbt\xff";
const PSET_MAGIC: &[u8] = b"pset\xff";

/// What a hook asks of a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// It contributes to an open: lightningd adds the serial ids that are missing.
    Inputs,
    /// It is an update: as above, but it may be empty.
    Anything,
    /// It is the version 2 that was shown, with signatures.
    SerialIds,
}

/// The parts of a PSBT that hooks look at.
#[derive(Debug)]
pub(super) struct Parsed {
    version: u32,
    tx_version: u32,
    locktime: u32,
    inputs: Vec<Side>,
    outputs: Vec<Side>,
}

/// An input or output: what of it may not change while it is being signed.
#[derive(Debug, PartialEq, Eq)]
struct Side(Vec<(Vec<u8>, Vec<u8>)>);

/// Checks a PSBT in base64.
pub(super) fn check(base64: &str, needs: Needs) -> Result<Parsed, Invalid> {
    base64::engine::general_purpose::STANDARD
        .decode(base64)
        .map_err(|reason| reason.to_string())
        .and_then(|bytes| parse(&bytes, needs))
        .map_err(|reason| Invalid::new(format!("psbt is wrong: {reason}")))
}

/// Refuses a signed PSBT whose transaction is not the one that was shown
/// (`psbt_contribs_changed`, and the txid that `openchannel2_sign_hook_cb` compares).
pub(super) fn check_unchanged(shown: &Parsed, signed: &Parsed) -> Result<(), Invalid> {
    let changed = |what: &str| Err(Invalid::new(format!("psbt changes {what}")));
    if signed.version != 2 {
        return changed("its version: lightningd compares version 2 only");
    }
    if (shown.tx_version, shown.locktime) != (signed.tx_version, signed.locktime) {
        return changed("the version or locktime of the transaction");
    }
    if shown.inputs != signed.inputs {
        return changed("the inputs");
    }
    if shown.outputs != signed.outputs {
        return changed("the outputs");
    }
    Ok(())
}

fn parse(bytes: &[u8], needs: Needs) -> Result<Parsed, String> {
    let mut reader = Reader::new(bytes);
    match reader.take(MAGIC.len())? {
        MAGIC => {}
        PSET_MAGIC => return Err("a PSET of Liquid cannot be checked".into()),
        _ => return Err("the magic bytes are missing".into()),
    }
    let global = reader.map()?;
    let global = Global::read(&global)?;
    if global.version != 2 && needs == Needs::SerialIds {
        return Err("version 2 is needed".into());
    }
    if global.inputs == 0 && needs == Needs::Inputs {
        return Err("there are no inputs".into());
    }
    let mut parsed = Parsed {
        version: global.version,
        tx_version: global.tx_version,
        locktime: global.locktime,
        inputs: Vec::new(),
        outputs: Vec::new(),
    };
    // The counts are the sender's claim: nothing is allocated for them.
    let mut serials = HashSet::new();
    for n in 0..global.inputs {
        let side = read_input(&reader.map()?, &global, n, needs, &mut serials)
            .map_err(|reason| format!("input {n}: {reason}"))?;
        parsed.inputs.push(side);
    }
    serials.clear();
    for n in 0..global.outputs {
        let side = read_output(&reader.map()?, &global, needs, &mut serials)
            .map_err(|reason| format!("output {n}: {reason}"))?;
        parsed.outputs.push(side);
    }
    match reader.is_empty() {
        true => Ok(parsed),
        false => Err("there are bytes after the last output".into()),
    }
}

struct Global {
    version: u32,
    tx_version: u32,
    locktime: u32,
    inputs: u64,
    outputs: u64,
    /// In version 0.
    tx: Option<Transaction>,
}

impl Global {
    fn read(map: &Map) -> Result<Self, String> {
        let version = match map.get(0xfb) {
            None => 0,
            Some(pair) => pair.le32()?,
        };
        if version != 0 && version != 2 {
            return Err(format!("version {version} is not known"));
        }
        for pair in map.pairs() {
            fields::check_global(pair, version)?;
        }
        if version == 0 {
            let tx = map.get(0).ok_or("there is no transaction")?;
            let tx = Transaction::unsigned(tx.value)?;
            return Ok(Global {
                version,
                tx_version: tx.version,
                locktime: tx.locktime,
                inputs: tx.inputs.len() as u64,
                outputs: tx.outputs.len() as u64,
                tx: Some(tx),
            });
        }
        let tx_version = map.get(2).ok_or("there is no transaction version")?;
        let tx_version = tx_version.le32()?;
        if tx_version < 2 {
            return Err(format!("transaction version {tx_version} is below 2"));
        }
        Ok(Global {
            version,
            tx_version,
            locktime: map.get(3).map_or(Ok(0), Pair::le32)?,
            inputs: map
                .get(4)
                .ok_or("there is no input count")?
                .compact_size()?,
            outputs: map
                .get(5)
                .ok_or("there is no output count")?
                .compact_size()?,
            tx: None,
        })
    }
}

fn read_input(
    map: &Map,
    global: &Global,
    n: u64,
    needs: Needs,
    serials: &mut HashSet<u64>,
) -> Result<Side, String> {
    for pair in map.pairs() {
        fields::check_input(pair, global.version)?;
    }
    fields::check_signatures_match_sighash(map)?;
    let spent = match &global.tx {
        Some(tx) => *usize::try_from(n)
            .ok()
            .and_then(|n| tx.inputs.get(n))
            .ok_or("it is not in the transaction")?,
        None => {
            let txid = map.get(0x0e).ok_or("there is no previous txid")?;
            // For libwally that is none when it writes the PSBT (`push_psbt_input`).
            if txid.value == transaction::NO_TXID {
                return Err("its previous txid is zero".into());
            }
            map.get(0x0f).ok_or("there is no output index")?.le32()?
        }
    };
    let utxo = map.get(0).ok_or("there is no non-witness utxo")?;
    let utxo = Transaction::full(utxo.value)?;
    let has_redeem_script = map.get(4).is_some();
    // In version 0 lightningd looks at output 0, whichever is spent.
    for index in [spent, 0] {
        let script = utxo
            .outputs
            .get(index as usize)
            .ok_or_else(|| format!("its utxo has no output {index}"))?;
        if transaction::is_p2sh(script)
            && !has_redeem_script
            && (index == spent || global.version == 0)
        {
            return Err("it spends P2SH and has no redeem script".into());
        }
    }
    check_serial(map, needs, serials)?;
    let mut kept = map.kept_of_input();
    if global.version == 2 && map.get(0x10).is_none() {
        // Absent means final.
        kept.push((vec![0x10], vec![0xff; 4]));
        kept.sort();
    }
    Ok(Side(kept))
}

fn read_output(
    map: &Map,
    global: &Global,
    needs: Needs,
    serials: &mut HashSet<u64>,
) -> Result<Side, String> {
    for pair in map.pairs() {
        fields::check_output(pair, global.version)?;
    }
    if global.version == 2 {
        map.get(3).ok_or("there is no amount")?;
        map.get(4).ok_or("there is no script")?;
    }
    check_serial(map, needs, serials)?;
    Ok(Side(map.kept_of_output()))
}

fn check_serial(map: &Map, needs: Needs, serials: &mut HashSet<u64>) -> Result<(), String> {
    match map.serial_id() {
        Some(serial) if serials.insert(serial) => Ok(()),
        Some(_) => Err("its serial id is taken".into()),
        None if needs == Needs::SerialIds => Err("there is no serial id".into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
