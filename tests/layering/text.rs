//! Rust read as text: names, bodies, and what is neither comment nor literal.

/// The names a path continues with: one, or those of a group in braces.
pub fn first_names(rest: &str) -> Vec<String> {
    let identifier = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![identifier(rest)];
    };
    let (mut depth, mut names, mut start) = (0usize, Vec::new(), true);
    for (place, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                names.push(identifier(&group[place..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

/// Name, whether it is exported, and body of each function in blanked code.
pub fn functions(code: &str) -> Vec<(String, bool, &str)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        let line = code[..start].rfind('\n').map_or(0, |end| end + 1);
        let before = &code[line..start];
        let name = first_names(code[start + 3..].trim_start()).remove(0);
        let parted = before.is_empty() || before.ends_with([' ', '(']);
        // Without a name it is the type of a function pointer.
        if name.is_empty() || !parted {
            continue;
        }
        let Some(open) = code[start..].find(['{', ';']).map(|open| start + open) else {
            continue;
        };
        if code[open..].starts_with('{') {
            let exported = before.contains("extern") && code[..line].trim_end().ends_with(")]");
            found.push((name, exported, body(&code[open + 1..])));
        }
    }
    found
}

/// The text up to the brace that closes the one before it.
pub fn body(rest: &str) -> &str {
    let mut depth = 0usize;
    for (place, character) in rest.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return &rest[..place],
            '}' => depth -= 1,
            _ => {}
        }
    }
    rest
}

/// Replaces the text of comments and literals with blanks, line by line as
/// long as it was.
pub fn blank(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = opaque(rest, result.chars().next_back());
        if length == 0 {
            result.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let hidden = &rest[..length];
            result.extend(hidden.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    result
}

/// The length of the comment or literal at the start of the text, or 0.
pub fn opaque(rest: &str, before: Option<char>) -> usize {
    let to_end = |end: Option<usize>| end.unwrap_or(rest.len());
    if rest.starts_with("//") {
        return to_end(rest.find('\n'));
    }
    if rest.starts_with("/*") {
        return to_end(rest.find("*/").map(|end| end + 2));
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    for prefix in ["r", "br", "cr"] {
        let hashes = rest.strip_prefix(prefix).filter(|_| !in_word);
        let count = hashes.map_or(0, |text| text.bytes().take_while(|b| *b == b'#').count());
        let open = prefix.len() + count;
        if hashes.is_some() && rest[open..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(count));
            return to_end(
                rest[open + 1..]
                    .find(&close)
                    .map(|end| open + 1 + end + close.len()),
            );
        }
    }
    match rest.as_bytes()[0] {
        b'"' => quoted(rest, '"'),
        // A character; otherwise it is a lifetime.
        b'\'' if rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'') => {
            quoted(rest, '\'')
        }
        _ => 0,
    }
}

/// The length of a literal with escapes that starts with its quote.
pub fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return place + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
