//! Roles × actions: who may do what, as data (`access.md` of the design).

use crate::text::Text;
use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $en:literal, $zh:literal;)+) => {
        /// Something a person may be allowed to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $key)] $name,)+
        }

        impl Action {
            /// Every action, in the order of the matrix.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable key, as the API and the audit log write it.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// What the action is called.
            pub fn text(self) -> Text {
                match self { $(Self::$name => Text::new($en, $zh),)+ }
            }
        }
    };
}

actions! {
    /// See that the place exists and what stands in it.
    See = "see", "see", "查看";
    /// Organization settings, members, clusters, connections, custom roles.
    OrgManage = "org.manage", "manage the organization", "管理组织";
    /// Create projects and set quotas.
    ProjectCreate = "project.create", "create projects", "创建项目";
    /// Read and export the audit log.
    AuditRead = "audit.read", "read the audit log", "查看审计日志";
    /// Project settings, members, feature switches.
    ProjectManage = "project.manage", "manage the project", "管理项目";
    /// Create apps.
    AppCreate = "app.create", "create apps", "创建应用";
    /// Edit the environment chain, bindings and approval rules.
    EnvironmentEdit = "environment.edit", "edit environments", "编辑环境";
    /// Edit freeze windows.
    FreezeEdit = "freeze.edit", "edit freeze windows", "编辑封网窗口";
    /// Publish templates.
    TemplatePublish = "template.publish", "publish templates", "发布模板";
    /// Workflow states, columns, WIP limits.
    BoardEdit = "board.edit", "set the board up", "配置看板";
    /// Create, start and close iterations.
    IterationEdit = "iteration.edit", "manage iterations", "管理迭代";
    /// Create and comment on work items.
    ItemCreate = "item.create", "create work items", "创建事项";
    /// Edit and move work items.
    ItemEdit = "item.edit", "edit and move work items", "编辑和移动事项";
    /// Close and reopen bugs.
    BugClose = "bug.close", "close and reopen bugs", "关闭和重开缺陷";
    /// Delete work items.
    ItemDelete = "item.delete", "delete work items", "删除事项";
    /// Edit and propose pipelines.
    PipelineEdit = "pipeline.edit", "edit and propose pipelines", "编辑和提交流水线";
    /// Run, retry, cancel on a normal ref.
    PipelineRun = "pipeline.run", "run pipelines", "运行流水线";
    /// Run, retry, cancel on a protected ref.
    PipelineRunProtected = "pipeline.run_protected", "run pipelines on protected refs", "在受保护分支上运行流水线";
    /// App settings, variables, secret references.
    AppManage = "app.manage", "change app settings", "修改应用设置";
    /// Create releases and mark them defective.
    ReleaseCreate = "release.create", "create releases", "创建发布版本";
    /// Promote to a development or testing tier.
    PromoteTest = "promote.test", "promote to development and testing environments", "晋级到开发和测试环境";
    /// Promote to a staging or production tier.
    PromoteProduction = "promote.production", "promote to staging and production environments", "晋级到预发和生产环境";
    /// Roll back.
    Rollback = "rollback", "roll back", "回滚";
    /// Scale or restart a workload.
    Scale = "scale", "scale and restart workloads", "伸缩和重启工作负载";
    /// Break glass.
    BreakGlass = "break_glass", "break glass", "紧急放行";
}

/// A set of actions, one bit each; written as the list of its actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Action>", into = "Vec<Action>")]
pub struct ActionSet(u64);

impl From<Vec<Action>> for ActionSet {
    fn from(actions: Vec<Action>) -> Self {
        Self::of(&actions)
    }
}

impl From<ActionSet> for Vec<Action> {
    fn from(set: ActionSet) -> Self {
        set.iter().collect()
    }
}

impl ActionSet {
    /// No action.
    pub const EMPTY: Self = Self(0);

    /// The set of `actions`.
    pub const fn of(actions: &[Action]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < actions.len() {
            bits |= 1 << actions[i] as u64;
            i += 1;
        }
        Self(bits)
    }

    /// Every action.
    pub const fn all() -> Self {
        Self::of(Action::ALL)
    }

    /// Whether `action` is in the set.
    pub const fn has(self, action: Action) -> bool {
        self.0 & (1 << action as u64) != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What of the set only reads.
    #[must_use]
    pub fn reading(self) -> Self {
        let changing: Vec<Action> = self.iter().filter(|action| action.changes()).collect();
        self.without(&changing)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The set without `actions`.
    #[must_use]
    pub const fn without(self, actions: &[Action]) -> Self {
        Self(self.0 & !Self::of(actions).0)
    }

    /// Whether every action of the set is in `other` as well.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn beyond(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The actions, in matrix order.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |a| self.has(*a))
    }
}

/// The kind of place a role is held at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// An organization.
    Org,
    /// A project.
    Project,
    /// An app.
    App,
}

