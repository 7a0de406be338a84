//~ function is expected to take 2 arguments, but it takes 1 argument

use cln_guest::prelude::*;

async fn hello(_: Cx<()>) -> Result<String, RpcError> {
    Ok("hello".to_owned())
}

fn main() {
    let _ = Guest::with_state(()).method(Method::new("hello", "", "Greets"), hello);
}
