//! Rules for the node's RPC commands: forbid, rewrite, or answer them.
//!
//! The option `rpc-guard-rule` may be given several times, one rule each. The rules
//! are read in their order. The first `deny`, `answer` or `allow` that matches a call ends the
//! reading; `rewrite` and `default` change the call and the reading goes on. What no
//! rule ends is run.
//!
//! ```text
//! rpc-guard-rule=deny withdraw,fundchannel: ask the treasurer
//! rpc-guard-rule=deny dev*
//! rpc-guard-rule=allow pay,xpay with label=payroll
//! rpc-guard-rule=deny pay,xpay,keysend above 100000sat between 18:00-07:00: not at night
//! rpc-guard-rule=default pay without maxfee: maxfeepercent=0.5
//! rpc-guard-rule=rewrite invoice: expiry=3600
//! rpc-guard-rule=answer listconfigs: {"configs": {}}
//! ```
//!
//! # The language
//!
//! `ACTION METHOD[,METHOD…] [CONDITION…] [: REST]`
//!
//! | action | REST | does |
//! | --- | --- | --- |
//! | `deny` | words for the caller, optional | the call fails with code −1 |
//! | `allow` | nothing | runs it, whatever the rules after this one say |
//! | `rewrite` | `NAME=VALUE …` or a JSON object | sets these parameters |
//! | `default` | `NAME=VALUE …` or a JSON object | sets those of these parameters that are absent |
//! | `answer` | a JSON object or array | gives this result; nothing is run |
//!
//! A method of `deny` and `allow` may end in `*`. `stop`, `help`, `getinfo`,
//! `plugin`, `setconfig` and `rpc-guard-list` are the ways out of a bad rule: only a
//! rule that names them in full is about them.
//!
//! | condition | holds |
//! | --- | --- |
//! | `above AMOUNT` | when more than that would be sent, or the call does not tell how much |
//! | `between HH:MM-HH:MM` | from the first time of day to the second (UTC), which may be on the next day |
//! | `with NAME[=VALUE]` | when the parameter is there (and has this value) |
//! | `without NAME` | when it is not |
//!
//! All conditions of a rule must hold. `AMOUNT` has its unit: `msat`, `sat` or `btc`.
//! `above` knows `pay`, `xpay`, `renepay`, `sendamount`, `keysend`, `xkeysend`, `withdraw` and
//! `fundchannel`, without fees; a BOLT 12 invoice, an offer and `all` count as above any amount.
//! Other methods send too (`sendpay`, `multiwithdraw`, `close`, …): deny them where it matters.
//!
//! Parameters by position are understood for those eight methods. A call of another
//! one that is not by name (`lightning-cli -k`) fails when a rule has to read or set its parameters.
//!
//! # What to know
//!
//! lightningd shows plugins' own calls to the hook too: a rule about `pay` is also
//! about a plugin that pays. Only one plugin may change a command: lightningd ignores the
//! second. A bad rule disables the guest at start, with the rule and the reason; the node then
//! runs **without any rules** (put `important-plugin` and the policy's `on-fault` to use if
//! that must not be). `setconfig` refuses a bad rule and keeps the old ones.
//!
//! # Method
//!
//! `rpc-guard-list` shows the rules in their order and how many calls each has matched.
//!
//! # Grants
//!
//! The hook `rpc_command` with the secret `params`, and the method `rpc-guard-list`. See
//! `rpc-guard.toml` beside this crate.

mod amount;
mod params;
mod request;
mod rule;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use cln_guest::prelude::*;
use cln_guest::serde_json::Map;

use params::Nameless;
use request::{Command, CommandPayload};
use rule::{Action, Rule};

const RULE: MultiStringOption = MultiStringOption::new(
    "rpc-guard-rule",
    "A rule such as 'deny withdraw' or 'default pay: maxfeepercent=0.5'",
)
.dynamic();

/// lightningd's code for errors that have no other (`common/jsonrpc_errors.h`).
const LIGHTNINGD: i32 = -1;

/// A rule and what it did.
#[derive(Debug)]
struct Counted {
    rule: Rule,
    matched: Cell<u64>,
}

/// What the guest knows.
#[derive(Debug, Default)]
pub struct State {
    rules: RefCell<Rc<[Counted]>>,
}

fn read_rules(texts: &[String]) -> Result<Rc<[Counted]>, String> {
    texts
        .iter()
        .map(|text| {
            let rule = Rule::parse(text).map_err(|reason| format!("rule {text:?}: {reason}"))?;
            Ok(Counted {
                rule,
                matched: Cell::new(0),
            })
        })
        .collect()
}

/// The parameters of one call, read when the first rule needs them.
struct Call<'a> {
    request: &'a RpcRequest,
    params: Option<Map<String, Value>>,
    changed: bool,
}

