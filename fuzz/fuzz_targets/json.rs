#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| cln_wasm_fuzz::json(data));
