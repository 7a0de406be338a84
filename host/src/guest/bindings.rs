//! The WIT package as Rust types; see `wit/v0.1/guest.wit` for what they mean.
#![allow(missing_docs, reason = "generated; documented in the WIT package")]

wasmtime::component::bindgen!({
    path: "../wit/v0.1",
    world: "guest",
    imports: {
        "cln:guest/rpc.call": async | store | trappable,
        "cln:guest/timer.sleep": async | store | trappable,
        "cln:guest/kv.get": async | store | trappable,
        "cln:guest/kv.set": async | store | trappable,
        "cln:guest/kv.delete": async | store | trappable,
        "cln:guest/kv.list": async | store | trappable,
        "cln:guest/kv.compare-and-swap": async | store | trappable,
        "cln:guest/http.send": async | store | trappable,
        default: trappable,
    },
    exports: { default: async | store },
});
