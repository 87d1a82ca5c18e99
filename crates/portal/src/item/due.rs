//! Tells people what is due.

use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::notice::tell as notice;
use crate::table::day_of;
use slipway_domain::time::DAY;

/// How many items are told of in one transaction.
const BATCH: i64 = 50;

/// Tells each assignee, once, that an item of theirs is due tomorrow, and once that it is overdue. Days are those of UTC.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn remind(ctx: &OpCtx) -> Result<()> {
    let (today, tomorrow) = (day_of(ctx.now()), day_of(ctx.now().plus(DAY)));
    loop {
        let mut change = ctx.change().await?;
        let due = change.tx().items_due(&today, &tomorrow, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        for item in due {
            let late = item.due_on < today;
            match access::project_by_id::<may::See>(ctx, item.project).await {
                Ok(project) => notice::item_due(&mut change, &project, &item, late).await?,
                // It went meanwhile.
                Err(Error::NotFound) => {}
                Err(other) => return Err(other),
            }
            let told = format!("{}:{}", if late { "over" } else { "soon" }, item.due_on);
            change.tx().mark_due_told(item.id, &told).await?;
        }
        change.bookkeeping();
        change.commit().await?;
    }
}
