//! Breaking glass.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::break_glass::{BreakGlass, Review};
use slipway_domain::id::{BreakGlassId, PromotionId};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{BreakGlassTx, StoreResult};
use sqlx::query;

fn person(
    c: Columns<'_>,
    id: &'static str,
    username: &'static str,
    name: &'static str,
) -> StoreResult<Option<PersonRef>> {
    Ok(match c.opt_id(id)? {
        Some(id) => Some(PersonRef {
            id,
            username: c.text(username)?,
            name: c.text(name)?,
        }),
        None => None,
    })
}

fn glass(c: Columns<'_>) -> StoreResult<BreakGlass> {
    let second = match (
        person(c, "second_id", "second_username", "second_name")?,
        c.opt_time("second_at")?,
    ) {
        (Some(who), Some(at)) => Some((who, at)),
        _ => None,
    };
    let review = match (
        person(c, "reviewed_by", "reviewer_username", "reviewer_name")?,
        c.opt_time("reviewed_at")?,
    ) {
        (Some(by), Some(at)) => Some(Review {
            by,
            at,
            words: c.opt_text("review")?.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(BreakGlass {
        id: c.id("id")?,
        by: PersonRef {
            id: c.id("user_id")?,
            username: c.text("username")?,
            name: c.text("name")?,
        },
        reason: c.text("reason")?,
        incident: c.text("incident")?,
        gates: c.json("gates")?,
        at: c.time("at")?,
        second,
        used_at: c.opt_time("used_at")?,
        review,
    })
}

#[async_trait]
impl BreakGlassTx for SqlTx {
    async fn insert_glass(
        &mut self,
        app: &Authorized<App, Modify>,
        promotion: PromotionId,
        glass: &BreakGlass,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO break_glasses (id, org_id, app_id, promotion_id, user_id, reason, incident, gates, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(glass.id.to_string())
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(promotion.to_string())
        .bind(glass.by.id.to_string())
        .bind(&glass.reason)
        .bind(&glass.incident)
        .bind(document(&glass.gates)?)
        .bind(glass.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_glass(
        &mut self,
        app: &Authorized<App, Modify>,
        was: &BreakGlass,
        glass: &BreakGlass,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE break_glasses SET second_id = $4, second_at = $5, used_at = $6, reviewed_by = $7, reviewed_at = $8, \
             review = $9 WHERE org_id = $1 AND app_id = $2 AND id = $3 AND COALESCE(second_at, 0) = $10 \
             AND COALESCE(used_at, 0) = $11 AND COALESCE(reviewed_at, 0) = $12",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(glass.id.to_string())
        .bind(glass.second.as_ref().map(|(who, _)| who.id.to_string()))
        .bind(glass.second.as_ref().map(|(_, at)| at.micros()))
        .bind(glass.used_at.map(Timestamp::micros))
        .bind(glass.review.as_ref().map(|review| review.by.id.to_string()))
        .bind(glass.review.as_ref().map(|review| review.at.micros()))
        .bind(glass.review.as_ref().map(|review| review.words.clone()))
        .bind(was.second.as_ref().map_or(0, |(_, at)| at.micros()))
        .bind(was.used_at.map_or(0, Timestamp::micros))
        .bind(was.review.as_ref().map_or(0, |review| review.at.micros()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn glasses(
        &mut self,
        app: &Authorized<App, See>,
        promotion: PromotionId,
    ) -> StoreResult<Vec<BreakGlass>> {
        let rows = query(
            "SELECT g.*, u.username, u.name, s.username AS second_username, s.name AS second_name, \
             r.username AS reviewer_username, r.name AS reviewer_name FROM break_glasses g \
             JOIN users u ON u.id = g.user_id LEFT JOIN users s ON s.id = g.second_id \
             LEFT JOIN users r ON r.id = g.reviewed_by \
             WHERE g.org_id = $1 AND g.app_id = $2 AND g.promotion_id = $3 ORDER BY g.at, g.id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(promotion.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| glass(columns("break_glasses", row)))
            .collect()
    }

    async fn promotion_of_glass(&mut self, id: BreakGlassId) -> StoreResult<Option<PromotionId>> {
        let row = query("SELECT id, promotion_id FROM break_glasses WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| columns("break_glasses", &row).id("promotion_id"))
            .transpose()
    }
}
