//! DORA: how often, how fast, how safely.

use crate::id::{AppId, ReleaseId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A deployment to production that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The address that leads to it.
    pub path: String,
    /// Of which app.
    pub app: AppId,
    /// What.
    pub release: ReleaseId,
    /// When it was over.
    pub at: Timestamp,
    /// Whether it went well.
    pub worked: bool,
    /// Whether it took the app back to a release from before.
    pub rollback: bool,
    /// When the commits were written that it brought, and no deployment before.
    pub commits: Vec<Timestamp>,
}

/// A bug that stopped people, found in production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its key.
    pub key: String,
    /// The release it was found in, where it is said.
    pub release: Option<ReleaseId>,
    /// When it was reported.
    pub from: Timestamp,
    /// When it was closed; `None`: it is open.
    pub until: Option<Timestamp>,
}

/// A part of a whole, with what both count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// What counts.
    pub of: Vec<String>,
    /// Out of how many.
    pub all: usize,
}

/// The four measures, each with what it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dora {
    /// The deployments that went well.
    pub deployments: Vec<String>,
    /// The median from commit to live, in µs; `None`: nothing was brought.
    pub lead_time: Option<i64>,
    /// The 85th percentile of the same.
    pub lead_time_p85: Option<i64>,
    /// The deployments that failed: taken back by the next one, or with an incident found in them, or not through.
    pub failed: Share,
    /// The median time to restore, in µs: from the report of an incident to its end, or from a deployment that failed
    /// to the next one of the app that went well.
    pub restore: Option<i64>,
    /// What that counts.
    pub restored: Vec<String>,
}

/// The value in the middle: of two, the lower.
pub fn median(values: &mut [i64]) -> Option<i64> {
    percentile(values, 50)
}

/// The least value that `percent` of the values do not exceed.
pub fn percentile(values: &mut [i64], percent: usize) -> Option<i64> {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied()
}

