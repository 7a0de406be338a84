//! Bitcoin transactions, read only as far as the checks need.

use super::fields::{MAX_SAT, Reader};

/// What a coinbase spends.
pub(super) const NO_TXID: [u8; 32] = [0; 32];

#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) version: u32,
    /// Which output each input spends.
    pub(super) inputs: Vec<u32>,
    /// The scripts.
    pub(super) outputs: Vec<Vec<u8>>,
    pub(super) locktime: u32,
}

impl Transaction {
    /// One that may have witnesses (BIP 144).
    pub(super) fn full(bytes: &[u8]) -> Result<Self, String> {
        Self::read(bytes, true).map_err(|reason| format!("in a transaction: {reason}"))
    }

    /// One without witnesses or input scripts, of a PSBT of version 0. lightning_dualopend
    /// turns it into version 2, and aborts where that cannot be written.
    pub(super) fn unsigned(bytes: &[u8]) -> Result<Self, String> {
        Self::read(bytes, false).map_err(|reason| format!("in the transaction: {reason}"))
    }

    fn read(bytes: &[u8], full: bool) -> Result<Self, String> {
        let mut reader = Reader::new(bytes);
        let version = reader.le32()?;
        let witnesses = full && reader.peek() == Some(0);
        if witnesses && reader.take(2)? != [0, 1] {
            return Err("the witness flag is wrong".into());
        }
        let mut inputs = Vec::new();
        for _ in 0..reader.compact_size()? {
            let txid = reader.take(32)?;
            if !full && txid == NO_TXID {
                return Err("an input spends no transaction".into());
            }
            inputs.push(reader.le32()?);
            let script = reader.bytes()?;
            if !full && !script.is_empty() {
                return Err("an input has a script".into());
            }
            reader.le32()?;
        }
        // libwally reads one of these, but does not write it (`tx_to_bytes`): lightningd aborts.
        if full && inputs.is_empty() {
            return Err("it has no input".into());
        }
        let mut outputs = Vec::new();
        for _ in 0..reader.compact_size()? {
            if reader.le64()? > MAX_SAT {
                return Err("an output has more than 21 million bitcoin".into());
            }
            let script = reader.bytes()?;
            if !full && script.is_empty() {
                return Err("an output has no script".into());
            }
            outputs.push(script.to_vec());
        }
        if witnesses {
            for _ in &inputs {
                for _ in 0..reader.compact_size()? {
                    reader.bytes()?;
                }
            }
        }
        let locktime = reader.le32()?;
        match reader.is_empty() {
            true => Ok(Transaction {
                version,
                inputs,
                outputs,
                locktime,
            }),
            false => Err("there are bytes after it".into()),
        }
    }
}

/// OP_HASH160, 20 bytes, OP_EQUAL.
pub(super) fn is_p2sh(script: &[u8]) -> bool {
    script.len() == 23 && script.starts_with(&[0xa9, 0x14]) && script.ends_with(&[0x87])
}
