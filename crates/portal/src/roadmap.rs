//! The roadmap: epics over time.

use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::Result;
use crate::table::day_of;
use slipway_domain::access::Action;
use slipway_domain::roadmap::Roadmap;

/// The most epics of a roadmap.
const EPICS: i64 = 200;

/// The project's epics that are not over, and those that are, by when they begin.
///
/// # Errors
/// As [`access::project`].
pub async fn view(ctx: &OpCtx, org: &str, project: &str) -> Result<Roadmap> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut rows = ctx.read().await?.roadmap(&project, EPICS).await?;
    rows.sort_by_key(|row| row.span().map_or((1, 0, 0), |(from, to)| (0, from, to)));
    Ok(Roadmap {
        place: project.place(),
        rows,
        today: day_of(ctx.now()),
        may_create: held.has(Action::ItemCreate),
    })
}
