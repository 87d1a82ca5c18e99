//! What runs where: the lane of an app and the grid of a project, one row per stop by one query each.

use crate::access::app_ref;
use crate::connect::SqlTx;
use crate::environment::{observed, reference};
use crate::error::map;
use crate::row::{Columns, columns};
use slipway_domain::app::{Deployed, LanePromotion, LaneStop};
use slipway_domain::drift::Drift;
use slipway_domain::id::{EnvironmentId, PromotionId};
use slipway_domain::person::PersonRef;
use slipway_domain::project::GridRow;
use slipway_domain::promotion::PromotionState;
use slipway_portal::access::may::See;
use slipway_portal::access::{App, Authorized, Project};
use slipway_portal::ports::StoreResult;
use sqlx::query;
use std::collections::HashMap;

const LANE: &str = "SELECT e.id AS env_id, e.env_key, e.name AS env_name, e.tier, e.position, \
     s.deployment_id, s.release_id, s.deployed_at, s.commits_ahead, s.health, s.health_reason, s.ready, s.desired, \
     s.observed_at, s.drift, r.version, r.sha, u.id AS user_id, u.username, u.name AS user_name, \
     p.id AS promotion_id, p.state, p.reason, p.requested_at, o.version AS open_version, o.sha AS open_sha \
     FROM environments e \
     LEFT JOIN stops s ON s.environment_id = e.id AND s.app_id = $3 \
     LEFT JOIN releases r ON r.id = s.release_id \
     LEFT JOIN users u ON u.id = s.deployed_by \
     LEFT JOIN promotions p ON p.id = s.open_promotion_id \
     LEFT JOIN releases o ON o.id = p.release_id \
     WHERE e.org_id = $1 AND e.project_id = $2 AND e.removed_at IS NULL ORDER BY e.position, e.id";

const GRID: &str = "SELECT a.id AS app_id, a.slug AS app_slug, a.name AS app_name, a.archived_at AS app_archived_at, \
     e.id AS env_id, e.env_key, e.name AS env_name, e.tier, e.position, \
     s.deployment_id, s.release_id, s.deployed_at, s.commits_ahead, s.health, s.health_reason, s.ready, s.desired, \
     s.observed_at, s.drift, r.version, r.sha, u.id AS user_id, u.username, u.name AS user_name, \
     p.id AS promotion_id, p.state, p.reason, p.requested_at, o.version AS open_version, o.sha AS open_sha \
     FROM apps a \
     LEFT JOIN environments e ON e.project_id = a.project_id AND e.removed_at IS NULL \
     LEFT JOIN stops s ON s.environment_id = e.id AND s.app_id = a.id \
     LEFT JOIN releases r ON r.id = s.release_id \
     LEFT JOIN users u ON u.id = s.deployed_by \
     LEFT JOIN promotions p ON p.id = s.open_promotion_id \
     LEFT JOIN releases o ON o.id = p.release_id \
     WHERE a.org_id = $1 AND a.project_id = $2 ORDER BY a.name, a.id, e.position, e.id";

fn stop(c: Columns<'_>) -> StoreResult<LaneStop> {
    let current = match (c.opt_id("deployment_id")?, c.opt_id("release_id")?) {
        (Some(deployment), Some(release)) => {
            let by = match c.opt_id("user_id")? {
                Some(id) => Some(PersonRef {
                    id,
                    username: c.text("username")?,
                    name: c.text("user_name")?,
                }),
                None => None,
            };
            let (version, sha) = (c.text("version")?, c.text("sha")?);
            Some(Deployed {
                deployment,
                release,
                version,
                sha,
                at: c.time("deployed_at")?,
                by,
            })
        }
        _ => None,
    };
    let open = match c.opt_id("promotion_id")? {
        Some(id) => Some(LanePromotion {
            id,
            version: c.text("open_version")?,
            sha: c.text("open_sha")?,
            state: c.key("state", PromotionState::from_key)?,
            reason: c.opt_json("reason")?,
            waits_for: Vec::new(),
            since: Some(c.time("requested_at")?),
        }),
        None => None,
    };
    Ok(LaneStop {
        environment: reference(c)?,
        current,
        open,
        observed: observed(c)?,
        commits_ahead: c.opt_int("commits_ahead")?,
        drift: c.opt_json::<Drift>("drift")?.and_then(|drift| drift.brief()),
    })
}

/// Whose turn it is at the open promotions of a project, or of one app of it.
const TURNS: &str = "SELECT p.id AS promotion_id, u.id AS user_id, u.username, u.name AS user_name \
     FROM promotions p \
     JOIN promotion_turns t ON t.promotion_id = p.id \
     JOIN users u ON u.id = t.user_id \
     WHERE p.org_id = $1 AND p.project_id = $2 AND ($3 = '' OR p.app_id = $3) \
     ORDER BY u.name, u.id";

/// Says of what is on its way for whom it waits.
async fn with_turns<'a>(
    tx: &mut SqlTx,
    (org, project, app): (String, String, String),
    stops: impl Iterator<Item = &'a mut LaneStop>,
) -> StoreResult<()> {
    let mut open: HashMap<PromotionId, &mut LanePromotion> = stops
        .filter_map(|stop| stop.open.as_mut())
        .filter(|open| open.state.is_pending())
        .map(|open| (open.id, open))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let rows = query(TURNS)
        .bind(org)
        .bind(project)
        .bind(app)
        .fetch_all(tx.conn())
        .await
        .map_err(map)?;
    for row in &rows {
        let c = columns("promotion_turns", row);
        if let Some(open) = open.get_mut(&c.id("promotion_id")?) {
            open.waits_for.push(PersonRef {
                id: c.id("user_id")?,
                username: c.text("username")?,
                name: c.text("user_name")?,
            });
        }
    }
    Ok(())
}

/// The stops of an app, in chain order.
pub(crate) async fn lane(tx: &mut SqlTx, app: &Authorized<App, See>) -> StoreResult<Vec<LaneStop>> {
    let rows = query(LANE)
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(app.id().to_string())
        .fetch_all(tx.conn())
        .await
        .map_err(map)?;
    let mut stops = rows
        .iter()
        .map(|row| stop(columns("stops", row)))
        .collect::<StoreResult<Vec<_>>>()?;
    let of = (
        app.org_id().to_string(),
        app.project_id().to_string(),
        app.id().to_string(),
    );
    with_turns(tx, of, stops.iter_mut()).await?;
    Ok(stops)
}

/// Every app of a project with its stops, by name.
pub(crate) async fn grid(tx: &mut SqlTx, project: &Authorized<Project, See>) -> StoreResult<Vec<GridRow>> {
    let rows = query(GRID)
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(tx.conn())
        .await
        .map_err(map)?;
    let mut grid: Vec<GridRow> = Vec::new();
    for row in &rows {
        let c = columns("stops", row);
        let id = c.id("app_id")?;
        if grid.last().is_none_or(|last| last.app.id != id) {
            grid.push(GridRow {
                app: app_ref(c)?,
                stops: Vec::new(),
            });
        }
        // A project without environments still has its apps.
        if c.opt_id::<EnvironmentId>("env_id")?.is_some()
            && let Some(last) = grid.last_mut()
        {
            last.stops.push(stop(c)?);
        }
    }
    let of = (
        project.org_id().to_string(),
        project.id().to_string(),
        String::new(),
    );
    with_turns(tx, of, grid.iter_mut().flat_map(|row| &mut row.stops)).await?;
    Ok(grid)
}
