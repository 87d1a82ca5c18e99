//! Quoted texts whose next lines are indented less than YAML 1.2 asks for. GitLab's reader (YAML 1.1)
//! takes them, the reader in use does not: it is given a text of the same length in which they stand on
//! one line, and what they say is taken from the text as it is.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError};

/// How many such texts one file may have; each costs a pass over the file.
const MOST: usize = 100;

/// A text of the same length that the reader takes.
pub(super) struct Shadow {
    pub(super) text: String,
    /// Blanks with line breaks that are spaces there, in order.
    pub(super) joined: Vec<Range<usize>>,
}

/// Mends a text as far as it is broken in this way; none where it is not.
pub(super) fn shadow(text: &str, first: &ScanError) -> Option<Shadow> {
    let mut shadow = Shadow {
        text: text.to_owned(),
        joined: Vec::new(),
    };
    let mut error = first.clone();
    for _ in 0..MOST {
        let is_this = matches!(
            error.kind(),
            ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation
        );
        let at = error.marker().byte_offset().filter(|_| is_this);
        if !at.is_some_and(|at| shadow.join(at)) {
            break;
        }
        match Parser::new_from_str(&shadow.text).find_map(Result::err) {
            Some(next) => error = next,
            None => break,
        }
    }
    shadow.joined.sort_by_key(|range| range.start);
    (!shadow.joined.is_empty()).then_some(shadow)
}

impl Shadow {
    /// Puts the rest of the quoted text around a place on one line.
    fn join(&mut self, at: usize) -> bool {
        let bytes = self.text.as_bytes();
        let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let mut from = at.min(bytes.len());
        while from > 0 && is_blank(bytes[from - 1]) {
            from -= 1;
        }
        let Some(quote) = self.quote_before(from) else {
            return false;
        };
        let mut ranges = Vec::new();
        let mut place = from;
        while place < bytes.len() {
            let byte = bytes[place];
            if is_blank(byte) {
                let mut end = place;
                while end < bytes.len() && is_blank(bytes[end]) {
                    end += 1;
                }
                if bytes[place..end].contains(&b'\n') || bytes[place..end].contains(&b'\r') {
                    ranges.push(place..end);
                }
                place = end;
            } else if byte == b'\\' && quote == b'"' {
                // An escaped line break is a blank as well.
                place += if bytes.get(place + 1).is_some_and(|next| is_blank(*next)) {
                    1
                } else {
                    2
                };
            } else if byte == quote && quote == b'\'' && bytes.get(place + 1) == Some(&quote) {
                place += 2;
            } else if byte == quote {
                break;
            } else {
                place += 1;
            }
        }
        if ranges.is_empty() || place >= bytes.len() {
            return false;
        }
        for range in &ranges {
            self.text.replace_range(range.clone(), &" ".repeat(range.len()));
        }
        self.joined.extend(ranges);
        true
    }

    /// The quote that is open at a place: the reader is asked where the last scalar began.
    fn quote_before(&self, at: usize) -> Option<u8> {
        // What is before the break, closed with either quote, is read without the complaint.
        let head = &self.text[..at];
        [b'"', b'\''].into_iter().find(|quote| {
            let closed = format!("{head}{}", char::from(*quote));
            let mut last = None;
            for event in Parser::new_from_str(&closed) {
                match event {
                    Ok((Event::Scalar(_, style, ..), span)) => last = Some((style, span)),
                    Ok(_) => {}
                    Err(_) => return false,
                }
            }
            let wanted = if *quote == b'"' {
                ScalarStyle::DoubleQuoted
            } else {
                ScalarStyle::SingleQuoted
            };
            last.is_some_and(|(style, span)| {
                style == wanted && span.end.byte_offset().is_some_and(|end| end >= at)
            })
        })
    }
}

/// What a quoted text says, its lines folded. `raw`: with its quotes.
pub(super) fn unfolded(raw: &str) -> Cow<'static, str> {
    let single = raw.starts_with('\'');
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    let mut line = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find(['\n', '\r']) {
        let before = rest[..at].trim_end_matches([' ', '\t']);
        let after = rest[at..].trim_start_matches([' ', '\t', '\n', '\r']);
        let breaks = rest[at..rest.len() - after.len()]
            .replace("\r\n", "\n")
            .replace('\r', "\n");
        let breaks = breaks.matches('\n').count();
        let escaped = !single && (before.len() - before.trim_end_matches('\\').len()) % 2 == 1;
        if escaped {
            line.push_str(&before[..before.len() - 1]);
            line.extend(std::iter::repeat_n("\\n", breaks - 1));
        } else {
            line.push_str(before);
            match breaks {
                1 => line.push(' '),
                more if single => line.extend(std::iter::repeat_n('\n', more - 1)),
                more => line.extend(std::iter::repeat_n("\\n", more - 1)),
            }
        }
        rest = after;
    }
    line.push_str(rest);
    if single {
        return Cow::Owned(line.replace("''", "'"));
    }
    // The reader knows the escapes.
    let quoted = format!("\"{line}\"");
    let text = Parser::new_from_str(&quoted).find_map(|event| match event {
        Ok((Event::Scalar(text, ..), _)) => Some(text.into_owned()),
        _ => None,
    });
    Cow::Owned(text.unwrap_or(line))
}
