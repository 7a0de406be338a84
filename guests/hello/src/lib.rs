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
        .method(Method::new("hello", "[name]", "x"), hello)
}

cln_guest::export!(guest);
