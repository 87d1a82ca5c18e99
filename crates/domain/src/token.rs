//! API tokens: what a program may do in somebody's name.
//!
//! A token's rights are its owner's, as far as its scopes reach. It always sees what its owner sees.

use crate::access::{Action, ActionSet};
use crate::id::TokenId;
use crate::person::PersonRef;
use crate::project::Place;
use crate::role::HeldRole;
use crate::text::Text;
use crate::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};

/// What every token begins with, so that scanners for leaked secrets find it.
pub const PREFIX: &str = "slw_";

/// The length of the part after [`PREFIX`]: 256 bits in base64url.
const SECRET_LENGTH: usize = 43;

/// The longest life of a token, in days.
pub const DAYS_MAX: i64 = 366;

/// The longest name of a token, in characters.
pub const NAME_MAX: usize = 60;

macro_rules! scopes {
    ($($name:ident = $key:literal, $en:literal, $zh:literal;)+) => {
        /// A part of its owner's rights that a token may use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Scope { $(#[doc = $en] $name,)+ }

        impl Scope {
            /// Every scope, the harmless ones first.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stored key.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Reads the stored key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|scope| scope.key() == key)
            }

            /// What it opens.
            pub fn text(self) -> Text {
                match self { $(Self::$name => Text::new($en, $zh),)+ }
            }
        }
    };
}

scopes! {
    Read = "read", "see what you see", "查看你能看到的内容";
    Items = "items", "create, edit and move work items, manage iterations", "创建、编辑和移动事项，管理迭代";
    Pipelines = "pipelines", "propose, run, retry and cancel pipelines", "提交、运行、重试和取消流水线";
    Deploy = "deploy", "create releases, promote and roll back", "创建发布版本、晋级和回滚";
    Approve = "approve", "decide approvals in your name", "以你的名义审批";
    Audit = "audit", "read and export the audit log", "查看和导出审计日志";
    Manage = "manage", "settings, people and roles of organizations, projects and apps, and your own account", "管理组织、项目和应用的设置、人员和角色，以及你自己的账号";
    Operate = "operate", "act as an operator of the whole server, while you are one", "以服务器管理员身份操作整个服务器（仅在你是管理员时有效）";
}

impl Scope {
    /// The scope that opens `action`; `None`: no token may do it, a person must.
    pub const fn of(action: Action) -> Option<Self> {
        use Action as A;
        Some(match action {
            A::See => Self::Read,
            A::BoardEdit | A::IterationEdit | A::ItemCreate | A::ItemEdit | A::BugClose | A::ItemDelete => {
                Self::Items
            }
            A::PipelineEdit | A::PipelineRun | A::PipelineRunProtected => Self::Pipelines,
            A::ReleaseCreate | A::PromoteTest | A::PromoteProduction | A::Rollback | A::Scale => Self::Deploy,
            A::AuditRead => Self::Audit,
            A::OrgManage
            | A::ProjectCreate
            | A::ProjectManage
            | A::AppCreate
            | A::EnvironmentEdit
            | A::FreezeEdit
            | A::TemplatePublish
            | A::AppManage => Self::Manage,
            A::BreakGlass => return None,
        })
    }

    /// Whether it lets a token change anything.
    pub const fn changes(self) -> bool {
        !matches!(self, Self::Read | Self::Audit)
    }

    /// Those that somebody may give to a token of their own: only an operator can have it act as one.
    pub fn offered(operator: bool) -> Vec<Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|scope| operator || *scope != Self::Operate).collect()
    }

    /// Whether the token of a project may have it: a project's token is no approver and no operator.
    pub const fn is_for_projects(self) -> bool {
        !matches!(self, Self::Approve | Self::Operate)
    }
}

