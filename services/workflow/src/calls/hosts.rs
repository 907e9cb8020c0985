//! The hosts that operators allow although they are not on the open Internet. Pure.

use std::collections::HashSet;

use url::{Host, Url};

/// The allowed hosts, each at every port or at one.
#[derive(Debug, Clone, Default)]
pub(super) struct AllowedHosts {
    anywhere: HashSet<Host<String>>,
    at_port: HashSet<(Host<String>, u16)>,
}

/// An entry of the list is neither a host nor a host with a port.
#[derive(Debug, thiserror::Error)]
#[error("{entry:?} is no host: write `host` or `host:port`, such as crm.internal or [::1]:8080")]
pub(crate) struct HostError {
    entry: String,
}

impl AllowedHosts {
    /// Reads a list separated by commas.
    ///
    /// # Errors
    /// The first entry that is no host.
    pub(super) fn read(list: &str) -> Result<Self, HostError> {
        let mut allowed = Self::default();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (host, port) = taken_apart(entry).ok_or_else(|| HostError { entry: entry.to_owned() })?;
            match port {
                Some(port) => drop(allowed.at_port.insert((host, port))),
                None => drop(allowed.anywhere.insert(host)),
            }
        }
        Ok(allowed)
    }

    /// Whether this host may be called at this port, whatever its address.
    pub(super) fn contain(&self, host: &Host<String>, port: u16) -> bool {
        self.anywhere.contains(host) || self.at_port.contains(&(host.clone(), port))
    }
}

/// As addresses of calls are read, so that both spell a host alike.
fn taken_apart(entry: &str) -> Option<(Host<String>, Option<u16>)> {
    let port = match entry.rsplit_once(':') {
        // The colons of an IPv6 address in brackets, or of a bare one, are none before a port.
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => Some(port.parse().ok()?),
        _ => None,
    };
    let host = match port {
        Some(_) => entry.rsplit_once(':')?.0,
        None => entry,
    };
    let bare = host.contains(':') && !host.starts_with('[');
    let url = Url::parse(&if bare { format!("http://[{host}]/") } else { format!("http://{host}/") }).ok()?;
    let is_host_alone = url.username().is_empty() && url.path() == "/" && url.query().is_none();
    let host = url.host().filter(|_| is_host_alone && url.port().is_none() && url.fragment().is_none())?;
    // A star is a name to URLs, and whoever writes one means something else.
    let is_plain =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let usable = !matches!(host, Host::Domain(name) if !is_plain(name));
    usable.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contain(list: &str, url: &str) -> bool {
        let url = Url::parse(url).unwrap();
        let host = url.host().unwrap().to_owned();
        AllowedHosts::read(list).unwrap().contain(&host, url.port_or_known_default().unwrap())
    }

    #[test]
    fn a_host_is_allowed_at_every_port_or_at_the_one_that_is_named() {
        let list = "crm.internal, 10.0.0.7:8080,LOCALHOST:1,[::1]:9000,fd00::1";
        for url in [
            "http://crm.internal/",
            "https://CRM.internal:8443/x",
            "http://10.0.0.7:8080/",
            "http://localhost:1",
            "http://[::1]:9000/",
            "http://[fd00::1]:5/",
        ] {
            assert!(contain(list, url), "{url}");
        }
        for url in ["http://crm.internal.example/", "http://10.0.0.7/", "http://localhost/", "http://[::1]/"]
        {
            assert!(!contain(list, url), "{url}");
        }
        assert!(!contain("", "http://localhost/"));
        assert!(contain("a:443", "https://a/") && !contain("a:443", "http://a/"));
    }

    #[test]
    fn what_is_no_host_is_refused_when_the_stage_starts() {
        for list in [
            "http://crm/",
            "crm:",
            "crm:x",
            "crm:70000",
            "a b",
            "a/b",
            "user@crm",
            "crm?x",
            "10.0.0.0/8",
            "*",
            "*.crm",
        ] {
            let refused = AllowedHosts::read(list);
            assert!(refused.is_err(), "{list}: {refused:?}");
        }
    }
}
