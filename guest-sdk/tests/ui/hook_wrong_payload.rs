//~ HtlcAcceptedPayload) -> _`
//~ Value) -> _`

use cln_guest::prelude::*;

async fn on_htlc(_: Cx<()>, _: Value) -> HtlcAcceptedAction {
    HtlcAcceptedAction::pass()
}

fn main() {
    let _ = Guest::with_state(()).hook::<HtlcAccepted>(on_htlc);
}
