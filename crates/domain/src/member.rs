//! Members: who holds which role where, and what that lets them do.

use crate::access::{Action, ActionSet, ScopeKind};
use crate::group::GroupRef;
use crate::id::{BindingId, GroupId, UserId};
use crate::invitation::{Invitation, RoleRequest};
use crate::person::PersonRef;
use crate::project::Place;
use crate::role::{CustomRole, HeldRole};
use serde::{Deserialize, Serialize};

/// One role somebody holds, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The binding.
    pub binding: BindingId,
    /// Who.
    pub person: PersonRef,
    /// Which role.
    pub role: HeldRole,
    /// The kind of place it is held at: the one that was asked about, or one above it.
    pub at: ScopeKind,
    /// Whether it is inherited from a place above.
    pub inherited: bool,
    /// The group that holds it; `None`: the person does.
    pub via: Option<GroupRef>,
}

impl Member {
    /// What the role lets its holder do at the place that was asked about.
    pub const fn gives(&self) -> ActionSet {
        if self.inherited && !self.role.inherits_below() {
            ActionSet::EMPTY
        } else {
            self.role.actions()
        }
    }
}

/// One role a group holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupHolding {
    /// The binding.
    pub binding: BindingId,
    /// Which group.
    pub group: GroupRef,
    /// Which role.
    pub role: HeldRole,
    /// The kind of place it is held at.
    pub at: ScopeKind,
    /// Whether it is inherited from a place above.
    pub inherited: bool,
    /// How many people are in the group.
    pub people: i64,
}

/// Who a role is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A person.
    Person(UserId),
    /// Everybody in a group.
    Group(GroupId),
}

impl Holder {
    /// As a form sends it: `person.` or `group.` and an id.
    pub fn key(self) -> String {
        match self {
            Self::Person(id) => format!("person.{id}"),
            Self::Group(id) => format!("group.{id}"),
        }
    }

    /// Reads what [`key`](Self::key) wrote.
    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once('.')? {
            ("person", id) => id.parse().ok().map(Self::Person),
            ("group", id) => id.parse().ok().map(Self::Group),
            _ => None,
        }
    }
}

/// Why somebody may do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A role of theirs allows it.
    Role(Member),
    /// The project is open to all members of the organization.
    Internal,
    /// They hold a role in an app of the project.
    AppInside,
}

/// What somebody may do, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ability {
    /// What.
    pub action: Action,
    /// Every reason; none: they may not.
    pub reasons: Vec<Reason>,
}

/// What the place itself lets somebody see, beside their roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Openness {
    /// It is in a project that all members of the organization see, and they are one.
    pub internal: bool,
    /// It is a project, and they hold a role in one of its apps.
    pub app_inside: bool,
}

/// What the holder of `roles` may do at a place of kind `here`, action by action, and why.
pub fn explain(here: ScopeKind, roles: &[Member], open: Openness) -> Vec<Ability> {
    let ability = |action: Action| {
        let held = roles.iter().filter(|role| role.gives().has(action)).cloned();
        let mut reasons: Vec<_> = held.map(Reason::Role).collect();
        if action == Action::See {
            reasons.extend(open.internal.then_some(Reason::Internal));
            reasons.extend(open.app_inside.then_some(Reason::AppInside));
        }
        Ability { action, reasons }
    };
    here.actions().iter().map(ability).collect()
}

/// What the members' page of a place shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberPage {
    /// Where.
    pub place: Place,
    /// One entry a role that somebody holds here or above, by name.
    pub members: Vec<Member>,
    /// One entry a role that a group holds here or above, by name.
    pub groups: Vec<GroupHolding>,
    /// The organization's own roles.
    pub custom_roles: Vec<CustomRole>,
    /// Whether the reader may manage the members.
    pub may_manage: bool,
    /// The roles of this kind of place that the reader may give.
    pub grantable: Vec<HeldRole>,
    /// People of the organization, by name: who a role can be given to. Only for those who may manage.
    pub people: Vec<PersonRef>,
    /// Groups of the organization, by name. Only for those who may manage.
    pub all_groups: Vec<GroupRef>,
    /// Open invitations to this place. Only for those who may manage.
    pub invitations: Vec<Invitation>,
    /// Whether the link of an invitation can be mailed. Only for those who may manage.
    pub mails: bool,
    /// Requests that wait for the reader, or that are the reader's own.
    pub requests: Vec<RoleRequest>,
    /// The roles that the reader could ask for: those that add something to what they may do.
    pub askable: Vec<HeldRole>,
}

/// What the page of a person at a place shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonHere {
    /// Where.
    pub place: Place,
    /// Who.
    pub person: PersonRef,
    /// Their roles here and above.
    pub roles: Vec<Member>,
    /// What they may do here, and why.
    pub abilities: Vec<Ability>,
    /// The roles of this kind of place that the reader may give.
    pub grantable: Vec<HeldRole>,
    /// The roles held right here that the reader may change or take away.
    pub removable: Vec<BindingId>,
    /// Whether the reader may remove the person from here.
    pub may_remove: bool,
    /// Whether it is the reader.
    pub own: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;
    use crate::id::TypedId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn member(role: Role, here: ScopeKind) -> Member {
        Member {
            binding: BindingId::from_uuid(Uuid::nil()),
            person: PersonRef {
                id: UserId::from_uuid(Uuid::nil()),
                username: String::from("dora"),
                name: String::from("Dora"),
            },
            role: role.into(),
            at: role.scope(),
            inherited: role.scope() != here,
            via: None,
        }
    }

    proptest! {
        #[test]
        fn every_allowed_action_names_a_role_that_allows_it_and_no_other_does(
            roles in proptest::collection::vec(proptest::sample::select(Role::ALL.to_vec()), 0..5),
        ) {
            let held: Vec<_> = roles.iter().map(|role| member(*role, ScopeKind::App)).collect();
            for ability in explain(ScopeKind::App, &held, Openness::default()) {
                let allowing = roles
                    .iter()
                    .filter(|r| **r != Role::OrgMember && r.actions().has(ability.action))
                    .count();
                prop_assert_eq!(ability.reasons.len(), allowing);
            }
        }
    }

    #[test]
    fn a_member_of_the_organization_sees_what_is_internal_and_nothing_else() {
        let held = [member(Role::OrgMember, ScopeKind::Project)];
        let open = Openness {
            internal: true,
            app_inside: false,
        };
        for ability in explain(ScopeKind::Project, &held, open) {
            let expected: &[Reason] = if ability.action == Action::See {
                &[Reason::Internal]
            } else {
                &[]
            };
            assert_eq!(ability.reasons, expected);
        }
    }

    #[test]
    fn a_holder_is_read_as_it_was_written() {
        let id = Uuid::from_u128(7);
        for holder in [
            Holder::Person(UserId::from_uuid(id)),
            Holder::Group(GroupId::from_uuid(id)),
        ] {
            assert_eq!(Holder::from_key(&holder.key()), Some(holder));
        }
        assert_eq!(Holder::from_key("person.x"), None);
        assert_eq!(Holder::from_key(&id.to_string()), None);
    }
}