impl ScopeKind {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Org => "org",
            Self::Project => "project",
            Self::App => "app",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.key() == key)
    }

    /// Every kind, from the top down.
    pub const ALL: [Self; 3] = [Self::Org, Self::Project, Self::App];

    /// What the kind is called.
    pub fn text(self) -> Text {
        match self {
            Self::Org => Text::new("organization", "组织"),
            Self::Project => Text::new("project", "项目"),
            Self::App => Text::new("app", "应用"),
        }
    }

    /// What a role of this scope can be made of: what means something there or below.
    pub const fn actions(self) -> ActionSet {
        match self {
            Self::Org => ActionSet::all(),
            Self::Project => Role::ProjectOwner.actions(),
            Self::App => Role::AppOwner.actions(),
        }
    }
}

macro_rules! roles {
    ($($name:ident = $scope:ident, $key:literal, $en:literal, $zh:literal;)+) => {
        /// A built-in role: a named set of actions at one scope.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Role {
            $(#[doc = $en] #[serde(rename = $key)] $name,)+
        }

        impl Role {
            /// Every built-in role, in the order of the matrix.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stored key, as in `project.lead`.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Reads the stored key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|r| r.key() == key)
            }

            /// Where the role is held.
            pub const fn scope(self) -> ScopeKind {
                match self { $(Self::$name => ScopeKind::$scope,)+ }
            }

            /// What the role is called.
            pub fn text(self) -> Text {
                match self { $(Self::$name => Text::new($en, $zh),)+ }
            }
        }
    };
}

roles! {
    OrgOwner = Org, "org.owner", "organization owner", "组织所有者";
    OrgAdmin = Org, "org.admin", "organization admin", "组织管理员";
    OrgAuditor = Org, "org.auditor", "auditor", "审计员";
    OrgMember = Org, "org.member", "organization member", "组织成员";
    ProjectOwner = Project, "project.owner", "project owner", "项目所有者";
    ProjectLead = Project, "project.lead", "project lead", "项目负责人";
    ProjectProduct = Project, "project.product", "product manager", "产品经理";
    ProjectDeveloper = Project, "project.developer", "developer", "开发";
    ProjectTester = Project, "project.tester", "tester", "测试";
    ProjectOps = Project, "project.ops", "operations", "运维";
    ProjectViewer = Project, "project.viewer", "viewer", "只读";
    AppOwner = App, "app.owner", "app owner", "应用所有者";
    AppDeveloper = App, "app.developer", "app developer", "应用开发";
    AppTester = App, "app.tester", "app tester", "应用测试";
    AppOps = App, "app.ops", "app operations", "应用运维";
    AppViewer = App, "app.viewer", "app viewer", "应用只读";
}

use Action as A;

const ORG_ADMIN: &[Action] = &[
    A::See,
    A::OrgManage,
    A::ProjectCreate,
    A::AuditRead,
    A::ProjectManage,
    A::AppCreate,
    A::EnvironmentEdit,
    A::FreezeEdit,
    A::TemplatePublish,
    A::BreakGlass,
];
const PROJECT_LEAD: &[Action] = &[
    A::See,
    A::AuditRead,
    A::ProjectManage,
    A::AppCreate,
    A::EnvironmentEdit,
    A::FreezeEdit,
    A::TemplatePublish,
    A::BoardEdit,
    A::IterationEdit,
    A::ItemCreate,
    A::ItemEdit,
    A::BugClose,
    A::ItemDelete,
    A::PipelineEdit,
    A::PipelineRun,
    A::PipelineRunProtected,
    A::AppManage,
    A::ReleaseCreate,
    A::PromoteTest,
    A::PromoteProduction,
    A::Rollback,
    A::Scale,
];
const PROJECT_OWNER_ONLY: &[Action] = &[A::BreakGlass];
const PRODUCT: &[Action] = &[
    A::See,
    A::AppCreate,
    A::BoardEdit,
    A::IterationEdit,
    A::ItemCreate,
    A::ItemEdit,
    A::ReleaseCreate,
];
const DEVELOPER: &[Action] = &[
    A::See,
    A::ItemCreate,
    A::ItemEdit,
    A::PipelineEdit,
    A::PipelineRun,
    A::ReleaseCreate,
    A::PromoteTest,
];
const TESTER: &[Action] = &[
    A::See,
    A::ItemCreate,
    A::ItemEdit,
    A::BugClose,
    A::PipelineRun,
    A::PromoteTest,
];
const OPS: &[Action] = &[
    A::See,
    A::FreezeEdit,
    A::ItemCreate,
    A::PipelineRun,
    A::PromoteTest,
    A::PromoteProduction,
    A::Rollback,
    A::Scale,
];
const APP_OWNER: &[Action] = &[
    A::See,
    A::AuditRead,
    A::PipelineEdit,
    A::PipelineRun,
    A::PipelineRunProtected,
    A::AppManage,
    A::ReleaseCreate,
    A::PromoteTest,
    A::PromoteProduction,
    A::Rollback,
    A::Scale,
];
const APP_DEVELOPER: &[Action] = &[
    A::See,
    A::PipelineEdit,
    A::PipelineRun,
    A::ReleaseCreate,
    A::PromoteTest,
];
const APP_TESTER: &[Action] = &[A::See, A::PipelineRun, A::PromoteTest];
const APP_OPS: &[Action] = &[
    A::See,
    A::PipelineRun,
    A::PromoteTest,
    A::PromoteProduction,
    A::Rollback,
    A::Scale,
];