/// The scopes of one token. [`Scope::Read`] is always among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// The set of `scopes`, in the order of [`Scope::ALL`], each once.
    pub fn of(scopes: &[Scope]) -> Self {
        let wanted = |scope: &Scope| *scope == Scope::Read || scopes.contains(scope);
        Self(Scope::ALL.iter().copied().filter(wanted).collect())
    }

    /// Whether `scope` is among them.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether any of them lets a token change something.
    pub fn change(&self) -> bool {
        self.0.iter().any(|scope| scope.changes())
    }

    /// The actions they open.
    pub fn actions(&self) -> ActionSet {
        let open = |action: &&Action| Scope::of(**action).is_some_and(|scope| self.has(scope));
        let actions: Vec<Action> = Action::ALL.iter().filter(open).copied().collect();
        ActionSet::of(&actions)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// The stored text: the keys, with spaces between.
    pub fn stored(&self) -> String {
        let keys: Vec<&str> = self.iter().map(Scope::key).collect();
        keys.join(" ")
    }

    /// Reads the stored text.
    pub fn from_stored(text: &str) -> Option<Self> {
        let scopes: Option<Vec<Scope>> = text.split_whitespace().map(Scope::from_key).collect();
        scopes.map(|scopes| Self::of(&scopes))
    }
}

/// Whether `text` has the shape of a token: [`PREFIX`] and 256 bits in base64url.
pub fn is_token(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|secret| {
        secret.len() == SECRET_LENGTH
            && secret
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

/// The instant at which a token made at `now` for `days` days ends; `None`: not a life a token may have.
pub fn end_after(now: Timestamp, days: i64) -> Option<Timestamp> {
    (1..=DAYS_MAX).contains(&days).then(|| now.plus(days * DAY))
}

/// A token as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Which.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, to a few minutes; `None`: never.
    pub last_used_at: Option<Timestamp>,
    /// When its owner ended it.
    pub revoked_at: Option<Timestamp>,
}

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// Its owner ended it.
    Revoked,
}

impl TokenRow {
    /// Where it stands at `now`.
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if self.expires_at <= now {
            TokenState::Expired
        } else {
            TokenState::Active
        }
    }
}

/// The tokens of a person, as their page shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenList {
    /// The newest first.
    pub tokens: Vec<TokenRow>,
    /// The scopes that the reader may give to one.
    pub scopes: Vec<Scope>,
    /// When the list was put together.
    pub as_of: Timestamp,
}

/// A token of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectToken {
    /// The token.
    pub token: TokenRow,
    /// What its role in the project is called; `None`: it has none any more.
    pub role: Option<Text>,
    /// Who made it.
    pub made_by: PersonRef,
}

/// The tokens of a project, as their page shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectTokenList {
    /// The project.
    pub place: Place,
    /// The newest first.
    pub tokens: Vec<ProjectToken>,
    /// The roles that the reader may give to one.
    pub roles: Vec<HeldRole>,
    /// When the list was put together.
    pub as_of: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scopes() -> impl Strategy<Value = Vec<Scope>> {
        proptest::sample::subsequence(Scope::ALL, 0..=Scope::ALL.len())
    }

    proptest! {
        #[test]
        fn scopes_survive_the_store(wanted in scopes()) {
            let set = Scopes::of(&wanted);
            prop_assert_eq!(Scopes::from_stored(&set.stored()), Some(set));
        }

        #[test]
        fn a_token_does_what_its_scopes_open_and_nothing_more(wanted in scopes()) {
            let set = Scopes::of(&wanted);
            let actions = set.actions();
            prop_assert!(actions.has(Action::See), "every token reads");
            prop_assert!(!actions.has(Action::BreakGlass), "a person must");
            for action in Action::ALL {
                let open = Scope::of(*action).is_some_and(|scope| set.has(scope));
                prop_assert_eq!(actions.has(*action), open, "{}", action.key());
                prop_assert!(!open || !action.changes() || set.change());
            }
        }

        #[test]
        fn only_the_whole_shape_is_a_token(secret in "[A-Za-z0-9_-]{0,60}") {
            prop_assert_eq!(is_token(&format!("slw_{secret}")), secret.len() == 43);
            prop_assert!(!is_token(&secret));
        }
    }

    #[test]
    fn a_token_ends() {
        let now = Timestamp(5);
        assert_eq!(end_after(now, 1), Some(Timestamp(5 + DAY)));
        for days in [0, -1, DAYS_MAX + 1] {
            assert_eq!(end_after(now, days), None);
        }
    }

    #[test]
    fn an_unknown_scope_is_no_scope() {
        assert_eq!(Scopes::from_stored("read everything"), None);
    }
}
