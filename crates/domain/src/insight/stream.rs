//! The value stream: how long finished items took from stage to stage, and how much of that was waiting.

use super::{Step, What, percentile};
use crate::environment::EnvironmentRef;
use crate::id::{AppId, EnvironmentId};
use crate::item::Category;
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What the repositories say of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// Its first commit.
    pub commit: Option<Timestamp>,
    /// Its first merge request.
    pub request: Option<Timestamp>,
    /// When the last of its merge requests was merged.
    pub merged: Option<Timestamp>,
}

/// A deployment that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Of which app.
    pub app: AppId,
    /// Where.
    pub environment: EnvironmentId,
    /// When its release was made.
    pub release: Timestamp,
    /// When it was over.
    pub at: Timestamp,
}

/// Everything that a value stream is counted from.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The log of the items, in order.
    pub steps: Vec<Step>,
    /// What the repositories say, by the items' numbers.
    pub worked: HashMap<i64, Worked>,
    /// The releases that brought something of an item, by its number: the app, and when each was made.
    pub brought: HashMap<i64, Vec<(AppId, Timestamp)>>,
    /// The deployments that went well.
    pub landed: Vec<Landed>,
}

/// A finished item on its way: when it reached each stop, and when somebody worked on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// The number of the item.
    pub item: i64,
    /// When it was created, when its first commit was made, its merge request, when that was merged, when the last of its
    /// releases was made, and when each environment of the chain had all of it; `None`: not at all.
    pub stops: Vec<Option<Timestamp>>,
    /// The times in which it was in progress or in test.
    pub active: Vec<(Timestamp, Timestamp)>,
}

/// An item while the log is walked through: when it was created, where it stands, since when, and when it was active.
type Walked = (Timestamp, Category, Timestamp, Vec<(Timestamp, Timestamp)>);

/// The first stops of every journey; the environments of the chain follow.
const STOPS: usize = 5;

/// The journeys of the items that were finished within `from` up to and without `until`, by number.
pub fn journeys(facts: &Facts, chain: &[EnvironmentId], from: Timestamp, until: Timestamp) -> Vec<Journey> {
    let mut items: BTreeMap<i64, Walked> = BTreeMap::new();
    for step in &facts.steps {
        let now = match step.what {
            What::Created(_, category) => {
                items.insert(step.item, (step.at, category, step.at, Vec::new()));
                continue;
            }
            What::Category(category) => category,
            _ => continue,
        };
        if let Some((_, category, since, active)) = items.get_mut(&step.item) {
            if is_active(*category) {
                active.push((*since, step.at));
            }
            *category = now;
            *since = step.at;
        }
    }
    // Of an app and an environment, the releases that landed there, the newest first, each with the first moment at which
    // it or a newer one was there.
    let mut landed: HashMap<(AppId, EnvironmentId), Vec<(Timestamp, Timestamp)>> = HashMap::new();
    for one in &facts.landed {
        landed
            .entry((one.app, one.environment))
            .or_default()
            .push((one.release, one.at));
    }
    for list in landed.values_mut() {
        list.sort_unstable_by_key(|(release, at)| (std::cmp::Reverse(*release), *at));
        let mut first: Option<Timestamp> = None;
        for (_, at) in list {
            let least = first.map_or(*at, |first| first.min(*at));
            first = Some(least);
            *at = least;
        }
    }
    let arrived = |app: AppId, environment: EnvironmentId, release: Timestamp| {
        let list = landed.get(&(app, environment))?;
        let newer = list.partition_point(|(made, _)| *made >= release);
        newer
            .checked_sub(1)
            .and_then(|last| list.get(last))
            .map(|(_, at)| *at)
    };
    let finished =
        |category: Category, since: Timestamp| category == Category::Done && from <= since && since < until;
    items
        .into_iter()
        .filter(|(_, (_, category, since, _))| finished(*category, *since))
        .map(|(item, (created, _, _, active))| {
            let worked = facts.worked.get(&item).copied().unwrap_or_default();
            let brought = facts.brought.get(&item).map(Vec::as_slice).unwrap_or_default();
            let mut stops = vec![
                Some(created),
                worked.commit,
                worked.request,
                worked.merged,
                brought.iter().map(|(_, at)| *at).max(),
            ];
            stops.extend(chain.iter().map(|environment| {
                let each: Option<Vec<Timestamp>> = brought
                    .iter()
                    .map(|(app, release)| arrived(*app, *environment, *release))
                    .collect();
                each.and_then(|each| each.into_iter().max())
            }));
            Journey { item, stops, active }
        })
        .collect()
}