impl Role {
    /// What a holder of the role may do at its scope and below.
    ///
    /// `org.member` grants nothing below the organization: projects are seen by those with a role in
    /// them, or by all members when the project is internal ([`inherits_below`](Self::inherits_below)).
    pub const fn actions(self) -> ActionSet {
        match self {
            Self::OrgOwner | Self::OrgAdmin => ActionSet::of(ORG_ADMIN),
            Self::OrgAuditor => ActionSet::of(&[A::See, A::AuditRead]),
            Self::OrgMember | Self::ProjectViewer | Self::AppViewer => ActionSet::of(&[A::See]),
            Self::ProjectOwner => ActionSet::of(PROJECT_LEAD).union(ActionSet::of(PROJECT_OWNER_ONLY)),
            Self::ProjectLead => ActionSet::of(PROJECT_LEAD),
            Self::ProjectProduct => ActionSet::of(PRODUCT),
            Self::ProjectDeveloper => ActionSet::of(DEVELOPER),
            Self::ProjectTester => ActionSet::of(TESTER),
            Self::ProjectOps => ActionSet::of(OPS),
            Self::AppOwner => ActionSet::of(APP_OWNER),
            Self::AppDeveloper => ActionSet::of(APP_DEVELOPER),
            Self::AppTester => ActionSet::of(APP_TESTER),
            Self::AppOps => ActionSet::of(APP_OPS),
        }
    }

    /// Whether the role's rights reach the places below the one it is held at.
    pub const fn inherits_below(self) -> bool {
        !matches!(self, Self::OrgMember)
    }

    /// The built-in roles that grant `action`, for the words of a refusal.
    pub fn granting(action: Action) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |r| r.actions().has(action))
    }
}

impl Action {
    /// Reads the stable key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.key() == key)
    }

    /// Whether the action changes something.
    pub const fn changes(self) -> bool {
        !matches!(self, Self::See | Self::AuditRead)
    }
}

/// The role × action matrix as text: one line a role, for the committed snapshot.
pub fn matrix() -> String {
    let mut lines = String::new();
    for role in Role::ALL {
        let keys: Vec<_> = role.actions().iter().map(Action::key).collect();
        lines.extend([role.key(), ": ", &keys.join(" "), "\n"]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_the_committed_one() {
        insta::assert_snapshot!(matrix());
    }

    #[test]
    fn keys_are_unique_and_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_key(role.key()), Some(*role));
            assert!(role.key().starts_with(role.scope().key()));
        }
        let mut keys: Vec<_> = Action::ALL.iter().map(|a| a.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Action::ALL.len());
        assert!(Action::ALL.len() <= 64, "ActionSet holds 64 actions");
    }

    #[test]
    fn whoever_may_do_anything_may_see() {
        for role in Role::ALL {
            assert!(role.actions().has(Action::See), "{} cannot see", role.key());
        }
    }

    #[test]
    fn an_admin_cannot_promote_by_being_an_admin() {
        let admin = Role::OrgAdmin.actions();
        assert!(!admin.has(Action::PromoteProduction) && !admin.has(Action::PromoteTest));
    }
}
