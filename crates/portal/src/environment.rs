//! Environments: the chain of a project, where each stop runs, and who is asked before it.

pub mod bind;
mod lines;
pub(crate) mod observe;
pub mod settings;

use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::jobs::Job;
use crate::ports::{EnvironmentBinding, EnvironmentRecord, StoreError, Tx};
use crate::signature;
use slipway_domain::approval::{ApprovalPolicy, ApprovalRule, Eligible, satisfiable};
use slipway_domain::environment::{
    BindingView, EnvironmentList, EnvironmentRef, EnvironmentView, Gating, RulePeople, Tier, default_chain,
};
use slipway_domain::freeze::Hours;
use slipway_domain::id::{ClusterId, EnvironmentId, OrgId, ProjectId, UserId};
use slipway_domain::name::{NameError, Slug};
use slipway_domain::person::PersonRef;
use slipway_domain::role::custom_key;
use slipway_domain::signature::{MOST_SIGNERS, Signer};
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, MINUTE};
use std::collections::{BTreeMap, BTreeSet};

/// An environment to be made or changed.
#[derive(Clone, Debug)]
pub struct Input {
    /// In URLs, as in `qa`.
    pub key: String,
    /// For people.
    pub name: String,
    /// How near to the users.
    pub tier: Tier,
    /// Where it runs: cluster and namespace.
    pub binding: Option<(ClusterId, String)>,
    /// Ref patterns whose green pipelines go there by themselves.
    pub branches: Vec<String>,
    /// The approval rules.
    pub policy: ApprovalPolicy,
    /// What it asks for beside approvals.
    pub gating: Gating,
}

/// Makes an environment at the end of the chain.
///
/// # Errors
/// [`Error::Forbidden`]; wrong fields, field by field; or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, project: &str, input: Input) -> Result<EnvironmentId> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let position = change
        .tx()
        .environments(&project.see())
        .await?
        .last()
        .map_or(0, |e| e.environment.position + 1);
    let record = checked(ctx, &mut change, &project, input, position).await?;
    let id = insert(&mut change, &project, &record).await?;
    change.commit().await?;
    Ok(id)
}

/// Makes the default chain: dev, qa, uat and live. `place` says where each runs, by its key.
///
/// # Errors
/// As [`create`]; [`Error::Conflict`] where the project has environments.
pub async fn create_default_chain(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    place: impl Fn(&str) -> Option<(ClusterId, String)>,
) -> Result<()> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    if !change.tx().environments(&project.see()).await?.is_empty() {
        return Err(Error::conflict(
            "has_environments",
            "The project has environments already.",
            "该项目已有环境。",
        ));
    }
    insert_default_chain(ctx, &mut change, &project, place).await?;
    change.commit().await
}

/// Puts the default chain into a project that has no environments.
pub(crate) async fn insert_default_chain(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    project: &Authorized<Project, may::EnvironmentEdit>,
    place: impl Fn(&str) -> Option<(ClusterId, String)>,
) -> Result<()> {
    for (position, new) in (0..).zip(default_chain()) {
        let input = Input {
            key: new.key.to_owned(),
            name: new.name.to_owned(),
            tier: new.tier,
            binding: place(new.key),
            branches: new.branches.iter().map(|b| (*b).to_owned()).collect(),
            policy: ApprovalPolicy::default(),
            gating: Gating::default(),
        };
        let mut record = checked(ctx, change, project, input, position).await?;
        // The people may come later: the page and the gate say who is missing.
        record.policy = new.policy;
        insert(change, project, &record).await?;
    }
    Ok(())
}

