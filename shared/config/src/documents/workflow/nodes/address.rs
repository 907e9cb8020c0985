//! Whom nodes call. Which host is always written out: a host that an event could choose would be told the secrets of the
//! headers. Whether a host may be called at all is decided when it is called.

use http::uri::Authority;
use tributary_expressions::{Template, Variables};
use url::{Host, Url};

use crate::at::At;
use crate::documents::workflow::reading::Reading;

/// What begins a hole, a statement or a comment of a template.
const HOLES: [&str; 3] = ["{{", "{%", "{#"];

/// Where a request goes.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) template: At<Template>,
    /// What is written out of it, host and port at least.
    written: Url,
}

/// The address of a request: a template with its holes behind the host. What is filled in is percent-encoded.
pub(super) fn template(url: At<String>, reading: &mut Reading<'_>) -> Option<Address> {
    let (place, text) = (url.place, url.value.trim());
    let written = HOLES.iter().filter_map(|hole| text.find(hole)).min().map_or(text, |hole| &text[..hole]);
    let host_ends = || {
        written.split_once("://").is_some_and(|(_, rest)| rest.find(['/', '?', '#']).is_some_and(|at| at > 0))
    };
    let checked = if written.len() < text.len() && !host_ends() {
        Err("scheme and host are written out; holes come behind them, as in https://example.com/{{ event.id }}".into())
    } else {
        parsed(written)
    };
    let compiled = checked.and_then(|written| {
        let compiled = Template::compile_for_url(text, Variables::Run).map_err(|error| error.to_string())?;
        Ok(Address { template: At { value: compiled, place }, written })
    });
    compiled.map_err(|reason| reading.tell(place, format!("url: {reason}"))).ok()
}

impl Address {
    /// Whether what the template came to is an address of the host that is written.
    pub(super) fn check(&self, filled: &str) -> Result<(), String> {
        let url = check(filled)?;
        let place = |url: &Url| (url.scheme().to_owned(), url.host().map(|host| host.to_owned()), url.port());
        if place(&url) != place(&self.written) {
            return Err("what is filled in leads to another host than the one that is written out".into());
        }
        Ok(())
    }
}

/// The address of a service: scheme, host and port alone.
pub(super) fn service(url: At<String>, reading: &mut Reading<'_>) -> Option<String> {
    let read = parsed(url.value.trim()).and_then(|url| {
        let alone = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let reason =
            || "a service has no path; write scheme, host and port, as in http://localhost:7710".to_string();
        alone.then(|| url.as_str().trim_end_matches('/').to_string()).ok_or_else(reason)
    });
    read.map_err(|reason| reading.tell(url.place, format!("url: {reason}"))).ok()
}

/// A filled in address, if it is one.
fn check(filled: &str) -> Result<Url, String> {
    let url = parsed(filled)?;
    let path = filled.split(['?', '#']).next().unwrap_or_default();
    // Whoever reads the address would leave out such a part together with the one before it.
    let leads_up = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split(['/', '\\']).any(leads_up) {
        return Err("a part of the path is . or .., which leads elsewhere".into());
    }
    Ok(url)
}

/// What is wrong never repeats the address: it may hold values or a password.
fn parsed(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not a url: {error}"))?;
    match url.host() {
        _ if !matches!(url.scheme(), "http" | "https") => {
            Err(format!("the scheme is {}; only http and https can be called", url.scheme()))
        }
        _ if !url.username().is_empty() || url.password().is_some() => {
            Err("it holds credentials; put them into a header with env".into())
        }
        None | Some(Host::Domain("")) => Err("it has no host".into()),
        // A URL may have more in its host than HTTP can send.
        Some(_) if url.authority().parse::<Authority>().is_err() => {
            Err("its host has a character that no host has".into())
        }
        Some(_) => Ok(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Origin, Place, Problems};

    fn reading<R>(read: impl FnOnce(&mut Reading<'_>) -> R) -> Result<R, String> {
        let (origin, mut problems) = (Origin::in_file("w.yaml", 1), Problems::default());
        let read = read(&mut Reading::new(&origin, &mut problems));
        match problems.into_result() {
            Ok(()) => Ok(read),
            Err(errors) => Err(errors.to_string()),
        }
    }

    fn at(text: &str) -> At<String> {
        At { value: text.into(), place: Place { line: 1, column: 1 } }
    }

    #[test]
    fn holes_of_an_address_come_behind_its_host() {
        for right in [
            "https://api.example.com",
            "http://10.0.0.1:8080/a?b=c",
            "https://api.example.com/{{ event.id }}",
            " https://api.example.com?q={{ event.id }}&x=1 ",
        ] {
            assert!(reading(|reading| template(at(right), reading)).is_ok(), "{right}");
        }
        for (wrong, why) in [
            ("https://{{ event.properties.host }}/", "holes come behind them"),
            ("https://api.example.com{{ event.id }}/a", "holes come behind them"),
            ("{{ event.properties.url }}", "holes come behind them"),
            ("ftp://api.example.com/", "only http and https"),
            ("https://me:secret@api.example.com/{{ event.id }}", "credentials"),
            ("https://api.example.com/{{ event. }}", "url: not a template"),
            ("api.example.com", "not a url"),
            ("mailto:me@example.com", "only http and https"),
            ("", "not a url"),
            ("https://a\"b.example/{{ event.id }}", "no host has"),
        ] {
            let said = reading(|reading| template(at(wrong), reading)).unwrap_err();
            assert!(said.contains(why) && !said.contains("secret"), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_filled_in_address_is_of_the_host_that_is_written() {
        let read = reading(|reading| template(at("https://api.example.com:8443/{{ event.id }}"), reading));
        let address = read.unwrap().unwrap();
        assert_eq!(address.check("https://api.example.com:8443/x"), Ok(()));
        for other in [
            "https://api.example.com:8443.evil.example/x",
            "https://api.example.com.evil.example:8443/x",
            "https://api.example.com/x",
            "http://api.example.com:8443/x",
        ] {
            assert!(address.check(other).is_err(), "{other}");
        }
        for wrong in
            ["https:///api.example.com{{ event.id }}", "https://?{{ event.id }}", "https://#a/{{ event.id }}"]
        {
            let said = reading(|reading| template(at(wrong), reading)).unwrap_err();
            assert!(said.contains("holes come behind them"), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_service_has_no_path() {
        let read = |text| reading(|reading| service(at(text), reading));
        assert_eq!(read("http://localhost:7710/").unwrap().unwrap(), "http://localhost:7710");
        assert!(read("http://localhost:7710/nodes").unwrap_err().contains("a service has no path"));
        assert!(read("localhost:7710").unwrap_err().contains("only http and https"));
        assert!(read("http://a\"b:7710").unwrap_err().contains("no host has"));
        assert!(read("https://a`b").unwrap_err().contains("no host has"));
        assert_eq!(read("http://[::1]:7710").unwrap().unwrap(), "http://[::1]:7710");
        assert_eq!(read("https://bücher.example").unwrap().unwrap(), "https://xn--bcher-kva.example");
    }

    #[test]
    fn a_filled_in_part_cannot_lead_upwards() {
        assert!(check("https://api.example.com/a/..b/c?d=../e").is_ok());
        for up in ["https://a.b/x/../y", "https://a.b/x/%2E%2e/y", "https://a.b/.", "https://a.b/x/.%2E?q"] {
            assert!(check(up).unwrap_err().contains("leads elsewhere"), "{up}");
        }
    }
}
