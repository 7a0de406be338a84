//! Which methods of lightningd v26.06 spend, and where the amount is.

use super::price::{Fee, How};

/// Every method that lightningd and its bundled plugins serve
/// (`doc/schemas/*.json`), but for those for developers. A method that is not
/// here belongs to somebody's plugin: it may spend, so a budget refuses it.
#[rustfmt::skip]
pub(super) const METHODS: &[(&str, How)] = &[
    // Payments.
    ("pay", How::Invoice { params: &["bolt11", "invstring"], amount: "amount_msat", partial: Some("partial_msat"), fee: Fee::MaxfeeOrPercent, bolt12: Err("pay adds the fees inside a BOLT 12 invoice's paths to what maxfee allows: use xpay") }),
    ("xpay", How::Invoice { params: &["invstring"], amount: "amount_msat", partial: Some("partial_msat"), fee: Fee::MaxfeeOr1Percent, bolt12: Ok(()) }),
    ("renepay", How::Invoice { params: &["invstring"], amount: "amount_msat", partial: None, fee: Fee::MaxfeeOr1Percent, bolt12: Err("renepay adds the fees inside a BOLT 12 invoice's paths to what maxfee allows: use xpay") }),
    ("sendamount", How::Msat { param: "amount_msat", fee: Fee::Within }),
    ("xkeysend", How::Msat { param: "amount_msat", fee: Fee::MaxfeeOr1Percent }),
    ("keysend", How::Msat { param: "amount_msat", fee: Fee::MaxfeeOrPercent }),
    ("sendpay", How::FirstOf { param: "route", amounts: &["amount_out_msat", "amount_msat"] }),
    ("sendonion", How::Member { param: "first_hop", amounts: &["amount_msat"] }),
    ("injectpaymentonion", How::Unknowable("lightningd sends what is written inside the onion, not amount_msat: use sendonion")),
    ("invoicerequest", How::Unknowable("whoever reads the request may collect it later, more than once")),

    // Transactions.
    ("withdraw", How::Onchain { param: "satoshi" }),
    ("multiwithdraw", How::Outputs { param: "outputs" }),
    ("txprepare", How::Outputs { param: "outputs" }),
    ("fundchannel", How::Channel),
    ("multifundchannel", How::Channels { param: "destinations" }),
    ("txsend", How::Unknowable("the amount is in a transaction that was prepared before: use withdraw or multiwithdraw")),
    ("sendpsbt", How::Unknowable("the amount is inside the PSBT: use withdraw or multiwithdraw")),
    ("signpsbt", How::Unknowable("what is signed may be sent by anyone: use withdraw or multiwithdraw")),
    ("close", How::Unknowable("what a channel holds when it closes, and the fee of closing, are not known before")),
    ("fundchannel_start", How::Unknowable("it is one step of an open: use fundchannel")),
    ("fundchannel_complete", How::Unknowable("it is one step of an open: use fundchannel")),
    ("openchannel_init", How::Unknowable("it is one step of an open: use fundchannel")),
    ("openchannel_update", How::Unknowable("it is one step of an open: use fundchannel")),
    ("openchannel_signed", How::Unknowable("it is one step of an open: use fundchannel")),
    ("openchannel_bump", How::Unknowable("it raises a fee by an amount that is not known before")),
    ("splicein", How::Unknowable("its fee is not known before")),
    ("spliceout", How::Unknowable("its fee is not known before")),
    ("splice_init", How::Unknowable("it is one step of a splice")),
    ("splice_update", How::Unknowable("it is one step of a splice")),
    ("splice_signed", How::Unknowable("it is one step of a splice")),
    ("funderupdate", How::Unknowable("it lets peers decide what the node contributes to their channels")),
    ("upgradewallet", How::Unknowable("its fee is not known before")),
    ("recover", How::Unknowable("it replaces the node's wallet")),
    ("recoverchannel", How::Unknowable("it closes channels")),
    ("emergencyrecover", How::Unknowable("it closes channels")),

    // Ways to spend without asking here again.
    ("createrune", How::Unknowable("whoever has the rune could spend without this budget")),
    ("invokerune", How::Unknowable("whoever has the rune could spend without this budget")),
    ("exposesecret", How::Unknowable("whoever has the seed could spend without this budget")),
    ("makesecret", How::Unknowable("runes are made from a secret that this can derive")),
    ("plugin", How::Unknowable("a plugin that is started could spend without this budget")),
    ("reckless", How::Unknowable("a plugin that is installed could spend without this budget")),
    ("setconfig", How::Unknowable("options can change how payments are made")),
    ("commando", How::Unknowable("what another node does on our behalf is not seen here")),
    ("clnrest-register-path", How::Unknowable("it opens a way for others to call methods")),

    // Nothing leaves the node.
    ("addgossip", How::Free), ("addpsbtoutput", How::Free), ("askrene-age", How::Free), ("askrene-bias-channel", How::Free),
    ("askrene-bias-node", How::Free), ("askrene-create-channel", How::Free), ("askrene-create-layer", How::Free),
    ("askrene-disable-node", How::Free), ("askrene-inform-channel", How::Free), ("askrene-listlayers", How::Free),
    ("askrene-listreservations", How::Free), ("askrene-remove-channel-update", How::Free), ("askrene-remove-layer", How::Free),
    ("askrene-reserve", How::Free), ("askrene-unreserve", How::Free), ("askrene-update-channel", How::Free),
    ("autoclean-once", How::Free), ("autoclean-status", How::Free), ("batching", How::Free), ("bkpr-channelsapy", How::Free),
    ("bkpr-dumpincomecsv", How::Free), ("bkpr-editdescriptionbyoutpoint", How::Free),
    ("bkpr-editdescriptionbypaymentid", How::Free), ("bkpr-inspect", How::Free), ("bkpr-listaccountevents", How::Free),
    ("bkpr-listbalances", How::Free), ("bkpr-listincome", How::Free), ("bkpr-report", How::Free), ("blacklistrune", How::Free),
    ("cancelrecurringinvoice", How::Free), ("check", How::Free), ("checkmessage", How::Free), ("checkrune", How::Free),
    ("connect", How::Free), ("createinvoice", How::Free), ("createonion", How::Free), ("createproof", How::Free),
    ("currencyconvert", How::Free), ("currencyrate", How::Free), ("datastore", How::Free), ("datastoreusage", How::Free),
    ("decode", How::Free), ("decodepay", How::Free), ("deldatastore", How::Free), ("delforward", How::Free),
    ("delinvoice", How::Free), ("delnetworkevent", How::Free), ("delpay", How::Free), ("deprecations", How::Free),
    ("disableinvoicerequest", How::Free), ("disableoffer", How::Free), ("disconnect", How::Free), ("enableoffer", How::Free),
    ("feerates", How::Free), ("fetchbip353", How::Free), ("fetchinvoice", How::Free), ("fundchannel_cancel", How::Free),
    ("fundpsbt", How::Free), ("getemergencyrecoverdata", How::Free), ("getinfo", How::Free), ("getlog", How::Free),
    ("getroute", How::Free), ("getroutes", How::Free), ("graceful", How::Free), ("help", How::Free),
    ("injectonionmessage", How::Free), ("invoice", How::Free), ("listaddresses", How::Free), ("listchainmoves", How::Free),
    ("listchannelmoves", How::Free), ("listchannels", How::Free), ("listclosedchannels", How::Free), ("listconfigs", How::Free),
    ("listcurrencyrates", How::Free), ("listdatastore", How::Free), ("listforwards", How::Free), ("listfunds", How::Free),
    ("listhtlcs", How::Free), ("listinvoicerequests", How::Free), ("listinvoices", How::Free), ("listnetworkevents", How::Free),
    ("listnodes", How::Free), ("listoffers", How::Free), ("listpays", How::Free), ("listpeerchannels", How::Free),
    ("listpeers", How::Free), ("listsendpays", How::Free), ("listsqlschemas", How::Free), ("listtransactions", How::Free),
    ("newaddr", How::Free), ("notifications", How::Free), ("offer", How::Free), ("openchannel_abort", How::Free),
    ("parsefeerate", How::Free), ("ping", How::Free), ("preapproveinvoice", How::Free), ("preapprovekeysend", How::Free),
    ("renepaystatus", How::Free), ("reserveinputs", How::Free), ("sendcustommsg", How::Free), ("sendinvoice", How::Free),
    ("setchannel", How::Free), ("setpsbtversion", How::Free), ("showrunes", How::Free), ("signinvoice", How::Free),
    ("signmessage", How::Free), ("signmessagewithkey", How::Free), ("sql", How::Free), ("staticbackup", How::Free),
    ("stop", How::Free), ("summary", How::Free), ("txdiscard", How::Free), ("unreserveinputs", How::Free),
    ("utxopsbt", How::Free), ("wait", How::Free), ("waitanyinvoice", How::Free), ("waitblockheight", How::Free),
    ("waitinvoice", How::Free), ("waitsendpay", How::Free),
];

