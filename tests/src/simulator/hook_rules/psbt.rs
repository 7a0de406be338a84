//! As much of a PSBT as lightningd asks of a plugin's (`common/psbt_open.c`): it can be taken apart,
//! every input carries its whole previous transaction, P2SH inputs their redeem script, and signing
//! changes neither inputs nor outputs. Versions 0 and 2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

const IN_NON_WITNESS_UTXO: u8 = 0x00;
const IN_REDEEM_SCRIPT: u8 = 0x04;
const IN_PREVIOUS_TXID: u8 = 0x0e;
const IN_OUTPUT_INDEX: u8 = 0x0f;
const OUT_AMOUNT: u8 = 0x03;
const OUT_SCRIPT: u8 = 0x04;
/// Proprietary key "lightning", subtype 1: the serial id.
const SERIAL_ID: &[u8] = b"\xfc\x09lightning\x01";

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug)]
struct Input {
    records: Records,
    txid: Vec<u8>,
    index: u32,
}

#[derive(Debug)]
struct Output {
    records: Records,
    paid: Vec<u8>,
}

/// A PSBT taken apart.
#[derive(Debug)]
pub(crate) struct Psbt {
    inputs: Vec<Input>,
    outputs: Vec<Output>,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn little_endian(&mut self, count: usize) -> Option<u64> {
        let bytes = self.take(count)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, b| (sum << 8) | u64::from(*b)),
        )
    }

    fn size(&mut self) -> Option<usize> {
        let number = match self.little_endian(1)? {
            0xfd => self.little_endian(2)?,
            0xfe => self.little_endian(4)?,
            0xff => self.little_endian(8)?,
            small => small,
        };
        usize::try_from(number).ok()
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let count = self.size()?;
        self.take(count)
    }

    /// A map of a PSBT, up to its separator; `None` when a key comes twice.
    fn map(&mut self) -> Option<Records> {
        let mut records = Records::new();
        loop {
            let key = self.sized()?;
            if key.is_empty() {
                return Some(records);
            }
            if records
                .insert(key.to_vec(), self.sized()?.to_vec())
                .is_some()
            {
                return None;
            }
        }
    }
}

/// Outpoints and outputs (amount and script, serialized) of a transaction.
type Parts = (Vec<(Vec<u8>, u32)>, Vec<Vec<u8>>);

fn transaction(bytes: &[u8]) -> Option<Parts> {
    let mut reader = Reader(bytes);
    reader.take(4)?;
    let mut inputs = reader.size()?;
    let mut segwit = false;
    // A marker byte of zero where the inputs would be counted, then a flag.
    if inputs == 0 && reader.0.first() == Some(&1) {
        reader.take(1)?;
        segwit = true;
        inputs = reader.size()?;
    }
    let mut outpoints = Vec::new();
    for _ in 0..inputs {
        let txid = reader.take(32)?.to_vec();
        let index = u32::try_from(reader.little_endian(4)?).ok()?;
        reader.sized()?;
        reader.take(4)?;
        outpoints.push((txid, index));
    }
    let mut outputs = Vec::new();
    for _ in 0..reader.size()? {
        let amount = reader.take(8)?;
        outputs.push([amount, reader.sized()?].concat());
    }
    if segwit {
        for _ in 0..inputs {
            for _ in 0..reader.size()? {
                reader.sized()?;
            }
        }
    }
    reader.take(4)?;
    reader.0.is_empty().then_some((outpoints, outputs))
}

