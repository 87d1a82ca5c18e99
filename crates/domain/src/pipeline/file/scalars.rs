//! Scalars of the tree: where block scalars begin and end, and what GitLab's reader refuses.

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Span, Tag};

use super::super::source::{SourceCode, SourceError, at};
use super::builder::Builder;
use super::tree::{Kind, NodeId, Style};

impl<'t> Builder<'t> {
    pub(super) fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<(), SourceError> {
        let (start, end) = self.bytes(span);
        let style = match style {
            ScalarStyle::Plain if start == end => Style::Absent,
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        if self.levels.is_empty() && style != Style::Absent && !matches!(&*text, "" | "null" | "~") {
            return Err(at(span, SourceCode::NotAMapping));
        }
        let id = self.push(Kind::Scalar { text, style }, anchor, tag, span);
        match style {
            Style::Literal | Style::Folded => self.block_scalar(id),
            Style::Absent => {
                let place = self.cursor.max(self.mark);
                let node = &mut self.tree.nodes[id];
                (node.start, node.end) = (place, place);
            }
            _ => self.cursor = end,
        }
        if style == Style::Absent {
            self.absent_key(id, span)?;
        }
        self.indented_by_spaces(id)?;
        self.value(id, 1, 0);
        Ok(())
    }

    /// GitLab's reader wants something before the colon.
    fn absent_key(&self, id: NodeId, span: &Span) -> Result<(), SourceError> {
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        let in_block = matches!(self.tree.nodes[level.node].kind, Kind::Map { flow: false, .. });
        let before = self.tree.text[..self.tree.nodes[id].start].trim_end();
        if in_block && level.key.is_none() && !before.ends_with('?') {
            let detail = "a colon without a key".to_owned();
            return Err(at(span, SourceCode::Syntax { detail }));
        }
        Ok(())
    }

    /// GitLab's reader takes no tab between the beginning of a line, or a dash, and what follows.
    fn indented_by_spaces(&self, id: NodeId) -> Result<(), SourceError> {
        let in_flow = self.levels.iter().any(|level| {
            matches!(
                self.tree.nodes[level.node].kind,
                Kind::List { flow: true, .. } | Kind::Map { flow: true, .. }
            )
        });
        if in_flow {
            return Ok(());
        }
        let node = &self.tree.nodes[id];
        let before = &self.tree.text.as_bytes()[..node.start];
        let blanks = before
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'?'));
        let count = blanks.count();
        let line = &before[before.len() - count..];
        let begins = count == before.len() || matches!(before[before.len() - count - 1], b'\n' | b'\r');
        match line.iter().position(|byte| *byte == b'\t') {
            Some(tab) if begins => Err(SourceError {
                line: node.line,
                column: tab + 1,
                code: SourceCode::Tab,
            }),
            _ => Ok(()),
        }
    }

    /// The reader's span of a block scalar is its content with all blank lines after it; here it is
    /// from the header to the last line that belongs to the value.
    fn block_scalar(&mut self, id: NodeId) {
        let text = self.tree.text;
        let node = &self.tree.nodes[id];
        let header = header(text, self.cursor).unwrap_or(node.start);
        let line_end = text[header..]
            .find(['\n', '\r'])
            .map_or(text.len(), |at| header + at);
        let keeps = text[header..line_end]
            .chars()
            .skip(1)
            .take_while(|c| matches!(c, '+' | '-' | '0'..='9'))
            .any(|c| c == '+');
        let end = node.end.max(line_end).min(text.len());
        let end = if keeps {
            // Up to the last line break: the blanks behind it indent what follows.
            let lines = text[header..end].trim_end_matches([' ', '\t']);
            if lines.ends_with('\n') {
                header + lines.len()
            } else {
                end
            }
        } else {
            let content = text[line_end..end].trim_end_matches([' ', '\t', '\n', '\r']);
            if content.is_empty() {
                header + text[header..line_end].trim_end().len()
            } else {
                line_end + content.len()
            }
        };
        let before = &text[..header];
        let line_start = before.rfind('\n').map_or(self.mark, |at| at + 1);
        // The header's line: the content's, less the line breaks between.
        let breaks = text[header..node.start.max(header)].matches('\n').count();
        let column = before[line_start..].chars().count() + 1;
        let node = &mut self.tree.nodes[id];
        node.line -= breaks.min(node.line - 1);
        // GitLab's reader adds no line break where the file ends without one.
        if end == text.len()
            && !text.ends_with(['\n', '\r'])
            && let Kind::Scalar { text: said, .. } = &mut node.kind
            && said.ends_with('\n')
        {
            said.to_mut().pop();
        }
        (node.start, node.end, node.column) = (header, end, column);
        self.cursor = end;
    }
}

/// The place of `|` or `>` after indicators, properties, blanks and comments.
fn header(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut place = from;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'|' | b'>' => return Some(place),
            b'&' | b'!' => {
                while bytes.get(place).is_some_and(|byte| !byte.is_ascii_whitespace()) {
                    place += 1;
                }
            }
            b'#' => {
                while bytes
                    .get(place)
                    .is_some_and(|byte| !matches!(byte, b'\n' | b'\r'))
                {
                    place += 1;
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' | b':' | b'-' | b'?' => place += 1,
            _ => return None,
        }
    }
    None
}
