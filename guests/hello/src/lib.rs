//! x
use cln_guest::prelude::*;

const GREETING: StringOption =
    StringOption::new("greeting", "What name should I call you?").default("World");

#[derive(serde::Deserialize)]
struct HelloParams {
    name: Option<String>,
}

async fn hello(cx: Cx<()>, params: HelloParams) -> Result<String, RpcError> {
    let name = params.name.unwrap_or_else(|| cx.option(&GREETING));
    let _: Value = cx.rpc().call("getinfo", &()).await?;
    Ok(format!("Hello {name}"))
}

fn guest() -> Guest<()> {
    Guest::new(|_: &Init| Ok(()))
        .dynamic()
        .option(&GREETING)
        .method(Method::new("hello", "[name]", "x"), hello).method(Method::new("gettime", "", "x"), gettime)
}

cln_guest::export!(guest);
#[derive(serde::Deserialize)]
struct GettimeParams {
    timezone: Option<String>,
}
async fn gettime(cx: Cx<()>, params: GettimeParams) -> Result<String, RpcError> {
    let name = params.timezone.as_deref().unwrap_or("UTC");
    let zone = jiff::tz::TimeZone::get(name)
        .map_err(|error| RpcError::invalid_params(format!("timezone: {error}")))?;
    let now = jiff::Timestamp::try_from(cx.now())?;
    Ok(now.to_zoned(zone).to_string())
}
