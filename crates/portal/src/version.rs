//! Versions of what has no number of its own, for updates that are made only on what was read: HTTP's `ETag` and
//! `If-Match`.

use sha2::{Digest, Sha256};
use slipway_domain::connection::{Cluster, Connection};
use slipway_domain::feature::Features;
use slipway_domain::freeze::Freeze;
use slipway_domain::id::BindingId;
use slipway_domain::item::IterationRef;
use slipway_domain::mail::MailServer;
use slipway_domain::notice::NoticeSettings;
use slipway_domain::org::OrgRef;
use slipway_domain::person::Person;
use slipway_domain::quota::Quota;
use slipway_domain::role::HeldRole;

/// A number that is another one whenever `content` is; never negative.
pub fn of(content: &serde_json::Value) -> i64 {
    let digest = Sha256::digest(content.to_string().as_bytes());
    let bytes = std::array::from_fn(|at| digest[at]);
    i64::from_be_bytes(bytes) & i64::MAX
}

/// Of what an organization is called.
pub fn org(org: &OrgRef) -> i64 {
    of(&serde_json::json!([org.slug, org.name]))
}

/// Of what a project is called and who sees it.
pub fn project(slug: &str, name: &str, description: &str, internal: bool) -> i64 {
    of(&serde_json::json!([slug, name, description, internal]))
}

/// Of what an app is called.
pub fn app(slug: &str, name: &str, description: &str) -> i64 {
    of(&serde_json::json!([slug, name, description]))
}

/// Of a group's name and of what fills it.
pub fn group(name: &str, claim: Option<&str>) -> i64 {
    of(&serde_json::json!([name, claim]))
}

/// Of a role that is held.
pub fn member(binding: BindingId, role: &HeldRole) -> i64 {
    of(&serde_json::json!([binding.to_string(), role.key()]))
}

/// Of the switches of a project.
pub fn features(on: Features) -> i64 {
    let off: Vec<_> = on.off().map(slipway_domain::feature::Feature::key).collect();
    of(&serde_json::json!(off))
}

/// Of an environment's quota.
pub fn quota(quota: &Quota) -> i64 {
    of(&serde_json::json!([
        quota.cpu_millis,
        quota.memory_mib,
        quota.pods
    ]))
}

/// Of what a person wants to be told.
pub fn notices(settings: &NoticeSettings) -> i64 {
    let off = settings.kinds.iter().filter(|(_, on)| !on);
    let muted = settings.projects.iter().filter(|choice| choice.muted);
    of(&serde_json::json!([
        off.map(|(kind, _)| kind.key()).collect::<Vec<_>>(),
        muted
            .map(|choice| choice.project.id.to_string())
            .collect::<Vec<_>>(),
    ]))
}

/// Of what a person's account says.
pub fn profile(person: &Person) -> i64 {
    of(&serde_json::json!([person.name, person.email, person.locale]))
}

/// Of an organization's own mail server, but for its password.
pub fn mail(own: Option<&MailServer>) -> i64 {
    of(&serde_json::json!(own))
}

/// Of what an iteration is called, and of its days.
pub fn iteration(one: &IterationRef) -> i64 {
    of(&serde_json::json!([
        one.name,
        one.goal,
        one.starts_on,
        one.ends_on
    ]))
}

/// Of a connection, but for its secrets.
pub fn connection(one: &Connection) -> i64 {
    let application = one.oauth.as_ref().map(|oauth| &oauth.application_id);
    of(&serde_json::json!([one.name, one.base_url, application]))
}

/// Of a cluster, but for its credentials.
pub fn cluster(one: &Cluster) -> i64 {
    of(&serde_json::json!([one.name, one.context]))
}

/// Of a freeze window.
pub fn freeze(freeze: &Freeze) -> i64 {
    let window = &freeze.window;
    let repeats = window
        .repeats
        .as_ref()
        .map(slipway_domain::freeze::Recurrence::as_str);
    of(&serde_json::json!([
        freeze.name,
        freeze.reason,
        freeze.effect.key(),
        window.zone,
        window.start.to_string(),
        window.end.to_string(),
        repeats,
        freeze.tiers.iter().map(|tier| tier.key()).collect::<Vec<_>>(),
    ]))
}
