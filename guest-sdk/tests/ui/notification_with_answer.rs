//~ a notification handler cannot return `bool`
//~ return nothing, or `Result<(), E>`

use cln_guest::prelude::*;

async fn on_connect(_: Cx<()>, _: ConnectPayload) -> bool {
    true
}

fn main() {
    let _ = Guest::with_state(()).subscribe::<Connect>(on_connect);
}
