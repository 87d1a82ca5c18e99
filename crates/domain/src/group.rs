//! Groups: named sets of people in an organization, which can hold roles.

use crate::access::ScopeKind;
use crate::id::{BindingId, GroupId};
use crate::name::NameError;
use crate::org::OrgRef;
use crate::person::PersonRef;
use crate::role::HeldRole;
use serde::{Deserialize, Serialize};

/// The longest name of a group, in characters.
pub const NAME_MAX: usize = 60;

/// A group by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GroupRef {
    /// Which.
    pub id: GroupId,
    /// For people, unique in the organization.
    pub name: String,
}

/// A group in its organization's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// Which.
    pub group: GroupRef,
    /// How many people are in it.
    pub people: i64,
    /// How many roles it holds.
    pub roles: i64,
    /// The group of a sign-in provider whose members are put into it at sign-in.
    pub claim: Option<String>,
}

/// The groups of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupList {
    /// Where.
    pub org: OrgRef,
    /// By name.
    pub groups: Vec<GroupRow>,
    /// Whether the reader may make and change groups.
    pub may_manage: bool,
}

/// A role of a group and the place it is held at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRole {
    /// The binding.
    pub binding: BindingId,
    /// Which role.
    pub role: HeldRole,
    /// The kind of place.
    pub at: ScopeKind,
    /// The place's name.
    pub place: String,
    /// The address of the place's members' page.
    pub path: String,
}

/// What the page of a group shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Where.
    pub org: OrgRef,
    /// Which.
    pub group: GroupRef,
    /// The group of a sign-in provider whose members are put into it at sign-in.
    pub claim: Option<String>,
    /// Who is in it, by name.
    pub people: Vec<PersonRef>,
    /// The roles it holds in places the reader sees.
    pub roles: Vec<GroupRole>,
    /// Whether the reader may change it.
    pub may_manage: bool,
    /// People of the organization who are not in it. Only for those who may change it.
    pub others: Vec<PersonRef>,
}

/// The name of a group, without spaces around it.
///
/// # Errors
/// It is empty or too long.
pub fn name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    match name.chars().count() {
        0 => Err(NameError::Empty),
        n if n > NAME_MAX => Err(NameError::Long),
        _ => Ok(name.to_owned()),
    }
}
