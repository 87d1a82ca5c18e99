//! Subscribers: places outside of Slipway that are told what happened, by webhooks that Slipway sends.

use crate::id::SubscriberId;
use crate::message::Message;
use crate::project::Place;
use crate::text::Text;
use crate::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};

/// What every signing secret begins with (Standard Webhooks).
pub const SECRET_PREFIX: &str = "whsec_";

/// How long the secret before still signs beside a new one, in µs.
pub const OVERLAP: i64 = DAY;

/// How long every delivery must have failed before a subscriber is switched off, in µs.
pub const GIVE_UP: i64 = 5 * DAY;

/// The longest address, in characters.
pub const URL_MAX: usize = 2000;

/// The longest description, in characters.
pub const DESCRIPTION_MAX: usize = 200;

/// The most subscribers of an organization, those of its projects among them.
pub const MOST: i64 = 100;

macro_rules! kinds {
    ($($name:ident = $key:literal, $en:literal, $zh:literal;)+) => {
        /// A kind of event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventKind { $(#[doc = $en] #[serde(rename = $key)] $name,)+ }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable key, as the webhook's `type` says it.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// What happened.
            pub fn text(self) -> Text {
                match self { $(Self::$name => Text::new($en, $zh),)+ }
            }
        }
    };
}

kinds! {
    PromotionRequested = "promotion.requested", "a promotion or a rollback was requested", "晋级或回滚已申请";
    PromotionDecided = "promotion.decided", "somebody approved or rejected a promotion", "有人批准或拒绝了晋级";
    PromotionDeployed = "promotion.deployed", "a deployment succeeded", "部署成功";
    PromotionFailed = "promotion.failed", "a deployment failed", "部署失败";
    PromotionEnded = "promotion.ended", "a promotion ended without a deployment", "晋级未部署即结束";
    ReleaseCreated = "release.created", "a release was made", "发布版本已创建";
    ReleaseDefective = "release.defective", "a release was marked defective", "发布版本被标记为有缺陷";
    RunFinished = "run.finished", "a pipeline run ended", "流水线运行结束";
    ItemCreated = "item.created", "a work item was created", "事项已创建";
    ItemChanged = "item.changed", "a work item changed its state", "事项状态已变更";
    MemberChanged = "member.changed", "somebody got, changed or lost a role", "成员角色有变动";
    Test = "webhook.test", "a test", "测试";
}

impl EventKind {
    /// The kinds that can be chosen: a test is sent when somebody asks for it.
    pub fn chosen() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| *kind != Self::Test)
    }

    /// Reads the key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.key() == key)
    }
}

/// The kinds of events that a subscriber is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventKinds(Vec<EventKind>);

impl EventKinds {
    /// The set of `kinds`, in the order of [`EventKind::ALL`], each once; a test is none of them.
    pub fn of(kinds: &[EventKind]) -> Self {
        Self(EventKind::chosen().filter(|kind| kinds.contains(kind)).collect())
    }

    /// Reads keys as a form or a program sends them. `Err`: the first that is none.
    ///
    /// # Errors
    /// The key that names no kind that can be chosen.
    pub fn from_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let mut kinds = Vec::new();
        for key in keys {
            match EventKind::from_key(key) {
                Some(kind) if kind != EventKind::Test => kinds.push(kind),
                _ => return Err(key),
            }
        }
        Ok(Self::of(&kinds))
    }

    /// Whether `kind` is among them.
    pub fn has(&self, kind: EventKind) -> bool {
        self.0.contains(&kind)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = EventKind> + '_ {
        self.0.iter().copied()
    }

    /// The stored text: the keys, with spaces between.
    pub fn stored(&self) -> String {
        let keys: Vec<&str> = self.iter().map(EventKind::key).collect();
        keys.join(" ")
    }

    /// Reads the stored text. Kinds that this Slipway does not know are left out.
    pub fn from_stored(text: &str) -> Option<Self> {
        let kinds: Vec<EventKind> = text.split_whitespace().filter_map(EventKind::from_key).collect();
        Some(Self::of(&kinds))
    }
}