impl Psbt {
    /// Reads base64.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("not a valid psbt: {}", text.get(..80).unwrap_or(text));
        let bytes = STANDARD.decode(text).map_err(|_| invalid())?;
        Self::read(&bytes).ok_or_else(invalid)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes.strip_prefix(b"psbt\xff")?);
        let global = reader.map()?;
        let number = |key: u8| {
            let mut value = Reader(global.get(&vec![key])?);
            value.size()
        };
        let (outpoints, paid, counts) = match global.get(&vec![0u8]) {
            Some(tx) => {
                let (outpoints, outputs) = transaction(tx)?;
                let counts = (outpoints.len(), outputs.len());
                (Some(outpoints), Some(outputs), counts)
            }
            None => (None, None, (number(0x04)?, number(0x05)?)),
        };
        let mut inputs = Vec::new();
        for at in 0..counts.0 {
            let records = reader.map()?;
            let (txid, index) = match &outpoints {
                Some(outpoints) => outpoints.get(at)?.clone(),
                None => {
                    let txid = records.get(&vec![IN_PREVIOUS_TXID])?.clone();
                    let mut index = Reader(records.get(&vec![IN_OUTPUT_INDEX])?);
                    (txid, u32::try_from(index.little_endian(4)?).ok()?)
                }
            };
            inputs.push(Input {
                records,
                txid,
                index,
            });
        }
        let mut outputs = Vec::new();
        for at in 0..counts.1 {
            let records = reader.map()?;
            let paid = match &paid {
                Some(paid) => paid.get(at)?.clone(),
                None => [
                    records.get(&vec![OUT_AMOUNT])?.as_slice(),
                    records.get(&vec![OUT_SCRIPT])?.as_slice(),
                ]
                .concat(),
            };
            outputs.push(Output { records, paid });
        }
        reader.0.is_empty().then_some(Self { inputs, outputs })
    }

    /// `psbt_has_required_fields`; `adds_serials` where lightningd first adds missing serial ids.
    pub(crate) fn has_required_fields(&self, adds_serials: bool) -> Result<(), String> {
        let missing = |what: &str| {
            Err(format!(
                "Plugin supplied PSBT that's missing required fields: {what}"
            ))
        };
        for input in &self.inputs {
            if !adds_serials && !input.records.contains_key(SERIAL_ID) {
                return missing("serial id of an input");
            }
            let Some(previous) = input.records.get(&vec![IN_NON_WITNESS_UTXO]) else {
                return missing("an input's previous transaction");
            };
            let spent = transaction(previous)
                .and_then(|(_, outputs)| outputs.get(input.index as usize).cloned());
            let Some(spent) = spent else {
                return missing("the output that an input spends");
            };
            let is_p2sh =
                matches!(spent.get(8..), Some([0xa9, 0x14, hash @ .., 0x87]) if hash.len() == 20);
            let has_script = input
                .records
                .get(&vec![IN_REDEEM_SCRIPT])
                .is_some_and(|script| !script.is_empty());
            if is_p2sh && !has_script {
                return missing("redeem script of a P2SH input");
            }
        }
        for output in &self.outputs {
            if !adds_serials && !output.records.contains_key(SERIAL_ID) {
                return missing("serial id of an output");
            }
        }
        Ok(())
    }

    /// Whether both have the same inputs and outputs, whatever their order.
    pub(crate) fn same_contributions(&self, other: &Self) -> bool {
        let parts = |psbt: &Self| {
            let mut inputs: Vec<_> = psbt
                .inputs
                .iter()
                .map(|i| (i.records.get(SERIAL_ID).cloned(), i.txid.clone(), i.index))
                .collect();
            let mut outputs: Vec<_> = psbt
                .outputs
                .iter()
                .map(|o| (o.records.get(SERIAL_ID).cloned(), o.paid.clone()))
                .collect();
            inputs.sort();
            outputs.sort();
            (inputs, outputs)
        };
        parts(self) == parts(other)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A transaction with one input and two outputs, the first P2WPKH, the second P2SH.
    pub(in super::super) const TX: &str = "0200000001000000000000000000000000000000000000000000000000\
        00000000000000000000000000fdffffff02002d310100000000160014\
        86eb12a60633f9de69379179b7ecb64062bb3b3110270000000000001\
        7a914000000000000000000000000000000000000000087000000\
        00";

    fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
        let size = u8::try_from(value.len()).unwrap();
        [&[key.len() as u8], key, &[size], value].concat()
    }

    /// A version 2 PSBT that spends the first output of each transaction, with serial ids.
    pub(in super::super) fn psbt_with(previous: &[&str]) -> String {
        let mut bytes = b"psbt\xff".to_vec();
        bytes.extend(record(&[0xfb], &2u32.to_le_bytes()));
        bytes.extend(record(&[0x02], &2u32.to_le_bytes()));
        bytes.extend(record(&[0x04], &[previous.len() as u8]));
        bytes.extend(record(&[0x05], &[0]));
        bytes.push(0);
        for (at, tx) in previous.iter().enumerate() {
            let tx = hex::decode(tx.replace(char::is_whitespace, "")).unwrap();
            bytes.extend(record(&[IN_NON_WITNESS_UTXO], &tx));
            bytes.extend(record(&[IN_PREVIOUS_TXID], &[at as u8; 32]));
            bytes.extend(record(&[IN_OUTPUT_INDEX], &0u32.to_le_bytes()));
            bytes.extend(record(SERIAL_ID, &[at as u8; 8]));
            bytes.push(0);
        }
        STANDARD.encode(bytes)
    }

    #[test]
    fn takes_apart_what_it_built() {
        let psbt = Psbt::parse(&psbt_with(&[TX, TX])).unwrap();
        assert_eq!((psbt.inputs.len(), psbt.outputs.len()), (2, 0));
        psbt.has_required_fields(false).unwrap();
        assert!(psbt.same_contributions(&psbt));
    }

    #[test]
    fn recorded_psbts_pass() {
        let text = include_str!("../../../recordings/real-lightningd-v26.06.6/dual-fund.jsonl");
        let mut seen = 0;
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            for hook in ["openchannel2_changed", "openchannel2_sign"] {
                if let Some(psbt) = line["msg"]["params"][hook]["psbt"].as_str() {
                    let psbt = Psbt::parse(psbt).unwrap();
                    psbt.has_required_fields(false).unwrap();
                    seen += 1;
                }
            }
        }
        assert!(seen >= 4, "only {seen} psbts in the recording");
    }

    #[test]
    fn refuses_what_is_cut_short_or_lacks_a_field() {
        let good = STANDARD.decode(psbt_with(&[TX])).unwrap();
        for end in 0..good.len() {
            assert!(Psbt::read(&good[..end]).is_none(), "cut at {end}");
        }
        let mut bytes = b"psbt\xff".to_vec();
        bytes.extend(record(&[0x04], &[1]));
        bytes.extend(record(&[0x05], &[0]));
        bytes.push(0);
        bytes.extend(record(&[IN_PREVIOUS_TXID], &[0; 32]));
        bytes.extend(record(&[IN_OUTPUT_INDEX], &[0; 4]));
        bytes.push(0);
        let psbt = Psbt::read(&bytes).unwrap();
        assert!(psbt.has_required_fields(true).is_err());
    }
}
