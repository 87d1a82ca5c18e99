//! The books of a story, and what they say against what was done.

use super::{CHAIN, Story};
use slipway_domain::hold::Held;
use slipway_domain::id::{FreezeId, HoldId, PromotionId, ReleaseId, UserId};
use slipway_domain::promotion::{DeploymentState, PromotionKind, PromotionState};
use slipway_domain::time::Timestamp;
use slipway_portal::access;
use slipway_portal::ports::{DeploymentRecord, PromotionRecord};
use std::collections::{BTreeMap, BTreeSet};

/// A promotion, its deployments, and the key of where it goes.
pub type Done = (PromotionRecord, Vec<DeploymentRecord>, &'static str);

/// A stretch of time of the books.
#[derive(Clone, Debug)]
pub struct Stretch<T> {
    pub what: T,
    pub from: Timestamp,
    pub to: Option<Timestamp>,
}

impl<T> Stretch<T> {
    fn holds(&self, at: Timestamp) -> bool {
        self.from < at && self.to.is_none_or(|to| at < to)
    }
}

/// What really happened, as the story knows it.
#[derive(Default)]
pub struct Books {
    /// By environment: how many developers must approve.
    pub rules: BTreeMap<&'static str, Vec<Stretch<u32>>>,
    pub members: Vec<Stretch<UserId>>,
    pub freezes: Vec<Stretch<FreezeId>>,
    pub holds: Vec<Stretch<(HoldId, &'static str, Held)>>,
    pub yes: Vec<(PromotionId, UserId, Timestamp)>,
    pub defective: Vec<(ReleaseId, Timestamp)>,
}

impl Story<'_> {
    pub async fn records(&self) -> Vec<Done> {
        let system = self.on.replicas[0].system("story");
        let app = self.app(&system).await.see();
        let project = access::project_of(&app);
        let mut tx = system.read().await.expect("a reader");
        let chain = tx.environments(&project).await.expect("the chain");
        let mut all = Vec::new();
        for id in &self.promotions {
            let record = tx
                .promotion(&app, *id)
                .await
                .expect("read")
                .expect("no promotion is lost");
            let key = &chain
                .iter()
                .find(|e| e.environment.id == record.environment)
                .expect("it")
                .environment
                .key;
            let env = CHAIN.into_iter().find(|k| k == key).expect("one of them");
            all.push((record, tx.deployments(&app, *id).await.expect("read"), env));
        }
        all
    }

    /// What the books say against what was done.
    pub async fn judge(&self) {
        let records = self.records().await;
        let mut seen = BTreeSet::new();
        for (promotion, deployments, env) in &records {
            let told = || self.told.join("\n");
            assert_eq!(
                i64::try_from(deployments.len()).expect("few"),
                promotion.tries,
                "{}",
                told()
            );
            assert!(promotion.tries <= 3);
            let succeeded = deployments
                .iter()
                .filter(|d| d.state == DeploymentState::Succeeded)
                .count();
            assert_eq!(
                succeeded,
                usize::from(promotion.state == PromotionState::Succeeded),
                "{}",
                told()
            );
            for deployment in deployments {
                assert!(seen.insert((*env, deployment.fence, deployment.id)), "{}", told());
                self.gates_were_open(promotion, deployment, env, &records);
            }
        }
        for env in CHAIN {
            self.one_after_the_other(env, &records);
        }
    }

    fn gates_were_open(
        &self,
        promotion: &PromotionRecord,
        deployment: &DeploymentRecord,
        env: &str,
        records: &[Done],
    ) {
        let at = deployment.started_at;
        let told = || {
            format!(
                "{promotion:#?}\nstarted at {at:?}\n{:#?}\n{}",
                self.books.rules,
                self.told.join("\n")
            )
        };
        if promotion.kind == PromotionKind::Rollback {
            return;
        }
        assert!(
            !self.books.freezes.iter().any(|f| f.holds(at)),
            "frozen: {}",
            told()
        );
        assert!(
            !self.books.holds.iter().any(|h| h.what.1 == env && h.holds(at)),
            "on hold: {}",
            told()
        );
        assert!(
            !self
                .books
                .defective
                .iter()
                .any(|(id, since)| *id == promotion.release && *since < at),
            "defective: {}",
            told()
        );
        let rule = self.books.rules[env]
            .iter()
            .find(|rule| rule.holds(at))
            .expect("a rule held");
        let approvers: BTreeSet<UserId> = self
            .books
            .yes
            .iter()
            .filter(|(id, who, said)| {
                *id == promotion.id
                    && promotion.requested_by != Some(*who)
                    && rule.from < *said
                    && self.books.members.iter().any(|m| m.what == *who && m.holds(at))
            })
            .map(|(_, who, _)| *who)
            .collect();
        assert!(
            approvers.len() >= rule.what as usize,
            "{} of {} approved: {}",
            approvers.len(),
            rule.what,
            told()
        );
        if env == "qa" && promotion.waiver.is_none() {
            let there = records.iter().any(|(other, deployments, where_to)| {
                *where_to == "dev"
                    && other.release == promotion.release
                    && deployments.iter().any(|d| {
                        d.state == DeploymentState::Succeeded && d.finished_at.is_some_and(|end| end < at)
                    })
            });
            assert!(there, "it was not in dev: {}", told());
        }
    }

    /// Two deployments of one stop never overlap, unless the first one's lease had ended; and their fences grow.
    fn one_after_the_other(&self, env: &str, records: &[Done]) {
        let mut all: Vec<&DeploymentRecord> = records
            .iter()
            .filter(|(_, _, where_to)| *where_to == env)
            .flat_map(|(_, deployments, _)| deployments)
            .collect();
        all.sort_by_key(|d| d.started_at);
        for pair in all.windows(2) {
            let overtaken = pair[0]
                .reason
                .as_ref()
                .is_some_and(|why| why.en.contains("another promotion took"));
            let ended = pair[0].finished_at.is_some_and(|end| end < pair[1].started_at);
            assert!(ended || overtaken, "{pair:#?}\n{}", self.told.join("\n"));
            assert!(
                pair[0].fence < pair[1].fence || pair[0].promotion == pair[1].promotion,
                "{pair:#?}"
            );
        }
    }
}
