//! What a manifest may ask for.

use super::*;

fn read(grants: &[&str]) -> Result<Requested, String> {
    let capabilities: Vec<CapabilityRequest> = grants
        .iter()
        .map(|grant| CapabilityRequest {
            grant: (*grant).to_owned(),
            reason: "because".to_owned(),
        })
        .collect();
    Requested::read(&capabilities).map_err(|e| e.to_string())
}

fn params(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

#[test]
fn every_form_is_read_and_written_alike() {
    let forms = [
        "kv",
        "timer",
        "http: api.example.com",
        "rpc: method=pay|method=xpay&pnum<3",
        "rpc: method=x&pnamenote=a\\&b\\|c",
        "hooks: htlc_accepted secrets=payment_secret,shared_secret",
        "hooks: rpc_command secrets=params may=replace,return.result",
        "subscriptions: *",
        "subscriptions: forward_event secrets=preimage",
        "methods: hello",
        "options: greeting",
        "notifications: news",
        "custommessages: 32769",
        "featurebits: node 101,103",
    ];
    let requested = read(&forms).unwrap();
    let written: Vec<String> = requested.iter().map(|r| r.wanted.to_string()).collect();
    assert_eq!(written, forms);
    assert_eq!(
        read(&["rpc: getinfo"]).unwrap(),
        read(&["rpc:method=getinfo"]).unwrap()
    );
}

#[test]
fn a_guest_asks_for_a_bounded_number_of_alternatives() {
    let many = |n: usize| format!("rpc: {}", vec!["pnamea=1"; n].join("|"));
    let (most, one) = (many(MOST_ALTERNATIVES / 2), many(1));
    assert!(read(&[&most, &most, "kv"]).is_ok());
    let refused = read(&[&most, &most, &one]).unwrap_err();
    assert!(
        refused.starts_with("capabilities[2].grant is ")
            && refused.contains("more than 256 alternatives"),
        "{refused}"
    );
}

#[test]
fn anything_else_is_refused_with_what_is_valid() {
    for (grant, why) in [
        ("everything", "Valid are: \"kv\", \"timer\""),
        ("kv: mine", "Valid are"),
        ("rpc: method=getinfo&", "empty alternative"),
        ("rpc: methd=getinfo", "did you mean method?"),
        ("rpc: method=pay&rate=60", "the operator's to grant"),
        ("http: *", "would be every host"),
        ("hooks: htlc_acepted", "did you mean \"htlc_accepted\"?"),
        (
            "hooks: htlc_accepted secrets=preimag",
            "unknown secrets of htlc_accepted",
        ),
        (
            "hooks: htlc_accepted may=replace",
            "unknown may of htlc_accepted",
        ),
        ("hooks: openchannel loudly", "secrets=A,B and may=A,B are"),
        ("subscriptions: connect may=replace", "secrets=A,B are"),
        ("subscriptions: a b", "not valid behind a topic"),
        ("methods: a b", "is not a name"),
        ("custommessages: 65536", "not a number"),
        ("featurebits: nod 1", "did you mean \"node\"?"),
        ("a\u{1b}[31m", "capabilities[0].grant is \"a\\u001B[31m\""),
    ] {
        let error = read(&[grant]).unwrap_err();
        assert!(error.contains(why), "{grant}: {error}");
    }
}

#[test]
fn only_what_is_asked_for_is_wanted() {
    let requested = read(&[
        "rpc: method=sendcustommsg&pnamemsg^a455|pnamemsg^a457",
        "rpc: listpeers",
        "http: *.example.com",
        "hooks: rpc_command may=replace",
        "subscriptions: invoice_payment secrets=preimage",
    ])
    .unwrap();
    let now = Duration::ZERO;
    assert!(requested.rpc("listpeers", &params("[]"), now));
    assert!(!requested.rpc("listpeerchannels", &params("[]"), now));
    assert!(requested.rpc("sendcustommsg", &params("{\"msg\":\"a45500\"}"), now));
    assert!(!requested.rpc("sendcustommsg", &params("{\"msg\":\"b45500\"}"), now));
    assert!(requested.http_host("a.example.com", 443));
    assert!(!requested.http_host("a.example.com", 80));
    assert!(!requested.http_host("example.org", 443));
    assert!(requested.hook_may("rpc_command", "replace"));
    assert!(!requested.hook_may("rpc_command", "return.result"));
    assert!(!requested.hook_secret("rpc_command", "params"));
    assert!(requested.subscription_secret("invoice_payment", "preimage"));
    assert!(!requested.hook_secret("invoice_payment", "preimage"));
    assert!(!requested.kv() && !requested.timer());
}
