//! Who may administer each tenant: keys from outside, else one made for each tenant that is configured or is to be.

use std::collections::BTreeSet;

use super::secrets::Environment;
use crate::{EnvFile, mesh::admin_key_variable};

const ALL: &str = "TRIBUTARY_ADMIN_KEYS";
const FIRST: &str = "TRIBUTARY_ADMIN_KEY";

/// What the stages are told, and a key for each tenant of the configuration that has one.
pub(super) struct AdminKeys {
    all: String,
    /// Tenant and key, in the order of the tenants.
    keys: Vec<(String, String)>,
}

impl AdminKeys {
    /// Takes the keys from `TRIBUTARY_ADMIN_KEYS` if that is given: nobody else may administer then. `find` looks a key
    /// up by its variable, or makes it.
    pub(super) fn complete(
        tenants: &BTreeSet<String>,
        environment: Environment<'_>,
        find: &mut dyn FnMut(&str) -> anyhow::Result<String>,
    ) -> anyhow::Result<AdminKeys> {
        if let Some(all) = environment(ALL) {
            // An entry that is not tenant:key is for the stages to refuse, who say which one it is.
            let given: Vec<_> = all.split_whitespace().filter_map(|entry| entry.split_once(':')).collect();
            let key_of = |tenant: &String| given.iter().find(|(of, _)| of == tenant);
            let keys =
                tenants.iter().filter_map(key_of).map(|(tenant, key)| (tenant.to_string(), key.to_string()));
            return Ok(AdminKeys { keys: keys.collect(), all });
        }
        let mut keys = Vec::new();
        for tenant in tenants {
            let first = if keys.is_empty() { environment(FIRST) } else { None };
            let key = first.map_or_else(|| find(&admin_key_variable(tenant)), Ok)?;
            keys.push((tenant.to_owned(), key));
        }
        let all = keys.iter().map(|(tenant, key)| format!("{tenant}:{key}")).collect::<Vec<_>>().join(" ");
        Ok(AdminKeys { all, keys })
    }

    /// The variable that lists all keys.
    pub(super) fn for_stages(&self) -> (String, String) {
        (ALL.into(), self.all.clone())
    }

    /// The first tenant's key, and each under its tenant's name.
    pub(super) fn tell_clients(&self, file: &mut EnvFile) {
        if let Some((_, key)) = self.keys.first() {
            file.set(FIRST, key);
        }
        for (tenant, key) in &self.keys {
            file.set(admin_key_variable(tenant), key);
        }
    }

    /// The tenants that have a key here; `TRIBUTARY_ADMIN_KEY` is the first one's.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(tenant, _)| tenant.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(tenants: &[&str], environment: &[(&str, &str)]) -> AdminKeys {
        let environment = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let mut made = |name: &str| Ok(format!("made-{name}"));
        let tenants = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
        AdminKeys::complete(&tenants, &environment, &mut made).unwrap()
    }

    fn told(keys: &AdminKeys) -> Vec<(String, String)> {
        let mut file = EnvFile::default();
        keys.tell_clients(&mut file);
        file.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_tenant_gets_a_key_of_its_own_and_the_first_ones_has_the_short_name() {
        let keys = complete(&["web-shop", "blog"], &[]);
        let (blog, shop) = ("made-TRIBUTARY_ADMIN_KEY_BLOG", "made-TRIBUTARY_ADMIN_KEY_WEB_SHOP");
        assert_eq!(keys.for_stages().1, format!("blog:{blog} web-shop:{shop}"));
        let clients =
            [(FIRST, blog), ("TRIBUTARY_ADMIN_KEY_BLOG", blog), ("TRIBUTARY_ADMIN_KEY_WEB_SHOP", shop)];
        assert_eq!(told(&keys), pairs(&clients));
        assert_eq!(keys.tenants().collect::<Vec<_>>(), ["blog", "web-shop"]);
    }

    #[test]
    fn a_single_tenants_key_has_both_names_and_can_be_given_by_the_short_one() {
        let made = "made-TRIBUTARY_ADMIN_KEY_DEMO";
        assert_eq!(
            told(&complete(&["demo"], &[])),
            pairs(&[(FIRST, made), ("TRIBUTARY_ADMIN_KEY_DEMO", made)])
        );
        let given = complete(&["demo", "other"], &[(FIRST, "given")]);
        assert_eq!(given.for_stages().1, "demo:given other:made-TRIBUTARY_ADMIN_KEY_OTHER");
    }

    #[test]
    fn keys_from_outside_are_all_there_are() {
        let list = "other:first demo:second demo:third stranger:fourth";
        let keys = complete(&["demo", "new", "other"], &[(ALL, list), (FIRST, "not this")]);
        assert_eq!(keys.for_stages().1, list);
        assert_eq!(
            told(&keys),
            pairs(&[
                (FIRST, "second"),
                ("TRIBUTARY_ADMIN_KEY_DEMO", "second"),
                ("TRIBUTARY_ADMIN_KEY_OTHER", "first")
            ])
        );
    }
}
