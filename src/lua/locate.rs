//! Finds the place in a recipe's source that a field of a call was written at, to point at it.

use crate::lua::error::Excerpt;

/// One token with its byte range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Punct(char),
}

/// The line `number` as an excerpt that points at nothing in it.
pub fn line(source: &str, number: usize) -> Option<Excerpt> {
    source.lines().nth(number.checked_sub(1)?).map(|text| excerpt(text, 0, 0))
}

/// The line that `field` is written on in the first table from line `number` on, pointing at the field's name.
pub fn field(source: &str, number: usize, field: &str) -> Option<(usize, Excerpt)> {
    let start: usize = source.split_inclusive('\n').take(number.checked_sub(1)?).map(str::len).sum();
    let mut depth = 0usize;
    let mut tokens = Tokens { source, at: start }.peekable();
    while let Some((from, to, token)) = tokens.next() {
        match token {
            Token::Punct('{') => depth += 1,
            Token::Punct('}') if depth <= 1 => {
                depth = 0;
                if source[start..to].contains('\n') {
                    return None;
                }
            }
            Token::Punct('}') => depth -= 1,
            Token::Word(name) | Token::Text(name) if depth == 1 && name == field => {
                let key = match tokens.peek() {
                    Some((_, _, Token::Punct('='))) => true,
                    Some((_, _, Token::Punct(']'))) => matches!(token, Token::Text(_)),
                    Some(_) | None => false,
                };
                if key {
                    return Some(place(source, from, to));
                }
            }
            Token::Word(_) | Token::Text(_) | Token::Punct(_) => {}
        }
    }
    None
}

/// The lines that the entries of the list `field` are written on, in the first table from line `number` on; none when
/// the field is no list that is written out there.
pub fn entries(source: &str, number: usize, field: &str) -> Vec<usize> {
    let start: usize = source.split_inclusive('\n').take(number.saturating_sub(1)).map(str::len).sum();
    let mut tokens = Tokens { source, at: start }.peekable();
    let (mut depth, mut lines) = (0usize, Vec::new());
    // Whether the tokens are those of the list, and whether the next one begins an entry.
    let (mut inside, mut begins) = (false, false);
    while let Some((from, _, token)) = tokens.next() {
        let opens = matches!(token, Token::Punct('{' | '(' | '['));
        let closes = matches!(token, Token::Punct('}' | ')' | ']'));
        if inside && depth == 2 {
            match token {
                Token::Punct('}') => return lines,
                Token::Punct(',' | ';') => begins = true,
                Token::Word(_) | Token::Text(_) | Token::Punct(_) if begins => {
                    lines.push(source[..from].matches('\n').count() + 1);
                    begins = false;
                }
                Token::Word(_) | Token::Text(_) | Token::Punct(_) => {}
            }
        }
        if !inside
            && depth == 1
            && token == Token::Word(field)
            && matches!(tokens.peek(), Some((_, _, Token::Punct('='))))
        {
            tokens.next();
            match tokens.peek() {
                Some((_, _, Token::Punct('{'))) => (inside, begins) = (true, true),
                Some(_) | None => return Vec::new(),
            }
        }
        if opens {
            depth += 1;
        } else if closes {
            depth = depth.saturating_sub(1);
        }
    }
    Vec::new()
}

fn place(source: &str, from: usize, to: usize) -> (usize, Excerpt) {
    let before = &source[..from];
    let number = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let text = source[line_start..].lines().next().unwrap_or_default();
    let column = source[line_start..from].chars().count();
    let width = source[from..to].chars().take_while(|c| *c != '\n').count();
    (number, excerpt(text, column, width))
}

/// A line around `column`; tabs and control characters are one column wide, so that the pointer stands where it should.
fn excerpt(text: &str, column: usize, width: usize) -> Excerpt {
    const MOST: usize = 160;
    let skipped = if column + width > MOST { column.saturating_sub(MOST / 4) } else { 0 };
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.trim_end().chars().skip(skipped).take(MOST).map(plain).collect();
    Excerpt { text, column: column - skipped, width: width.min(MOST / 2) }
}

