//! Which admin keys are shown: one tenant's for reads, those of all tenants concerned for configuration.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use super::Mesh;

/// The key of one tenant; of which, only who set it knows.
const SHORT: &str = "TRIBUTARY_ADMIN_KEY";
/// What the variables of write keys begin with.
const WRITE_KEY: &str = "TRIBUTARY_WRITE_KEY_";

/// Where a tenant's key is. Tenants are lower-case words with hyphens, so no two have the same.
pub(crate) fn admin_key_variable(tenant: &str) -> String {
    format!("{SHORT}_{}", tenant.to_uppercase().replace('-', "_"))
}

/// Where the first write key of a source is, unless its document names another place.
pub(crate) fn write_key_variable(source: &str) -> String {
    format!("{WRITE_KEY}{}", source.to_uppercase().replace('-', "_"))
}

impl Mesh {
    /// The only write key there is; `None` where there are several or none.
    pub(crate) fn only_write_key(&self) -> Option<String> {
        let all = self.environment.iter().map(|(name, key)| (name.as_str(), key.as_str()));
        let keys: BTreeMap<_, _> =
            self.file.iter().chain(all).filter(|(name, _)| name.starts_with(WRITE_KEY)).collect();
        let mut keys = keys.into_values();
        keys.next().filter(|_| keys.next().is_none()).map(str::to_owned)
    }

    /// The sources whose write keys are known here, as far as their variables tell.
    pub(crate) fn known_sources(&self) -> Vec<String> {
        let all = self.environment.keys().map(String::as_str).chain(self.file.iter().map(|(name, _)| name));
        let names: BTreeSet<&str> = all.filter_map(|name| name.strip_prefix(WRITE_KEY)).collect();
        names.into_iter().map(|name| name.to_lowercase().replace('_', "-")).collect()
    }

    /// Where an admin key was found.
    pub(super) fn admin_key_from(&self, key: &str) -> Option<String> {
        let given = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let of_key = |(name, value): &(&str, &str)| name.starts_with(SHORT) && *value == key;
        let (name, _) = given.chain(self.file.iter()).find(of_key)?;
        Some(self.origin(name))
    }

    /// The key of the tenant that was chosen, else the one with the short name.
    pub(crate) fn admin_key(&self) -> anyhow::Result<String> {
        match &self.tenant {
            Some(tenant) => self.look_up(None, &admin_key_variable(tenant), &missing(tenant)),
            None => self.look_up(None, SHORT, "the admin key"),
        }
    }

    /// The keys of all tenants that are known, or of the one that was chosen: for what concerns the whole configuration.
    pub(crate) fn admin_keys(&self) -> anyhow::Result<Vec<String>> {
        let mut keys = vec![self.admin_key()?];
        if self.tenant.is_none() {
            self.known().values().for_each(|key| add(&mut keys, key));
        }
        Ok(keys)
    }

    /// The keys of these tenants, at least one. A single one that has none of its own takes the one with the short name,
    /// unless that is another tenant's.
    pub(crate) fn admin_keys_of<'t>(
        &self,
        tenants: impl IntoIterator<Item = &'t str>,
    ) -> anyhow::Result<Vec<String>> {
        let known = self.known();
        let (mut keys, mut without) = (Vec::new(), Vec::new());
        for tenant in tenants {
            match known.get(&*admin_key_variable(tenant)) {
                Some(key) => add(&mut keys, key),
                None => without.push(tenant),
            }
        }
        let is_anothers = |short: &str| known.iter().any(|(name, key)| *name != SHORT && *key == short);
        match without[..] {
            [] => {}
            [only] => {
                let short = known.get(SHORT).filter(|short| !is_anothers(short));
                add(&mut keys, short.with_context(|| unknown(&[only]))?);
            }
            _ => anyhow::bail!(unknown(&without)),
        }
        Ok(keys)
    }

    /// All admin keys by their variables. Those of different meshes are not to be mixed: where the environment has one, the file
    /// is not asked.
    fn known(&self) -> BTreeMap<&str, &str> {
        let is_one = |(name, _): &(&str, &str)| {
            *name == SHORT || (name.starts_with(SHORT) && name[SHORT.len()..].starts_with('_'))
        };
        let given = self.environment.iter().map(|(name, key)| (name.as_str(), key.as_str()));
        let given: BTreeMap<_, _> = given.filter(is_one).collect();
        if given.is_empty() { self.file.iter().filter(is_one).collect() } else { given }
    }
}

