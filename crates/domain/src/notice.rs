//! Notices: what concerns somebody, told to them in the app until they have read it.

use crate::id::{NoticeId, ProjectId, UserId};
use crate::project::ProjectRef;
use crate::text::Text;
use crate::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a notice is kept after it was read, in µs.
pub const KEPT: i64 = 90 * DAY;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $en:literal, $zh:literal;)+) => {
        /// What a notice is about; each kind can be switched off.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum NoticeKind { $($(#[$doc])* $name,)+ }

        impl NoticeKind {
            /// Every kind, in the order of the settings.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stored key.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Reads the stored key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.key() == key)
            }

            /// What it is called.
            pub fn text(self) -> Text {
                match self { $(Self::$name => Text::new($en, $zh),)+ }
            }
        }
    };
}

kinds! {
    /// It is the reader's turn to decide a promotion.
    ApprovalAsked = "approval_asked", "My approval is asked for", "需要我审批";
    /// Somebody decided a promotion that the reader asked for.
    PromotionDecided = "promotion_decided", "My promotion is approved or rejected", "我的晋级被批准或拒绝";
    /// A promotion that the reader asked for ended.
    PromotionEnded = "promotion_ended", "My promotion is deployed, fails, expires or is rolled back", "我的晋级部署完成、失败、过期或被回滚";
    /// A run that the reader started failed.
    RunFailed = "run_failed", "A run that I started fails", "我启动的运行失败";
    /// A work item was given to the reader.
    ItemAssigned = "item_assigned", "A work item is assigned to me", "事项分配给我";
    /// A work item that the reader wrote or does moved.
    ItemMoved = "item_moved", "A work item of mine moves", "我的事项状态变化";
    /// Somebody said something about a work item that the reader wrote, does or watches.
    ItemCommented = "item_commented", "Somebody comments on a work item that I wrote, do or watch", "我创建、处理或关注的事项有新评论";
    /// A work item of the reader is due tomorrow, or was due.
    ItemDue = "item_due", "A work item of mine is due tomorrow or overdue", "我的事项明天到期或已逾期";
    /// Somebody named the reader in a description or a comment.
    ItemMentioned = "item_mentioned", "I am mentioned in a work item", "事项中提到我";
    /// The reader got a role.
    RoleGranted = "role_granted", "I am given a role", "我被授予角色";
    /// Somebody asks for a role that the reader may give, or the reader's own request was decided.
    RoleRequest = "role_request", "A role is asked of me, or my request is decided", "有人向我申请角色，或我的申请有结果";
    /// Somebody came by the reader's invitation.
    InvitationAccepted = "invitation_accepted", "My invitation is accepted", "我的邀请被接受";
    /// The glass was broken in a place that the reader owns.
    GlassBroken = "glass_broken", "The glass is broken in a place that I own (always on)", "我所有的位置发生紧急放行（不可关闭）";
    /// What runs somewhere is not what was deployed there, for whoever deployed it and who owns the place.
    DriftFound = "drift_found", "What I deployed, or in a place that I own, was changed around Slipway", "我部署的内容或我所有的位置被绕过 Slipway 修改";
    /// Something in a place that the reader owns cannot go on without them.
    OwnerNeeded = "owner_needed", "A promotion in a place that I own cannot go on", "我所有的位置有晋级无法继续";
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// What happened, in a sentence.
    pub words: Text,
    /// When.
    pub at: Timestamp,
    /// When it was read.
    pub read_at: Option<Timestamp>,
}

/// The notices about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// The thing, as in `promotion:…`.
    pub key: String,
    /// What it is called: `Order API 2.4.1 → live`.
    pub subject: String,
    /// Where it is: `Acme / Checkout`.
    pub within: String,
    /// Its page.
    pub path: String,
    /// The newest first.
    pub notices: Vec<Notice>,
}

impl Thread {
    /// How many of them are unread.
    pub fn unread(&self) -> usize {
        self.notices.iter().filter(|n| n.read_at.is_none()).count()
    }
}

/// What the notifications' page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticePage {
    /// Whose.
    pub person: UserId,
    /// By thread, the one with the newest notice first.
    pub threads: Vec<Thread>,
    /// How many notices are unread, on this page and beyond.
    pub unread: i64,
    /// Ask for older ones before this; `None`: these are all.
    pub older_than: Option<Timestamp>,
}

