//! Taking out of somebody else's text what nobody sees.

/// Control characters, and those that hide, join or turn around what stands beside them.
pub(super) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}'
            | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// One line without hidden characters: what breaks a line is a space, and spaces are single.
pub(super) fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|letter: char| letter.is_whitespace()) {
        let before = line.len();
        if before > 0 {
            line.push(' ');
        }
        let from = line.len();
        line.extend(word.chars().filter(|letter| !is_hidden(*letter)));
        if line.len() == from {
            line.truncate(before);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_is_left() {
        assert_eq!(line(" a\u{202e}b\t\r\n c\u{200b}\0 \u{feff} d "), "ab c d");
        assert_eq!(line("\u{e0041}\u{2066}"), "");
        assert_eq!(line("日本 é"), "日本 é");
    }
}
