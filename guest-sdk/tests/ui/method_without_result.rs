//~ a method handler cannot return `std::string::String`
//~ return `Result<Reply, E>`

use cln_guest::prelude::*;

async fn hello(_: Cx<()>, _: ()) -> String {
    "hello".to_owned()
}

fn main() {
    let _ = Guest::with_state(()).method(Method::new("hello", "", "Greets"), hello);
}
