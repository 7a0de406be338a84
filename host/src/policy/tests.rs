use super::*;

fn parse(text: &str) -> Policy {
    Policy::parse(text, Path::new("/node/wasm/gate.toml")).unwrap_or_else(|e| panic!("{e}"))
}

fn refusal(text: &str) -> String {
    Policy::parse(text, Path::new("gate.toml"))
        .expect_err(text)
        .to_string()
}

#[test]
fn without_a_word_everything_is_denied_but_own_options() {
    for policy in [Policy::default(), parse(""), parse("[grant]")] {
        assert!(policy.enabled);
        let grants = policy.grants();
        for (hook, secrets) in vocabulary::HOOKS {
            assert!(grants.hook(hook).is_err());
            for secret in *secrets {
                assert!(grants.hook_secret(hook, secret).is_err());
            }
        }
        for (topic, _) in vocabulary::TOPICS {
            assert!(grants.subscription(topic).is_err());
        }
        assert!(grants.subscription("*").is_err());
        assert!(grants.method("anything").is_err());
        assert_eq!(grants.option("anything"), Ok(()));
        assert!(grants.notification("anything").is_err());
        assert!(grants.custommessage(0).is_err());
        assert!(grants.featurebits("node", &[1]).is_err());
        assert_eq!(grants.featurebits("node", &[]), Ok(()));
        assert!(grants.rpc().is_empty());
        assert!(grants.kv().is_err());
        assert!(grants.timer().is_err());
        assert!(grants.http_host("example.com", 443).is_err());
    }
}

#[test]
fn a_whole_policy_is_read() {
    let policy = parse(
        r#"#!/usr/bin/env cln-wasm
wasm = "../guests/gate.wasm"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
enabled = false

[grant]
subscriptions = ["channel_opened", "my-topic"]
methods = ["gate-list"]
options = ["gate-min"]
notifications = ["gate_refused"]
custommessages = [32769]
featurebits = { node = [101], init = [101] }
rpc = ["listpeers", { restrictions = ["method=pay", ["pnum<3", "pnameamount_msat<1000"]], budget = { per_day_msat = "5000sat", per_call_msat = 1000 } }]
kv = true
timer = true
http = { hosts = ["api.example.com", "*.example.org:8443"], private_addresses = false }

[grant.hooks]
openchannel = true
htlc_accepted = { secrets = ["shared_secret"] }
recover = false

[limits]
memory_bytes = "16 MiB"

[on-fault]
default = "closed"
"#,
    );
    assert_eq!(
        policy.wasm,
        Some(PathBuf::from("/node/wasm/../guests/gate.wasm"))
    );
    assert_eq!(policy.sha256, Some(Pin::of(b"abc")));
    assert!(!policy.enabled);
    assert_eq!(policy.limits.memory_bytes, 16 << 20);
    let grants = policy.grants();
    assert!(grants.hook("openchannel").is_ok());
    assert_eq!(
        grants.hook("htlc_accepted").unwrap().secrets,
        ["shared_secret"]
    );
    assert!(grants.hook("recover").is_err());
    assert!(grants.hook("peer_connected").is_err());
    assert!(grants.subscription("my-topic").is_ok());
    assert!(grants.subscription("connect").is_err());
    assert_eq!(grants.option("gate-min"), Ok(()));
    assert!(grants.option("gate-max").is_err());
    assert_eq!(grants.featurebits("node", &[101]), Ok(()));
    assert!(grants.featurebits("node", &[101, 103]).is_err());
    assert!(grants.featurebits("invoice", &[101]).is_err());
    let keys: Vec<String> = grants.rpc().iter().map(RpcGrant::key).collect();
    assert_eq!(
        keys,
        [
            "method=listpeers",
            "method=pay&pnum<3|pnameamount_msat<1000"
        ]
    );
    let budget = grants.rpc()[1].budget.unwrap();
    assert_eq!(budget.per_day_msat, Some(5_000_000));
    assert_eq!(budget.per_call_msat, Some(1000));
    assert_eq!(budget.per_hour_msat, None);
}

#[test]
fn tables_with_headers_say_the_same_as_lines() {
    let lines = parse(
        "[grant]\nrpc = [{ methods = [\"pay\"], budget = { per_call_msat = 1 } }, { restrictions = \"readonly\" }]\nhttp = { hosts = [\"a.example.com\"] }",
    );
    let headers = parse(
        "[[grant.rpc]]\nmethods = [\"pay\"]\nbudget.per_call_msat = 1\n[[grant.rpc]]\nrestrictions = \"readonly\"\n[grant.http]\nhosts = [\"a.example.com\"]",
    );
    assert_eq!(lines.grants().rpc(), headers.grants().rpc());
    assert_eq!(lines.grants().http(), headers.grants().http());
    assert_eq!(lines.grants().rpc()[1].restrictions, runes::readonly());
}

