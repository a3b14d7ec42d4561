//! Just enough of Rust's syntax: code without comments and texts, without its tests, and the paths in it.

/// Code with every comment, string and character blanked out; lines stay where they are.
pub fn plain(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at);
        if end > at {
            out.extend(chars[at..end].iter().map(|&it| if it == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Where the comment or literal that starts at `at` ends; `at` itself when none starts there.
fn skipped(chars: &[char], at: usize) -> usize {
    let is = |offset: usize, it: char| chars.get(at + offset) == Some(&it);
    let in_word = at > 0 && is_word(chars[at - 1]);
    match chars[at] {
        '/' if is(1, '/') => chars[at..].iter().position(|&it| it == '\n').map_or(chars.len(), |length| at + length),
        '/' if is(1, '*') => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !in_word => raw_string_end(chars, at + 1).unwrap_or(at),
        'b' | 'c' if !in_word && is(1, 'r') => raw_string_end(chars, at + 2).unwrap_or(at),
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        '\'' if is(1, '\\') => chars[at + 3..].iter().position(|&it| it == '\'').map_or(at, |length| at + 4 + length),
        '\'' if is(2, '\'') => at + 3,
        _ => at,
    }
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// `at` is behind the `r`.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at..].iter().take_while(|&&it| it == '#').count();
    let mut inside = at + hashes;
    if chars.get(inside) != Some(&'"') {
        return None;
    }
    inside += 1;
    while inside < chars.len() {
        let closing = chars.get(inside + 1..inside + 1 + hashes);
        if chars[inside] == '"' && closing.is_some_and(|closing| closing.iter().all(|&it| it == '#')) {
            return Some(inside + 1 + hashes);
        }
        inside += 1;
    }
    Some(inside)
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// Plain code with every item under `#[cfg(test)]` blanked out.
pub fn without_tests(plain: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = plain.to_owned();
    while let Some(start) = out.find(MARK) {
        let end = start + MARK.len() + item_end(&out[start + MARK.len()..]);
        let blank: String = out[start..end].chars().map(|it| if it == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    out
}

/// The length of an item: to its closing brace, or to its semicolon or comma.
fn item_end(code: &str) -> usize {
    let mut depth = 0;
    for (at, it) in code.char_indices() {
        match it {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth -= 1;
                if depth < 0 {
                    return at;
                }
                if depth == 0 && it == '}' {
                    return at + 1;
                }
            }
            ';' | ',' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The names that `#[cfg(test)] mod NAME;` declares: their files are tests.
pub fn test_modules(plain: &str) -> Vec<String> {
    let tokens = tokens(plain);
    let words: Vec<&str> = tokens.iter().map(|(_, token)| token.as_str()).collect();
    let mut names = Vec::new();
    for (at, window) in words.windows(7).enumerate() {
        if window != ["#", "[", "cfg", "(", "test", ")", "]"] {
            continue;
        }
        let item: Vec<&str> = words[at + 7..].iter().copied().take_while(|&it| it != ";" && it != "{").collect();
        if let ([.., "mod", name], Some(&";")) = (item.as_slice(), words.get(at + 7 + item.len())) {
            names.push((*name).to_owned());
        }
    }
    names
}

/// Words, `::`, and every other sign by itself, each with its line number.
pub fn tokens(plain: &str) -> Vec<(usize, String)> {
    let mut tokens = Vec::new();
    for (number, line) in plain.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                it if is_word(it) => rest.find(|it| !is_word(it)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                it => it.len_utf8(),
            };
            if !first.is_whitespace() {
                tokens.push((number + 1, rest[..length].to_owned()));
            }
            rest = &rest[length..];
        }
    }
    tokens
}

/// A path in code: where, and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Counted from 1.
    pub line: usize,
    /// `["crate", "core", "ids"]`; a glob ends in `*`.
    pub path: Vec<String>,
}

/// All paths of two parts or more; the trees of `use` are written out, one path a leaf.
pub fn paths(plain: &str) -> Vec<Found> {
    let tokens = tokens(plain);
    let word = |at: usize| tokens.get(at).map_or("", |(_, token)| token.as_str());
    let is_name = |at: usize| word(at).starts_with(is_word) && !word(at).starts_with(|it: char| it.is_ascii_digit());
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if word(at) == "use" && word(at + 1) != "<" {
            at = use_tree(&tokens, at + 1, &[], &mut found);
            continue;
        }
        let mut path = Vec::new();
        let line = tokens[at].0;
        // The rest of `Vec::<T>::new` or `<T as Trait>::name` is no path of its own.
        let continues = at > 1 && word(at - 1) == "::" && (is_name(at - 2) || word(at - 2) == ">");
        if is_name(at) && !continues {
            path.push(word(at).to_owned());
            while word(at + 1) == "::" && is_name(at + 2) {
                at += 2;
                path.push(word(at).to_owned());
            }
        }
        if path.len() > 1 {
            found.push(Found { line, path });
        }
        at += 1;
    }
    found
}

/// Reads one tree of a `use`, and gives the index of the token behind it.
fn use_tree(tokens: &[(usize, String)], mut at: usize, prefix: &[String], found: &mut Vec<Found>) -> usize {
    let word = |at: usize| tokens.get(at).map_or(";", |(_, token)| token.as_str());
    let mut path = prefix.to_vec();
    loop {
        match word(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while !matches!(word(at), "}" | ";") {
                    at = use_tree(tokens, at, &path, found);
                    at += usize::from(word(at) == ",");
                }
                return at + usize::from(word(at) == "}");
            }
            "," | "}" | ";" => break,
            "as" => at += 2,
            part => {
                path.push(part.to_owned());
                at += 1;
            }
        }
    }
    let line = tokens.get(at.saturating_sub(1)).map_or(0, |(line, _)| *line);
    found.push(Found { line, path });
    at
}
