//! Where a peer is.

use serde::Deserialize;

/// An address as lightningd writes it (`json_add_address_internal` in
/// `common/json_stream.c`). Which members are there depends on `address_type`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Address {
    /// `ipv4`, `ipv6`, `torv2`, `torv3`, `dns`, `websocket`, `local socket`, `unresolved`
    /// and a few more.
    #[serde(rename = "type")]
    pub address_type: String,
    /// `websocket`: the type of the address below it.
    pub subtype: Option<String>,
    /// The host.
    pub address: Option<String>,
    /// The TCP port.
    pub port: Option<u16>,
    /// `local socket`: the file.
    pub socket: Option<String>,
    /// `unresolved`: the name that a proxy resolves.
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind() {
        let read = |text: &str| serde_json::from_str::<Address>(text).expect(text);
        let v6 = read(r#"{"type":"ipv6","address":"::1","port":9735}"#);
        assert_eq!((v6.address.as_deref(), v6.port), (Some("::1"), Some(9735)));
        let socket = read(r#"{"type":"local socket","socket":"/run/x"}"#);
        assert_eq!(socket.socket.as_deref(), Some("/run/x"));
        let web = read(r#"{"type":"websocket","subtype":"ipv4","address":"1.2.3.4","port":80}"#);
        assert_eq!(web.subtype.as_deref(), Some("ipv4"));
        let name = read(r#"{"type":"unresolved","name":"a.example","port":1}"#);
        assert_eq!(name.name.as_deref(), Some("a.example"));
        assert!(serde_json::from_str::<Address>(r#"{"type":"ipv4","port":65536}"#).is_err());
    }
}
