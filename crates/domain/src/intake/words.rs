//! What the words of files mean, without being told.

use crate::item::{Category, ItemKind, Priority, Severity};
use crate::text::Text;

/// A word as it is compared.
pub(super) fn folded(word: &str) -> String {
    word.trim().replace('\u{2019}', "'").to_lowercase()
}

/// What is in a cell: the apostrophe that an export puts before what would be a formula is no part of it.
pub fn plain_cell(cell: &str) -> &str {
    let Some(rest) = cell.strip_prefix('\'') else {
        return cell;
    };
    let formula = rest
        .trim_start_matches([' ', '"'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { rest } else { cell }
}

fn by_name<T: Copy>(word: &str, all: &[T], names: impl Fn(T) -> (&'static str, Text)) -> Option<T> {
    let word = folded(word);
    all.iter().copied().find(|value| {
        let (key, text) = names(*value);
        [key.to_owned(), folded(&text.en), folded(&text.zh)].contains(&word)
    })
}

/// A kind of work by its word.
pub(super) fn kind_of(word: &str) -> Option<ItemKind> {
    by_name(word, ItemKind::ALL, |kind| (kind.key(), kind.text())).or_else(|| {
        Some(match folded(word).as_str() {
            "story" | "user story" | "feature" | "new feature" | "improvement" | "enhancement" => {
                ItemKind::Requirement
            }
            "sub-task" | "subtask" | "issue" | "chore" | "test case" => ItemKind::Task,
            "defect" | "incident" => ItemKind::Bug,
            _ => return None,
        })
    })
}

/// A column of the board by its word.
pub(super) fn state_of(word: &str) -> Option<Category> {
    by_name(word, Category::ALL, |category| (category.key(), category.text())).or_else(|| {
        Some(match folded(word).as_str() {
            "todo"
            | "open"
            | "opened"
            | "new"
            | "backlog"
            | "pending"
            | "reopened"
            | "selected for development"
            | "待处理"
            | "重新打开" => Category::Todo,
            "doing" | "in development" | "started" => Category::InProgress,
            "in review" | "testing" | "qa" | "review" | "resolved" | "已解决" => Category::InTest,
            "closed" | "complete" | "completed" | "已关闭" => Category::Done,
            "won't do" | "won't fix" | "wont_fix" | "cancelled" | "canceled" | "rejected" | "duplicate"
            | "不修复" | "重复" => Category::WontDo,
            _ => return None,
        })
    })
}

/// A priority by its word.
pub(super) fn priority_of(word: &str) -> Option<Priority> {
    by_name(word, Priority::ALL, |priority| (priority.key(), priority.text())).or_else(|| {
        Some(match folded(word).as_str() {
            "highest" | "blocker" | "critical" | "p0" => Priority::Urgent,
            "major" | "p1" => Priority::High,
            "medium" | "p2" => Priority::Normal,
            "lowest" | "minor" | "trivial" | "p3" | "p4" => Priority::Low,
            _ => return None,
        })
    })
}

/// A severity by its word.
pub(super) fn severity_of(word: &str) -> Option<Severity> {
    by_name(word, Severity::ALL, |severity| (severity.key(), severity.text())).or_else(|| {
        Some(match folded(word).as_str() {
            "blocker" | "critical" => Severity::Fatal,
            "major" => Severity::Serious,
            "medium" => Severity::Normal,
            "trivial" => Severity::Minor,
            _ => return None,
        })
    })
}

/// A day of a file as `YYYY-MM-DD`: written so, with slashes, or as Jira does (`21/Nov/26 8:00 AM`).
pub fn day_of(cell: &str) -> Option<String> {
    let date = cell.trim().split([' ', 'T']).next()?;
    let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
    let [first, second, third] = parts[..] else {
        return None;
    };
    let number = |text: &str| text.parse::<i16>().ok();
    let month = |text: &str| {
        let names = [
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ];
        let spelled = names
            .iter()
            .position(|name| text.to_lowercase().starts_with(name));
        spelled
            .and_then(|at| i8::try_from(at + 1).ok())
            .or_else(|| text.parse().ok())
    };
    let (year, month, day) = if first.len() == 4 {
        (number(first)?, month(second)?, third)
    } else if second.chars().all(char::is_alphabetic) {
        let year = number(third)?;
        (if year < 100 { year + 2000 } else { year }, month(second)?, first)
    } else {
        return None;
    };
    jiff::civil::Date::new(year, month, day.parse().ok()?)
        .ok()
        .map(|date| date.to_string())
}

/// An estimate: a whole number from 0 to 100, also where it is written as `5.0`.
pub(super) fn points_of(cell: &str) -> Option<i64> {
    let (whole, rest) = cell.trim().split_once('.').unwrap_or((cell.trim(), ""));
    let points = whole
        .parse()
        .ok()
        .filter(|_| rest.bytes().all(|digit| digit == b'0'))?;
    (0..=100).contains(&points).then_some(points)
}
