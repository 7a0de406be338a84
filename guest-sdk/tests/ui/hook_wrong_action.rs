//~ a handler of this hook cannot return `
//~ return `HtlcAcceptedAction`, or `Result<HtlcAcceptedAction, E>`

use cln_guest::prelude::*;

async fn on_htlc(_: Cx<()>, _: HtlcAcceptedPayload) -> Value {
    json!({"result": "continue"})
}

fn main() {
    let _ = Guest::with_state(()).hook::<HtlcAccepted>(on_htlc);
}
