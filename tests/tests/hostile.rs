//! The hostile corpus (`tests/hostile`): whatever a guest does, lightningd gets its answers in time, the guest beside
//! it is not held up, memory stays within the limits, and the operator reads why.

use cln_wasm_tests::hostile::arena;

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

topics! { abi cpu floods folder http json kv lives manifest memory module rpc sandbox tasks texts }
