//! Where a guest may connect to.

use std::net::IpAddr;

use super::super::document::quote_list;
use super::super::http::{HostPattern, HttpGrant};
use super::text::plain;
use super::{Denied, Form, Grants};

impl Grants {
    /// Where the guest may connect to; None is nowhere.
    pub fn http(&self) -> Option<&HttpGrant> {
        self.http.as_ref()
    }

    /// Whether the guest may connect to this host, as it stands in a URL.
    ///
    /// # Errors
    ///
    /// It is not granted.
    pub fn http_host(&self, host: &str, port: u16) -> Result<(), Denied> {
        if self
            .http
            .as_ref()
            .is_some_and(|http| http.allows_host(host, port))
        {
            return Ok(());
        }
        Err(self.http_denied(match port {
            443 => host.to_string(),
            _ => format!("{host}:{port}"),
        }))
    }

    /// Whether the hosts of this pattern, which a guest asks for, are granted.
    ///
    /// # Errors
    ///
    /// They are not.
    pub fn http_pattern(&self, pattern: &HostPattern) -> Result<(), Denied> {
        let granted = |http: &HttpGrant| http.hosts.iter().any(|known| known.covers(pattern));
        match self.http.as_ref().is_some_and(granted) {
            true => Ok(()),
            false => Err(self.http_denied(pattern.to_string())),
        }
    }

    fn http_denied(&self, asked: String) -> Denied {
        let what = format!("HTTP to {}", plain(&asked));
        let http = self.http.as_ref();
        let mut hosts: Vec<String> = http
            .map_or(&[][..], |http| &http.hosts)
            .iter()
            .map(ToString::to_string)
            .collect();
        hosts.push(asked);
        let hosts = quote_list(hosts.iter().map(String::as_str));
        if self.http_form == Form::Header {
            return self.denied(what, format!("hosts = {hosts}"), "[grant.http]", true);
        }
        let private = match http {
            Some(http) if http.private_addresses => ", private_addresses = true",
            _ => "",
        };
        let line = format!("http = {{ hosts = {hosts}{private} }}");
        self.denied(what, line, "[grant]", self.http_form == Form::Line)
    }

    /// Whether the guest may connect to this address: to be asked for each address
    /// that a granted host turned out to have.
    ///
    /// # Errors
    ///
    /// It is private, and private addresses are not granted.
    pub fn http_address(&self, address: IpAddr) -> Result<(), Denied> {
        let http = self.http.as_ref();
        if http.is_some_and(|http| http.allows_address(address)) {
            return Ok(());
        }
        let what = format!("HTTP to the private address {address}");
        if self.http_form == Form::Header {
            let line = "private_addresses = true".to_string();
            return Err(self.denied(what, line, "[grant.http]", self.http_private_written));
        }
        let hosts: Vec<String> = http
            .map_or(&[][..], |http| &http.hosts)
            .iter()
            .map(ToString::to_string)
            .collect();
        let hosts = quote_list(hosts.iter().map(String::as_str));
        let line = format!("http = {{ hosts = {hosts}, private_addresses = true }}");
        Err(self.denied(what, line, "[grant]", self.http_form == Form::Line))
    }
}