impl Call<'_> {
    fn params(&mut self) -> Result<&mut Map<String, Value>, Nameless> {
        let params = match self.params.take() {
            Some(params) => params,
            None => params::named(&self.request.method, self.request.params.as_ref())?,
        };
        Ok(self.params.insert(params))
    }

    fn matches(&mut self, rule: &Rule, now: u16) -> Result<bool, Nameless> {
        let empty = Map::new();
        let request = self.request;
        for condition in &rule.conditions {
            let params = match condition.reads_params() {
                true => self.params()?,
                false => &empty,
            };
            if !condition.holds(&request.method, params, now) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn set(&mut self, values: &Map<String, Value>, only_absent: bool) -> Result<(), Nameless> {
        let params = self.params()?;
        let mut changed = false;
        for (name, value) in values {
            if params.get(name) != Some(value) && !(only_absent && params.contains_key(name)) {
                params.insert(name.clone(), value.clone());
                changed = true;
            }
        }
        self.changed |= changed;
        Ok(())
    }
}

/// What becomes of a call. An error is that a rule cannot be followed.
fn decide(
    rules: &[Counted],
    request: &RpcRequest,
    now: u16,
) -> Result<RpcCommandAction, (Nameless, String)> {
    let mut call = Call {
        request,
        params: None,
        changed: false,
    };
    for Counted { rule, matched } in rules {
        if !rule.is_about(&request.method) {
            continue;
        }
        let fails = |why: Nameless| (why, rule.text.clone());
        if !call.matches(rule, now).map_err(fails)? {
            continue;
        }
        matched.set(matched.get().saturating_add(1));
        match &rule.action {
            Action::Allow => break,
            Action::Deny(words) => {
                log::info!("{}: denied by {:?}", request.method, rule.text);
                let words = words.clone().unwrap_or_else(|| {
                    format!("{} is denied by a rule of rpc-guard", request.method)
                });
                return Ok(RpcCommandAction::return_error(LIGHTNINGD, words));
            }
            Action::Answer(result) => {
                return Ok(RpcCommandAction::return_result(result.clone()));
            }
            Action::Rewrite(values) => call.set(values, false).map_err(fails)?,
            Action::Default(values) => call.set(values, true).map_err(fails)?,
        }
    }
    match call {
        Call {
            changed: true,
            params: Some(params),
            ..
        } => Ok(RpcCommandAction::replace(
            request,
            request.method.clone(),
            params,
        )),
        _ => Ok(RpcCommandAction::pass()),
    }
}

/// The minute of the day in UTC.
fn minute_of_day(now: SystemTime) -> u16 {
    let seconds = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |passed| passed.as_secs());
    u16::try_from(seconds / 60 % (24 * 60)).unwrap_or(0)
}

async fn on_rpc_command(cx: Cx<State>, payload: CommandPayload) -> RpcCommandAction {
    let request = payload.into_request();
    let rules = Rc::clone(&cx.state().rules.borrow());
    decide(&rules, &request, minute_of_day(cx.now())).unwrap_or_else(|(why, rule)| {
        let method = &request.method;
        let words = match why {
            Nameless::Hidden => format!(
                "{method}: rpc-guard sees no parameters, which {rule:?} needs: \
                 give some, and grant it the secret params of rpc_command"
            ),
            Nameless::Positions => format!(
                "{method} must be called with named parameters (lightning-cli -k): \
                 rpc-guard needs them for {rule:?}"
            ),
            Nameless::Malformed => {
                format!("{method}: the parameters are no object or array, or name one twice")
            }
        };
        RpcCommandAction::return_error(LIGHTNINGD, words)
    })
}

/// One rule as the method shows it.
#[derive(Debug, serde::Serialize)]
struct Shown {
    rule: String,
    action: &'static str,
    matched: u64,
}

/// What the method shows.
#[derive(Debug, serde::Serialize)]
struct List {
    rules: Vec<Shown>,
}

async fn list(cx: Cx<State>, _: ()) -> Result<List, RpcError> {
    let rules = cx.state().rules.borrow();
    let rules = rules
        .iter()
        .map(|Counted { rule, matched }| Shown {
            rule: rule.text.clone(),
            action: rule.action.name(),
            matched: matched.get(),
        })
        .collect();
    Ok(List { rules })
}

/// The guest.
pub fn guest() -> Guest<State> {
    Guest::new(|init: &Init| {
        let rules = RefCell::new(read_rules(&init.option(&RULE))?);
        Ok(State { rules })
    })
    .dynamic()
    .validate(&RULE, |texts| read_rules(texts).map(drop))
    .on_setconfig(&RULE, |cx, texts| {
        *cx.state().rules.borrow_mut() = read_rules(&texts)?;
        Ok(())
    })
    .method(
        Method::new(
            "rpc-guard-list",
            "",
            "Shows the rules for RPC commands, and how many calls each has matched",
        ),
        list,
    )
    .hook::<Command>(on_rpc_command)
    .request(
        "hooks: rpc_command secrets=params may=replace,return.result",
        "to refuse, change and answer commands by what they are called with",
    )
    .request(
        "rpc: method^",
        "to change commands by rules; it calls none itself",
    )
}

cln_guest::export!(guest);
