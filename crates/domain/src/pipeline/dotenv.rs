//! Dotenv reports, by GitLab's rules (`artifacts:reports:dotenv`).

use std::collections::BTreeMap;

/// Reads a dotenv report, such as the `release.env` of an image job.
///
/// Lines are `NAME=value`; empty lines and lines that start with `#` are left out; spaces around
/// name and value, and one pair of quotes around the value, are taken away; names have letters,
/// digits and underscores; the last of several equal names counts. Other lines are left out: the
/// file comes from a job and a bad line must not hide the good ones.
pub fn parse_dotenv(text: &str) -> BTreeMap<String, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        if line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if starts_well && name.chars().all(allowed) {
            variables.insert(name.to_owned(), unquoted(value.trim()).to_owned());
        }
    }
    variables
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_values_comments_and_quotes() {
        let text = "# made by the image job\nIMAGE_NAME=reg/app\r\nIMAGE_DIGEST = sha256:ab\n\nQ=\"a=b\"\nS='x'\nbad line\n1X=2\nA B=c\nQ2=\"\nIMAGE_NAME=reg/last";
        let read = parse_dotenv(text);
        assert_eq!(read["IMAGE_NAME"], "reg/last");
        assert_eq!(read["IMAGE_DIGEST"], "sha256:ab");
        assert_eq!(read["Q"], "a=b");
        assert_eq!(read["S"], "x");
        assert_eq!(read["Q2"], "\"");
        assert_eq!(read.len(), 5);
    }
}
