//! What people say about a work item.

use crate::id::CommentId;
use crate::person::PersonRef;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest comment, in characters.
pub const COMMENT_MAX: usize = 20_000;

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Which.
    pub id: CommentId,
    /// Who wrote it.
    pub author: PersonRef,
    /// Markdown, as it was written.
    pub body: String,
    /// The same as HTML that can do no harm.
    pub html: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub edited_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
    /// Whether the reader may change it: its author may.
    pub may_edit: bool,
    /// Whether the reader may take it away: its author may, and who may delete items.
    pub may_delete: bool,
}

/// What is wrong with a comment, if anything.
pub fn wrong_comment(body: &str) -> Option<Text> {
    if body.trim().is_empty() {
        return Some(Text::new("say something", "请填写内容"));
    }
    (body.chars().count() > COMMENT_MAX)
        .then(|| Text::new("use at most 20,000 characters", "最多 20000 个字符"))
}