const fn is_active(category: Category) -> bool {
    matches!(category, Category::InProgress | Category::InTest)
}

/// How long finished items took from one stop to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Where it begins.
    pub from: Text,
    /// Where it ends.
    pub to: Text,
    /// The median, in µs.
    pub median: Option<i64>,
    /// The 85th percentile, in µs.
    pub p85: Option<i64>,
    /// Of all the time that the items spent in it, the part in which they were in progress or in test, in µs.
    pub work: i64,
    /// The rest of it, in µs.
    pub wait: i64,
    /// The items that went through it, the slowest first, each with its time in µs.
    pub items: Vec<(i64, i64)>,
}

/// The stages of journeys. An item counts in a stage where it was at both ends of it; what was out of order took no time.
pub fn stages(journeys: &[Journey], chain: &[EnvironmentRef]) -> Vec<Stage> {
    let mut names = vec![
        Text::new("Created", "创建"),
        Text::new("First commit", "首次提交"),
        Text::new("Merge request", "合并请求"),
        Text::new("Merged", "合并"),
        Text::new("Release", "发布"),
    ];
    debug_assert_eq!(names.len(), STOPS, "one name a stop");
    names.extend(chain.iter().map(|one| Text::verbatim(&one.name)));
    (1..names.len())
        .map(|to| {
            let mut stage = Stage {
                from: names[to - 1].clone(),
                to: names[to].clone(),
                median: None,
                p85: None,
                work: 0,
                wait: 0,
                items: Vec::new(),
            };
            for journey in journeys {
                let ends = (journey.stops.get(to - 1), journey.stops.get(to));
                let (Some(Some(begin)), Some(Some(end))) = ends else {
                    continue;
                };
                let whole = end.since(*begin).max(0);
                let within =
                    |(from, until): &(Timestamp, Timestamp)| until.min(end).since(*from.max(begin)).max(0);
                let work: i64 = journey.active.iter().map(within).sum();
                stage.work += work.min(whole);
                stage.wait += whole - work.min(whole);
                stage.items.push((journey.item, whole));
            }
            let mut spans: Vec<i64> = stage.items.iter().map(|(_, span)| *span).collect();
            stage.median = percentile(&mut spans, 50);
            stage.p85 = percentile(&mut spans, 85);
            stage
                .items
                .sort_unstable_by_key(|(item, span)| (std::cmp::Reverse(*span), *item));
            stage
        })
        .collect()
}

