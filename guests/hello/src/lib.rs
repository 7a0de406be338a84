//! The example of Core Lightning's plugin documentation, as a guest.
//!
//! It has the option `greeting`, the methods `hello` and `gettime`, two
//! subscriptions and two hooks. It looks on, and lets everything pass.
//!
//! ```text
//! $ lightning-cli hello
//! "Hello World"
//! $ lightning-cli hello Ada
//! "Hello Ada"
//! $ lightning-cli gettime Europe/Berlin
//! "2026-01-01T01:00:00+01:00[Europe/Berlin]"
//! ```

use cln_guest::prelude::*;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const GREETING: StringOption =
    StringOption::new("greeting", "What name should I call you?").default("World");

/// Who is greeted.
#[derive(Debug, serde::Deserialize)]
struct HelloParams {
    /// The option `greeting` where it is not given.
    name: Option<String>,
}

async fn hello(cx: Cx<()>, params: HelloParams) -> Result<String, RpcError> {
    let name = params.name.unwrap_or_else(|| cx.option(&GREETING));
    Ok(format!("Hello {name}"))
}

/// Where to ask for the time.
#[derive(Debug, serde::Deserialize)]
struct GettimeParams {
    /// A name of the IANA time zone database, such as `Europe/Berlin`. UTC where it is
    /// not given.
    timezone: Option<String>,
}

impl GettimeParams {
    fn zone(&self) -> Result<TimeZone, RpcError> {
        match self.timezone.as_deref() {
            None => Ok(TimeZone::UTC),
            Some(name) => TimeZone::get(name)
                .map_err(|error| RpcError::invalid_params(format!("timezone: {error}"))),
        }
    }
}

async fn gettime_check(_: Cx<()>, params: GettimeParams) -> Result<(), RpcError> {
    params.zone().map(drop)
}

/// The time as RFC 9557 writes it, in whole seconds.
async fn gettime(cx: Cx<()>, params: GettimeParams) -> Result<String, RpcError> {
    let now = Timestamp::try_from(cx.now())?;
    let second = Timestamp::from_second(now.as_second())?;
    Ok(second.to_zoned(params.zone()?).to_string())
}

async fn on_connect(_: Cx<()>, peer: ConnectPayload) {
    log::info!("{} is connected", peer.id);
}

async fn on_disconnect(_: Cx<()>, peer: DisconnectPayload) {
    log::info!("{} is gone", peer.id);
}

async fn on_openchannel(_: Cx<()>, payload: OpenChannelPayload) -> OpenChannelAction {
    let offer = payload.openchannel;
    log::info!("{} opens a channel of {}", offer.id, offer.funding_msat);
    OpenChannelAction::accept()
}

async fn on_htlc_accepted(_: Cx<()>, payload: HtlcAcceptedPayload) -> HtlcAcceptedAction {
    let htlc = payload.htlc;
    log::debug!("HTLC {} of {}", htlc.payment_hash, htlc.amount_msat);
    HtlcAcceptedAction::pass()
}

/// The guest.
pub fn guest() -> Guest<()> {
    Guest::new(|_| Ok(()))
        .dynamic()
        .option(&GREETING)
        .method(
            Method::new(
                "hello",
                "[name]",
                "Returns a personalized greeting for {greeting} (set via options).",
            ),
            hello,
        )
        .checked_method(
            Method::new("gettime", "", "Returns the current time in {timezone}").long_description(
                "Returns the current time in the timezone that is given as the only parameter.\n\
                 This description may be quite long and is allowed to span multiple lines.",
            ),
            gettime_check,
            gettime,
        )
        .subscribe::<Connect>(on_connect)
        .subscribe::<Disconnect>(on_disconnect)
        .hook::<OpenChannel>(on_openchannel)
        .hook::<HtlcAccepted>(on_htlc_accepted)
}

cln_guest::export!(guest);
