//! The hostile corpus (`tests/hostile`): whatever a guest does, lightningd gets its answers in time, the guest beside
//! it is not held up, memory stays within the limits, and the operator reads why.

use cln_wasm_tests::hostile::arena;

// The key-value store (quota, floods) and HTTP (redirects, private addresses) each become a topic: a folder in
// tests/hostile and its name below.
macro_rules! topics {
    ($($topic:ident)*) => {
        $(#[test]
        fn $topic() {
            arena::run(stringify!($topic));
        })*

        #[test]
        fn every_topic_of_the_corpus_is_run() {
            let mut run = vec![$(stringify!($topic)),*];
            run.sort_unstable();
            assert_eq!(run, arena::topics());
        }
    };
}

topics! { abi cpu floods folder json lives manifest memory module rpc sandbox tasks texts }
