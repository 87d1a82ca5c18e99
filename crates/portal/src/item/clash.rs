//! What two people changed at once, in words.

use crate::error::FieldError;
use slipway_domain::item::{Clash, ItemEvent};
use slipway_domain::text::Text;

/// A clash in words: who wrote what, and what was sent.
pub(super) fn told(clash: &Clash, since: &[ItemEvent]) -> FieldError {
    let by = since
        .iter()
        .rev()
        .find(|event| event.field == clash.field.key())
        .and_then(|event| event.by.as_ref())
        .map_or("Slipway", |person| person.name.as_str());
    let (theirs, mine) = (clash.field.say(&clash.theirs), clash.field.say(&clash.mine));
    let name = clash.field.text();
    FieldError {
        field: clash.field.key().to_owned(),
        text: Text::new(
            format!(
                "{}: {by} changed it to “{}”; you sent “{}”",
                name.en,
                short(&theirs.en),
                short(&mine.en)
            ),
            format!(
                "{}：{by} 已改为“{}”，你填写的是“{}”",
                name.zh,
                short(&theirs.zh),
                short(&mine.zh)
            ),
        ),
    }
}

/// The beginning of a long text.
fn short(text: &str) -> String {
    let mut letters = text.chars();
    let mut short: String = letters.by_ref().take(300).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}
