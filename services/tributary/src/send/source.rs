//! Which source a payload is sent as, and with which write key.

use std::{collections::HashMap, sync::Arc};

use tonic::metadata::{Ascii, MetadataValue};
use tributary_proto::v1;

use super::input::Format;
use crate::{
    mesh::{self, Mesh},
    out,
};

/// The source of the CDNOW text unless it is told.
const CDNOW: &str = "cdnow";

/// A write key, and where it was found.
pub(super) type Key = (MetadataValue<Ascii>, Arc<str>);

/// What is known of sources and their keys.
pub(super) struct Sources<'m> {
    mesh: &'m Mesh,
    /// Where a payload names none.
    fallback: Option<String>,
    keys: HashMap<String, Result<Key, String>>,
}

impl<'m> Sources<'m> {
    /// # Errors
    /// The source that was named has no key here: nothing could be sent.
    pub(super) fn new(mesh: &'m Mesh, given: Option<String>, format: Format) -> anyhow::Result<Sources<'m>> {
        let fallback = given.or_else(|| (format == Format::Cdnow).then(|| CDNOW.to_owned()));
        let mut sources = Sources { mesh, fallback: fallback.clone(), keys: HashMap::new() };
        if let Some(source) = &fallback {
            sources.key(source).map_err(anyhow::Error::msg)?;
        }
        Ok(sources)
    }

    /// Completes the payload's source, and finds its key.
    pub(super) fn settle(&mut self, payload: &mut v1::TrackRequest) -> Result<Key, String> {
        if payload.source.is_empty()
            && let Some(fallback) = &self.fallback
        {
            payload.source.clone_from(fallback);
        }
        let source = payload.source.clone();
        self.key(&source)
    }

    /// The key of a source; of no name, the only key there is.
    fn key(&mut self, source: &str) -> Result<Key, String> {
        let find = || match source {
            "" => self
                .mesh
                .only_write_key()
                .map(|key| (key, "the only write key that is known here".into()))
                .ok_or_else(|| {
                    "the payload names no source: write `source` into it, or give --source".to_owned()
                }),
            source => self.of_source(source),
        };
        let prepared = || {
            let (key, from): (String, Arc<str>) = find()?;
            Ok((mesh::bearer(&key).map_err(|error| error.to_string())?, from))
        };
        if let Some(found) = self.keys.get(source) {
            return found.clone();
        }
        let found = prepared();
        self.keys.insert(source.to_owned(), found.clone());
        found
    }

    fn of_source(&self, source: &str) -> Result<(String, Arc<str>), String> {
        let variable = mesh::write_key_variable(source);
        let what = format!("the write key of source {source}");
        let missing = match self.mesh.look_up(None, &variable, &what) {
            Ok(key) => return Ok((key, self.mesh.origin(&variable).into())),
            Err(missing) => missing.to_string(),
        };
        let known = self.mesh.known_sources();
        if known.is_empty() {
            return Err(missing);
        }
        let meant = out::did_you_mean(source, known.iter().map(String::as_str));
        Err(format!(
            "there is no write key of source {source} here, only of {}{meant}; else set {variable}",
            known.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(
        mesh: &Mesh,
        given: Option<&str>,
        format: Format,
        own: &str,
    ) -> Result<(String, String), String> {
        let mut sources = Sources::new(mesh, given.map(str::to_owned), format).map_err(|e| e.to_string())?;
        let mut payload = v1::TrackRequest { source: own.into(), ..v1::TrackRequest::default() };
        let (key, _) = sources.settle(&mut payload)?;
        Ok((payload.source, key.to_str().unwrap().to_owned()))
    }

    fn ok(source: &str, key: &str) -> Result<(String, String), String> {
        Ok((source.to_owned(), format!("Bearer {key}")))
    }

    #[test]
    fn a_payloads_own_source_wins_over_the_one_of_the_command_line() {
        let mesh = Mesh::with(&[("TRIBUTARY_WRITE_KEY_CDNOW", "c"), ("TRIBUTARY_WRITE_KEY_WEB_SHOP", "w")]);
        assert_eq!(settled(&mesh, None, Format::Cdnow, ""), ok("cdnow", "c"));
        assert_eq!(settled(&mesh, Some("cdnow"), Format::Ndjson, "web-shop"), ok("web-shop", "w"));
        let nameless = settled(&mesh, None, Format::Ndjson, "").unwrap_err();
        assert!(nameless.contains("--source"), "{nameless}");
        let unknown = settled(&mesh, None, Format::Ndjson, "blog").unwrap_err();
        assert!(unknown.contains("TRIBUTARY_WRITE_KEY_BLOG"), "{unknown}");
        let misspelt = settled(&mesh, None, Format::Ndjson, "web-shp").unwrap_err();
        assert!(misspelt.contains("only of cdnow, web-shop; did you mean `web-shop`?"), "{misspelt}");
        assert!(
            settled(&mesh, Some("blog"), Format::Ndjson, "cdnow").is_err(),
            "said before anything is sent"
        );
    }

    #[test]
    fn the_only_key_names_the_source() {
        let mesh = Mesh::with(&[("TRIBUTARY_WRITE_KEY_SHOP", "s")]);
        assert_eq!(settled(&mesh, None, Format::Ndjson, ""), ok("", "s"));
    }
}