/// The parameters of the methods that spend, in the order of their positions,
/// as the source has them (`lightningd/pay.c`, `plugins/`): the schemas differ.
#[rustfmt::skip]
pub(super) const POSITIONS: &[(&str, &[&str])] = &[
    ("pay", &["bolt11", "amount_msat", "label", "riskfactor", "maxfeepercent", "retry_for", "maxdelay", "exemptfee", "localinvreqid", "exclude", "maxfee", "description", "partial_msat"]),
    ("xpay", &["invstring", "amount_msat", "maxfee", "layers", "retry_for", "partial_msat"]),
    ("renepay", &["invstring", "amount_msat", "maxfee"]),
    ("sendamount", &["invstring", "amount_msat", "maxfee"]),
    ("xkeysend", &["destination", "amount_msat", "label", "maxfee"]),
    ("keysend", &["destination", "amount_msat", "label", "maxfeepercent", "retry_for", "maxdelay", "exemptfee", "extratlvs", "routehints", "maxfee"]),
    ("sendpay", &["route"]),
    ("sendonion", &["onion", "first_hop"]),
    ("withdraw", &["destination", "satoshi"]),
    ("multiwithdraw", &["outputs"]),
    ("txprepare", &["outputs"]),
    ("fundchannel", &["id", "amount", "feerate", "announce", "minconf", "utxos", "push_msat", "close_to", "request_amt", "compact_lease"]),
    ("multifundchannel", &["destinations"]),
];
