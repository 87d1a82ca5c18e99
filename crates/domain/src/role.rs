//! Roles as they are held: the built-in ones and those that an organization makes; and who may give them.

use crate::access::{Action, ActionSet, Role, ScopeKind};
use crate::id::RoleId;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// What the key of a role that an organization made begins with; its id follows.
const CUSTOM: &str = "custom.";

/// The longest name of a role, in characters.
pub const NAME_MAX: usize = 60;

/// A role that an organization made: a named set of actions at one kind of place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CustomRole {
    /// Which.
    pub id: RoleId,
    /// What its organization calls it.
    pub name: String,
    /// Where it is held.
    pub scope: ScopeKind,
    /// What a holder may do there and below.
    pub actions: ActionSet,
}

/// Why a role cannot be made like that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleError {
    /// It has no name.
    Nameless,
    /// The name is too long.
    Long,
    /// It allows nothing beyond seeing.
    Empty,
    /// It has actions that mean nothing at its kind of place.
    Elsewhere(Vec<Action>),
}

impl RoleError {
    /// The field that is wrong.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Nameless | Self::Long => "name",
            Self::Empty | Self::Elsewhere(_) => "actions",
        }
    }

    /// What is wrong, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Self::Nameless => Text::new("give the role a name", "请填写角色名称"),
            Self::Long => Text::new(
                format!("use at most {NAME_MAX} characters"),
                format!("最多使用 {NAME_MAX} 个字符"),
            ),
            Self::Empty => Text::new("choose at least one action", "请至少选择一项操作"),
            Self::Elsewhere(actions) => {
                let list = |pick: fn(Text) -> String, between: &str| {
                    let words: Vec<_> = actions.iter().map(|a| pick(a.text())).collect();
                    words.join(between)
                };
                Text::new(
                    format!("a role held here cannot {}", list(|t| t.en, ", ")),
                    format!("此范围的角色不能包含：{}", list(|t| t.zh, "、")),
                )
            }
        }
    }
}

impl CustomRole {
    /// A role of `actions`, and to see: whoever may do anything may see.
    ///
    /// # Errors
    /// The name is missing or too long, or the actions do not fit the scope.
    pub fn new(id: RoleId, name: &str, scope: ScopeKind, actions: ActionSet) -> Result<Self, RoleError> {
        let name = name.trim();
        if name.is_empty() {
            return Err(RoleError::Nameless);
        }
        if name.chars().count() > NAME_MAX {
            return Err(RoleError::Long);
        }
        if actions.without(&[Action::See]) == ActionSet::EMPTY {
            return Err(RoleError::Empty);
        }
        let elsewhere = actions.beyond(scope.actions());
        if elsewhere != ActionSet::EMPTY {
            return Err(RoleError::Elsewhere(elsewhere.iter().collect()));
        }
        Ok(Self {
            id,
            name: name.to_owned(),
            scope,
            actions: actions.union(ActionSet::of(&[Action::See])),
        })
    }
}

/// A role as somebody holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldRole {
    /// One of Slipway's own.
    BuiltIn(Role),
    /// One of the organization's own.
    Custom(CustomRole),
}

impl From<Role> for HeldRole {
    fn from(role: Role) -> Self {
        Self::BuiltIn(role)
    }
}

impl HeldRole {
    /// The stored key: `project.lead`, or `custom.` and an id.
    pub fn key(&self) -> String {
        match self {
            Self::BuiltIn(role) => role.key().to_owned(),
            Self::Custom(role) => custom_key(role.id),
        }
    }

    /// Where it is held.
    pub const fn scope(&self) -> ScopeKind {
        match self {
            Self::BuiltIn(role) => role.scope(),
            Self::Custom(role) => role.scope,
        }
    }

    /// What a holder may do.
    pub const fn actions(&self) -> ActionSet {
        match self {
            Self::BuiltIn(role) => role.actions(),
            Self::Custom(role) => role.actions,
        }
    }

    /// Whether it reaches the places below the one it is held at.
    pub const fn inherits_below(&self) -> bool {
        match self {
            Self::BuiltIn(role) => role.inherits_below(),
            Self::Custom(_) => true,
        }
    }

    /// What it is called.
    pub fn text(&self) -> Text {
        match self {
            Self::BuiltIn(role) => role.text(),
            Self::Custom(role) => Text::verbatim(role.name.clone()),
        }
    }

    /// Whether it is this built-in role.
    pub fn is(&self, role: Role) -> bool {
        *self == Self::BuiltIn(role)
    }
}

/// The stored key of a role that an organization made.
pub fn custom_key(id: RoleId) -> String {
    format!("{CUSTOM}{id}")
}

/// The id in the key of a role that an organization made; `None` for other keys.
pub fn custom_id(key: &str) -> Option<RoleId> {
    key.strip_prefix(CUSTOM)?.parse().ok()
}