fn add(keys: &mut Vec<String>, key: &str) {
    if !keys.iter().any(|known| known == key) {
        keys.push(key.to_owned());
    }
}

fn missing(tenant: &str) -> String {
    format!("the admin key of tenant {tenant}")
}

fn unknown(tenants: &[&str]) -> String {
    let variables: Vec<String> = tenants.iter().map(|tenant| admin_key_variable(tenant)).collect();
    format!(
        "no admin key is known of tenant {}: set {}. A mesh of `tributary up` makes the keys of the tenants of its \
         configuration directory when it starts: stop it and start it again to add one",
        tenants.join(" and tenant "),
        variables.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::mesh;

    const FILE: [(&str, &str); 3] = [
        ("TRIBUTARY_ADMIN_KEY", "a"),
        ("TRIBUTARY_ADMIN_KEY_BLOG", "a"),
        ("TRIBUTARY_ADMIN_KEY_WEB_SHOP", "b"),
    ];

    #[test]
    fn the_tenant_that_is_chosen_decides_which_key_is_shown() {
        assert_eq!(mesh(&[], &FILE, None).admin_key().unwrap(), "a");
        assert_eq!(mesh(&[], &FILE, Some("web-shop")).admin_key().unwrap(), "b");
        let said = mesh(&[], &FILE, Some("news")).admin_key().unwrap_err().to_string();
        assert!(said.contains("TRIBUTARY_ADMIN_KEY_NEWS"), "{said}");
    }

    #[test]
    fn it_is_known_where_a_key_was_found_and_which_sources_have_one() {
        let known = mesh(&[("TRIBUTARY_ADMIN_KEY", "c"), ("TRIBUTARY_WRITE_KEY_WEB_SHOP", "w")], &FILE, None);
        assert_eq!(known.admin_key_from("c").unwrap(), "TRIBUTARY_ADMIN_KEY of the environment");
        assert_eq!(known.admin_key_from("nowhere"), None);
        assert_eq!(known.known_sources(), ["web-shop"]);
    }

    #[test]
    fn all_keys_are_shown_for_the_whole_configuration_each_once() {
        assert_eq!(mesh(&[], &FILE, None).admin_keys().unwrap(), ["a", "b"]);
        assert_eq!(mesh(&[], &FILE, Some("web-shop")).admin_keys().unwrap(), ["b"]);
        let elsewhere = mesh(&[("TRIBUTARY_ADMIN_KEY", "c")], &FILE, None);
        assert_eq!(elsewhere.admin_keys().unwrap(), ["c"], "keys of two meshes are not mixed");
    }

    #[test]
    fn every_tenant_of_a_directory_needs_its_key() {
        let known = mesh(&[], &FILE, None);
        assert_eq!(known.admin_keys_of(["blog", "web-shop"]).unwrap(), ["a", "b"]);
        let said = known.admin_keys_of(["blog", "news"]).unwrap_err().to_string();
        assert!(
            said.contains("TRIBUTARY_ADMIN_KEY_NEWS"),
            "the short name's key is another tenant's: {said}"
        );
        let short = mesh(&[("TRIBUTARY_ADMIN_KEY", "c")], &FILE, None);
        assert_eq!(short.admin_keys_of(["demo"]).unwrap(), ["c"]);
        let said = short.admin_keys_of(["demo", "news"]).unwrap_err().to_string();
        assert!(said.contains("TRIBUTARY_ADMIN_KEY_DEMO and TRIBUTARY_ADMIN_KEY_NEWS"), "{said}");
    }
}
