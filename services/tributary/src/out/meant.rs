//! The word that was meant, where one is misspelt.

/// `; did you mean `that`?` for the known word that is nearest, if one is near; else nothing.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let far = (word.chars().count() / 3).max(1);
    let near = known.into_iter().map(|known| (strsim::damerau_levenshtein(word, known), known));
    match near.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance) {
        Some((_, known)) => format!("; did you mean `{known}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_that_is_near_was_meant() {
        let known = ["website", "cdnow"];
        assert_eq!(did_you_mean("webiste", known), "; did you mean `website`?");
        assert_eq!(did_you_mean("shop", known), "");
    }
}
