//! Features of a project that can be switched off: their pages go, their calls are refused, their data stays.

use crate::access::{Action, ActionSet};
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// A feature with a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Boards, iterations, work items and bugs.
    Boards,
    /// Releases, promotions and approvals.
    Releases,
    /// Pipelines, runs and their logs.
    Pipelines,
    /// Measures of delivery.
    Insights,
    /// The chat.
    Chat,
}

impl Feature {
    /// Every feature, in the order of the settings.
    pub const ALL: [Self; 5] = [
        Self::Boards,
        Self::Pipelines,
        Self::Releases,
        Self::Insights,
        Self::Chat,
    ];

    /// The stable key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Boards => "boards",
            Self::Releases => "releases",
            Self::Pipelines => "pipelines",
            Self::Insights => "insights",
            Self::Chat => "chat",
        }
    }

    /// Reads the stable key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.key() == key)
    }

    /// What it is called.
    pub fn text(self) -> Text {
        match self {
            Self::Boards => Text::new("Boards", "看板"),
            Self::Releases => Text::new("Releases", "发布"),
            Self::Pipelines => Text::new("Pipelines", "流水线"),
            Self::Insights => Text::new("Insights", "洞察"),
            Self::Chat => Text::new("Chat", "聊天"),
        }
    }

    /// What goes when it is switched off.
    pub fn help(self) -> Text {
        match self {
            Self::Boards => Text::new(
                "Boards, iterations, work items and bugs",
                "看板、迭代、事项和缺陷",
            ),
            Self::Releases => Text::new(
                "Releases, promotions, approvals and rollbacks",
                "发布版本、晋级、审批和回滚",
            ),
            Self::Pipelines => Text::new("Pipelines, runs and their logs", "流水线、运行及其日志"),
            Self::Insights => Text::new("Measures of delivery", "交付度量"),
            Self::Chat => Text::new("Conversations", "对话"),
        }
    }

    /// The feature that an action belongs to; `None`: it has no switch.
    pub const fn of(action: Action) -> Option<Self> {
        match action {
            Action::BoardEdit
            | Action::IterationEdit
            | Action::ItemCreate
            | Action::ItemEdit
            | Action::BugClose
            | Action::ItemDelete => Some(Self::Boards),
            Action::TemplatePublish
            | Action::PipelineEdit
            | Action::PipelineRun
            | Action::PipelineRunProtected => Some(Self::Pipelines),
            Action::ReleaseCreate
            | Action::PromoteTest
            | Action::PromoteProduction
            | Action::Rollback
            | Action::BreakGlass => Some(Self::Releases),
            Action::See
            | Action::OrgManage
            | Action::ProjectCreate
            | Action::AuditRead
            | Action::ProjectManage
            | Action::AppCreate
            | Action::EnvironmentEdit
            | Action::FreezeEdit
            | Action::AppManage
            | Action::Scale => None,
        }
    }
}

/// Which features a project has switched on; written as the list of those that are off, so that a feature that is
/// new is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Features {
    off: u8,
}

impl Features {
    /// All but those of `off`.
    pub fn without(off: impl IntoIterator<Item = Feature>) -> Self {
        Self {
            off: off.into_iter().fold(0, |bits, feature| bits | 1 << feature as u8),
        }
    }

    /// Whether `feature` is on.
    pub const fn has(self, feature: Feature) -> bool {
        self.off & (1 << feature as u8) == 0
    }

    /// The features that are off.
    pub fn off(self) -> impl Iterator<Item = Feature> {
        Feature::ALL
            .into_iter()
            .filter(move |feature| !self.has(*feature))
    }

    /// What of `held` is not switched off.
    #[must_use]
    pub fn leave(self, held: ActionSet) -> ActionSet {
        let gone: Vec<Action> = held
            .iter()
            .filter(|action| Feature::of(*action).is_some_and(|feature| !self.has(feature)))
            .collect();
        held.without(&gone)
    }
}

impl From<Vec<String>> for Features {
    /// A key that this version does not know is a feature of another one, and nothing to it.
    fn from(keys: Vec<String>) -> Self {
        Self::without(keys.iter().filter_map(|key| Feature::from_key(key)))
    }
}

impl From<Features> for Vec<String> {
    fn from(features: Features) -> Self {
        features.off().map(|feature| feature.key().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some() -> impl Strategy<Value = Vec<Feature>> {
        proptest::collection::vec(proptest::sample::select(Feature::ALL.to_vec()), 0..6)
    }

    proptest! {
        #[test]
        fn what_is_off_stays_off_through_the_database(off in some()) {
            let features = Features::without(off.clone());
            let text = serde_json::to_string(&features).unwrap();
            let read: Features = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, features);
            for feature in Feature::ALL {
                prop_assert_eq!(read.has(feature), !off.contains(&feature));
            }
        }

        #[test]
        fn a_switch_takes_the_actions_of_its_feature_and_no_others(off in some()) {
            let features = Features::without(off.clone());
            let left = features.leave(ActionSet::all());
            for action in Action::ALL {
                let gone = Feature::of(*action).is_some_and(|feature| off.contains(&feature));
                prop_assert_eq!(left.has(*action), !gone, "{}", action.key());
            }
        }
    }

    #[test]
    fn a_feature_of_another_version_is_nothing_to_this_one() {
        let read: Features = serde_json::from_str(r#"["holograms","chat"]"#).unwrap();
        assert_eq!(read, Features::without([Feature::Chat]));
    }

    #[test]
    fn seeing_and_managing_have_no_switch() {
        for action in [
            Action::See,
            Action::ProjectManage,
            Action::AppManage,
            Action::AuditRead,
        ] {
            assert_eq!(Feature::of(action), None, "{}", action.key());
        }
    }
}
