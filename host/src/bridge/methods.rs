//! RPC methods, `check` and `setconfig`.

use std::time::Instant;

use cln_protocol::filter::{Filter, NoFilter};
use cln_protocol::manifest::OptionSpec;
use cln_protocol::plain::{Names, check, plain};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Bridge;
use super::init;
use super::routes::{Member, Routes};
use crate::guest::call::{Answer, Call, Fault};
use crate::guest::fault::Kind;
use crate::guest::life::Cause;
use crate::lightningd::message::{Message, RequestId};
use crate::lightningd::output::{
    INVALID_PARAMS, METHOD_NOT_FOUND, PLUGIN_ERROR, PLUGIN_TERMINATED, RpcError,
};

/// What lightningd gets: the `result` member as JSON text, or an error.
pub(super) type Reply = Result<String, RpcError>;

impl Bridge {
    /// One of the guests' methods.
    pub(super) async fn method(
        &self,
        routes: &Routes,
        message: Message,
        id: &RequestId,
        deprecated_ok: bool,
    ) -> Reply {
        let name = message.method.unwrap_or_default();
        let Some(member) = routes
            .methods
            .get(&*name)
            .and_then(|index| routes.member(*index))
        else {
            return Err(RpcError::new(
                METHOD_NOT_FOUND,
                format!("Unknown command '{name}'"),
            ));
        };
        // Before the call, which may have done something once it is over.
        let filter = filter(message.filter.as_deref())?;
        let call = Call::Method {
            method: name,
            params: message.params.unwrap_or_else(|| "{}".into()),
            filter: message.filter,
            deprecated_ok,
        };
        let limits = &member.guest.capabilities().policy.limits;
        let (asked, began) = (call.clone(), Instant::now());
        match self
            .ask_member(member, call, limits.deadline("method"), id)
            .await?
        {
            Answer::Json(result) => filtered(
                checked_result(member, result, asked, began)?,
                filter.as_ref(),
            ),
            Answer::Error(error) => Err(error),
            Answer::Done | Answer::Declined(_) => {
                Err(RpcError::new(PLUGIN_ERROR, no_result(member)))
            }
        }
    }

    /// lightningd asks whether a command would be taken (`lightningd/jsonrpc.c`,
    /// `json_check`): the params of the command with `command_to_check` first.
    pub(super) async fn check(
        &self,
        routes: &Routes,
        params: Option<&str>,
        id: &RequestId,
    ) -> Reply {
        let (command, rest) = split_check(params.unwrap_or("{}"))?;
        if command == "setconfig" {
            self.setconfig(routes, Some(&rest), id, true).await?;
            return Ok(json!({ "command_to_check": command }).to_string());
        }
        if self.is_own(&command) {
            self.list(routes, Some(&rest))?;
            return Ok(json!({ "command_to_check": command }).to_string());
        }
        let Some(member) = routes
            .methods
            .get(&command)
            .and_then(|index| routes.member(*index))
        else {
            return Err(RpcError::new(
                METHOD_NOT_FOUND,
                format!("Unknown command '{command}'"),
            ));
        };
        if member.cancheck {
            let call = Call::Check {
                method: command.as_str().into(),
                params: rest.into(),
            };
            let limits = &member.guest.capabilities().policy.limits;
            if let Answer::Error(error) = self
                .ask_member(member, call, limits.deadline("check"), id)
                .await?
            {
                return Err(error);
            }
        }
        Ok(json!({ "command_to_check": command }).to_string())
    }