async fn insert(
    change: &mut Change<'_>,
    project: &Authorized<Project, may::EnvironmentEdit>,
    record: &EnvironmentRecord,
) -> Result<EnvironmentId> {
    change
        .tx()
        .insert_environment(&project.modify(), record)
        .await
        .map_err(taken)?;
    let environment = &record.environment;
    let place = project.place();
    let summary = summary(record);
    let name = environment.name.clone();
    change
        .audit(Entry::done(
            "environment.create",
            "environment",
            environment.id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("project", project.id(), &place);
    Ok(environment.id)
}

/// Changes the environment `key` as it was at `version`. Promotions that wait for it are looked at again: what
/// was approved by other rules is asked for anew.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`]; [`Error::Conflict`] where somebody else changed it meanwhile.
pub async fn edit(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    key: &str,
    version: i64,
    input: Input,
) -> Result<()> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let chain = change.tx().environments(&project.see()).await?;
    let old = chain
        .into_iter()
        .find(|e| e.environment.key == key)
        .ok_or(Error::NotFound)?;
    let mut record = checked(ctx, &mut change, &project, input, old.environment.position).await?;
    record.environment.id = old.environment.id;
    record.created_at = old.created_at;
    record.rules_version = old.rules_version;
    keep(ctx, change, &project, &old, record, version).await
}

/// Writes the environment down as it is to be, where it is still as at `version`.
async fn keep(
    ctx: &OpCtx,
    mut change: Change<'_>,
    project: &Authorized<Project, may::EnvironmentEdit>,
    old: &EnvironmentRecord,
    mut record: EnvironmentRecord,
    version: i64,
) -> Result<()> {
    record.version = version + 1;
    record.rules_version = old.rules_version + i64::from(record.policy != old.policy);
    change
        .tx()
        .update_environment(&project.modify(), &record, version)
        .await
        .map_err(taken)?;
    let place = project.place();
    let mut summary = summary(&record);
    summary["rules_changed"] = (record.rules_version != old.rules_version).into();
    let name = record.environment.name.clone();
    change
        .audit(Entry::done(
            "environment.edit",
            "environment",
            old.environment.id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("project", project.id(), &place);
    look_at_pending(ctx, &mut change, project.org_id()).await?;
    // It may run elsewhere now, or have had no cluster to look at before.
    for (app, environment) in change.tx().running_stops().await? {
        if environment == old.environment.id {
            let key = observe::job_key(app, environment);
            change
                .enqueue(&Job::Observe { app, environment }, ctx.now(), Some(&key))
                .await?;
        }
    }
    change.commit().await
}

/// Puts the chain into the order of `keys`, which names every environment once.
///
/// # Errors
/// [`Error::Forbidden`]; a wrong list; or the database does not answer.
pub async fn reorder(ctx: &OpCtx, org: &str, project: &str, keys: &[String]) -> Result<()> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let chain = change.tx().environments(&project.see()).await?;
    let named: BTreeSet<&String> = keys.iter().collect();
    let known: BTreeSet<&String> = chain.iter().map(|e| &e.environment.key).collect();
    if named != known || keys.len() != chain.len() {
        return Err(Error::field(
            "keys",
            Text::new("name every environment once", "请将每个环境列出一次"),
        ));
    }
    for mut record in chain {
        let at = keys
            .iter()
            .position(|k| *k == record.environment.key)
            .unwrap_or(0);
        let position = i64::try_from(at).unwrap_or(0);
        if record.environment.position != position {
            let was = record.version;
            record.environment.position = position;
            record.version += 1;
            change
                .tx()
                .update_environment(&project.modify(), &record, was)
                .await?;
        }
    }
    let place = project.place();
    let summary = serde_json::json!({ "order": keys });
    let name = project.project.name.clone();
    change
        .audit(Entry::done(
            "environment.reorder",
            "project",
            project.id(),
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("project", project.id(), &place);
    look_at_pending(ctx, &mut change, project.org_id()).await?;
    change.commit().await
}

/// Has every promotion that waits in the organization looked at again: rules or members changed.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn look_at_pending(ctx: &OpCtx, change: &mut Change<'_>, org: OrgId) -> Result<()> {
    for (promotion, app) in change.tx().pending_in(org).await? {
        let key = crate::promotion::job_key(promotion);
        change
            .enqueue(&Job::Promotion { app, promotion }, ctx.now(), Some(&key))
            .await?;
    }
    Ok(())
}

/// The chain, as its page shows it.
///
/// # Errors
/// As [`access::project`].
pub async fn list(ctx: &OpCtx, org: &str, project: &str) -> Result<EnvironmentList> {
    let project = access::project::<may::See>(ctx, org, project).await?;
    let may_edit = ctx
        .rights()
        .await?
        .in_project(&project)
        .has(slipway_domain::access::Action::EnvironmentEdit);
    let mut tx = ctx.read().await?;
    let clusters: Vec<_> = tx
        .clusters(project.org_id())
        .await?
        .into_iter()
        .map(|c| c.cluster)
        .collect();
    let mut environments = Vec::new();
    for record in tx.environments(&project).await? {
        let (rules, _) = rule_people(&mut *tx, &project, &record.policy).await?;
        let binding = record.binding.and_then(|binding| {
            let cluster = clusters.iter().find(|c| c.id == binding.cluster)?;
            Some(BindingView {
                cluster: cluster.id,
                cluster_name: cluster.name.clone(),
                namespace: binding.namespace,
                last_ok_at: cluster.last_ok_at,
                trouble: cluster.trouble.clone(),
            })
        });
        let lines = lines::write(&mut *tx, &project, &record.policy.rules).await?;
        environments.push(EnvironmentView {
            environment: record.environment,
            version: record.version,
            binding,
            policy: record.policy,
            rules_version: record.rules_version,
            rules,
            branches: record.branches,
            gating: record.gating,
            lines,
        });
    }
    let delegations = crate::delegation::shown_in(ctx, &mut *tx, &project, &environments).await?;
    Ok(EnvironmentList {
        place: project.place(),
        environments,
        clusters,
        may_edit,
        delegations,
    })
}

/// Refuses to delete a group or a role that approval rules name: they would ask for people whom nobody could be.
pub(crate) async fn not_in_rules(tx: &mut dyn Tx, org: OrgId, id: &str, name: &str) -> Result<()> {
    let rules = tx.named_by_rules(org, id).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let list = |between: &str| {
        let places: Vec<_> = rules
            .iter()
            .map(|(project, env)| format!("{project} / {env}"))
            .collect();
        places.join(between)
    };
    Err(Error::refused(
        "named_by_rules",
        format!(
            "Approval rules name “{name}”: {}. Change these rules first.",
            list(", ")
        ),
        format!("审批规则中引用了“{name}”：{}。请先修改这些规则。", list("、")),
    ))
}

/// The rules with what and whom they name, and what is wrong with them as they stand.
async fn rule_people(
    tx: &mut dyn Tx,
    project: &Authorized<Project, may::See>,
    policy: &ApprovalPolicy,
) -> Result<(Vec<RulePeople>, Option<Text>)> {
    let mut people = eligible(tx, project.org_id(), project.id(), policy).await?;
    let wrong = wrong_policy(policy, &people);
    let groups = tx.groups(&access::org_of_project(project)).await?;
    let custom = tx.custom_roles(project.org_id()).await?;
    let named = |one: &Eligible| match one {
        Eligible::Role(role) => Some(role.text()),
        Eligible::Custom(id) => {
            let role = custom.iter().find(|role| role.id == *id);
            role.map(|role| Text::verbatim(role.name.clone()))
        }
        Eligible::Group(id) => {
            let row = groups.iter().find(|row| row.group.id == *id);
            row.map(|row| Text::verbatim(row.group.name.clone()))
        }
        // Their names stand among the people.
        Eligible::User(_) => None,
    };
    let rules = policy.rules.iter().map(|rule| {
        let mut people: Vec<PersonRef> = people
            .remove(&rule.id)
            .unwrap_or_default()
            .into_values()
            .collect();
        people.sort_by(|a, b| a.name.cmp(&b.name));
        RulePeople {
            rule: rule.clone(),
            named: rule.eligible.iter().filter_map(named).collect(),
            people,
        }
    });
    Ok((rules.collect(), wrong))
}

/// Who each rule names now, by rule id.
pub(crate) async fn eligible(
    tx: &mut dyn Tx,
    org: OrgId,
    project: ProjectId,
    policy: &ApprovalPolicy,
) -> Result<BTreeMap<String, BTreeMap<UserId, PersonRef>>> {
    let mut all = BTreeMap::new();
    for rule in &policy.rules {
        let mut people: BTreeMap<UserId, PersonRef> = BTreeMap::new();
        for named in &rule.eligible {
            match named {
                Eligible::Role(role) => people.extend(tx.holders(org, project, role.key()).await?),
                Eligible::Custom(role) => {
                    people.extend(tx.holders(org, project, &custom_key(*role)).await?);
                }
                Eligible::Group(group) => {
                    people.extend(
                        tx.people_of_group(org, *group)
                            .await?
                            .into_iter()
                            .map(|p| (p.id, p)),
                    );
                }
                Eligible::User(user) => {
                    let person = tx.person(*user).await?.filter(|p| p.deactivated_at.is_none());
                    people.extend(person.map(|p| (p.id, p.as_ref())));
                }
            }
        }
        all.insert(rule.id.clone(), people);
    }
    Ok(all)
}

async fn checked(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    project: &Authorized<Project, may::EnvironmentEdit>,
    input: Input,
    position: i64,
) -> Result<EnvironmentRecord> {
    let key = Slug::parse(&input.key).map_err(|e| Error::name("key", e))?;
    let mut wrong = Vec::new();
    let name = input.name.trim().to_owned();
    if name.is_empty() {
        wrong.push(said("name", NameError::Empty.text()));
    }
    let binding = placed(change, project.org_id(), input.binding, &mut wrong).await?;
    let branches = branches_of(&input.branches, &mut wrong);
    let people = eligible(change.tx(), project.org_id(), project.id(), &input.policy).await?;
    if let Some(text) = wrong_policy(&input.policy, &people) {
        wrong.push(said("policy", text));
    }
    wrong.extend(wrong_gating(&input.gating));
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    Ok(EnvironmentRecord {
        environment: EnvironmentRef {
            id: ctx.id(),
            key: key.to_string(),
            name,
            tier: input.tier,
            position,
        },
        binding,
        branches,
        policy: input.policy,
        gating: input.gating,
        rules_version: 1,
        version: 1,
        created_at: ctx.now(),
    })
}

fn said(field: &str, text: Text) -> FieldError {
    FieldError {
        field: field.to_owned(),
        text,
    }
}

/// The binding that was meant, or what is wrong with it.
async fn placed(
    change: &mut Change<'_>,
    org: OrgId,
    binding: Option<(ClusterId, String)>,
    wrong: &mut Vec<FieldError>,
) -> Result<Option<EnvironmentBinding>> {
    let Some((cluster, namespace)) = binding else {
        return Ok(None);
    };
    if !is_label(&namespace) {
        wrong.push(said(
            "namespace",
            Text::new(
                "use 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends",
                "请使用 1 到 63 个 a-z、0-9 或 -，首尾须为字母或数字",
            ),
        ));
    }
    if change.tx().cluster(org, cluster).await?.is_none() {
        wrong.push(said(
            "cluster",
            Text::new("choose one of the organization's clusters", "请选择组织内的集群"),
        ));
    }
    Ok(Some(EnvironmentBinding { cluster, namespace }))
}

/// The patterns that were meant, or what is wrong with them.
fn branches_of(patterns: &[String], wrong: &mut Vec<FieldError>) -> Vec<String> {
    if patterns.iter().any(|pattern| pattern.trim().is_empty()) {
        wrong.push(said(
            "branches",
            Text::new(
                "a pattern is empty; `*` stands for every branch",
                "模式不能为空；`*` 表示所有分支",
            ),
        ));
    }
    patterns.iter().map(|pattern| pattern.trim().to_owned()).collect()
}

/// What no approval could ever satisfy, or nobody could mean.
fn wrong_policy(
    policy: &ApprovalPolicy,
    people: &BTreeMap<String, BTreeMap<UserId, PersonRef>>,
) -> Option<Text> {
    let ids: BTreeSet<&str> = policy.rules.iter().map(|r| r.id.as_str()).collect();
    if ids.len() != policy.rules.len() || ids.contains("") {
        return Some(Text::new(
            "each rule needs an id of its own",
            "每条规则须有唯一的标识",
        ));
    }
    if policy.rules.iter().any(|r| r.required == 0) {
        return Some(Text::new(
            "a rule must need at least one approval",
            "每条规则至少需要一个审批",
        ));
    }
    if !(MINUTE..=365 * DAY).contains(&policy.lifetime) || !(MINUTE..=365 * DAY).contains(&policy.validity) {
        return Some(Text::new(
            "use between a minute and a year",
            "时长须在一分钟到一年之间",
        ));
    }
    let named = |rule: &ApprovalRule| -> BTreeSet<UserId> {
        people
            .get(&rule.id)
            .map(|p| p.keys().copied().collect())
            .unwrap_or_default()
    };
    let short = policy.rules.iter().find(|r| named(r).len() < r.required as usize);
    if let Some(rule) = short {
        let (needs, has) = (rule.required, named(rule).len());
        return Some(Text::new(
            format!(
                "“{}” needs {needs} approvals, but names only {has} people: name more, or ask for fewer",
                rule.name.en
            ),
            format!(
                "“{}”需要 {needs} 个审批，但只有 {has} 人可审批：请增加审批人或减少所需数量",
                rule.name.zh
            ),
        ));
    }
    let seats: Vec<_> = policy
        .rules
        .iter()
        .map(|r| (r.required as usize, named(r)))
        .collect();
    (!satisfiable(&seats)).then(|| {
        Text::new(
            "the rules together need more people than they name, for each person counts in one rule only",
            "每人只计入一条规则，各规则所需人数之和超过了可审批人数",
        )
    })
}

/// Allowed hours and soak time that nobody could mean.
fn wrong_gating(gating: &Gating) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    if let Some(text) = gating.hours.iter().find_map(Hours::check) {
        wrong.push(said("hours", text));
    }
    if !(0..=30 * DAY).contains(&gating.soak) {
        wrong.push(said("soak", Text::new("use 0 to 30 days", "请使用 0 到 30 天")));
    }
    if let Some(text) = wrong_signers(&gating.signers) {
        wrong.push(said("signers", text));
    }
    if gating.findings_allowed > 10_000 {
        wrong.push(said(
            "findings_allowed",
            Text::new("use 0 to 10000", "请使用 0 到 10000"),
        ));
    }
    wrong
}

fn wrong_signers(signers: &[Signer]) -> Option<Text> {
    if signers.len() > MOST_SIGNERS {
        return Some(Text::new(
            format!("at most {MOST_SIGNERS} keys"),
            format!("最多 {MOST_SIGNERS} 个密钥"),
        ));
    }
    for (i, signer) in signers.iter().enumerate() {
        let name = signer.name.trim();
        if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
            return Some(Text::new(
                format!("key {}: its name is one line of at most 60 characters", i + 1),
                format!("第 {} 个密钥：名称为一行，最多 60 个字符", i + 1),
            ));
        }
        if signers[..i].iter().any(|other| other.name == signer.name) {
            return Some(Text::new(
                format!("two keys are called “{name}”"),
                format!("有两个密钥都叫“{name}”"),
            ));
        }
    }
    signers.iter().find_map(signature::wrong_key)
}

/// RFC 1123's label, as namespaces are named.
fn is_label(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|&b| good(b) || b == b'-')
        && good(bytes[0])
        && good(bytes[bytes.len() - 1])
}

fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Constraint(name) if name.contains("namespace") => Error::field(
            "namespace",
            Text::new(
                "another environment uses this namespace of the cluster",
                "该集群的此命名空间已被其他环境使用",
            ),
        ),
        StoreError::Constraint(_) => Error::field("key", Text::new("this key is taken", "该标识已被使用")),
        other => other.into(),
    }
}

fn summary(record: &EnvironmentRecord) -> serde_json::Value {
    serde_json::json!({
        "key": record.environment.key,
        "tier": record.environment.tier,
        "namespace": record.binding.as_ref().map(|b| &b.namespace),
        "cluster": record.binding.as_ref().map(|b| b.cluster),
        "branches": record.branches,
        "gating": record.gating,
        "rules": record.policy.rules.iter().map(|r| format!("{}:{}", r.id, r.required)).collect::<Vec<_>>(),
    })
}