#[test]
fn a_star_is_every_topic_but_the_log_and_no_secret() {
    let policy = parse("[grant]\nsubscriptions = [\"*\"]");
    let grants = policy.grants();
    assert!(grants.subscription("*").is_ok());
    assert!(grants.subscription("connect").is_ok());
    assert!(grants.subscription("log").is_err());
    assert!(
        grants
            .subscription("invoice_creation")
            .unwrap()
            .secrets
            .is_empty()
    );
    assert!(
        grants
            .subscription_secret("invoice_creation", "preimage")
            .is_err()
    );
}

/// Writes the line of a denial where it says.
fn obey(text: &str, denied: &Denied) -> String {
    let key = denied.line.split([' ', '=']).next().unwrap();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    let header = lines.iter().position(|line| line == denied.section);
    let start = match header {
        Some(at) => at,
        None => {
            lines.push(denied.section.to_string());
            lines.len() - 1
        }
    };
    if denied.replaces {
        let old = lines[start + 1..]
            .iter()
            .position(|line| line.split([' ', '=']).next() == Some(key));
        lines.remove(start + 1 + old.expect("the line that is to be replaced"));
    }
    lines.insert(start + 1, denied.line.clone());
    lines.join("\n")
}

#[test]
fn a_denial_says_what_to_write() {
    let denied = parse("").grants().hook("htlc_accepted").unwrap_err();
    assert_eq!(
        denied.to_string(),
        "hook htlc_accepted is not granted: add hooks = [\"htlc_accepted\"] under [grant] in gate.toml"
    );
    let policy = parse("[grant]\nmethods = [\"a\"]");
    assert_eq!(
        policy.grants().method("b").unwrap_err().to_string(),
        "method b is not granted: change it to methods = [\"a\", \"b\"] under [grant] in gate.toml"
    );
}

#[test]
fn what_a_denial_says_grants_it_and_takes_nothing_away() {
    let starts = [
        "",
        "[grant]\nhooks = [\"openchannel\"]\nsubscriptions = [\"connect\"]\nmethods = [\"a\"]\noptions = []\nnotifications = []\ncustommessages = [1]\nfeaturebits = { node = [3] }\nrpc = []\nkv = false\ntimer = false\nhttp = { hosts = [\"a.example.com\"], private_addresses = true }",
        "[grant]\nhooks = { openchannel = true, invoice_payment = { secrets = [\"preimage\"] } }\nsubscriptions = { connect = {} }",
        "[grant]\n[grant.hooks]\nopenchannel = true\nhtlc_accepted = true\n[grant.subscriptions]\nconnect = true\n[grant.featurebits]\nnode = [3]\n[grant.http]\nhosts = [\"a.example.com\"]\nprivate_addresses = false",
        "[grant.http]\nhosts = [\"a.example.com\"]",
    ];
    type Ask = fn(&Grants) -> Result<(), Denied>;
    let asks: [Ask; 17] = [
        |g| g.hook("htlc_accepted").map(drop),
        |g| g.hook("openchannel").map(drop),
        |g| g.hook_secret("htlc_accepted", "shared_secret"),
        |g| g.hook_secret("invoice_payment", "preimage"),
        |g| g.subscription("connect").map(drop),
        |g| g.subscription("*").map(drop),
        |g| g.subscription_secret("invoice_creation", "preimage"),
        |g| g.method("gate-list"),
        |g| g.option("gate-min"),
        |g| g.notification("gate"),
        |g| g.custommessage(32769),
        |g| g.featurebits("init", &[1, 5]),
        |g| g.featurebits("node", &[101]),
        |g| g.kv(),
        |g| g.timer(),
        |g| g.http_host("[2001:db8::1]", 8443),
        |g| g.http_address("2001:db8::1".parse().unwrap()),
    ];
    for start in starts {
        let mut text = start.to_string();
        for (i, ask) in asks.iter().enumerate() {
            if let Err(denied) = ask(parse(&text).grants()) {
                text = obey(&text, &denied);
            }
            let policy = parse(&text);
            for earlier in &asks[..=i] {
                assert_eq!(earlier(policy.grants()), Ok(()), "{text}");
            }
        }
        if start.contains("a.example.com") {
            assert_eq!(
                parse(&text).grants().http_host("a.example.com", 443),
                Ok(())
            );
        }
    }
}

