//~ consider adding `#[derive(serde::Deserialize)]` to your `Name` type

use cln_guest::prelude::*;

struct Name {
    _name: String,
}

async fn hello(_: Cx<()>, _: Name) -> Result<String, RpcError> {
    Ok("hello".to_owned())
}

fn main() {
    let _ = Guest::with_state(()).method(Method::new("hello", "", "Greets"), hello);
}