/// Enough of Lua's lexer to tell names from what is inside strings and comments.
struct Tokens<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, usize, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = &self.source[self.at..];
            let first = rest.chars().next()?;
            let from = self.at;
            if first.is_whitespace() {
                self.at += first.len_utf8();
            } else if let Some(comment) = rest.strip_prefix("--") {
                self.at += match long_bracket(comment) {
                    Some(length) => 2 + length,
                    None => rest.find('\n').unwrap_or(rest.len()),
                };
            } else if let Some(length) = long_bracket(rest) {
                self.at += length;
                return Some((from, self.at, Token::Text("")));
            } else if first == '"' || first == '\'' || first == '`' {
                let length = quoted(rest, first);
                self.at += length;
                let inside = rest.get(1..length.saturating_sub(1)).unwrap_or_default();
                return Some((from, self.at, Token::Text(inside)));
            } else if first.is_alphanumeric() || first == '_' {
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                self.at += length;
                return Some((from, self.at, Token::Word(&rest[..length])));
            } else {
                let length = if rest.starts_with("==") { 2 } else { first.len_utf8() };
                self.at += length;
                // A comparison is no assignment of a field, so it must not look like one.
                return Some((from, self.at, Token::Punct(if length == 2 { '~' } else { first })));
            }
        }
    }
}

/// The length of `[[...]]` or `[==[...]==]` at the beginning, if one is there.
fn long_bracket(rest: &str) -> Option<usize> {
    let level = rest.strip_prefix('[')?.bytes().take_while(|byte| *byte == b'=').count();
    rest[1 + level..].strip_prefix('[')?;
    let close = format!("]{}]", "=".repeat(level));
    Some(rest.find(&close).map_or(rest.len(), |at| at + close.len()))
}

/// The length of a quoted string at the beginning, its quotes included.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == '\n' && !escaped {
            return at;
        }
        if c == quote && !escaped {
            return at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, number: usize, name: &str) -> String {
        match field(source, number, name) {
            Some((number, excerpt)) => format!("{number}:{}+{} {}", excerpt.column, excerpt.width, excerpt.text),
            None => "nowhere".to_owned(),
        }
    }

    #[test]
    fn a_field_is_found_on_its_own_line() {
        let source = "local x = 1\nreturn cb.campaign \"a\" {\n  sources = s { packages = 1 },\n  packages = 3,\n}\n";
        assert_eq!(found(source, 2, "packages"), "4:2+8   packages = 3,");
    }

    #[test]
    fn strings_comments_and_comparisons_are_no_fields() {
        let source =
            "f {\n -- packages = 1\n --[[ packages = 2 ]] a = \"packages = 3\", b = packages == 4,\n packages = 5 }";
        assert_eq!(found(source, 1, "packages"), "4:1+8  packages = 5 }");
    }

    #[test]
    fn a_quoted_key_is_found_and_a_value_is_not() {
        assert_eq!(found("f { a = \"b\", [\"b\"] = 1 }", 1, "b"), "1:14+3 f { a = \"b\", [\"b\"] = 1 }");
    }

    #[test]
    fn of_a_long_line_only_the_part_is_shown() {
        let source = format!("f {{ {}, key = 1 }}", "x, ".repeat(10_000));
        let (_, excerpt) = field(&source, 1, "key").unwrap();
        let pointed: String = excerpt.text.chars().skip(excerpt.column).take(excerpt.width).collect();
        assert_eq!((pointed.as_str(), excerpt.text.len() < 200), ("key", true));
        assert!(line(&source, 1).unwrap().text.len() < 200);
        assert_eq!(line("a\tb\u{1b}[31m", 1).unwrap().text, "a b [31m");
    }

    #[test]
    fn each_entry_of_a_list_has_its_line() {
        let source = "return f \"a\" {\n  x = 1,\n  rules = {\n    { a = { 1, 2 } },\n    -- two\n    make(1, 2), {\n b = 1 },\n  },\n}";
        assert_eq!(entries(source, 1, "rules"), [4, 6, 6]);
        assert_eq!(entries("f { rules = { {}, {} } }", 1, "rules"), [1, 1]);
        assert!(entries("f { rules = rules }", 1, "rules").is_empty());
        assert!(entries("f { other = { rules = { {} } } }", 1, "rules").is_empty());
        assert!(entries("f { rules = { {}, ", 1, "rules").is_empty());
    }

    #[test]
    fn nothing_is_found_after_the_table() {
        assert_eq!(found("f {\n a = 1\n}\nb = 2\ng { b = 3 }", 1, "b"), "nowhere");
        assert_eq!(found("f { a = 'unfinished", 1, "b"), "nowhere");
        assert_eq!(found("", 3, "b"), "nowhere");
    }
}