/// Puts notices into threads: the thread with the newest notice first, in each the newest first.
pub fn threads(mut notices: Vec<(Thread, Notice)>) -> Vec<Thread> {
    notices.sort_by_key(|(_, notice)| (std::cmp::Reverse(notice.at), std::cmp::Reverse(notice.id)));
    let mut threads: Vec<Thread> = Vec::new();
    for (thread, notice) in notices {
        match threads.iter_mut().find(|known| known.key == thread.key) {
            Some(known) => known.notices.push(notice),
            None => threads.push(Thread {
                notices: vec![notice],
                ..thread
            }),
        }
    }
    threads
}

/// A project and whether it is muted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectChoice {
    /// Which.
    pub project: ProjectRef,
    /// The organization's name.
    pub org: String,
    /// Whether its notices are off.
    pub muted: bool,
}

/// What the settings' page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeSettings {
    /// Whose.
    pub person: UserId,
    /// Each kind and whether it is on.
    pub kinds: Vec<(NoticeKind, bool)>,
    /// The projects that the reader sees.
    pub projects: Vec<ProjectChoice>,
    /// Their daily digest.
    pub digest: crate::digest::DigestSettings,
}

/// What somebody does not want to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// Kinds that are off.
    pub kinds: Vec<NoticeKind>,
    /// Projects that are muted.
    pub projects: Vec<ProjectId>,
}

impl NoticeKind {
    /// Whether it is told even to those who want to hear nothing.
    pub const fn is_loud(self) -> bool {
        matches!(self, Self::GlassBroken)
    }
}

impl Quiet {
    /// Whether a notice of that kind from there is wanted.
    pub fn wants(&self, kind: NoticeKind, project: Option<ProjectId>) -> bool {
        if kind.is_loud() {
            return true;
        }
        !self.kinds.contains(&kind) && project.is_none_or(|project| !self.projects.contains(&project))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TypedId;
    use proptest::prelude::*;

    fn notice(n: u128, at: i64, read: bool) -> Notice {
        Notice {
            id: NoticeId::from_uuid(uuid::Uuid::from_u128(n)),
            kind: NoticeKind::RunFailed,
            words: Text::verbatim("x"),
            at: Timestamp(at),
            read_at: read.then_some(Timestamp(at)),
        }
    }

    fn about(key: &str) -> Thread {
        Thread {
            key: key.to_owned(),
            subject: String::new(),
            within: String::new(),
            path: String::new(),
            notices: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn every_notice_is_in_one_thread_and_the_newest_leads(told in proptest::collection::vec((0_u8..4, 0_i64..50, any::<bool>()), 0..40)) {
            let given: Vec<_> = told
                .iter()
                .zip(0..)
                .map(|((key, at, read), n)| (about(&key.to_string()), notice(n, *at, *read)))
                .collect();
            let threads = threads(given);
            prop_assert_eq!(threads.iter().map(|t| t.notices.len()).sum::<usize>(), told.len());
            let unread = told.iter().filter(|(_, _, read)| !read).count();
            prop_assert_eq!(threads.iter().map(Thread::unread).sum::<usize>(), unread);
            for thread in &threads {
                prop_assert!(thread.notices.is_sorted_by(|a, b| a.at >= b.at));
            }
            prop_assert!(threads.is_sorted_by(|a, b| a.notices[0].at >= b.notices[0].at));
        }
    }

    #[test]
    fn keys_read_back() {
        for kind in NoticeKind::ALL {
            assert_eq!(NoticeKind::from_key(kind.key()), Some(*kind));
        }
    }

    #[test]
    fn what_is_off_is_not_wanted() {
        let project = ProjectId::from_uuid(uuid::Uuid::nil());
        let quiet = Quiet {
            kinds: vec![NoticeKind::RunFailed],
            projects: vec![project],
        };
        assert!(!quiet.wants(NoticeKind::RunFailed, None));
        assert!(!quiet.wants(NoticeKind::ItemMoved, Some(project)));
        assert!(quiet.wants(NoticeKind::ItemMoved, None));
    }
}
