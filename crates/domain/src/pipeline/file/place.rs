//! Where things stand in a file: the dash of an item, the lines of an entry.

use super::cut::{line_end, line_start};
use super::tree::{NodeId, Tree};

/// The line break of the file: that of its first line.
pub(super) fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The column of a byte, from 0, where only blanks stand before it in its line.
pub(super) fn indent_of(text: &str, place: usize) -> Option<usize> {
    let start = line_start(text, place);
    let before = &text[start..place];
    before.bytes().all(|byte| byte == b' ').then_some(before.len())
}

/// The column of a byte, from 0, whatever stands before it.
pub(super) fn column_of(text: &str, place: usize) -> usize {
    text[line_start(text, place)..place].chars().count()
}

/// The place of the dash before an item of a block list.
pub(super) fn dash(tree: &Tree<'_>, item: NodeId) -> Option<usize> {
    let before = tree.text[..tree.node(item).start].trim_end_matches([' ', '\t', '\n', '\r']);
    before.ends_with('-').then(|| before.len() - 1)
}

/// Whether a comment stands between two bytes that hold nothing else than blanks and indicators.
pub(super) fn has_comment(text: &str, from: usize, to: usize) -> bool {
    from < to && text[from..to].contains('#')
}

/// Whether a comment stands in the rest of the line.
pub(super) fn comment_follows(text: &str, place: usize) -> bool {
    has_comment(text, place, line_end(text, place))
}

/// A block with the line breaks of a file. `block` has `\n`.
pub(super) fn in_lines_of(text: &str, block: &str) -> String {
    match newline(text) {
        "\n" => block.to_owned(),
        line => block.replace('\n', line),
    }
}