/// The four measures of the deployments and incidents from `from` up to and without `until`. `deployed` are all of the
/// project's to production, in order; an incident counts where it was reported in that time.
pub fn dora(deployed: &[Deployed], incidents: &[Incident], from: Timestamp, until: Timestamp) -> Dora {
    let within = |at: Timestamp| from <= at && at < until;
    let mut dora = Dora::default();
    let (mut leads, mut restores) = (Vec::new(), Vec::new());
    for (at, one) in deployed.iter().enumerate().filter(|(_, one)| within(one.at)) {
        let mut later = deployed[at + 1..].iter().filter(|other| other.app == one.app);
        let taken_back = later
            .clone()
            .next()
            .is_some_and(|next| next.rollback && next.worked);
        let blamed = incidents
            .iter()
            .any(|incident| incident.release == Some(one.release));
        if one.worked {
            dora.deployments.push(one.path.clone());
            leads.extend(one.commits.iter().map(|commit| one.at.since(*commit)));
        }
        if !one.rollback {
            dora.failed.all += 1;
            if !one.worked || taken_back || blamed {
                dora.failed.of.push(one.path.clone());
            }
            if (!one.worked || taken_back)
                && let Some(next) = later.find(|next| next.worked)
            {
                restores.push(next.at.since(one.at));
                dora.restored.push(one.path.clone());
            }
        }
    }
    for incident in incidents.iter().filter(|incident| within(incident.from)) {
        if let Some(end) = incident.until {
            restores.push(end.since(incident.from));
            dora.restored.push(incident.key.clone());
        }
    }
    dora.lead_time = median(&mut leads);
    dora.lead_time_p85 = percentile(&mut leads, 85);
    dora.restore = median(&mut restores);
    dora
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TypedId;
    use proptest::prelude::*;

    fn id<T: TypedId>(n: u128) -> T {
        T::from_uuid(uuid::Uuid::from_u128(n))
    }

    prop_compose! {
        fn history()(
            rows in proptest::collection::vec(
                (1..3_u128, 1..6_u128, 0..40_i64, any::<bool>(), any::<bool>(), proptest::collection::vec(0..40_i64, 0..3)),
                0..20,
            )
        ) -> Vec<Deployed> {
            let mut all: Vec<Deployed> = rows
                .into_iter()
                .enumerate()
                .map(|(n, (app, release, at, worked, rollback, commits))| Deployed {
                    path: n.to_string(),
                    app: id(app),
                    release: id(app * 10 + release),
                    at: Timestamp(at),
                    worked,
                    rollback,
                    commits: commits.into_iter().map(Timestamp).collect(),
                })
                .collect();
            all.sort_by_key(|one| one.at);
            all
        }
    }

    prop_compose! {
        fn incidents()(
            rows in proptest::collection::vec((0..40_i64, proptest::option::of(0..20_i64), proptest::option::of(11..17_u128)), 0..6)
        ) -> Vec<Incident> {
            rows.into_iter()
                .enumerate()
                .map(|(n, (from, length, release))| Incident {
                    key: format!("CHK-{n}"),
                    release: release.map(id),
                    from: Timestamp(from),
                    until: length.map(|length| Timestamp(from + length)),
                })
                .collect()
        }
    }

    /// The value such that at most half are below it and at least half are at or below it.
    fn middle(values: &[i64]) -> Option<i64> {
        values
            .iter()
            .copied()
            .filter(|v| {
                let up_to = values.iter().filter(|other| *other <= v).count();
                let below = values.iter().filter(|other| *other < v).count();
                up_to * 2 >= values.len() && below * 2 < values.len()
            })
            .min()
    }

    proptest! {
        #[test]
        fn dora_is_a_recount(all in history(), incidents in incidents(), from in 0..40_i64, length in 0..40_i64) {
            let (from, until) = (Timestamp(from), Timestamp(from + length));
            let shown = dora(&all, &incidents, from, until);
            let within: Vec<&Deployed> = all.iter().filter(|d| d.at >= from && d.at < until).collect();
            let good: Vec<String> = within.iter().filter(|d| d.worked).map(|d| d.path.clone()).collect();
            prop_assert_eq!(&shown.deployments, &good);
            let leads: Vec<i64> = within.iter().filter(|d| d.worked)
                .flat_map(|d| d.commits.iter().map(|c| d.at.0 - c.0)).collect();
            prop_assert_eq!(shown.lead_time, middle(&leads));
            let changes: Vec<&&Deployed> = within.iter().filter(|d| !d.rollback).collect();
            prop_assert_eq!(shown.failed.all, changes.len());
            let after = |d: &Deployed| {
                let place = all.iter().position(|other| other.path == d.path).unwrap();
                all[place + 1..].iter().filter(|other| other.app == d.app).cloned().collect::<Vec<_>>()
            };
            let bad = |d: &Deployed| !d.worked || after(d).first().is_some_and(|n| n.rollback && n.worked);
            let failed: Vec<String> = changes.iter()
                .filter(|d| bad(d) || incidents.iter().any(|i| i.release == Some(d.release)))
                .map(|d| d.path.clone()).collect();
            prop_assert_eq!(&shown.failed.of, &failed);
            let mut restores: Vec<i64> = changes.iter().filter(|d| bad(d))
                .filter_map(|d| after(d).iter().find(|n| n.worked).map(|n| n.at.0 - d.at.0)).collect();
            restores.extend(incidents.iter().filter(|i| i.from >= from && i.from < until)
                .filter_map(|i| i.until.map(|end| end.0 - i.from.0)));
            prop_assert_eq!(shown.restored.len(), restores.len());
            prop_assert_eq!(shown.restore, middle(&restores));
        }

        #[test]
        fn a_percentile_is_a_value_that_so_many_do_not_exceed(mut values in proptest::collection::vec(0..50_i64, 1..40), percent in 1..101_usize) {
            let shown = percentile(&mut values, percent).unwrap();
            let up_to = values.iter().filter(|v| **v <= shown).count();
            let below = values.iter().filter(|v| **v < shown).count();
            prop_assert!(up_to * 100 >= values.len() * percent && below * 100 < values.len() * percent);
        }
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3, 1, 2]), Some(2));
    }
}