#[test]
fn a_denial_is_one_harmless_line_whatever_was_asked_for() {
    let policy = parse("");
    let grants = policy.grants();
    let name = "x\"\n[grant]\nkv = true\n\u{1b}[31m";
    for denied in [
        grants.hook(name).unwrap_err(),
        grants.hook_secret(name, name).unwrap_err(),
        grants.subscription(name).unwrap_err(),
        grants.method(name).unwrap_err(),
        grants.notification(name).unwrap_err(),
        grants.featurebits(name, &[1]).unwrap_err(),
        grants.http_host(name, 443).unwrap_err(),
        grants.rpc_denied(name),
    ] {
        let text = denied.to_string();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        let table: toml::Table = denied.line.parse().unwrap();
        assert_eq!(table.len(), 1, "{text}");
    }
}

#[test]
fn what_is_unknown_or_wrong_is_named_with_its_place() {
    for (text, says) in [
        (
            "wsm = \"x\"",
            "gate.toml:1:1: unknown key in the policy: \"wsm\", did you mean \"wasm\"? Valid are: wasm, sha256, enabled, grant, limits, on-fault",
        ),
        ("wasm = \"\"", "gate.toml:1:8: wasm must be the path"),
        (
            "wasm = 3",
            "gate.toml:1:8: wasm must be a string, not the number 3",
        ),
        ("sha256 = \"abc\"", "sha256 must be 64 hex digits"),
        (
            "enabled = \"yes\"",
            "enabled must be true or false, not the string \"yes\"",
        ),
        ("grant = []", "[grant] must be a table, not a list"),
        ("[grants]", "did you mean \"grant\"?"),
        (
            "[grant]\nhook = []",
            "gate.toml:2:1: unknown key in [grant]: \"hook\", did you mean \"hooks\"?",
        ),
        (
            "[grant]\nhooks = \"all\"",
            "hooks must be a list of strings, not the string \"all\"",
        ),
        (
            "[grant]\nhooks = [\n  \"openchannel\",\n  \"htlc_acepted\",\n]",
            "gate.toml:4:3: unknown hook: \"htlc_acepted\", did you mean \"htlc_accepted\"? Valid are: peer_connected, custommsg",
        ),
        (
            "[grant]\nhooks = [3]",
            "each of hooks must be a string, not the number 3",
        ),
        (
            "[grant]\nhooks = [\"recover\", \"recover\"]",
            "\"recover\" is twice in hooks",
        ),
        (
            "[grant]\nhooks = [\"*\"]",
            "unknown hook: \"*\"; Valid are:",
        ),
        (
            "[grant.hooks]\nopenchannel = 1",
            "openchannel must be true, false or { secrets = [...], may = [...] }, not the number 1",
        ),
        (
            "[grant.hooks]\nopenchannel = { secrets = [\"preimage\"] }",
            "openchannel has no secrets",
        ),
        (
            "[grant.hooks]\ninvoice_payment = { secrets = [\"preimages\"] }",
            "unknown secret of invoice_payment: \"preimages\", did you mean \"preimage\"?",
        ),
        (
            "[grant.hooks]\ninvoice_payment = { secret = [] }",
            "unknown key in the grant of invoice_payment: \"secret\", did you mean \"secrets\"?",
        ),
        (
            "[grant]\nsubscriptions = [\"conn*\"]",
            "\"conn*\" is not the name of a topic, nor \"*\"",
        ),
        (
            "[grant]\nmethods = [\"gate-*\"]",
            "there are no wildcards here",
        ),
        ("[grant]\nmethods = [\"a b\"]", "\"a b\" is not a name"),
        (
            "[grant]\ncustommessages = [65536]",
            "each of custommessages must be a number from 0 to 65535, not the number 65536",
        ),
        (
            "[grant]\nfeaturebits = { nodes = [1] }",
            "did you mean \"node\"?",
        ),
        (
            "[grant]\nfeaturebits = { node = [1, 1] }",
            "1 is twice in node",
        ),
        ("[grant]\nkv = 1", "kv must be true or false"),
        ("[grant]\nhttp = true", "http must be a table"),
        ("[grant]\nhttp = {}", "http needs hosts"),
        (
            "[grant]\nhttp = { hosts = [\"*\"] }",
            "gate.toml:2:19: \"*\": \"*\" would be every host",
        ),
        ("[grant]\nrpc = \"getinfo\"", "rpc must be a list"),
        (
            "[grant]\nrpc = [\"method=pay\"]",
            "\"method=pay\" is a restriction, not a method's name: write { restrictions = [\"method=pay\"] }",
        ),
        (
            "[grant]\nrpc = [\"list*\"]",
            "\"list*\" is not a method's name",
        ),
        ("[grant]\nrpc = [\"a\", \"a\"]", "\"a\" is twice in rpc"),
        (
            "[grant]\nrpc = [3]",
            "each of rpc must be a method's name or a table",
        ),
        ("[[grant.rpc]]", "would be every call"),
        ("[[grant.rpc]]\nrestrictions = []", "needs at least one"),
        ("[[grant.rpc]]\nrestrictions = [[]]", "without alternatives"),
        (
            "[[grant.rpc]]\nrestriction = []",
            "did you mean \"restrictions\"?",
        ),
        (
            "[[grant.rpc]]\nrestrictions = \"read-only\"",
            "did you mean \"readonly\"?",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"!method\"]",
            "write method!, not !method",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"listpeers\"]",
            "\"listpeers\" has no condition",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"method-pay\"]",
            "'-' in \"method-pay\" is not a condition",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"method=pay&pnum=1\"]",
            "make it a text of its own",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"method=pay|\"]",
            "empty alternative",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"metod=pay\"]",
            "unknown field \"metod\": did you mean method?",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"amount_msat<5\"]",
            "did you mean the parameter \"pnameamount_msat\"?",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"pnameamount_msat<5sat\"]",
            "can never hold",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"rate<5\"]",
            "rate operator must be =: write how many",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"per=5years\"]",
            "malformed suffix: write the time",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"id=02aa\"]",
            "id is the peer",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"pinvbolt11_sum<5\"]",
            "must end in _amount",
        ),
        (
            "[[grant.rpc]]\nrestrictions = [\"pnum=1\"]\n[[grant.rpc]]\nrestrictions = [\"pnum=1\"]",
            "are granted above",
        ),
        (
            "[[grant.rpc]]\nmethods = [\"pay\"]\nbudget = 5",
            "budget must be a table",
        ),
        (
            "[[grant.rpc]]\nmethods = [\"pay\"]\nbudget = { onchain_fee_msat = 5 }",
            "needs at least one of",
        ),
        (
            "[[grant.rpc]]\nmethods = [\"pay\"]\nbudget = { per_day = 5 }",
            "did you mean \"per_day_msat\"?",
        ),
        (
            "[[grant.rpc]]\nmethods = [\"pay\"]\nbudget = { per_day_msat = \"5 EUR\" }",
            "per_day_msat must be an amount in msat",
        ),
        ("[grant]\nkv = true\nkv = true", "duplicate key"),
        ("[grant", "gate.toml:1:"),
    ] {
        let error = refusal(text);
        assert!(error.contains(says), "{text}\n  {error}");
    }
}

