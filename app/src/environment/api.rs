//! Server functions about environments.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::comparison::EnvironmentHistory;
use slipway_domain::environment::EnvironmentList;
#[cfg(feature = "ssr")]
use slipway_domain::text::Text;

/// The chain of a project: where each environment runs and who approves.
#[server(name = ReadEnvironments, prefix = "/api/fn", endpoint = "environment/list", input = GetUrl)]
pub async fn read_environments(org: String, project: String) -> Result<EnvironmentList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::environment::list(&ctx, &org, &project).await?)
}

/// What was deployed to an environment, begun before `before` (µs), newest first.
#[server(name = ReadHistory, prefix = "/api/fn", endpoint = "environment/history", input = GetUrl)]
pub async fn read_history(
    org: String,
    project: String,
    environment: String,
    before: Option<i64>,
) -> Result<EnvironmentHistory, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::comparison::history(&ctx, &org, &project, &environment, before).await?)
}

/// Puts the chain into the order of `keys`, with the one of key `moved` one place `up` or down.
#[server(name = MoveEnvironment, prefix = "/api/fn", endpoint = "environment/move")]
pub async fn move_environment(
    org: String,
    project: String,
    keys: String,
    moved: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::environment::settings::shift(&ctx, &org, &project, &keys, &moved).await?)
}

/// Who could approve by rules that are not kept yet: the address of the page that shows it.
#[server(name = TryRules, prefix = "/api/fn", endpoint = "environment/try", input = GetUrl)]
pub async fn try_rules(
    org: String,
    project: String,
    environment: String,
    rules: String,
) -> Result<slipway_domain::environment::RulesPreview, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::environment::settings::preview(&ctx, &org, &project, &environment, &rules).await?)
}

/// Says where an environment runs, which branches go there by themselves, one a line, and whether approvers prove who
/// they are.
#[server(name = BindEnvironment, prefix = "/api/fn", endpoint = "environment/bind")]
pub async fn bind_environment(
    org: String,
    project: String,
    environment: String,
    version: i64,
    cluster: String,
    namespace: String,
    branches: String,
    step_up: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let cluster = match cluster.trim() {
        "" => None,
        id => Some(id.parse().map_err(|_| {
            slipway_portal::Error::field(
                "cluster",
                Text::new("choose one of the organization's clusters", "请选择组织内的集群"),
            )
        })?),
    };
    let lines = branches.lines().map(str::trim).filter(|line| !line.is_empty());
    let input = slipway_portal::environment::bind::Input {
        cluster,
        namespace,
        branches: lines.map(str::to_owned).collect(),
        step_up: step_up.unwrap_or_default(),
    };
    Ok(slipway_portal::environment::bind::bind(&ctx, &org, &project, &environment, version, input).await?)
}

/// Sets what an environment asks for beside approvals: hours one a line, soak in minutes.
#[server(name = SetGating, prefix = "/api/fn", endpoint = "environment/gating")]
pub async fn set_gating(
    org: String,
    project: String,
    environment: String,
    version: i64,
    hours: String,
    soak: String,
    queue: slipway_domain::environment::Queue,
    tests_needed: Option<bool>,
    #[server(default)] scans: Vec<String>,
    #[server(default)] worst: String,
    #[server(default)] findings_allowed: String,
    #[server(default)] signers: String,
    on_failure: Option<slipway_domain::environment::OnFailure>,
) -> Result<(), AppError> {
    use slipway_domain::environment::Gating;
    use slipway_domain::freeze::Hours;
    use slipway_domain::report::scan::{ScanKind, Severity};
    let ctx = crate::ctx()?;
    let wrong = |field: &str, text| slipway_portal::Error::field(field, text);
    let lines = hours.lines().map(str::trim).filter(|line| !line.is_empty());
    let hours = lines
        .map(Hours::parse)
        .collect::<Result<_, _>>()
        .map_err(|text| wrong("hours", text))?;
    let minutes: i64 = soak
        .trim()
        .parse()
        .map_err(|_| wrong("soak", Text::new("give a number of minutes", "请填写分钟数")))?;
    let findings_allowed = match findings_allowed.trim() {
        "" => 0,
        text => text.parse().map_err(|_| {
            wrong(
                "findings_allowed",
                Text::new("write a whole number", "请填写整数"),
            )
        })?,
    };
    let gating = Gating {
        scans_needed: ScanKind::ALL
            .into_iter()
            .filter(|kind| scans.iter().any(|key| key == kind.key()))
            .collect(),
        worst: Severity::ALL
            .into_iter()
            .find(|severity| severity.key() == worst.trim()),
        findings_allowed,
        signers: slipway_domain::signature::parse_keys(&signers).map_err(|text| wrong("signers", text))?,
        hours,
        soak: minutes.saturating_mul(slipway_domain::time::MINUTE),
        queue,
        tests_needed: tests_needed.unwrap_or_default(),
        on_failure: on_failure.unwrap_or_default(),
    };
    Ok(
        slipway_portal::environment::settings::set_gating(
            &ctx,
            &org,
            &project,
            &environment,
            version,
            gating,
        )
        .await?,
    )
}