/// What the page about the value stream shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueStream {
    /// Where.
    pub place: Place,
    /// The zone of its days.
    pub zone: String,
    /// Its first and its last day.
    pub span: (String, String),
    /// How many days that is.
    pub days: i64,
    /// The key of the project's items.
    pub key: String,
    /// How many items were finished in that time.
    pub finished: usize,
    /// Its stages.
    pub stages: Vec<Stage>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TypedId;
    use crate::item::ItemKind;
    use proptest::prelude::*;

    fn app(n: u8) -> AppId {
        AppId::from_uuid(uuid::Uuid::from_u128(u128::from(n)))
    }

    fn environment(n: u8) -> EnvironmentId {
        EnvironmentId::from_uuid(uuid::Uuid::from_u128(u128::from(n)))
    }

    type Moves = Vec<(i64, Category)>;

    prop_compose! {
        fn facts()(
            items in proptest::collection::vec((
                proptest::collection::vec((0_i64..100, proptest::sample::select(Category::ALL.to_vec())), 0..5),
                proptest::option::of(0_i64..100), proptest::option::of(0_i64..100), proptest::option::of(0_i64..100),
                proptest::collection::vec((0_u8..2, 0_i64..100), 0..3),
            ), 0..6),
            landed in proptest::collection::vec((0_u8..2, 0_u8..2, 0_i64..100, 0_i64..100), 0..12),
        ) -> (Facts, Vec<Moves>) {
            let mut facts = Facts::default();
            let mut all = Vec::new();
            for (number, (moves, commit, request, merged, brought)) in items.into_iter().enumerate() {
                let item = i64::try_from(number).unwrap() + 1;
                let mut moves = moves;
                moves.sort_by_key(|(at, _)| *at);
                facts.steps.push(Step { item, at: Timestamp(0), what: What::Created(ItemKind::Task, Category::Todo) });
                facts.steps.extend(moves.iter().map(|(at, category)| Step { item, at: Timestamp(*at), what: What::Category(*category) }));
                facts.worked.insert(item, Worked { commit: commit.map(Timestamp), request: request.map(Timestamp), merged: merged.map(Timestamp) });
                facts.brought.insert(item, brought.into_iter().map(|(of, at)| (app(of), Timestamp(at))).collect());
                all.push(moves);
            }
            facts.steps.sort_by_key(|step| step.at);
            facts.landed = landed.into_iter().map(|(of, to, release, at)| Landed {
                app: app(of), environment: environment(to), release: Timestamp(release), at: Timestamp(at),
            }).collect();
            (facts, all)
        }
    }

    proptest! {
        #[test]
        fn a_value_stream_equals_a_recount((facts, all) in facts(), from in 0_i64..60, length in 0_i64..60) {
            let chain = [environment(0), environment(1)];
            let until = from + length;
            let found = journeys(&facts, &chain, Timestamp(from), Timestamp(until));
            let mut expected = Vec::new();
            for (number, moves) in all.iter().enumerate() {
                let item = i64::try_from(number).unwrap() + 1;
                // The state at every instant, told by looking at all moves until then.
                let at_end = moves.last().copied();
                let Some((ended, Category::Done)) = at_end else { continue };
                if ended < from || ended >= until {
                    continue;
                }
                let state_at = |instant: i64| {
                    moves.iter().rev().find(|(at, _)| *at <= instant).map_or(Category::Todo, |(_, category)| *category)
                };
                let worked = facts.worked[&item];
                let brought = &facts.brought[&item];
                let mut stops = vec![Some(Timestamp(0)), worked.commit, worked.request, worked.merged, brought.iter().map(|(_, at)| *at).max()];
                for to in chain {
                    let mut arrivals = Vec::new();
                    for (of, release) in brought {
                        let fits = |one: &&Landed| one.app == *of && one.environment == to && one.release >= *release;
                        arrivals.push(facts.landed.iter().filter(fits).map(|one| one.at).min());
                    }
                    let whole = !arrivals.is_empty() && arrivals.iter().all(Option::is_some);
                    stops.push(if whole { arrivals.into_iter().flatten().max() } else { None });
                }
                expected.push((item, stops, ended, state_at(ended)));
                let journey = found.iter().find(|journey| journey.item == item);
                let journey = journey.expect("a finished item has a journey");
                for instant in 0..100 {
                    let active = journey.active.iter().any(|(begin, end)| begin.0 <= instant && instant < end.0);
                    prop_assert_eq!(active, instant < ended && is_active(state_at(instant)), "{} at {}", item, instant);
                }
            }
            prop_assert_eq!(found.len(), expected.len());
            for (journey, (item, stops, ..)) in found.iter().zip(&expected) {
                prop_assert_eq!(journey.item, *item);
                prop_assert_eq!(&journey.stops, stops);
            }
            for (at, stage) in stages(&found, &[]).iter().enumerate() {
                let mut spans: Vec<i64> = found
                    .iter()
                    .filter_map(|journey| Some((journey.stops[at + 1]?.0 - journey.stops[at]?.0).max(0)))
                    .collect();
                prop_assert_eq!(stage.items.len(), spans.len());
                prop_assert_eq!(stage.work + stage.wait, spans.iter().sum::<i64>());
                spans.sort_unstable();
                prop_assert_eq!(stage.median, spans.get(spans.len().saturating_sub(1) / 2).copied());
            }
        }
    }
}