    /// A new value of a dynamic option. The bridge checks its type first:
    /// lightningd writes an int that is none to its configuration and dies
    /// (`lightningd/configs.c`).
    pub(super) async fn setconfig(
        &self,
        routes: &Routes,
        params: Option<&str>,
        id: &RequestId,
        check_only: bool,
    ) -> Reply {
        let (config, val) = split_setconfig(params.unwrap_or("{}"))?;
        let found = routes
            .options
            .get(&config)
            .and_then(|(index, spec)| Some((routes.member(*index)?, spec)));
        let Some((member, spec)) = found else {
            return Err(RpcError::new(
                INVALID_PARAMS,
                format!("no guest has an option {config}"),
            ));
        };
        if !spec.dynamic {
            return Err(RpcError::new(
                INVALID_PARAMS,
                format!("option {config} cannot be changed while lightningd runs"),
            ));
        }
        let value = spec
            .parse_setconfig(val.as_ref())
            .map_err(|e| RpcError::new(INVALID_PARAMS, e.to_string()))?;
        let json = value.to_value();
        let call = Call::SetConfig {
            option: config.as_str().into(),
            value: is_flag_without_value(spec, val.as_ref())
                .then_some(())
                .map_or_else(|| Some(json.to_string().into()), |()| None),
            check_only,
        };
        let limits = &member.guest.capabilities().policy.limits;
        if let Answer::Error(error) = self
            .ask_member(member, call, limits.deadline("check"), id)
            .await?
        {
            return Err(error);
        }
        if !check_only {
            // The next instance of this guest starts with it.
            self.inits
                .remember(member.guest.name(), &config, json, |init| {
                    member.guest.set_init(init)
                });
        }
        Ok("{}".to_owned())
    }

    async fn ask_member(
        &self,
        member: &Member,
        call: Call,
        deadline: Option<std::time::Duration>,
        id: &RequestId,
    ) -> Result<Answer, RpcError> {
        let cause = Cause {
            request: Some(id.clone()),
            lineage: self.node.lineages.of_id(id.token()),
        };
        let (asked, began) = (call.clone(), Instant::now());
        let label = asked.label();
        match member.guest.call(call, deadline, cause).await {
            Ok(answer) => {
                if !matches!(answer, Answer::Json(_)) {
                    member.guest.capabilities().faults.good(&label);
                }
                match answer {
                    Answer::Error(error) => Ok(Answer::Error(readable(error))),
                    answer => Ok(answer),
                }
            }
            Err(fault) => {
                let name = member.guest.name();
                if matches!(fault, Fault::Deadline(_)) {
                    let capabilities = member.guest.capabilities();
                    let text = fault.to_string();
                    let written = capabilities.bad_answer(Kind::Deadline, &text, asked, began);
                    capabilities.fault_line(&format!("{label}: {text}{written}"));
                }
                let code = match fault {
                    Fault::Trap(_)
                    | Fault::Stopped(_)
                    | Fault::Absent(_)
                    | Fault::Quarantined(_)
                    | Fault::Disabled(_) => PLUGIN_TERMINATED,
                    Fault::Deadline(_) | Fault::Answer(_) => PLUGIN_ERROR,
                };
                Err(RpcError::new(code, format!("Guest {name} {fault}")))
            }
        }
    }
}

fn is_flag_without_value(spec: &OptionSpec, val: Option<&Value>) -> bool {
    spec.option_type == cln_protocol::manifest::OptionType::Flag && val.is_none()
}

fn no_result(member: &Member) -> String {
    format!("Guest {} gave no result", member.guest.name())
}

/// An error without data that readers would choke on. The code and the message still help the caller.
fn readable(mut error: RpcError) -> RpcError {
    error.data = error
        .data
        .filter(|data| check(data.get(), Names::Any).is_ok());
    error
}

/// A result must be JSON that every caller can read: lightningd passes it on byte for byte.
fn checked_result(member: &Member, result: String, asked: Call, began: Instant) -> Reply {
    let capabilities = member.guest.capabilities();
    let label = asked.label();
    match plain(&result) {
        Ok(()) => {
            capabilities.faults.good(&label);
            Ok(result)
        }
        Err(why) => {
            let text = format!("answered with a result that {why}");
            let written = capabilities.bad_answer(Kind::Answer, &text, asked, began);
            capabilities.fault_line(&format!("{label}: {text}{written}"));
            let name = member.guest.name();
            Err(RpcError::new(PLUGIN_ERROR, format!("Guest {name} {text}")))
        }
    }
}