/// A subscriber as people see it: never its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Which.
    pub id: SubscriberId,
    /// Where webhooks are sent to.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of.
    pub kinds: EventKinds,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why Slipway switched it off.
    pub off_reason: Option<Text>,
    /// Until when the secret before signs too.
    pub old_secret_until: Option<Timestamp>,
    /// Since when nothing was delivered; `None`: the last try succeeded, or there was none.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows with every edit.
    pub version: i64,
}

impl Subscriber {
    /// The scheme and the host of its address: what may be told of it in a log, since paths and queries of such
    /// addresses are often secrets.
    pub fn origin(&self) -> String {
        origin(&self.url)
    }
}

/// The scheme and the host of an address, as in `https://hooks.example.com`.
pub fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// The subscribers of an organization itself, or of one of its projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriberList {
    /// Whose.
    pub place: Place,
    /// The oldest first.
    pub subscribers: Vec<Subscriber>,
}

/// A subscriber with its last deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriberView {
    /// Whose.
    pub place: Place,
    /// Which.
    pub subscriber: Subscriber,
    /// The newest first.
    pub messages: Vec<Message>,
    /// Whether there are older ones.
    pub more: bool,
    /// When the page was put together.
    pub as_of: Timestamp,
}

/// What is wrong with an address that webhooks should be sent to, if anything.
pub fn check_url(url: &str) -> Option<Text> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
        return Some(Text::new(
            "start with https:// or http://",
            "请以 https:// 或 http:// 开头",
        ));
    };
    if url.chars().count() > URL_MAX || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some(Text::new(
            format!("use at most {URL_MAX} characters, without spaces"),
            format!("最多 {URL_MAX} 个字符，且不含空格"),
        ));
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains('@') || url.contains('#') {
        return Some(Text::new(
            "use the address without a user name, a password or a fragment",
            "请去掉地址中的用户名、密码和片段",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn kinds_survive_the_store(kinds in proptest::sample::subsequence(EventKind::ALL, 0..=EventKind::ALL.len())) {
            let set = EventKinds::of(&kinds);
            prop_assert!(!set.has(EventKind::Test), "nobody subscribes to tests");
            prop_assert_eq!(EventKinds::from_stored(&set.stored()), Some(set.clone()));
            let keys: Vec<&str> = set.iter().map(EventKind::key).collect();
            prop_assert_eq!(EventKinds::from_keys(keys), Ok(set));
        }

        #[test]
        fn an_origin_has_neither_path_nor_query(host in "[a-z0-9.]{1,20}", path in "[a-zA-Z0-9/?=&]{0,20}") {
            prop_assert_eq!(origin(&format!("https://{host}/{path}")), format!("https://{host}"));
        }
    }

    #[test]
    fn a_kind_that_is_none_is_named() {
        assert_eq!(EventKinds::from_keys(["item.created", "all"]), Err("all"));
        assert_eq!(EventKinds::from_keys(["webhook.test"]), Err("webhook.test"));
    }

    #[test]
    fn keys_are_in_dot_form_and_unlike() {
        let mut keys: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.key()).collect();
        assert!(keys.iter().all(
            |key| key.split('.').count() == 2 && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'.')
        ));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), EventKind::ALL.len());
    }

    #[test]
    fn an_address_is_http_and_has_no_credentials() {
        for good in [
            "https://hooks.example.com/a?b=c",
            "http://10.0.0.1:8080",
            "https://例子.example",
        ] {
            assert_eq!(check_url(good), None, "{good}");
        }
        let long = format!("https://example.com/{}", "x".repeat(URL_MAX));
        for wrong in [
            "",
            "https://",
            "ftp://example.com",
            "javascript:alert(1)",
            "https:///path",
            "https://me:secret@example.com",
            "https://example.com/#a",
            "https://example.com/a b",
            "https://example.com/\n",
            &long,
        ] {
            assert!(check_url(wrong).is_some(), "{wrong}");
        }
    }
}
