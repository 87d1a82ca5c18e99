//! The items that a number of a chart counts, day by day, from history.

use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::iteration::{cards_of, days, zone_or_utc};
use slipway_domain::insight::{BugTurn, CountedItems, bugs_on, standing_at};
use slipway_domain::item::Category;
use slipway_domain::text::Text;

/// How many items a page shows.
const PAGE: usize = 100;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Items that stood there at the end of the day.
    Standing(Category),
    /// Bugs of the day.
    Bugs(BugTurn),
}

impl Counting {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let standing = Category::ALL.iter().copied().map(Self::Standing);
        standing.chain(BugTurn::ALL.into_iter().map(Self::Bugs)).collect()
    }

    /// A stable key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Standing(category) => category.key(),
            Self::Bugs(turn) => turn.key(),
        }
    }

    /// Reads the key.
    pub fn from_key(key: &str) -> Option<Self> {
        Category::from_key(key)
            .map(Self::Standing)
            .or_else(|| BugTurn::from_key(key).map(Self::Bugs))
    }

    /// What it is called.
    pub fn text(self) -> Text {
        match self {
            Self::Standing(category) => {
                let word = category.text();
                Text::new(
                    format!("Items that were “{}”", word.en),
                    format!("状态为“{}”的事项", word.zh),
                )
            }
            Self::Bugs(BugTurn::Open) => Text::new("Open bugs", "未关闭的缺陷"),
            Self::Bugs(BugTurn::Reported) => Text::new("Reported bugs", "新报告的缺陷"),
            Self::Bugs(BugTurn::Closed) => Text::new("Closed bugs", "已关闭的缺陷"),
            Self::Bugs(BugTurn::Reopened) => Text::new("Bugs that were opened again", "重新打开的缺陷"),
        }
    }
}

/// Which number.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    /// The key of a [`Counting`].
    pub what: &'a str,
    /// The day, as in `2026-11-21`.
    pub day: &'a str,
    /// The IANA zone of the day; UTC where it is none.
    pub zone: Option<&'a str>,
    /// Which hundred of them, from 1.
    pub page: usize,
}

/// The items that a number of a chart counts: the same log is walked, by the same rules. A day that is not over is
/// counted up to now; of a day to come there is nothing.
///
/// # Errors
/// As [`access::project`]; [`Error::Invalid`] `what` or `day`.
pub async fn counted(ctx: &OpCtx, org: &str, project: &str, of: Of<'_>) -> Result<CountedItems> {
    let project = access::project::<may::SeeInsights>(ctx, org, project)
        .await?
        .see();
    let counting = Counting::from_key(of.what).ok_or_else(|| {
        let all: Vec<&str> = Counting::all().into_iter().map(Counting::key).collect();
        let all = all.join(", ");
        Error::field(
            "what",
            Text::new(format!("choose one of {all}"), format!("请选择：{all}")),
        )
    })?;
    let (zone, tz) = zone_or_utc(of.zone);
    let date: jiff::civil::Date = of.day.parse().map_err(|_| {
        let text = Text::new("write the day as in 2026-11-21", "请按 2026-11-21 的格式填写日期");
        Error::field("day", text)
    })?;
    let now = ctx.now();
    let day = days(date, date, &tz)
        .into_iter()
        .next()
        .filter(|day| day.from <= now);
    let mut tx = ctx.read().await?;
    let steps = tx.steps(&project, None).await?;
    let all = day.map_or_else(Vec::new, |day| {
        let until = day.until.min(now.plus(1));
        match counting {
            Counting::Standing(category) => standing_at(&steps, category, until),
            Counting::Bugs(turn) => bugs_on(&steps, turn, day.from, until),
        }
    });
    let page = of.page.clamp(1, all.len() / PAGE + 1);
    let items: Vec<i64> = all.iter().skip((page - 1) * PAGE).take(PAGE).copied().collect();
    let cards = cards_of(&mut *tx, &project, items.clone()).await?;
    drop(tx);
    Ok(CountedItems {
        place: project.place(),
        what: counting.text(),
        day: date.to_string(),
        zone,
        key: project.project.key.clone(),
        count: all.len(),
        more: all.len() > page * PAGE,
        items,
        cards,
        page,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_chart_has_a_key_of_its_own() {
        let all = Counting::all();
        for counting in &all {
            assert_eq!(Counting::from_key(counting.key()), Some(*counting));
        }
        let keys: std::collections::BTreeSet<&str> = all.iter().map(|one| one.key()).collect();
        assert_eq!(keys.len(), all.len());
        assert_eq!(Counting::from_key("everything"), None);
    }
}
