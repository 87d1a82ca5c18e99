//! The report of an iteration: what became of what was planned, counted from history, to be read and printed.

use super::{Span, spanned};
use crate::access::{self, Authorized, Project, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{CARDS_MOST, Tx};
use slipway_domain::insight::{BugTurn, Fate, Outcome, bugs_on, iteration_chart, outcome, velocity};
use slipway_domain::item::Card;
use slipway_domain::iteration::{IterationReport, IterationState};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The report of an iteration. Its days are those of `zone_name`, or of UTC.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`] for a number nobody has.
pub async fn report(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    number: i64,
    zone_name: Option<&str>,
) -> Result<IterationReport> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut tx = ctx.read().await?;
    let line = tx
        .iteration_line(&project, number)
        .await?
        .ok_or(Error::NotFound)?;
    let id = line.iteration.id;
    let now = ctx.now();
    let Span { zone, days, counted } = spanned(&line, zone_name, now);
    let started = line.state != IterationState::Planned;
    let steps = tx.steps(&project, None).await?;
    let spans = super::lately(tx.iteration_spans(&project).await?, id);
    // What was closed in an instant was there until then.
    let until = counted.plus(1);
    let (mut told, mut chart, mut bugs) = (None, Vec::new(), [Vec::new(), Vec::new()]);
    if started {
        let mut found = outcome(&steps, id, line.started_at, until);
        let acts = tx.who_stepped(&project, id, line.started_at, now.plus(1)).await?;
        name(&mut found, &acts, line.closed_at);
        told = Some(found);
        chart = iteration_chart(&steps, id, &days, counted);
        bugs = [BugTurn::Reported, BugTurn::Closed].map(|turn| bugs_on(&steps, turn, line.started_at, until));
        bugs.iter_mut().for_each(Vec::dedup);
    }
    let numbers = told.as_ref().map(Outcome::items).unwrap_or_default();
    let all = numbers.iter().chain(bugs.iter().flatten()).copied().collect();
    let cards = cards_of(&mut *tx, &project, all).await?;
    drop(tx);
    let [bugs_reported, bugs_closed] = bugs;
    Ok(IterationReport {
        place: project.place(),
        key: project.project.key.clone(),
        zone,
        days: days.into_iter().map(|day| day.name).collect(),
        chart,
        velocity: velocity(&steps, &spans, now),
        outcome: told,
        cards,
        bugs_reported,
        bugs_closed,
        line,
    })
}

/// The cards of items by number, a hundred at a time.
pub(crate) async fn cards_of(
    tx: &mut dyn Tx,
    project: &Authorized<Project, may::See>,
    mut numbers: Vec<i64>,
) -> Result<Vec<Card>> {
    numbers.sort_unstable();
    numbers.dedup();
    let mut cards = Vec::with_capacity(numbers.len());
    for some in numbers.chunks(CARDS_MOST) {
        cards.extend(tx.cards_numbered(project, some).await?);
    }
    Ok(cards)
}

/// Says who did what is told. What is left over was carried by who closed the iteration.
fn name(outcome: &mut Outcome, acts: &[(i64, Timestamp, Option<PersonRef>)], closed_at: Option<Timestamp>) {
    let by: HashMap<(i64, Timestamp), &PersonRef> = acts
        .iter()
        .filter_map(|(item, at, who)| Some(((*item, *at), who.as_ref()?)))
        .collect();
    let named = |fate: &mut Fate| {
        fate.by = fate
            .at
            .and_then(|at| by.get(&(fate.item, at)))
            .map(|who| (*who).clone());
    };
    for list in [&mut outcome.added, &mut outcome.removed, &mut outcome.finished] {
        list.iter_mut().for_each(named);
    }
    for fate in &mut outcome.left_over {
        fate.at = closed_at;
        named(fate);
    }
}

/// The report as Markdown (`CommonMark` with tables). What people typed is text in it, whatever it holds.
pub fn markdown(report: &IterationReport, locale: Locale, base: &str) -> String {
    let say = |en: &'static str, zh: &'static str| match locale {
        Locale::En => en,
        Locale::ZhCn => zh,
    };
    let (line, mut text) = (&report.line, String::new());
    let _ = writeln!(text, "# {}\n", plain(&line.iteration.name));
    if !line.iteration.goal.is_empty() {
        let _ = writeln!(text, "{}\n", plain(&line.iteration.goal));
    }
    let _ = writeln!(
        text,
        "{} – {} · {}\n",
        line.iteration.starts_on,
        line.iteration.ends_on,
        line.state.text().get(locale)
    );
    let Some(outcome) = &report.outcome else {
        return text;
    };
    let place = format!("{base}{}", report.place.path());
    for (which, list) in outcome.lists() {
        let points: i64 = list.iter().map(|fate| fate.points).sum();
        let _ = writeln!(
            text,
            "## {} ({} · {points} {})\n",
            which.text().get(locale),
            list.len(),
            say("points", "点")
        );
        if list.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |\n| --- | --- | ---: | --- | --- |",
            say("Key", "编号"),
            say("Title", "标题"),
            say("Points", "点数"),
            say("When", "时间"),
            say("By", "操作人")
        );
        for fate in list {
            let key = format!("{}-{}", report.key, fate.item);
            let title = report.card(fate.item).map(|card| plain(&card.title));
            let _ = writeln!(
                text,
                "| [{key}]({place}/items/{key}) | {} | {} | {} | {} |",
                title.unwrap_or_else(|| say("(deleted)", "（已删除）").to_owned()),
                fate.points,
                fate.at.map(Timestamp::rfc3339).unwrap_or_default(),
                fate.by.as_ref().map(|who| plain(&who.name)).unwrap_or_default()
            );
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "## {}\n\n{}: {}\n\n{}: {}\n",
        say("Bugs", "缺陷"),
        say("Reported", "新报告"),
        report.bugs_reported.len(),
        say("Closed", "已关闭"),
        report.bugs_closed.len()
    );
    let _ = writeln!(
        text,
        "## {}\n\n| {} | {} | {} |\n| --- | ---: | ---: |",
        say("Velocity", "速率"),
        say("Iteration", "迭代"),
        say("Committed", "计划"),
        say("Done", "完成")
    );
    for one in &report.velocity {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            plain(&one.iteration.name),
            one.committed.points,
            one.done.points
        );
    }
    text
}

/// Somebody's words as text in a line of Markdown: nothing in it is markup, a link, or the end of a cell.
fn plain(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            _ if letter.is_control() => text.push(' '),
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            _ if letter.is_ascii_punctuation() => {
                text.push('\\');
                text.push(letter);
            }
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    #[test]
    fn what_people_typed_is_text_in_markdown() {
        for words in [
            "<img src=x onerror=alert(1)>",
            "[here](javascript:alert(1)) ![a](b)",
            "a | b\n# head",
            "**bold** `code` ~~x~~ &lt;script&gt;",
            "https://evil.example/ @all #1",
            "\\| \\[x](y)",
        ] {
            let row = format!("| a |\n| --- |\n| {} |\n", plain(words));
            let mut read = String::new();
            for event in Parser::new_ext(&row, Options::ENABLE_TABLES) {
                match event {
                    Event::Text(text) => read.push_str(&text),
                    Event::Start(Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell)
                    | Event::End(_) => {}
                    other => panic!("{words}: {other:?}"),
                }
            }
            assert_eq!(read, format!("a{}", words.replace('\n', " ")), "{words}");
        }
    }
}
