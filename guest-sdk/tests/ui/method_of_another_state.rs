//~ expected function signature `fn(cln_guest::Cx<State>, _) -> _`
//~ found function signature `fn(cln_guest::Cx<()>, ()) -> _`

use cln_guest::prelude::*;

struct State;

async fn hello(_: Cx<()>, _: ()) -> Result<String, RpcError> {
    Ok("hello".to_owned())
}

fn main() {
    let _ = Guest::with_state(State).method(Method::new("hello", "", "Greets"), hello);
}
