//! Delegations: somebody gives their approvals in a project to another, for a time.

use crate::access::{self, Authorized, Project, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::environment::look_at_pending;
use crate::error::{Error, Result};
use crate::ports::{StoreError, Tx};
use slipway_domain::access::Action;
use slipway_domain::delegation::{Delegation, DelegationView};
use slipway_domain::environment::EnvironmentView;
use slipway_domain::id::{DelegationId, ProjectId};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// What is given.
#[derive(Clone, Debug)]
pub struct Input {
    /// The user name of who is to act.
    pub to: String,
    /// The key of the one environment; empty: all of the project.
    pub environment: String,
    /// From then on; `None`: from now on.
    pub starts_at: Option<Timestamp>,
    /// Until then.
    pub ends_at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Gives one's own approvals in a project to another, who must see the project.
///
/// # Errors
/// [`Error::NotFound`]; wrong fields, field by field.
pub async fn give(ctx: &OpCtx, org: &str, project: &str, input: Input) -> Result<DelegationId> {
    let project = access::project::<may::SeeReleases>(ctx, org, project)
        .await?
        .see();
    let from = ctx.changing_oneself()?.clone();
    access::alive(&project.place())?;
    let mut change = ctx.change().await?;
    let named = input.to.trim().trim_start_matches('@');
    let found = change
        .tx()
        .people()
        .await?
        .into_iter()
        .find(|person| person.username == named);
    let nobody = || {
        Error::field(
            "to",
            Text::new(
                "no active member of the project has this user name",
                "项目中没有该用户名的成员",
            ),
        )
    };
    let to = found
        .filter(|person| person.deactivated_at.is_none())
        .ok_or_else(nobody)?
        .as_ref();
    let rights = access::Rights::of(change.tx().role_bindings_of(to.id).await?);
    if !rights.in_project(&project).has(Action::See) {
        return Err(nobody());
    }
    let environment = match input.environment.trim() {
        "" => None,
        key => {
            let chain = change.tx().environments(&project).await?;
            let found = chain.into_iter().find(|e| e.environment.key == key);
            Some(found.ok_or_else(|| {
                Error::field(
                    "environment",
                    Text::new("the project has no such environment", "项目中没有该环境"),
                )
            })?)
        }
    };
    let now = ctx.now();
    let given = Delegation {
        id: ctx.id(),
        from,
        to,
        environment: environment.as_ref().map(|e| e.environment.id),
        starts_at: input.starts_at.unwrap_or(now),
        ends_at: input.ends_at,
        revoked_at: None,
        reason: input.reason.trim().to_owned(),
    };
    if let Some((field, text)) = given.wrong(now) {
        return Err(Error::field(field, text));
    }
    change.tx().insert_delegation(&project, &given, now).await?;
    let place = project.place();
    let summary = serde_json::json!({
        "from": given.from.username, "to": given.to.username, "reason": given.reason,
        "environment": environment.map(|e| e.environment.key),
        "starts_at": given.starts_at.rfc3339(), "ends_at": given.ends_at.rfc3339(),
    });
    let name = given.to.name.clone();
    change
        .audit(Entry::done(
            "delegation.give",
            "delegation",
            given.id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch_person("person", given.to.id, project.org_id());
    change.touch_person("person", given.from.id, project.org_id());
    look_at_pending(ctx, &mut change, project.org_id()).await?;
    change.commit().await?;
    Ok(given.id)
}

/// Takes back what one gave: approvals given by it that have not started anything do not count any more.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn take_back(ctx: &OpCtx, id: DelegationId) -> Result<()> {
    let from = ctx.changing_oneself()?.clone();
    let mut change = ctx.change().await?;
    let all = change.tx().delegations_of(from.id, ctx.now()).await?;
    let (project, given) = all
        .into_iter()
        .find(|(_, given)| given.id == id && given.from.id == from.id)
        .ok_or(Error::NotFound)?;
    let project = access::project_by_id::<may::See>(ctx, project).await?;
    change
        .tx()
        .revoke_delegation(id, from.id, ctx.now())
        .await
        .map_err(|error| match error {
            StoreError::Gone => Error::NotFound,
            other => other.into(),
        })?;
    let place = project.place();
    let summary = serde_json::json!({ "from": given.from.username, "to": given.to.username });
    let name = given.to.name.clone();
    change
        .audit(Entry::done(
            "delegation.take_back",
            "delegation",
            id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch_person("person", given.to.id, project.org_id());
    change.touch_person("person", from.id, project.org_id());
    look_at_pending(ctx, &mut change, project.org_id()).await?;
    change.commit().await
}

/// What one gave and got, that is not over.
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn mine(ctx: &OpCtx) -> Result<Vec<DelegationView>> {
    let user = ctx.oneself()?.id;
    let now = ctx.now();
    let mut views = Vec::new();
    for (project, delegation) in ctx.read().await?.delegations_of(user, now).await? {
        let project = match access::project_by_id::<may::See>(ctx, project).await {
            Ok(project) => project,
            Err(Error::NotFound) => continue,
            Err(error) => return Err(error),
        };
        let environment = match delegation.environment {
            Some(id) => ctx
                .read()
                .await?
                .environment(&project, id)
                .await?
                .map(|(one, _)| one.environment),
            None => None,
        };
        views.push(DelegationView {
            place: project.place(),
            environment,
            open: delegation.covers(now),
            mine: delegation.from.id == user,
            delegation,
        });
    }
    Ok(views)
}

/// What the reader gave and got in a project, that is not over, for its page.
pub(crate) async fn shown_in(
    ctx: &OpCtx,
    tx: &mut dyn Tx,
    project: &Authorized<Project, may::See>,
    chain: &[EnvironmentView],
) -> Result<Vec<DelegationView>> {
    let Ok(user) = ctx.user() else {
        return Ok(Vec::new());
    };
    let now = ctx.now();
    let all = tx.delegations_of(user.id, now).await?;
    let here = all.into_iter().filter(|(at, _)| *at == project.id());
    let view = |(_, delegation): (ProjectId, Delegation)| {
        let named = |e: &&EnvironmentView| Some(e.environment.id) == delegation.environment;
        DelegationView {
            place: project.place(),
            environment: chain.iter().find(named).map(|e| e.environment.clone()),
            open: delegation.covers(now),
            mine: delegation.from.id == user.id,
            delegation,
        }
    };
    Ok(here.map(view).collect())
}
