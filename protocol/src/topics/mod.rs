//! The notification topics of lightningd v26.06, one file each.
//!
//! A notification of lightningd is `{"method": NAME, "params": {NAME: {…}}}`; a
//! payload is that inner object.

#[macro_use]
mod text_enum;

mod address;
mod balance_snapshot;
mod block_added;
mod channel_open_failed;
mod channel_opened;
mod channel_state_changed;
mod coin_movement;
mod connect;
mod custommsg;
mod deprecated_oneshot;
mod disconnect;
mod forward_event;
mod invoice_creation;
mod invoice_payment;
mod log;
mod onionmessage_forward_fail;
mod openchannel_peer_sigs;
mod plugin_started;
mod plugin_stopped;
mod sendpay_failure;
mod sendpay_success;
mod shutdown;
mod warning;

pub use address::Address;
pub use balance_snapshot::{AccountBalance, BalanceSnapshot, BalanceSnapshotPayload};
pub use block_added::{BlockAdded, BlockAddedPayload};
pub use channel_open_failed::{ChannelOpenFailed, ChannelOpenFailedPayload};
pub use channel_opened::{ChannelOpened, ChannelOpenedPayload};
pub use channel_state_changed::{
    ChannelState, ChannelStateChanged, ChannelStateChangedPayload, StateChangeCause,
};
pub use coin_movement::{CoinMovement, CoinMovementPayload, MovementType};
pub use connect::{Connect, ConnectPayload, Direction};
pub use custommsg::{Custommsg, CustommsgPayload};
pub use deprecated_oneshot::{DeprecatedOneshot, DeprecatedOneshotPayload};
pub use disconnect::{Disconnect, DisconnectPayload};
pub use forward_event::{ForwardEvent, ForwardEventPayload, ForwardStatus, ForwardStyle};
pub use invoice_creation::{InvoiceCreation, InvoiceCreationPayload};
pub use invoice_payment::{InvoicePayment, InvoicePaymentPayload};
pub use log::{Log, LogLevel, LogPayload};
pub use onionmessage_forward_fail::{OnionMessageForwardFail, OnionMessageForwardFailPayload};
pub use openchannel_peer_sigs::{OpenChannelPeerSigs, OpenChannelPeerSigsPayload};
pub use plugin_started::{PluginStarted, PluginStartedPayload};
pub use plugin_stopped::{PluginStopped, PluginStoppedPayload};
pub use sendpay_failure::{SendpayFailure, SendpayFailureData, SendpayFailurePayload};
pub use sendpay_success::{PaymentStatus, SendpaySuccess, SendpaySuccessPayload};
pub use shutdown::{Shutdown, ShutdownPayload};
pub use warning::{Warning, WarningLevel, WarningPayload};

use serde::de::{DeserializeOwned, Error as _};
use std::collections::BTreeMap;

use crate::json::{self, RawStr};

/// A topic as a guest author sees it.
pub trait Topic: 'static {
    /// lightningd's name for it.
    const NAME: &'static str;
    /// What it brings, in today's shape.
    type Payload: DeserializeOwned;
}

/// The payload in the `params` of a notification of this topic.
///
/// Fails when `params` is no object, has no member of the topic's name, or has
/// another shape there.
pub fn payload<T: Topic>(params: &str) -> Result<T::Payload, json::Error> {
    let members: BTreeMap<String, RawStr<'_>> = json::from_str(params)?;
    match members.get(T::NAME) {
        Some(payload) => json::from_str(payload.get()),
        None => Err(json::Error::custom(format!(
            "no member {} in the notification",
            T::NAME
        ))),
    }
}

/// What was recorded of every topic, by name.
#[cfg(all(test, feature = "host"))]
pub(crate) fn recorded() -> Vec<(&'static str, &'static [&'static str])> {
    vec![
        ("balance_snapshot", balance_snapshot::tests::RECORDED),
        ("block_added", block_added::tests::RECORDED),
        ("channel_open_failed", channel_open_failed::tests::RECORDED),
        ("channel_opened", channel_opened::tests::RECORDED),
        (
            "channel_state_changed",
            channel_state_changed::tests::RECORDED,
        ),
        ("coin_movement", coin_movement::tests::RECORDED),
        ("connect", connect::tests::RECORDED),
        ("custommsg", custommsg::tests::RECORDED),
        ("deprecated_oneshot", deprecated_oneshot::tests::RECORDED),
        ("disconnect", disconnect::tests::RECORDED),
        ("forward_event", forward_event::tests::RECORDED),
        ("invoice_creation", invoice_creation::tests::RECORDED),
        ("invoice_payment", invoice_payment::tests::RECORDED),
        ("log", log::tests::RECORDED),
        (
            "onionmessage_forward_fail",
            onionmessage_forward_fail::tests::RECORDED,
        ),
        (
            "openchannel_peer_sigs",
            openchannel_peer_sigs::tests::RECORDED,
        ),
        ("plugin_started", plugin_started::tests::RECORDED),
        ("plugin_stopped", plugin_stopped::tests::RECORDED),
        ("sendpay_failure", sendpay_failure::tests::RECORDED),
        ("sendpay_success", sendpay_success::tests::RECORDED),
        ("shutdown", shutdown::tests::RECORDED),
        ("warning", warning::tests::RECORDED),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_topic_is_an_error() {
        for params in [
            "",
            "[]",
            "{}",
            r#"{"connect":{}}"#,
            r#"{"disconnect":{}}"#,
            r#"{"disconnect":{"id":"02"}}"#,
        ] {
            assert!(payload::<Disconnect>(params).is_err(), "{params}");
        }
    }

    #[cfg(feature = "host")]
    #[test]
    fn every_native_topic_has_its_file() {
        let here = [
            BalanceSnapshot::NAME,
            BlockAdded::NAME,
            ChannelOpenFailed::NAME,
            ChannelOpened::NAME,
            ChannelStateChanged::NAME,
            CoinMovement::NAME,
            Connect::NAME,
            Custommsg::NAME,
            DeprecatedOneshot::NAME,
            Disconnect::NAME,
            ForwardEvent::NAME,
            InvoiceCreation::NAME,
            InvoicePayment::NAME,
            Log::NAME,
            OnionMessageForwardFail::NAME,
            OpenChannelPeerSigs::NAME,
            PluginStarted::NAME,
            PluginStopped::NAME,
            SendpayFailure::NAME,
            SendpaySuccess::NAME,
            Shutdown::NAME,
            Warning::NAME,
        ];
        assert!(crate::native::topics::topics(None).eq(here));
    }
}