#[test]
fn all_problems_are_told_at_once_in_order() {
    let error = Policy::parse(
        "[limits]\ntimers = \"x\"\n[grant]\nhooks = [\"nope\"]\n[gant]\n",
        Path::new("gate.toml"),
    )
    .unwrap_err();
    let lines: Vec<usize> = error.problems.iter().map(|p| p.line).collect();
    assert_eq!(lines, [2, 4, 5]);
    assert_eq!(error.to_string().lines().count(), 3);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "(\\[(grant|limits|on-fault)(\\.[a-z]{0,5})?\\]\n)?([a-z_\"]{1,8} ?= ?[\\[\\]{}\"0-9a-z=|,.\\\\]{0,20}\n){0,4}") {
        if let Err(error) = Policy::parse(&text, Path::new("x.toml")) {
            proptest::prop_assert!(!error.problems.is_empty());
            proptest::prop_assert!(error.problems.iter().all(|p| p.line >= 1 && p.column >= 1));
        }
    }

    #[test]
    fn any_change_of_a_good_text_is_read_or_refused(at in 0usize..400, with in "\\PC{0,2}") {
        let good = "[grant]\nhooks = { openchannel = {}, htlc_accepted = { secrets = [\"shared_secret\"] } }\nrpc = [\"a\", { restrictions = [\"method=pay|pnum<3\", [\"x\"]], budget = { per_day_msat = 5 } }]\n[limits]\nmemory_bytes = \"2 MiB\"\n[limits.deadline]\nhook = \"5 s\"\n";
        let at = good.floor_char_boundary(at);
        let text = format!("{}{with}{}", &good[..at], &good[at..]);
        let _ = Policy::parse(&text, Path::new("x.toml"));
    }
}