/// What decides which roles somebody may give or take at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granter {
    /// Whether they own the organization.
    pub owner: bool,
    /// What they may do at the organization.
    pub at_org: ActionSet,
    /// What they may do at the place.
    pub here: ActionSet,
    /// What the token opens by which they act; `None`: they act themselves.
    pub limit: Option<ActionSet>,
}

impl Granter {
    /// Whether they may give or take `role` at the place: nobody gives more than they hold.
    ///
    /// An owner holds the whole organization. Who manages the organization stands above its projects and so
    /// gives every role in them, but at the organization only what they hold themselves, and never ownership.
    /// Who manages a project gives what they may do in it. A token gives no role that may do more than itself:
    /// else it could make somebody who does what it may not.
    pub fn may_give(&self, role: &HeldRole) -> bool {
        if self.limit.is_some_and(|limit| !role.actions().is_within(limit)) {
            return false;
        }
        if self.owner {
            return true;
        }
        let manages_org = self.at_org.has(Action::OrgManage);
        match role.scope() {
            ScopeKind::Org => {
                manages_org && !role.is(Role::OrgOwner) && role.actions().is_within(self.at_org)
            }
            ScopeKind::Project | ScopeKind::App => {
                manages_org || (self.here.has(Action::ProjectManage) && role.actions().is_within(self.here))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TypedId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn id() -> RoleId {
        RoleId::from_uuid(Uuid::nil())
    }

    fn some_actions() -> impl Strategy<Value = ActionSet> {
        proptest::sample::subsequence(Action::ALL.to_vec(), 0..Action::ALL.len())
            .prop_map(|actions| ActionSet::of(&actions))
    }

    proptest! {
        #[test]
        fn whoever_does_not_manage_the_organization_gives_at_most_what_they_hold(
            here in some_actions(),
            actions in some_actions(),
            at in proptest::sample::select(ScopeKind::ALL.to_vec()),
        ) {
            let granter = Granter { here, ..Granter::default() };
            for role in Role::ALL.iter().copied().map(HeldRole::from) {
                prop_assert!(!granter.may_give(&role) || role.actions().is_within(here));
            }
            if let Ok(role) = CustomRole::new(id(), "x", at, actions) {
                let role = HeldRole::Custom(role);
                prop_assert!(!granter.may_give(&role) || role.actions().is_within(here));
            }
        }

        #[test]
        fn only_owners_make_owners(at_org in some_actions(), here in some_actions()) {
            let granter = Granter { at_org, here, ..Granter::default() };
            prop_assert!(!granter.may_give(&Role::OrgOwner.into()));
            let owner = Granter { owner: true, ..granter };
            prop_assert!(owner.may_give(&Role::OrgOwner.into()));
        }

        #[test]
        fn a_token_of_an_owner_gives_only_roles_that_may_do_no_more_than_it(limit in some_actions()) {
            let granter = Granter { owner: true, limit: Some(limit), ..Granter::default() };
            for role in Role::ALL.iter().copied().map(HeldRole::from) {
                prop_assert_eq!(granter.may_give(&role), role.actions().is_within(limit));
            }
        }

        #[test]
        fn a_made_role_can_see_and_stays_within_its_scope(
            actions in some_actions(),
            at in proptest::sample::select(ScopeKind::ALL.to_vec()),
        ) {
            if let Ok(role) = CustomRole::new(id(), "Release captain", at, actions) {
                prop_assert!(role.actions.has(Action::See));
                prop_assert!(role.actions.is_within(at.actions()));
                prop_assert_eq!(custom_id(&HeldRole::Custom(role).key()), Some(id()));
            }
        }
    }

    #[test]
    fn a_lead_gives_every_project_role_but_ownership() {
        let here = Role::ProjectLead.actions();
        let lead = Granter {
            at_org: ActionSet::of(&[Action::See]),
            here,
            ..Granter::default()
        };
        let given: Vec<_> = Role::ALL
            .iter()
            .filter(|r| lead.may_give(&(**r).into()))
            .collect();
        assert!(given.contains(&&Role::ProjectLead) && given.contains(&&Role::AppOwner));
        assert!(!given.contains(&&Role::ProjectOwner) && !given.contains(&&Role::OrgMember));
    }

    #[test]
    fn a_role_of_nothing_or_of_what_is_elsewhere_is_refused() {
        let of = |scope, actions: &[Action]| CustomRole::new(id(), "x", scope, ActionSet::of(actions));
        assert_eq!(of(ScopeKind::App, &[Action::See]), Err(RoleError::Empty));
        assert_eq!(
            of(ScopeKind::App, &[Action::OrgManage]),
            Err(RoleError::Elsewhere(vec![Action::OrgManage]))
        );
        assert_eq!(
            CustomRole::new(id(), " ", ScopeKind::Org, ActionSet::all()),
            Err(RoleError::Nameless)
        );
    }
}
