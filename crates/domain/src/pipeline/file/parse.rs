//! From the text to the tree, and what GitLab's reader refuses beyond the reader in use.

use super::super::source::{LARGEST, SourceCode, SourceError, scan_error};
use super::builder::{Builder, Stop};
use super::quoted;
use super::tree::{Node, Tree};

/// Reads a file.
///
/// # Errors
/// The first thing that keeps it from being YAML, or from being worked with in bounded time.
pub fn parse(text: &str) -> Result<Tree<'_>, SourceError> {
    if text.len() > LARGEST {
        return Err(SourceError {
            line: 1,
            column: 1,
            code: SourceCode::TooLarge,
        });
    }
    let mark = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let body = &text[mark..];
    printable(body)?;
    let mut builder = Builder::new(text, mark);
    match builder.read(body) {
        Ok(()) => {}
        Err(Stop::Refused(error)) => return Err(error),
        Err(Stop::Unreadable(error)) => {
            let Some(shadow) = quoted::shadow(body, &error) else {
                return Err(scan_error(body, &error));
            };
            builder = Builder::new(text, mark);
            builder.read_shadow(body, &shadow)?;
        }
    }
    let tree = builder.tree;
    no_line_of_tabs(&tree)?;
    if tree.documents.is_empty() {
        return Err(SourceError {
            line: 1,
            column: 1,
            code: SourceCode::Empty,
        });
    }
    Ok(tree)
}

/// GitLab's reader takes no control characters.
fn printable(text: &str) -> Result<(), SourceError> {
    let refused = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'))
            || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    // What may be refused begins with one of these bytes; most files have none of them.
    let suspicious = |byte: u8| {
        (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || matches!(byte, 0x7f | 0xc2 | 0xef)
    };
    if !text.bytes().any(suspicious) {
        return Ok(());
    }
    let Some(place) = text.find(refused) else {
        return Ok(());
    };
    let before = &text[..place];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let found = text[place..].chars().next().unwrap_or_default();
    Err(SourceError {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        code: SourceCode::ControlCharacter {
            character: format!("U+{:04X}", u32::from(found)),
        },
    })
}

/// GitLab's reader takes no line that begins with a tab, not even an empty one, but in a text or in
/// brackets.
fn no_line_of_tabs(tree: &Tree<'_>) -> Result<(), SourceError> {
    // Nearly all files have no tab at all, which is seen at once.
    if !tree.text.contains('\t') {
        return Ok(());
    }
    let mut lines = tree.text.match_indices("\n\t").map(|(at, _)| at + 1).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let mut kept: Vec<(usize, usize)> = tree.nodes.iter().filter_map(Node::lines_of_its_own).collect();
    kept.sort_unstable();
    // Brackets hold others: what counts is the furthest end of all that began before.
    let mut furthest = 0;
    for (_, end) in &mut kept {
        furthest = furthest.max(*end);
        *end = furthest;
    }
    for at in lines {
        let began = kept.partition_point(|(start, _)| *start < at);
        if began == 0 || kept[began - 1].1 <= at {
            return Err(SourceError {
                line: tree.text[..at].matches('\n').count() + 1,
                column: 1,
                code: SourceCode::Tab,
            });
        }
    }
    Ok(())
}