/// The filter of a request for a method that this plugin owns: lightningd leaves it to the plugin.
pub(super) fn filter(text: Option<&str>) -> Result<Option<Filter>, RpcError> {
    let invalid = |e: NoFilter| RpcError::new(INVALID_PARAMS, e.to_string());
    text.map(Filter::parse).transpose().map_err(invalid)
}

/// What the filter leaves of a result.
pub(super) fn filtered(result: String, filter: Option<&Filter>) -> Reply {
    let Some(filter) = filter else {
        return Ok(result);
    };
    filter.apply(&result).map_err(|e| {
        RpcError::new(
            PLUGIN_ERROR,
            format!("the result cannot be filtered: it is {e}"),
        )
    })
}

/// `command_to_check` and the params without it, in the form they came in.
fn split_check(params: &str) -> Result<(String, String), RpcError> {
    let invalid = |what: &str| RpcError::new(INVALID_PARAMS, format!("check: {what}"));
    match serde_json::from_str(params) {
        Ok(Value::Object(mut members)) => match members.remove("command_to_check") {
            Some(Value::String(command)) => Ok((command, Value::Object(members).to_string())),
            _ => Err(invalid("command_to_check is no string")),
        },
        Ok(Value::Array(mut values)) if !values.is_empty() => match values.remove(0) {
            Value::String(command) => Ok((command, Value::Array(values).to_string())),
            _ => Err(invalid("command_to_check is no string")),
        },
        Ok(_) => Err(invalid("command_to_check is missing")),
        Err(e) => Err(invalid(&e.to_string())),
    }
}

fn split_setconfig(params: &str) -> Result<(String, Option<Value>), RpcError> {
    #[derive(Deserialize)]
    struct Params {
        config: String,
        #[serde(default)]
        val: Option<Value>,
    }
    let invalid = |what: String| RpcError::new(INVALID_PARAMS, format!("setconfig: {what}"));
    let value: Value = serde_json::from_str(params).map_err(|e| invalid(e.to_string()))?;
    let object = match value {
        Value::Array(values) => {
            let names = ["config", "val"].map(str::to_owned);
            Value::Object(names.into_iter().zip(values).collect::<Map<_, _>>())
        }
        object => object,
    };
    let Params { config, val } =
        serde_json::from_value(object).map_err(|e| invalid(e.to_string()))?;
    Ok((config, val))
}

/// What a message without an answer of its own gets.
pub(super) fn unknown(method: &str) -> RpcError {
    RpcError::new(
        METHOD_NOT_FOUND,
        format!("Unknown command '{}'", init::excerpt(method)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_takes_both_forms_of_params() {
        let (command, rest) = split_check(r#"{"command_to_check":"hello","name":"x"}"#).unwrap();
        assert_eq!(
            (command.as_str(), rest.as_str()),
            ("hello", r#"{"name":"x"}"#)
        );
        let (command, rest) = split_check(r#"["hello","x",1]"#).unwrap();
        assert_eq!((command.as_str(), rest.as_str()), ("hello", r#"["x",1]"#));
        for bad in ["[]", "{}", "[1]", "7", "{"] {
            assert_eq!(split_check(bad).unwrap_err().code, INVALID_PARAMS, "{bad}");
        }
    }

    #[test]
    fn setconfig_takes_both_forms_and_no_value() {
        assert_eq!(
            split_setconfig(r#"{"config":"a","val":"1"}"#).unwrap(),
            ("a".to_owned(), Some(json!("1")))
        );
        assert_eq!(
            split_setconfig(r#"["a","1"]"#).unwrap(),
            ("a".to_owned(), Some(json!("1")))
        );
        assert_eq!(
            split_setconfig(r#"{"config":"a"}"#).unwrap(),
            ("a".to_owned(), None)
        );
        assert!(split_setconfig(r#"{"val":"1"}"#).is_err());
    }
}
