//! Misspelt words: which known word was probably meant.

/// Of every three letters one may be wrong, missing, too many or swapped with its neighbour.
const LETTERS_PER_MISTAKE: usize = 3;
/// More mistakes are another word, however long it is.
const MOST_MISTAKES: usize = 3;
/// The longest word, in bytes, that anything is suggested for.
const LONGEST: usize = 256;
/// The most bytes of a letter.
const LETTER_BYTES: usize = 4;

/// The word of `known` that `word` was probably meant to be: the nearest one that is near enough, the first of equals.
/// Upper and lower case count as the same letter.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let near = known.into_iter().filter_map(|candidate| {
        // Each letter more or less is a mistake; counting the others takes time.
        if candidate.len().abs_diff(word.len()) > MOST_MISTAKES * LETTER_BYTES {
            return None;
        }
        let mistakes = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        let letters = lower.chars().count().max(candidate.chars().count());
        let allowed = (letters / LETTERS_PER_MISTAKE).min(MOST_MISTAKES);
        (mistakes <= allowed && candidate != word).then_some((mistakes, candidate))
    });
    near.min_by_key(|(mistakes, _)| *mistakes).map(|(_, candidate)| candidate)
}

/// What is added to an error about `word`: `; did you mean NAME?`, or nothing when no known word is near enough.
#[must_use]
pub fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_when_it_is_near_enough() {
        let known = ["set", "unset", "set_if_absent", "increment", "properties", "Source"];
        for (word, expected) in [
            ("incremnt", Some("increment")),
            ("incerment", Some("increment")),
            ("property", Some("properties")),
            ("set_if_abent", Some("set_if_absent")),
            ("SOURCE", Some("Source")),
            ("Sauce", Some("Source")),
            ("sett", Some("set")),
            ("put", None),
            ("x", None),
            ("", None),
            ("set", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(did_you_mean("incremnt", known), "; did you mean increment?");
        assert_eq!(did_you_mean("elephant", known), "");
    }
}
