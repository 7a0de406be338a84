//~ expected `ConfigOption<Text, &str>`, found `ConfigOption<Text, NoDefault>`

use cln_guest::prelude::*;

const TOKEN: StringOption = StringOption::new("token", "Key of the service");

fn main() {
    let _ = Guest::with_state(()).option(&TOKEN);
}
