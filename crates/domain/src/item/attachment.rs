//! Files that are attached to work items.

use crate::id::AttachmentId;
use crate::person::PersonRef;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The largest file, in bytes.
pub const ATTACHMENT_MAX: usize = 10 * 1024 * 1024;
/// The most files of one item.
pub const ATTACHMENTS_MOST: usize = 50;
/// The longest name, in characters.
const NAME_MAX: usize = 120;

/// The media types that a page shows; everything else is saved, never shown.
pub const INLINE: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];

/// A file that is attached to an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Which.
    pub id: AttachmentId,
    /// What it is called; no path.
    pub name: String,
    /// What its bytes are, whatever its name says.
    pub media_type: String,
    /// In bytes.
    pub size: i64,
    /// Who attached it.
    pub author: PersonRef,
    /// When.
    pub created_at: Timestamp,
    /// Whether the reader may take it away.
    pub may_delete: bool,
}

impl Attachment {
    /// Whether a page shows it.
    pub fn is_image(&self) -> bool {
        INLINE.contains(&self.media_type.as_str())
    }
}

/// What a file is to be called: the last part of a path, without what steers a terminal, a browser or the direction of
/// writing, at most 120 characters long with its ending kept.
pub fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let steers = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
            || "\"<>|:*?;%".contains(letter)
    };
    let plain: String = last.chars().filter(|letter| !steers(*letter)).collect();
    let plain = plain.trim().trim_matches('.').trim();
    if plain.is_empty() {
        return String::from("file");
    }
    let length = plain.chars().count();
    if length <= NAME_MAX {
        return plain.to_owned();
    }
    let end = plain.rsplit_once('.').map_or("", |(_, end)| end);
    let end = if end.chars().count() > 10 { "" } else { end };
    let room = NAME_MAX - end.chars().count() - 1;
    let start: String = plain.chars().take(room).collect();
    if end.is_empty() {
        start
    } else {
        format!("{start}.{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_no_path() {
        assert_eq!(plain_name("../../etc/passwd"), "passwd");
        assert_eq!(plain_name("C:\\temp\\shot.png"), "shot.png");
        assert_eq!(plain_name("a\"; filename=x.html"), "a filename=x.html");
        assert_eq!(plain_name("shot\u{202e}gnp.exe"), "shotgnp.exe");
        assert_eq!(plain_name(".."), "file");
        assert_eq!(plain_name("截图.png"), "截图.png");
    }

    proptest! {
        #[test]
        fn every_name_becomes_one_that_is_safe(name in "\\PC{0,200}") {
            let plain = plain_name(&name);
            prop_assert!(!plain.is_empty() && plain.chars().count() <= NAME_MAX);
            prop_assert!(!plain.contains(['/', '\\', '"', '\r', '\n', '\0']));
            prop_assert_eq!(plain_name(&plain), plain);
        }
    }
}
