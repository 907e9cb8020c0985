//! Where a call goes, read and judged before anything is sent. Pure.

use url::{Host, Url};

use tributary_engine::CallError;

use super::address::is_public;
use super::failure;
use super::hosts::AllowedHosts;

/// An address that may be called, as far as its text tells: what a name stands for is judged when it is looked up.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) url: Url,
    pub(super) host: Host<String>,
    pub(super) port: u16,
    /// An operator allows it, whatever its address.
    pub(super) allowed: bool,
}

impl Place {
    /// Reads an address, in each of the spellings that a client would follow: of numbers too.
    ///
    /// # Errors
    /// `INVALID_URL`, or `FORBIDDEN_ADDRESS` where the address itself is written.
    pub(super) fn read(url: &str, allowed: &AllowedHosts) -> Result<Self, CallError> {
        let url = Url::parse(url).map_err(|_| failure::invalid_url("the address to call is no URL"))?;
        Self::of(url, allowed)
    }

    /// As [`Place::read`].
    pub(super) fn of(url: Url, allowed: &AllowedHosts) -> Result<Self, CallError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(failure::invalid_url("the address to call begins with neither http:// nor https://"));
        }
        // They would become a header that nobody sees, and what stands before an @ may have been meant as a host.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(failure::invalid_url(
                "the address to call holds a user: credentials belong into headers",
            ));
        }
        let (Some(host), Some(port)) = (url.host().map(|host| host.to_owned()), url.port_or_known_default())
        else {
            return Err(failure::invalid_url("the address to call names no host"));
        };
        let allowed = allowed.contain(&host, port);
        let place = Self { host, port, allowed, url };
        let written = match place.host {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        };
        match written {
            Some(address) if !allowed && !is_public(address) => Err(failure::forbidden(&place.name())),
            _ => Ok(place),
        }
    }

    /// The host with its port: what calls of one server have in common.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(url: &str, allowed: &str) -> String {
        match Place::read(url, &AllowedHosts::read(allowed).unwrap()) {
            Ok(place) => place.name(),
            Err(error) => error.reason,
        }
    }

    #[test]
    fn a_forbidden_address_is_known_in_each_spelling_that_a_client_would_follow() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[fe80::1]/",
            "http:\\\\127.0.0.1\\",
            "http:127.0.0.1",
        ] {
            assert_eq!(reason(url, ""), "FORBIDDEN_ADDRESS", "{url}");
        }
    }

    #[test]
    fn an_operator_allows_an_address_by_its_host_or_its_host_and_port() {
        assert_eq!(reason("http://127.0.0.1:8080/x", "127.0.0.1:8080"), "127.0.0.1:8080");
        assert_eq!(reason("http://127.1:8080/x", "127.0.0.1"), "127.0.0.1:8080");
        assert_eq!(reason("http://127.0.0.1:8081/x", "127.0.0.1:8080"), "FORBIDDEN_ADDRESS");
        assert_eq!(reason("http://127.0.0.2:8080/x", "127.0.0.1"), "FORBIDDEN_ADDRESS");
        assert_eq!(reason("https://[::1]/", "::1"), "[::1]:443");
    }

    #[test]
    fn what_is_no_address_to_call_is_refused_without_being_repeated() {
        for url in [
            "",
            "example.com",
            "/path",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "http://",
            "http://user@example.com/",
            "http://user:secret@example.com/",
            "http://example.com:99999/",
            "http://exa mple.com/",
        ] {
            let error = Place::read(url, &AllowedHosts::default()).unwrap_err();
            assert_eq!(error.reason, "INVALID_URL", "{url}");
            assert!(!error.message.contains("secret") && !error.message.contains("passwd"), "{error}");
        }
        assert_eq!(reason("http://Example.com", ""), "example.com:80");
        assert_eq!(reason("https://example.com?x=1", ""), "example.com:443");
    }
}
