//~ a handler must be an `async fn`, and this one returns `Result<
//~ write `async fn`, or return a future

use cln_guest::prelude::*;

fn hello(_: Cx<()>, _: ()) -> Result<String, RpcError> {
    Ok("hello".to_owned())
}

fn main() {
    let _ = Guest::with_state(()).method(Method::new("hello", "", "Greets"), hello);
}