/// Sets whom an environment asks: one rule a line, times in hours.
#[server(name = SetRules, prefix = "/api/fn", endpoint = "environment/rules")]
pub async fn set_rules(
    org: String,
    project: String,
    environment: String,
    version: i64,
    rules: String,
    ordered: Option<bool>,
    forbid_requester: Option<bool>,
    forbid_authors: Option<bool>,
    lifetime: String,
    validity: String,
) -> Result<(), AppError> {
    use slipway_domain::time::HOUR;
    let ctx = crate::ctx()?;
    let hours = |field: &str, text: &str| {
        let number = text.trim().parse::<i64>().map(|hours| hours.saturating_mul(HOUR));
        number.map_err(|_| {
            slipway_portal::Error::field(field, Text::new("give a number of hours", "请填写小时数"))
        })
    };
    let input = slipway_portal::environment::settings::RulesInput {
        lines: rules,
        ordered: ordered.unwrap_or_default(),
        forbid_requester: forbid_requester.unwrap_or_default(),
        forbid_authors: forbid_authors.unwrap_or_default(),
        lifetime: hours("lifetime", &lifetime)?,
        validity: hours("validity", &validity)?,
    };
    Ok(
        slipway_portal::environment::settings::set_rules(&ctx, &org, &project, &environment, version, &input)
            .await?,
    )
}

/// Takes an environment out of the chain.
#[server(name = RemoveEnvironment, prefix = "/api/fn", endpoint = "environment/remove")]
pub async fn remove_environment(
    org: String,
    project: String,
    environment: String,
    version: i64,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::environment::settings::remove(&ctx, &org, &project, &environment, version).await?)
}

/// Gives one's own approvals in a project to another, from now on for some days.
#[server(name = GiveApprovals, prefix = "/api/fn", endpoint = "delegation/give")]
pub async fn give_approvals(
    org: String,
    project: String,
    to: String,
    only: String,
    days: String,
    reason: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let days: i64 = days.trim().parse().map_err(|_| {
        slipway_portal::Error::field("days", Text::new("give a number of days", "请填写天数"))
    })?;
    let input = slipway_portal::delegation::Input {
        to,
        environment: only,
        starts_at: None,
        ends_at: ctx.now().plus(days.saturating_mul(slipway_domain::time::DAY)),
        reason,
    };
    match slipway_portal::delegation::give(&ctx, &org, &project, input).await {
        // The page asks for days, and has one environment field of another name.
        Err(slipway_portal::Error::Invalid(mut wrong)) => {
            for field in &mut wrong {
                match field.field.as_str() {
                    "ends_at" => field.field = String::from("days"),
                    "environment" => field.field = String::from("only"),
                    _ => {}
                }
            }
            Err(slipway_portal::Error::Invalid(wrong).into())
        }
        other => Ok(other.map(drop)?),
    }
}

/// Takes back what one gave.
#[server(name = TakeBack, prefix = "/api/fn", endpoint = "delegation/take_back")]
pub async fn take_back(delegation: slipway_domain::id::DelegationId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::delegation::take_back(&ctx, delegation).await?)
}
