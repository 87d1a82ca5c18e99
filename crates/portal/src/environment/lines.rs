//! Approval rules as lines that people write, one rule a line: `ops: 1 of project.ops, @dana, group:Release crew,
//! role:Release manager`; what follows `role:` is the name of a role that the organization made.

use crate::access::{self, Authorized, Project, may};
use crate::error::{Error, Result};
use crate::ports::Tx;
use slipway_domain::access::{Role, ScopeKind};
use slipway_domain::approval::{ApprovalRule, Eligible};
use slipway_domain::text::Text;

/// The rules as lines.
pub(super) async fn write(
    tx: &mut dyn Tx,
    project: &Authorized<Project, may::See>,
    rules: &[ApprovalRule],
) -> Result<String> {
    let groups = tx.groups(&access::org_of_project(project)).await?;
    let custom = tx.custom_roles(project.org_id()).await?;
    let mut lines = Vec::new();
    for rule in rules {
        let mut named = Vec::new();
        for eligible in &rule.eligible {
            named.push(match eligible {
                Eligible::Role(role) => role.key().to_owned(),
                Eligible::Custom(id) => {
                    let found = custom.iter().find(|role| role.id == *id);
                    format!(
                        "role:{}",
                        found.map_or_else(|| id.to_string(), |role| role.name.clone())
                    )
                }
                Eligible::User(user) => tx
                    .person(*user)
                    .await?
                    .map_or_else(|| user.to_string(), |person| format!("@{}", person.username)),
                Eligible::Group(group) => {
                    let found = groups.iter().find(|one| one.group.id == *group);
                    format!(
                        "group:{}",
                        found.map_or_else(|| group.to_string(), |one| one.group.name.clone())
                    )
                }
            });
        }
        lines.push(format!(
            "{}: {} of {}",
            rule.name.en,
            rule.required,
            named.join(", ")
        ));
    }
    Ok(lines.join("\n"))
}

fn wrong(line: &str, en: &str, zh: &str) -> Error {
    Error::field(
        "rules",
        Text::new(format!("“{line}”: {en}"), format!("“{line}”：{zh}")),
    )
}

/// The rules that the lines mean. A rule that was called so before keeps its id and its words in both languages.
///
/// # Errors
/// The line that cannot be read, and what to write instead.
pub(super) async fn read(
    tx: &mut dyn Tx,
    project: &Authorized<Project, may::See>,
    text: &str,
    before: &[ApprovalRule],
) -> Result<Vec<ApprovalRule>> {
    let groups = tx.groups(&access::org_of_project(project)).await?;
    let custom = tx.custom_roles(project.org_id()).await?;
    let people = tx.people().await?;
    let mut rules: Vec<ApprovalRule> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let bad = || {
            wrong(
                line,
                "write a rule as in ops: 1 of project.ops, @dana",
                "请按此格式书写：运维: 1 of project.ops, @dana",
            )
        };
        let (name, rest) = line.split_once([':', '：']).ok_or_else(bad)?;
        let (required, named) = rest.trim().split_once(" of ").ok_or_else(bad)?;
        let (name, required) = (name.trim(), required.trim().parse().map_err(|_| bad())?);
        let mut eligible = Vec::new();
        for one in named.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let unknown = || {
                wrong(
                    line,
                    &format!("nobody is called {one} here"),
                    &format!("此处没有 {one}"),
                )
            };
            eligible.push(if let Some(user) = one.strip_prefix('@') {
                let found = people
                    .iter()
                    .find(|p| p.username == user && p.deactivated_at.is_none());
                Eligible::User(found.ok_or_else(unknown)?.id)
            } else if let Some(group) = one.strip_prefix("group:") {
                let found = groups.iter().find(|known| known.group.name == group.trim());
                Eligible::Group(found.ok_or_else(unknown)?.group.id)
            } else if let Some(name) = one.strip_prefix("role:") {
                let found = custom.iter().find(|role| role.name == name.trim());
                let role = found.ok_or_else(unknown)?;
                if role.scope == ScopeKind::App {
                    return Err(wrong(
                        line,
                        &format!(
                            "{} is held at single apps; rules count who holds a role in the project or above",
                            role.name
                        ),
                        &format!("{} 只在单个应用上授予；审批规则只计项目及以上的角色", role.name),
                    ));
                }
                Eligible::Custom(role.id)
            } else {
                Eligible::Role(Role::from_key(one).ok_or_else(unknown)?)
            });
        }
        let known = before
            .iter()
            .find(|rule| rule.name.en == name || rule.name.zh == name);
        let taken = |id: &str| rules.iter().any(|rule| rule.id == id);
        let mut id = known.map_or_else(|| format!("r{}", rules.len() + 1), |rule| rule.id.clone());
        while taken(&id) {
            id.push('x');
        }
        rules.push(ApprovalRule {
            id,
            name: known.map_or_else(|| Text::verbatim(name), |rule| rule.name.clone()),
            eligible,
            required,
        });
    }
    Ok(rules)
}
