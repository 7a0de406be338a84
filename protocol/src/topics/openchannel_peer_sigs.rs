//! `openchannel_peer_sigs`: the peer has signed the funding transaction of a dual-funded channel.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/openchannel_peer_sigs.json`.

use super::Topic;
use crate::primitives::{ChannelId, Psbt};
use serde::Deserialize;

/// The topic `openchannel_peer_sigs`: the peer has signed the funding transaction of a dual-funded channel.
#[derive(Debug)]
pub struct OpenChannelPeerSigs;

impl Topic for OpenChannelPeerSigs {
    const NAME: &'static str = "openchannel_peer_sigs";
    type Payload = OpenChannelPeerSigsPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct OpenChannelPeerSigsPayload {
    /// The channel.
    pub channel_id: ChannelId,
    /// The funding transaction with the peer's signatures.
    pub signed_psbt: Psbt,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"openchannel_peer_sigs":{"channel_id":"376619eb7f792ddf7e92f08f69215862beed3bd7c5d5865931ad5b604cffb688","signed_psbt":"cHNidP8BAgQCAAAAAQMEZwAAAAEEAQIBBQEDAQYBAwH7BAIAAAAAAQBcAgAAAAEAu7xlv+DZpflyUqVcnFZR0Xhk/D4y2SGTPC1LqT4lIAAAAAAA/f///wIALTEBAAAAABYAFIbrEqYGM/neaTeRebfstkBiuzsxGMHUKAEAAAABUQAAAAABCGsCRzBEAiBq6Pke5NP3rZsv5vQHVvKtZQalcKnL/QVgXAxPMTlCmQIgL4AegErGzZB25d/slimHta1D+CuMa49kfH4WAs1e1LABIQNwt8HV7cu0cWbKHqrtVTFjfcAPdf5uPfCgMRUITTLtXAEOIPZhRih02CTwvGgzA0CMgb2pjNV2cqte3JBuhrvxI3qaAQ8EAAAAAAEQBP3///8M/AlsaWdodG5pbmcBCGxSso+UVrzBAAEAXAIAAAABKpGMQvdXejZgegWlhdNXbFSA31o0IcZ0PhYGM6Z/nnkAAAAAAP3///8CAC0xAQAAAAAWABSXktmiT5jqNJiBOKawwNbDSHa1sBjB1CgBAAAAAVEAAAAAAQEfAC0xAQAAAAAWABSXktmiT5jqNJiBOKawwNbDSHa1sAEOIAJb1pHjunvM30omuIpAc32J9MAtxFUWAjTS/u6kafZoAQ8EAAAAAAEQBP3///8M/AlsaWdodG5pbmcCAgABDPwJbGlnaHRuaW5nAQj0hT7jIm6ybAABAwjx5SEBAAAAAAEEIlEgpcoFxRSR8GMfVaQJdTIpdx/D322VYOUBZHjJgSDSrvQM/AlsaWdodG5pbmcBCEXaLDRuNfGwAAEDCHrnIQEAAAAAAQQiUSD0WSa50CYhY6jdb2VnU29sPjfXSid9UY7kmDGa7J0PsAz8CWxpZ2h0bmluZwEIfa5yyGVBxlsAAQMIgIQeAAAAAAABBCIAIHADbXKq7wCs4eaX40h8kTT5H5f6a5JgOfmKcQ/Q1qyeDPwJbGlnaHRuaW5nAQj71pU3yiyuhAA="}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<OpenChannelPeerSigs>(params).expect(params))
            .collect();
        assert!(all[0].signed_psbt.as_str().starts_with("cHNidP"));
    }
}
