//! A small YAML writer. Block style only, deterministic, and careful with texts: whatever YAML
//! 1.1 (GitLab's own reader) or 1.2 would take for something else is quoted.

/// A YAML value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yaml {
    /// A text, quoted where needed.
    Text(String),
    /// A whole number.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping, in this order.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A sequence of texts.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// Writes a document. A mapping's entries end with a line break each.
    pub fn write(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Map(entries) if !entries.is_empty() => write_map(&mut out, entries, 0, false),
            Self::List(items) if !items.is_empty() => write_list(&mut out, items, 0, false),
            scalar => {
                // Indented, or a line of dots or dashes would end the document.
                write_scalar(&mut out, scalar, 1);
                out.push('\n');
            }
        }
        out
    }
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// `inline`: the first entry continues the line that a list's dash began.
fn write_map(out: &mut String, entries: &[(String, Yaml)], depth: usize, inline: bool) {
    for (index, (key, value)) in entries.iter().enumerate() {
        if !(inline && index == 0) {
            indent(out, depth);
        }
        write_key(out, key);
        out.push(':');
        write_value(out, value, depth);
    }
}

fn write_list(out: &mut String, items: &[Yaml], depth: usize, inline: bool) {
    for (index, item) in items.iter().enumerate() {
        if !(inline && index == 0) {
            indent(out, depth);
        }
        out.push('-');
        match item {
            Yaml::Map(entries) if !entries.is_empty() => {
                out.push(' ');
                write_map(out, entries, depth + 1, true);
            }
            Yaml::List(items) if !items.is_empty() => {
                out.push(' ');
                write_list(out, items, depth + 1, true);
            }
            scalar => {
                out.push(' ');
                write_scalar(out, scalar, depth + 1);
                out.push('\n');
            }
        }
    }
}

fn write_value(out: &mut String, value: &Yaml, depth: usize) {
    match value {
        Yaml::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            write_map(out, entries, depth + 1, false);
        }
        Yaml::List(items) if !items.is_empty() => {
            out.push('\n');
            write_list(out, items, depth + 1, false);
        }
        scalar => {
            out.push(' ');
            write_scalar(out, scalar, depth + 1);
            out.push('\n');
        }
    }
}

/// A key is never a block; 128 is far below the 1024 characters that YAML allows a key.
fn write_key(out: &mut String, key: &str) {
    if is_plain(key) && key.len() <= 128 {
        out.push_str(key);
    } else if key.len() > 128 {
        // An explicit key would be needed; names this long are refused before.
        out.push_str(&double_quoted(key));
    } else {
        out.push_str(&quoted(key));
    }
}

fn write_scalar(out: &mut String, value: &Yaml, depth: usize) {
    match value {
        Yaml::Int(value) => out.push_str(&value.to_string()),
        Yaml::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Yaml::List(_) => out.push_str("[]"),
        Yaml::Map(_) => out.push_str("{}"),
        Yaml::Text(text) if is_plain(text) => out.push_str(text),
        Yaml::Text(text) if fits_block(text) => write_block(out, text, depth),
        Yaml::Text(text) => out.push_str(&quoted(text)),
    }
}

/// Whether a text of several lines can stand as a literal block.
fn fits_block(text: &str) -> bool {
    let starts_well = !text.starts_with([' ', '\n', '\t']);
    let lines_end_well = text
        .lines()
        .all(|line| !line.ends_with([' ', '\t']) && (line.is_empty() || !line.trim().is_empty()));
    text.contains('\n')
        && starts_well
        && lines_end_well
        && text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
}

/// Leaves out the last line break: the caller writes it.
fn write_block(out: &mut String, text: &str, depth: usize) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            indent(out, depth);
            out.push_str(line);
        }
    }
    for _ in 1..text.len() - body.len() {
        out.push('\n');
    }
}

/// Printable in YAML 1.1 and 1.2 and not a line break in either.
pub(super) fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Words that some YAML reader takes for something else than a text.
const RESERVED: [&str; 13] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nil", "none", "inf", "nan",
];

/// Whether a reader takes a word for something else than a text.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED
        .iter()
        .any(|reserved| word.eq_ignore_ascii_case(reserved))
}

/// Whether a text can stand without quotes.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let second = text.chars().nth(1);
    let starts_well = first.is_alphabetic()
        || matches!(first, '/' | '$' | '_')
        || (first == '.' && second.is_some_and(|c| c.is_alphabetic() || c == '/'));
    let allowed = |c: char| c == ' ' || (is_printable(c) && !c.is_whitespace());
    let bare = text.strip_prefix('.').unwrap_or(text);
    starts_well
        && !text.ends_with([' ', ':'])
        && text.chars().all(allowed)
        && !text.contains(": ")
        && !text.contains(" #")
        && !is_reserved(bare)
}

pub(super) fn quoted(text: &str) -> String {
    if text.chars().all(is_printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double_quoted(text)
    }
}

pub(super) fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let (mark, digits) = match code {
                    0..=0xff => ('x', 2),
                    0x100..=0xffff => ('u', 4),
                    _ => ('U', 8),
                };
                out.push('\\');
                out.push(mark);
                out.extend(
                    (0..digits)
                        .rev()
                        .filter_map(|place| char::from_digit(code >> (place * 4) & 0xf, 16)),
                );
            }
        }
    }
    out.push('"');
    out
}
