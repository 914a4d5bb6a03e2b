//! The words that a name or a text is made of.

/// `getHTTPRoute`, `get-http_route` and `Get.Http.Route` are the same three words.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins = letter.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || (before.is_ascii_uppercase()
                    && letters.peek().is_some_and(char::is_ascii_lowercase)));
        if (begins || !letter.is_alphabetic()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_ascii_alphabetic() {
            word.push(letter.to_ascii_lowercase());
        } else if letter.is_alphabetic() {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_spelling_are_the_same_words() {
        for name in [
            "getHTTPRoute",
            "get-http_route",
            "Get.Http.Route",
            "get http route2",
        ] {
            assert_eq!(words(name), ["get", "http", "route"], "{name}");
        }
        assert_eq!(words("__"), Vec::<String>::new());
    }
}
