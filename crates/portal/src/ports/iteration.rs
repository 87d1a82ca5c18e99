//! Iterations and the backlog.

use super::StoreResult;
use super::item::NewIteration;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{IterationId, UserId};
use slipway_domain::insight::{Deployed, Incident, IterationSpan, Step};
use slipway_domain::item::Card;
use slipway_domain::iteration::{BacklogCursor, BacklogFilter, IterationLine, IterationState};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;

/// How many numbers are looked up at once.
pub const CARDS_MOST: usize = 100;

/// Iterations, the backlog, and the log that charts are counted from.
#[async_trait]
pub trait IterationTx: Send {
    /// The iterations, the newest first, with what is planned for each; `open`: only those that are not closed.
    async fn iterations(
        &mut self,
        project: &Authorized<Project, See>,
        open: bool,
        limit: i64,
    ) -> StoreResult<Vec<IterationLine>>;
    /// The iteration of that number.
    async fn iteration_line(
        &mut self,
        project: &Authorized<Project, See>,
        number: i64,
    ) -> StoreResult<Option<IterationLine>>;
    /// The cards of the items of these numbers, by number; those that are deleted or never were are missing. At most
    /// [`CARDS_MOST`] numbers.
    async fn cards_numbered(
        &mut self,
        project: &Authorized<Project, See>,
        numbers: &[i64],
    ) -> StoreResult<Vec<Card>>;
    /// Who changed what charts are counted from, of the items that ever were in an iteration, from `from` up to and
    /// without `until`: the number of the item, when, who. In the order in which it happened.
    async fn who_stepped(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: IterationId,
        from: Timestamp,
        until: Timestamp,
    ) -> StoreResult<Vec<(i64, Timestamp, Option<PersonRef>)>>;
    /// When the iterations that were started ran, the oldest first.
    async fn iteration_spans(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<Vec<IterationSpan>>;
    /// Plans an iteration that is not started; its number.
    async fn plan_iteration(
        &mut self,
        project: &Authorized<Project, Modify>,
        iteration: &NewIteration,
    ) -> StoreResult<i64>;
    /// Changes what an iteration is called, what for, and its days. `Gone` where there is none.
    async fn update_iteration(
        &mut self,
        project: &Authorized<Project, Modify>,
        iteration: &NewIteration,
    ) -> StoreResult<()>;
    /// Starts or closes an iteration that stands at `was`. `Gone` where it does not; `Constraint` where another runs.
    async fn step_iteration(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: IterationId,
        was: IterationState,
        is: IterationState,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Plans what of an iteration is not over for another one, or for none, with a row in each item's history: how many
    /// items.
    async fn carry_over(
        &mut self,
        project: &Authorized<Project, Modify>,
        from: (IterationId, &str),
        to: Option<(IterationId, &str)>,
        by: Option<UserId>,
        at: Timestamp,
    ) -> StoreResult<u64>;
    /// A page of the backlog, by rank, from after `after`.
    async fn backlog_page(
        &mut self,
        project: &Authorized<Project, See>,
        filter: &BacklogFilter,
        after: Option<&BacklogCursor>,
        limit: i64,
    ) -> StoreResult<Vec<(Card, String)>>;
    /// The log of the project's items that charts are counted from, in order; with `iteration`, only of items that were
    /// ever planned for it.
    async fn steps(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
    ) -> StoreResult<Vec<Step>>;
    /// The deployments to production that ended at or after `from`, the oldest first.
    async fn deployed_since(
        &mut self,
        project: &Authorized<Project, See>,
        from: Timestamp,
    ) -> StoreResult<Vec<Deployed>>;
    /// The fatal and serious bugs that were found in production and reported at or after `from`.
    async fn incidents_since(
        &mut self,
        project: &Authorized<Project, See>,
        from: Timestamp,
    ) -> StoreResult<Vec<Incident>>;
}
