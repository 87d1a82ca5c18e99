//! `$[[ inputs.name ]]`, the notation of GitLab's `spec:inputs`, with the filters `sh` (one word
//! of a POSIX shell; of a list, one word each), `flags <flag>` (a map as repeated `flag name=value`),
//! `prefix` (a folder as the beginning of a path) and `slug`.

use super::value::{Params, Value};

const OPEN: &str = "$[[";
const CLOSE: &str = "]]";

struct Reference<'a> {
    name: &'a str,
    filters: Vec<&'a str>,
}

fn parse(inner: &str) -> Option<Reference<'_>> {
    let mut parts = inner.split('|').map(str::trim);
    let name = parts.next()?.strip_prefix("inputs.")?;
    Some(Reference {
        name,
        filters: parts.collect(),
    })
}

/// Replaces every reference once; what a value contains is not read again. A name without a
/// value becomes the empty text.
pub fn interpolate(text: &str, values: &Params) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(OPEN) {
        let after = &rest[start + OPEN.len()..];
        let Some(end) = after.find(CLOSE) else { break };
        out.push_str(&rest[..start]);
        match parse(&after[..end]) {
            Some(reference) => out.push_str(&filtered(&reference, values)),
            None => out.push_str(&rest[start..start + OPEN.len() + end + CLOSE.len()]),
        }
        rest = &after[end + CLOSE.len()..];
    }
    out.push_str(rest);
    out
}

/// The parameter's typed value when the text is one reference without filters and nothing else.
pub fn whole<'a>(text: &str, values: &'a Params) -> Option<&'a Value> {
    let inner = text.trim().strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    let reference = parse(inner)?;
    if reference.filters.is_empty() {
        values.get(reference.name)
    } else {
        None
    }
}

/// The names a text refers to.
pub fn references(text: &str) -> Vec<&str> {
    let pieces = text.split(OPEN).skip(1);
    pieces
        .filter_map(|piece| parse(piece.split_once(CLOSE)?.0))
        .map(|reference| reference.name)
        .collect()
}

fn filtered(reference: &Reference<'_>, values: &Params) -> String {
    let Some(value) = values.get(reference.name) else {
        return String::new();
    };
    if let [first, ..] = reference.filters.as_slice() {
        if let (Value::List(items), "sh") = (value, *first) {
            let words: Vec<String> = items.iter().map(|item| shell_word(item)).collect();
            return words.join(" ");
        }
        if let (Value::Map(items), Some(flag)) = (value, first.strip_prefix("flags ")) {
            let words = items
                .iter()
                .map(|(name, value)| format!("{flag} {}", shell_word(&format!("{name}={value}"))));
            return words.collect::<Vec<_>>().join(" ");
        }
    }
    let mut text = value.to_text();
    for filter in &reference.filters {
        text = match *filter {
            "sh" => shell_word(&text),
            "prefix" => path_prefix(&text),
            "slug" => slug(&text),
            _ => text,
        };
    }
    text
}

/// Quotes a text for a POSIX shell where it is needed.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn path_prefix(folder: &str) -> String {
    let folder = folder.trim().trim_start_matches("./").trim_end_matches('/');
    if folder.is_empty() || folder == "." {
        String::new()
    } else {
        format!("{folder}/")
    }
}

fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Params {
        Params::from([
            ("dir".to_owned(), Value::from("web/app")),
            ("root".to_owned(), Value::from(".")),
            ("odd".to_owned(), Value::from("it's $[[ inputs.dir ]]")),
            (
                "paths".to_owned(),
                Value::List(vec!["a b".to_owned(), "c".to_owned()]),
            ),
        ])
    }

    #[test]
    fn values_are_placed_and_filtered() {
        let values = values();
        assert_eq!(interpolate("cd $[[ inputs.dir ]]/x", &values), "cd web/app/x");
        assert_eq!(
            interpolate("$[[inputs.dir | prefix]]y$[[ inputs.root | prefix ]]z", &values),
            "web/app/yz"
        );
        assert_eq!(interpolate("rm $[[ inputs.paths | sh ]]", &values), "rm 'a b' c");
    }

    #[test]
    fn a_value_is_not_read_again_and_is_one_shell_word() {
        assert_eq!(
            interpolate("echo $[[ inputs.odd | sh ]]", &values()),
            "echo 'it'\\''s $[[ inputs.dir ]]'"
        );
    }

    #[test]
    fn what_is_not_a_reference_stays() {
        let values = values();
        assert_eq!(interpolate("a $[[ b ]] $[[ open", &values), "a $[[ b ]] $[[ open");
        assert_eq!(
            interpolate("[[ -f x ]] && echo $HOME", &values),
            "[[ -f x ]] && echo $HOME"
        );
    }
}
