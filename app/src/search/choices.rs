//! What the palette lists: what was found, the commands that fit, and what it changes by itself.

use crate::i18n::say;
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::search::{Command, Found, Hit, Query};
use slipway_domain::text::Text;

/// Something that choosing does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Posts a preference: its name and value.
    Preference(&'static str, &'static str),
    /// Shows the keys.
    Keys,
}

/// One choice.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// Something that was found.
    Hit(Hit),
    /// A page to go to: its word and its address.
    Page(String, String),
    /// A switch and its word.
    Switch(String, Switch),
}

/// Choices under a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The heading.
    pub title: String,
    /// The choices.
    pub choices: Vec<Choice>,
}

/// The switches, with their words in both languages: either finds them.
fn switches() -> [(Text, Switch); 6] {
    let preference = Switch::Preference;
    [
        (Text::new("Light theme", "浅色主题"), preference("theme", "light")),
        (Text::new("Dark theme", "深色主题"), preference("theme", "dark")),
        (
            Text::new("Theme of the system", "主题跟随系统"),
            preference("theme", "system"),
        ),
        (
            Text::new("Language: English", "语言：English"),
            preference("locale", "en"),
        ),
        (
            Text::new("Language: Chinese (中文)", "语言：中文"),
            preference("locale", "zh-CN"),
        ),
        (Text::new("Keyboard shortcuts", "键盘快捷键"), Switch::Keys),
    ]
}

fn fits(query: Option<&Query>, words: &Text) -> bool {
    query.is_none_or(|query| query.rank([words.en.as_str(), words.zh.as_str()]).is_some())
}

/// Everything to choose from for what is typed. With something typed, what was found stands first; without, the
/// commands do, since they are what one opens the palette for.
pub fn groups(typed: &str, found: Option<&Found>, commands: &[Command]) -> Vec<Group> {
    let query = Query::parse(typed);
    let query = query.as_ref();
    let pages = commands
        .iter()
        .filter(|command| fits(query, &command.kind.text()))
        .map(|command| Choice::Page(say(&command.kind.text()), command.path.clone()))
        .collect();
    let own = switches()
        .into_iter()
        .filter(|(words, _)| query.is_some() && fits(query, words))
        .map(|(words, switch)| Choice::Switch(say(&words), switch))
        .collect();
    let commands = [(tr!(search.actions), pages), (tr!(search.settings), own)];
    let mut commands: Vec<_> = commands
        .into_iter()
        .map(|(title, choices)| Group { title, choices })
        .collect();
    let mut hits: Vec<_> = found
        .into_iter()
        .flat_map(|found| &found.groups)
        .map(|group| Group {
            title: say(&group.kind.text()),
            choices: group.hits.iter().cloned().map(Choice::Hit).collect(),
        })
        .collect();
    let mut all = Vec::new();
    if let Some(query) = query {
        all.append(&mut hits);
        all.append(&mut commands);
        let page = Choice::Page(
            tr!(search.everything, q = query.text()),
            format!("/search?q={}", encode(query.text())),
        );
        all.push(Group {
            title: tr!(search.title),
            choices: vec![page],
        });
    } else {
        all.append(&mut commands);
        all.append(&mut hits);
    }
    all.retain(|group| !group.choices.is_empty());
    all
}

/// How a choice that is no hit looks.
pub fn word(choice: &Choice) -> AnyView {
    match choice {
        Choice::Hit(hit) => super::parts::hit(hit),
        Choice::Page(word, _) | Choice::Switch(word, _) => {
            view! { <span class="hit-name"><span class="hit-title clip">{word.clone()}</span></span> }
                .into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::search::CommandKind;

    fn words(groups: &[Group]) -> Vec<String> {
        let choices = groups.iter().flat_map(|group| &group.choices);
        choices
            .map(|choice| match choice {
                Choice::Hit(hit) => hit.key.clone(),
                Choice::Page(word, _) | Choice::Switch(word, _) => word.clone(),
            })
            .collect()
    }

    #[test]
    fn commands_are_found_in_either_language_and_the_page_is_always_a_way_on() {
        let owner = Owner::new();
        owner.set();
        let commands = [Command {
            kind: CommandKind::Approvals,
            path: String::from("/approvals"),
        }];
        assert_eq!(words(&groups("", None, &commands)), ["Go to approvals"]);
        assert_eq!(words(&groups("审批", None, &commands))[0], "Go to approvals");
        assert_eq!(words(&groups("深色", None, &commands))[0], "Dark theme");
        assert_eq!(words(&groups("zzz", None, &commands)).len(), 1, "the search page");
    }
}
